"""Which files Backstage reads."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from generator.documents.javascript import trim

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_URL = re.compile(r"\s*(?:(?:https?|ftp|wss?):[\\/]*[^\\/?#\s]|[a-z][a-z0-9+.-]*://[^/?#\s])", re.IGNORECASE)
_PRODUCTION = re.compile(r"(?:^|[._-])prod(?:uction)?(?:[._-]|$)", re.IGNORECASE)


def config_files(root: str | os.PathLike[str], config: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The absolute paths of the config files, in the order in which a later one overrules an earlier one.

    ``config`` (``--config``, relative to the working directory) replaces the lookup in ``root``: ``app-config.yaml`` (which
    has to exist), ``app-config.<env>.yaml``, ``app-config.local.yaml`` and ``app-config.<env>.local.yaml`` for each name in
    the comma-separated ``BACKSTAGE_ENV``.
    """
    if config:
        return [os.path.abspath(target) for target in config]  # noqa: PTH100 - links stay as they are written
    folder = os.path.abspath(root)  # noqa: PTH100
    names = [name for part in environ.get("BACKSTAGE_ENV", "").split(",") if (name := trim(part))]
    candidates = [
        *(f"app-config.{name}.yaml" for name in names),
        "app-config.local.yaml",
        *(f"app-config.{name}.local.yaml" for name in names),
    ]
    paths = [os.path.normpath(os.path.join(folder, name)) for name in candidates]  # noqa: PTH118
    return [os.path.join(folder, "app-config.yaml"), *(path for path in paths if os.path.exists(path))]  # noqa: PTH110, PTH118


def is_url(target: str) -> bool:
    """Whether Backstage takes this ``--config`` value for a URL (one with a host)."""
    return bool(_URL.match(target))


def is_for_production(name: str) -> bool:
    """Whether a file is called after production."""
    return _PRODUCTION.search(name) is not None
