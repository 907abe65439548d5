"""What a run would do to the files on disk: the same bytes for writing, ``--check`` and ``--diff``."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from generator.documents.files import ReadError, read_bytes
from generator.output.changes import changes, unified_diff
from generator.output.entrance import ENTRANCE
from generator.output.write.unfinished import NOTE, is_unfinished, read_unfinished
from generator.planning.history import files_to_delete, owner, write_lock
from generator.problems.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from generator.output.changes import Change
    from generator.output.layout import Layout
    from generator.planning.history import Past
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import Artifact


_LARGEST = 1 << 30  # what greenroom generates is much smaller, and what is not is another file


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """Every file of a run with its content, the files to delete, and what is there now.

    ``changes`` say by plugin what differs from what was generated before; ``owned`` says whether greenroom generated a file.
    ``past`` is what was generated before.
    """

    layout: Layout
    plan: Plan
    files: Mapping[Path, bytes]
    delete: Sequence[Path]
    owned: Callable[[Path], bool]
    changes: Sequence[Change]
    past: Past

    @cached_property
    def current(self) -> dict[Path, bytes | None]:
        """What is on disk now under the names of the run; ``None`` where nothing readable is."""
        return {path: _read(path) for path in (*self.files, *self.delete)}

    @cached_property
    def changed(self) -> list[Path]:
        """The files that would be written or deleted, sorted."""
        written = [path for path, data in self.files.items() if self.current[path] != data]
        return sorted([*written, *self.delete])

    def diff(self) -> str:
        """A unified diff from what is on disk to what would be."""
        before = {_shown(path): _text(self.current[path]) for path in self.changed}
        after = {_shown(path): _text(self.files.get(path)) for path in self.changed}
        return unified_diff(before, after)


def collect(
    layout: Layout,
    plan: Plan,
    past: Past,
    artifacts: Mapping[str, Sequence[Artifact]],
    diagnostics: Diagnostics,
    entrance: Sequence[Artifact] = (),
) -> Rendering:
    """The rendering of ``artifacts`` (by target), with the lock file that records it.

    ``entrance`` is for the folder of the lock file, unless a file of the user's has the name.
    """
    previous = past.lock
    by_target: dict[str, dict[str, bytes]] = {}
    files: dict[Path, bytes] = {}
    for target, rendered in sorted(artifacts.items()):
        listed = by_target.setdefault(target, {})
        for artifact in rendered:
            path = layout.file(target, artifact.path)
            data = artifact.text.encode()
            if path in files or path in (layout.lock, layout.base / NOTE):
                diagnostics.error(
                    "GR551",
                    f"the target {target} and {'the lock file' if path not in files else 'another one'} are to write "
                    f"the same file: {shown(path)}",
                    path="targets",
                    hint="give each target a path of its own in greenroom.yaml",
                )
            files[path] = data
            listed[Path(os.path.relpath(path, layout.base)).as_posix()] = data
    unfinished = read_unfinished(layout.base)
    left = [path for path in unfinished if is_unfinished(path, unfinished)]
    owned = owner(previous, layout.lock, left)
    for artifact in entrance:
        path = layout.base / artifact.path
        if path not in files and (owned(path) or not os.path.lexists(path)):
            files[path] = by_target.setdefault(ENTRANCE, {})[artifact.path] = artifact.text.encode()
    # With all targets at hand, what a killed run left anywhere in the folder is known.
    folders = {**layout.targets, **({ENTRANCE: layout.base} if ENTRANCE in by_target else {})}
    # Where there is nothing and never was, a lock file would only look like a success.
    if files or plan.plugins or plan.retired or previous is not None:
        files[layout.lock] = write_lock(plan, by_target, previous=previous)
    return Rendering(
        layout=layout,
        plan=plan,
        files=files,
        delete=files_to_delete(previous, layout.lock, by_target, folders, left, diagnostics),
        owned=owned,
        changes=changes(plan, past),
        past=past,
    )


def _read(path: Path) -> bytes | None:
    try:
        return read_bytes(str(path), _LARGEST)
    except ReadError:
        return None


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="replace")


def _shown(path: Path) -> str:
    """A path for a diff: relative to the working directory where it lies below it."""
    relative = os.path.relpath(path)
    return path.as_posix() if relative.startswith("..") else Path(relative).as_posix()
