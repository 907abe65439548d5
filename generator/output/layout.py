"""Where generated files go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.settings.read import FILE_NAME
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.settings.model import Settings

LOCK_NAME: Final = "greenroom.lock.json"
DEFAULT_OUT: Final = "infra"


class Layout(NamedTuple):
    """The folder of the lock file, and for each target to render where it goes.

    A target that writes a folder has that folder as its path, one that writes a single file that file.
    """

    base: Path
    targets: Mapping[str, Path]

    @property
    def lock(self) -> Path:
        """The lock file."""
        return self.base / LOCK_NAME

    @property
    def app_config(self) -> Path | None:
        """The file for Backstage to read last, where a run makes one: output of greenroom, never its input."""
        return next((path for name, path in self.targets.items() if TARGETS[name].is_app_config), None)

    @property
    def stack_plugins(self) -> int | None:
        """How many plugins go into one stack, where a target divides them into stacks."""
        return next((size for name in self.targets if (size := TARGETS[name].stack_plugins) is not None), None)

    def file(self, target: str, artifact: str) -> Path:
        """Where ``artifact`` of ``target`` goes."""
        path = self.targets[target]
        return path if TARGETS[target].is_single_file else path.joinpath(*artifact.split("/"))


def make_layout(settings: Settings, *, out: Path | None, only: Sequence[str] = ()) -> Layout:
    """The layout of a run.

    With ``targets`` in the settings and no ``--out``: their paths, the lock beside the settings. Otherwise the default
    layout below ``out`` (``infra`` beside the settings). A lock file that is there stays where it is, whatever the settings
    come to say about targets. ``only`` (``--target``) picks from all targets there are.

    One of several environments of a file has a folder of its own, below ``out`` too: there is its lock file, and each target
    without a path.
    """
    wanted = list(only) or list(settings.targets) or [name for name, entry in TARGETS.items() if entry.by_default]
    folder = settings.folder
    if settings.environments:
        base = out / settings.environment if out is not None else folder / environment_folder(settings)
        return Layout(base, _paths(settings, wanted, base, configured=out is None))
    # Settings of another name are those of another environment: what is there is not theirs.
    is_usual = settings.path is None or Path(settings.path).name == FILE_NAME
    in_place = bool(settings.targets)
    beside = _is_beside(folder, in_place) if is_usual else in_place
    base = out or (folder if beside else folder / DEFAULT_OUT)
    default = base if out is not None or settings.targets else folder / DEFAULT_OUT
    return Layout(base, _paths(settings, wanted, default, configured=out is None))


def environment_folder(settings: Settings) -> str:
    """The folder of one of several environments, relative to the settings: ``infra/staging``, where they say nothing."""
    return settings.out or f"{DEFAULT_OUT}/{settings.environment}"


def _paths(settings: Settings, wanted: Sequence[str], default: Path, *, configured: bool) -> dict[str, Path]:
    """Where each target goes: where the settings say it (as far as they are asked), else below ``default``."""
    written = settings.targets if configured else {}
    return {
        name: settings.folder / path
        if (path := written.get(name))
        else default / TARGETS[name].path_for(settings.target_options.get(name, {}))
        for name in sorted(set(wanted))
    }


def _is_beside(folder: Path, in_place: bool) -> bool:
    """Whether the lock file is in ``folder``, beside the settings; ``in_place``: that is where a first run puts it.

    A lock file that was deleted (a revert, an older branch) is one that Git remembers where it was.
    """
    beside, usual = folder / LOCK_NAME, folder / DEFAULT_OUT / LOCK_NAME
    if beside.exists() != usual.exists():
        return beside.exists()
    if not in_place or beside.exists():
        return in_place
    from generator.planning.history.git import was_committed

    return was_committed(beside) or not was_committed(usual)
