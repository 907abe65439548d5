"""What a run is writing, noted beside the lock file while it does. It is there afterwards only if the run was killed.

The lock file is written last, so after a kill it does not know all that was generated. The next run knows by this note:
what it names, and has the content that the killed run gave it, is greenroom's.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.planning.history import digest_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NOTE: Final = ".greenroom-unfinished.json"

Unfinished = dict[Path, frozenset[str]]
"""By path the digests (:func:`.digest_of`) of what runs that did not end were writing there; none where they removed it."""


def read_unfinished(base: Path) -> Unfinished:
    """The note in ``base``; nothing where there is none, or none that a run wrote.

    It may have come with a repository, so a path outside ``base`` is left out.
    """
    try:
        if not stat.S_ISREG((base / NOTE).lstat().st_mode):
            return {}
        noted = json.loads((base / NOTE).read_bytes())["files"].items()
        return {base / name: frozenset(map(str, digests)) for name, digests in noted if _is_name(name)}
    except (OSError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return {}


def _is_name(name: str) -> bool:
    """Whether a run can have noted ``name``."""
    path = Path(name)
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return "\0" not in name and not path.is_absolute() and ".." not in path.parts


def note(base: Path, files: Mapping[Path, bytes | None], before: Unfinished) -> None:
    """Say in ``base`` that ``files`` are being written (``None``: removed), in addition to what the note said ``before``.

    Raises:
        OSError: it cannot be written, and says what it said before.
    """
    found = {path: {*digests} for path, digests in before.items()}
    for path, data in files.items():
        found.setdefault(path, set()).update([] if data is None else [digest_of(data)])
    keep(base, found)


def keep(base: Path, files: Mapping[Path, Iterable[str]]) -> None:
    """Have the note say ``files`` and no more; without any, there is no note."""
    listed = {Path(os.path.relpath(path, base)).as_posix(): sorted(digests) for path, digests in files.items()}
    made = base / f"{NOTE}.new"
    with suppress(FileNotFoundError):
        made.unlink()
    if not listed:
        with suppress(FileNotFoundError):
            (base / NOTE).unlink()
        return
    try:
        with made.open("xb") as file:
            file.write(json.dumps({"files": listed}, indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        made.replace(base / NOTE)
    except OSError:
        with suppress(OSError):
            made.unlink()
        raise


def is_unfinished(path: Path, unfinished: Unfinished) -> bool:
    """Whether the file at ``path`` is what a run that did not end put there."""
    digests = unfinished.get(path)
    if not digests:
        return False
    try:
        return stat.S_ISREG(path.lstat().st_mode) and digest_of(path.read_bytes()) in digests
    except OSError:
        return False
