"""A journal of another run may move files where this run writes, and nowhere else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.output.write import journal

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def outside(home: str, folders: Collection[Path]) -> journal.Outcome | None:
    """``stuck``, if the journal in ``home`` names a path outside its own folder and ``folders`` (absolute); else ``None``.

    What else is wrong with the journal is said when it is carried out.
    """
    own = os.path.dirname(home)  # noqa: PTH120
    inside = [own, *map(str, folders)]
    try:
        steps = journal.read_journal(home) if os.path.isdir(home) else None  # noqa: PTH112
    except OSError:
        return None
    for step in steps or ():
        target = os.path.normpath(os.path.join(own, step.target))  # noqa: PTH118
        made = step.kind in (journal.FOLDER, journal.EMPTY)  # folders above the output are made as well
        if not any(_is_in(target, folder) or (made and _is_in(folder, target)) for folder in inside):
            return journal.Outcome("stuck", target, "this run does not write there")
    return None


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
