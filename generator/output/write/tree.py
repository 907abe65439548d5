"""Write a set of files: looked at and prepared first, then replaced one by one, the lock file last.

Nothing is touched while there is an obstacle. A run that was killed leaves each file old or new, and a note by which the
next run finishes the work (``unfinished.py``); see ``docs/adr/0020-writes-that-heal.md``.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.output.write.obstacles import changed_since, common_folder, find_changes, nearest_folder
from generator.output.write.unfinished import NOTE, is_unfinished, keep, note, read_unfinished
from generator.planning.history import digest_of
from generator.problems.diagnostic import Diagnostics, GreenroomError, Location
from generator.problems.paths import shown

try:
    import fcntl
except ImportError:  # Windows: runs do not wait for each other, and `read` tells when one knew more than the other
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from generator.output.write.obstacles import Change

_NOTHING: Final[Mapping[Path, str | None]] = MappingProxyType({})

LOCK_SECONDS = 10.0
"""How long a run waits for another one on the same tree. Writing takes milliseconds."""


class WriteResult(NamedTuple):
    """What :func:`write_tree` did, each sorted."""

    written: tuple[Path, ...] = ()
    deleted: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()


def write_tree(
    files: Mapping[Path, bytes],
    delete: Collection[Path] = (),
    *,
    owned: Callable[[Path], bool],
    folder: Path,
    lock: Path | None = None,
    read: Mapping[Path, str | None] = _NOTHING,
) -> WriteResult:
    """Make every file of ``files`` have its content and every file of ``delete`` be gone.

    Paths may be relative to the working directory. ``owned`` says whether greenroom generated the file that is there; it is
    asked for files that would change only, with the path as given. Files keep their mode and owner, new ones get 0666 less
    the umask; files that have their content already are not touched. Runs exclude each other by ``folder``. ``lock`` is the
    lock file in it, which lists the others: it is written last, with a note beside it as long as it is not.

    ``read`` are files that the content was made from, with the digest they had (``None`` where there was no file). Nothing
    is written where one of them has changed since (GR508): another run knew what this one does not.

    Raises:
        GreenroomError: every obstacle, or the one failure. Nothing was changed, unless it says how many files were.
    """
    paths = {absolute(path): path for path in (*delete, *files)}
    contents = {absolute(path): data for path, data in files.items()}
    if not paths:
        return WriteResult()
    diagnostics, base, common = Diagnostics(), absolute(folder), common_folder(paths)
    with ExitStack() as locks:
        try:
            locks.enter_context(_locked(nearest_folder(base)))
            changes = _look(files, delete, owned, base if lock is not None else None, read, diagnostics)
            if diagnostics.has_errors:
                raise GreenroomError(diagnostics)
            ordered = sorted(changes, key=lambda change: (lock is not None and change.path == absolute(lock), change.path))
            writing = _Writing(ordered, base, noted=lock is not None)
            writing.prepare(locks)
        except OSError as error:  # before anything was replaced
            what = f"nothing was written to {shown(common)}: {error.strerror}"
            raise _failure("GR505", common, what, _SPACE_HINT) from error
        writing.carry_out(common)
        writing.settle({*paths})
    written = {change.path for change in changes if change.data is not None}
    return WriteResult(
        tuple(sorted(paths[path] for path in written)),
        tuple(sorted(paths[change.path] for change in changes if change.data is None)),
        tuple(sorted(paths[path] for path in contents.keys() - written)),
    )


def find_obstacles(
    files: Mapping[Path, bytes],
    delete: Collection[Path] = (),
    *,
    owned: Callable[[Path], bool],
    folder: Path,
    read: Mapping[Path, str | None] = _NOTHING,
) -> Diagnostics:
    """What would stop :func:`write_tree` from writing this to a ``folder`` with a lock file; nothing is touched."""
    diagnostics = Diagnostics()
    if files or delete:
        _look(files, delete, owned, absolute(folder), read, diagnostics)
    return diagnostics


def _look(
    files: Mapping[Path, bytes],
    delete: Collection[Path],
    owned: Callable[[Path], bool],
    noted: Path | None,
    read: Mapping[Path, str | None],
    diagnostics: Diagnostics,
) -> list[Change]:
    """The changes to make; what is in their way is an error. ``noted``: the folder where they are noted."""
    paths = {absolute(path): path for path in (*delete, *files)}
    contents = {absolute(path): data for path, data in files.items()}
    for path in changed_since(read, files):
        what = f"nothing was written: {shown(path)} has changed since it was read"
        diagnostics.error("GR508", what, Location(shown(path)), hint=_CHANGED_HINT)
        return []
    changes = find_changes(contents, paths.keys() - contents.keys(), lambda path: owned(paths[path]), diagnostics)
    if noted is not None and os.path.lexists(noted / NOTE) and not (noted / NOTE).is_file():
        place = shown(noted / NOTE)
        diagnostics.error("GR507", f"{place} is not a plain file", Location(place), hint=_NOTE_HINT)
    return changes


def absolute(path: Path) -> Path:
    """``path`` from the root, links unresolved: a link in it is the user's choice or an obstacle, never followed unseen."""
    return Path(os.path.abspath(path))  # noqa: PTH100


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of ``folder``, as far as the system and the file system can lock folders."""
    descriptor = _open_folder(folder) if fcntl else None
    try:
        deadline = time.monotonic() + LOCK_SECONDS
        while descriptor is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise _failure("GR506", folder, "another greenroom run is writing here", _BUSY_HINT) from None
                time.sleep(0.02)
            except OSError:  # a network file system without locks
                break
        yield
    finally:
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)


def _open_folder(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None  # what is wrong with it is found when its files are looked at


class _Writing:
    """The changes of one run, in the order they are made, and where wanted ``noted`` in ``base``."""

    def __init__(self, changes: Sequence[Change], base: Path, *, noted: bool) -> None:
        self.changes, self.base, self.noted = changes, base, noted
        self.before = read_unfinished(base) if noted else {}
        self.made: list[Path] = []

    def prepare(self, locks: ExitStack) -> None:
        """Put everything new beside what it replaces. Where that fails, everything is as it was."""
        if not self.changes:
            return
        written = [change.path for change in self.changes if change.data is not None]
        try:
            for folder in sorted({self.base, *(path.parent for path in written)}):
                for missing in reversed([parent for parent in (folder, *folder.parents) if not os.path.lexists(parent)]):
                    missing.mkdir()
                    self.made.append(missing)
            if self.base in self.made:
                locks.enter_context(_locked(self.base))  # a run that came when it was just there may have it
            if self.noted:
                note(self.base, {change.path: change.data for change in self.changes}, self.before)
            for change in self.changes:
                if change.data is not None:
                    _stage(change, change.data)
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        self._clean_up()
        if self.noted:
            with suppress(OSError):
                keep(self.base, self.before)
        for folder in reversed(self.made):
            with suppress(OSError):
                folder.rmdir()

    def carry_out(self, top: Path) -> None:
        """Make every change, and remove the folders below ``top`` that are empty then."""
        done = 0
        try:
            for change in self.changes:
                _replace(change)
                done += 1
        except OSError as error:
            if not done:
                self._take_back()
            count = f"{done} of {len(self.changes)} files were written, then" if done else "nothing was written:"
            hint = _HALF_HINT if done else _SPACE_HINT
            raise _failure("GR505", change.path, f"{count} {shown(change.path)}: {error.strerror}", hint) from error
        finally:
            self._clean_up()
        for folder in {change.path.parent for change in self.changes}:
            _sync_folder(folder)
        emptied = {path.parent for path in (*self.before, *(change.path for change in self.changes if change.data is None))}
        for folder in sorted({up for one in emptied for up in (one, *one.parents)}, key=lambda path: -len(path.parts)):
            if folder != top and folder.is_relative_to(top):
                with suppress(OSError):
                    folder.rmdir()

    def settle(self, paths: Collection[Path]) -> None:
        """Everything of ``paths`` is as it has to be: the note keeps what else was left."""
        if self.noted and (self.changes or self.before):
            with suppress(OSError):  # a note too many does no harm
                rest = [path for path in self.before if path not in paths and is_unfinished(path, self.before)]
                keep(self.base, {path: self.before[path] for path in rest})

    def _clean_up(self) -> None:
        for path in {*self.before, *(change.path for change in self.changes)}:
            with suppress(OSError):
                _staged(path).unlink()


def _staged(path: Path) -> Path:
    """Where the new content of ``path`` waits: beside it, under a name that is not too long and that no tool reads."""
    return path.with_name(f".greenroom-{digest_of(os.fsencode(path.name))}.new")


def _stage(change: Change, data: bytes) -> None:
    staged = _staged(change.path)
    with suppress(FileNotFoundError):
        staged.unlink()  # of a run that was killed
    with staged.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    if change.was is None:
        return
    made = staged.stat()
    if (made.st_uid, made.st_gid) != (change.was.st_uid, change.was.st_gid):
        with suppress(OSError):  # only root can give files away; the content matters more
            os.chown(staged, change.was.st_uid, change.was.st_gid)
    staged.chmod(change.was.st_mode & 0o7777)


def _replace(change: Change) -> None:
    """Put the new content in place of the old one, if that is still what was looked at."""
    path, staged = change.path, _staged(change.path)
    if change.was is None:
        _create(staged, path)
        return
    now = path.lstat()
    if _identity(now) != _identity(change.was):
        raise OSError(errno.EBUSY, "something else changed it in the meantime", str(path))
    if change.data is None:
        path.unlink()
    else:
        staged.replace(path)


def _create(staged: Path, path: Path) -> None:
    """A link, unlike a rename, never replaces what somebody made a moment ago."""
    try:
        os.link(staged, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        staged.replace(path)


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power failure, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _failure(code: str, path: Path, summary: str, hint: str) -> GreenroomError:
    diagnostics = Diagnostics()
    diagnostics.error(code, summary, Location(shown(path)), hint=hint)
    return GreenroomError(diagnostics)


_CHANGED_HINT = "run the same command again: it takes into account what the other run wrote"
_BUSY_HINT = "wait until it has ended, then run this again"
_SPACE_HINT = "everything is as it was; make room or permissions there, then run this again"
_HALF_HINT = "make room or permissions there, then run this again: it writes the rest"
_NOTE_HINT = "move it away: greenroom notes there what it is writing"
