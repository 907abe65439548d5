"""Where a repository says that it is one, known without reading it."""

from __future__ import annotations

import os.path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: Where the list of dynamic plugins lies in a repository: at the root, as in the image, or as the local set-up has it.
LISTS: Final = (
    "dynamic-plugins.override.yaml",
    "dynamic-plugins.yaml",
    "configs/dynamic-plugins/dynamic-plugins.override.yaml",
    "configs/dynamic-plugins/dynamic-plugins.yaml",
    "config/dynamic-plugins.yaml",
)


def may_be_repository(root: Path) -> bool:
    """Whether there is anything at ``root`` to look for plugins in: ``False`` is certain and costs no import."""
    return any(os.path.isfile(os.path.join(root, name)) for name in ("package.json", *LISTS))  # noqa: PTH113, PTH118
