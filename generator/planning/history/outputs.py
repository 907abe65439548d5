"""Which files are greenroom's own."""

from __future__ import annotations

import hashlib
import os.path
from pathlib import Path
from typing import TYPE_CHECKING

from generator.problems.diagnostic import Diagnostic, Location, Severity
from generator.problems.paths import shown
from generator.settings.target_keys import target_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from generator.planning.history.record import Lock
    from generator.problems.diagnostic import Diagnostics


def owner(previous: Lock | None, lock: Path, left: Collection[Path] = ()) -> Callable[[Path], bool]:
    """A function that says whether greenroom generated a file: the lock file at ``lock``, one ``previous`` lists, or one
    that a run that was killed has ``left``."""
    own = {_normal(lock.parent / name) for listed in previous.files.values() for name in listed} if previous else set()
    if previous:
        own.add(_normal(lock))
    own.update(map(_normal, left))
    return lambda path: _normal(path) in own


def files_to_delete(
    previous: Lock | None,
    lock: Path,
    files: Mapping[str, Mapping[str, bytes]],
    folders: Mapping[str, Path],
    left: Collection[Path],
    diagnostics: Diagnostics,
) -> list[Path]:
    """The files an earlier run generated for the rendered targets and this one does not, sorted.

    A file is deleted only while it is what greenroom wrote. One that was changed by hand since, or that a lock file from
    elsewhere names outside the output folders, stays where it is, with a warning (GR515).

    Args:
        previous: the lock file as it was read.
        lock: its path.
        files: the rendered targets with their files, by path relative to the lock file's folder.
        folders: where each rendered target goes now.
        left: what a run that was killed wrote, and the lock file may not know.
        diagnostics: takes the warnings.
    """
    kept = {_normal(lock.parent / name) for contents in files.values() for name in contents}
    ours = {_normal(path): path for path in left if _normal(path) not in {*kept, _normal(lock)}}
    inside = [_normal(folder) for folder in folders.values()]
    found = {path for there, path in ours.items() if any(there.is_relative_to(folder) for folder in inside)}
    for target in sorted(files):
        for name, digest in sorted((previous.files.get(target, {}) if previous else {}).items()):
            path = _normal(lock.parent / name)
            if path in kept or not path.is_file() or path.is_symlink():
                continue
            is_inside = any(path.is_relative_to(_normal(folder)) for folder in (lock.parent, folders[target]))
            try:
                unchanged = path in ours or hashlib.sha256(path.read_bytes()).hexdigest() == digest
            except OSError:
                unchanged = False
            if is_inside and unchanged:
                found.add(lock.parent / name)
                continue
            what = "was changed by hand since" if is_inside else "lies outside the output folder"
            diagnostics.warning(
                "GR515",
                f"{lock.parent / name} is no longer generated, but it {what}; it stays where it is",
                Location(str(lock.parent / name)),
                hint="delete it yourself once you need it no more",
            )
    return sorted(found)


def report_left_behind(previous: Lock | None, lock: Path, targets: Collection[str], diagnostics: Diagnostics) -> None:
    """Tell of every target whose files an earlier run generated and this one does not (GR560)."""
    for target, listed in sorted(previous.files.items() if previous else ()):
        there = [lock.parent / name for name in sorted(listed) if (lock.parent / name).is_file()]
        if target in targets or not there:
            continue
        folder = Path(os.path.commonpath(there))
        place = folder if len(there) > 1 else there[0]
        what = (
            f"{shown(place)} was generated earlier, and this run does not have the target {target}: nothing there is "
            "kept up to date, or checked"
        )
        key = target_key(target)
        hint = f"add {key} to targets, or run with --target {target}; if nobody applies it any more, delete it"
        diagnostics.add(Diagnostic("GR560", Severity.INFO, what, Location(str(place)), f"targets.{key}", hint))


def _normal(path: Path) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - a link in the path stays what it is
