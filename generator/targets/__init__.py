"""The targets there are. A new one is a new module and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, cast

if TYPE_CHECKING:
    from generator.targets.base import Target


class TargetEntry(NamedTuple):
    """One line of the mapping: where the target's code is, and where its output goes below ``--out``.

    ``is_single_file``: the target writes one file, and its path is that file.
    """

    module: str
    default_path: str
    is_single_file: bool = False

    def load(self) -> Target:
        """The target (its module's ``TARGET``), imported now."""
        return cast("Target", import_module(self.module).TARGET)


TARGETS: Final = {
    "terraform": TargetEntry("generator.targets.terraform", "terraform"),
    "cloudformation": TargetEntry("generator.targets.cloudformation", "cloudformation"),
    "sql": TargetEntry("generator.targets.sql", "sql"),
    "app-config": TargetEntry("generator.targets.fragment", "app-config.databases.yaml", is_single_file=True),
}
