"""Where generated files go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from generator.settings.model import Settings

LOCK_NAME: Final = "greenroom.lock.json"
DEFAULT_OUT: Final = "infra"
DEFAULT_TARGETS: Final = ("terraform", "sql", "app-config")


class Layout(NamedTuple):
    """The folder of the lock file, and for each target to render where it goes.

    A target that writes a folder has that folder as its path, the app-config target its one file.
    """

    base: Path
    targets: Mapping[str, Path]

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.base / LOCK_NAME

    def file(self, target: str, artifact: str) -> Path:
        """Where ``artifact`` of ``target`` goes."""
        path = self.targets[target]
        return path if TARGETS[target].is_single_file else path.joinpath(*artifact.split("/"))


def make_layout(settings: Settings, *, out: Path | None, only: Sequence[str] = ()) -> Layout:
    """The layout of a run.

    With ``targets`` in the settings and no ``--out``: their paths, the lock beside the settings. Otherwise the default
    layout below ``out`` (``infra`` in the root). ``only`` (``--target``) picks from all targets there are.
    """
    wanted = list(only) or list(settings.targets) or list(DEFAULT_TARGETS)
    in_place = out is None and bool(settings.targets)
    base = settings.folder if in_place else out or settings.folder / DEFAULT_OUT
    paths: dict[str, Path] = {}
    for name in sorted(set(wanted)):
        configured = settings.targets.get(name) if in_place else None
        paths[name] = base / (configured or TARGETS[name].default_path)
    return Layout(base=base, targets=paths)
