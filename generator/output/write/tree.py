"""Write a set of files: all of them or none.

The new contents are prepared in a hidden folder beside the output, a journal decides, and a process in a session of its
own renames them into place (see ``docs/adr/0003-all-or-nothing-writes.md``). A run that was killed is finished by the
next one: call :func:`recover` before reading anything that greenroom wrote.
"""

from __future__ import annotations

import fcntl
import os
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.output.write import journal
from generator.output.write.confined import outside
from generator.output.write.obstacles import changed_since, common_folder, find_changes, nearest_folder
from generator.output.write.sync import Unsynced
from generator.problems.diagnostic import Diagnostics, GreenroomError
from generator.problems.paths import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

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
    journal_root: Path,
    read: Mapping[Path, str | None] = _NOTHING,
) -> WriteResult:
    """Make every file of ``files`` have its content and every file of ``delete`` be gone, or change nothing at all.

    Paths may be relative to the working directory. ``owned`` says whether greenroom generated the file that is there; it
    is asked for files that would change only, with the path as given. ``journal_root`` is the folder the hidden journal
    folder is made in while writing: best one outside the output folders but on the same file system. Where it cannot be
    used, the folder that all files have in common is. Files keep their mode, new ones get 0666 less the umask; files that
    have their content already are not touched. Killing this process, or its group, at any point leaves the old tree or
    the new one; after a power failure the next run settles it.

    ``read`` are files that the content was made from, with the start of the SHA-256 they had (``None`` where there was no
    file). Nothing is written where one of them has changed since (GR508): another run knew what this one does not.

    Raises:
        GreenroomError: every obstacle, or the one failure; nothing was changed.
    """
    paths = {absolute(path): path for path in (*delete, *files)}
    contents = {absolute(path): data for path, data in files.items()}
    if not paths:
        return WriteResult()
    diagnostics, common = Diagnostics(), common_folder(paths)
    try:
        with _prepared(journal_root, common) as (folder, lock):
            for path in changed_since(read, files):
                what = f"nothing was written: {shown(path)} has changed since it was read"
                raise _failure("GR508", path, what, _CHANGED_HINT)
            changes = find_changes(contents, paths.keys() - contents.keys(), lambda path: owned(paths[path]), diagnostics)
            if diagnostics.has_errors:
                raise GreenroomError(diagnostics)
            if changes:
                _write(changes, folder, lock, common)
    except OSError as error:  # before anything was decided; what comes after reports in its own way
        what = f"nothing was written to {shown(common)}: {error.strerror}"
        raise _failure("GR505", common, what, _SPACE_HINT) from error
    written = {change.path for change in changes if change.data is not None}
    return WriteResult(
        tuple(sorted(paths[path] for path in written)),
        tuple(sorted(paths[change.path] for change in changes if change.data is None)),
        tuple(sorted(paths[path] for path in contents.keys() - written)),
    )


def recover(*folders: Path) -> None:
    """Finish what a killed run left in any of ``folders`` (each run's ``journal_root`` and output folder), if anything.

    Raises:
        GreenroomError: another run is writing and does not end, or the rest of the killed one cannot be finished.
    """
    for folder in dict.fromkeys(absolute(folder) for folder in folders):
        # A folder that did not exist had its home in one above it.
        for parent in (folder, *folder.parents):
            home = str(parent / journal.HOME_NAME)
            if journal.lstat(home) and (parent == folder or _concerns(home, folder)):
                with _locked(parent):
                    _settle(home, outside(home, list(map(absolute, folders))) or journal.finish(home), own=False)


def absolute(path: Path) -> Path:
    """``path`` from the root, links unresolved: a link in it is the user's choice or an obstacle, never followed unseen."""
    return Path(os.path.abspath(path))  # noqa: PTH100


# --- where to prepare, and who may ------------------------------------------------------------------------------------


@contextmanager
def _prepared(journal_root: Path, common: Path) -> Iterator[tuple[Path, int | None]]:
    """The folder for the home, locked, with what an earlier run left in it settled."""
    folder = _journal_folder(absolute(journal_root), common)
    with _locked(folder) as lock:
        home = str(folder / journal.HOME_NAME)
        _settle(home, outside(home, [common]) or journal.finish(home), own=False)
        yield folder, lock


def _journal_folder(journal_root: Path, common: Path) -> Path:
    wanted, fallback = nearest_folder(journal_root), nearest_folder(common)
    try:
        status = wanted.stat()
        # In a folder open to all (/tmp) others could stand in the way; across file systems a rename is a copy.
        usable = not status.st_mode & 0o002 and status.st_dev == fallback.stat().st_dev
    except OSError:
        return fallback
    return wanted if usable and os.access(wanted, os.W_OK | os.X_OK) else fallback


@contextmanager
def _locked(folder: Path) -> Iterator[int | None]:
    """Hold the folder's lock, which the process that renames inherits. Yields ``None`` where folders cannot be locked."""
    descriptor = _open_folder(folder)
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
                os.close(descriptor)
                descriptor = None
        yield descriptor
    finally:
        if descriptor is not None:
            with suppress(OSError):  # the files are in place by now, or were not touched
                os.close(descriptor)


def _open_folder(folder: Path) -> int | None:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None  # what is wrong with it is found when its files are looked at


def _concerns(home: str, folder: Path) -> bool:
    """Whether the journal of ``home``, which lies above ``folder``, is about files in ``folder``."""
    try:
        steps = journal.read_journal(home) or []
    except OSError:
        return False
    base = os.path.dirname(home)  # noqa: PTH120
    return any(absolute(Path(base, step.target)).is_relative_to(folder) for step in steps)


# --- preparing and carrying out ---------------------------------------------------------------------------------------


def _write(changes: list[Change], folder: Path, lock: int | None, top: Path) -> None:
    home = str(folder / journal.HOME_NAME)
    finisher = _Finisher(home, lock)
    try:
        os.mkdir(home, 0o700)  # noqa: PTH102
        journal.write_journal(home, _stage(changes, folder, home, top))
    except BaseException:
        finisher.end(go=False)
        raise
    _settle(home, finisher.end(go=True), own=True)


def _stage(changes: list[Change], folder: Path, home: str, top: Path) -> list[journal.Step]:
    """Prepare every change in ``home``: the steps of its journal, in the order they are carried out."""
    folders: dict[Path, None] = {}
    steps: list[journal.Step] = []
    emptied: dict[Path, None] = {}
    with Unsynced() as unsynced:
        for number, (path, data, was) in enumerate(changes):
            name, target = str(number), os.path.relpath(path, folder)
            old = journal.identity(was) if was else ""
            if data is None:
                steps.append(journal.Step(journal.DELETE, target, name, old))
                emptied.update(
                    dict.fromkeys(parent for parent in path.parents if parent.is_relative_to(top) and parent != top)
                )
                continue
            missing = [parent for parent in path.parents if not os.path.lexists(parent)]
            folders.update(dict.fromkeys(reversed(missing)))
            now = _stage_file(os.path.join(home, f"n{name}"), data, was, unsynced)  # noqa: PTH118
            if was:
                _keep(str(path), os.path.join(home, f"o{name}"))  # noqa: PTH118
            steps.append(journal.Step(journal.REPLACE if was else journal.CREATE, target, name, old, now))
        unsynced.sync()
    made = [journal.Step(journal.FOLDER, os.path.relpath(path, folder)) for path in folders]
    deepest_first = sorted(emptied, key=lambda path: -len(path.parts))
    return made + steps + [journal.Step(journal.EMPTY, os.path.relpath(path, folder)) for path in deepest_first]


def _stage_file(name: str, data: bytes, was: os.stat_result | None, unsynced: Unsynced) -> str:
    descriptor = unsynced.open(name)
    journal.write_all(descriptor, data)
    if was:
        made = os.fstat(descriptor)
        if (made.st_uid, made.st_gid) != (was.st_uid, was.st_gid):
            _change_owner(descriptor, was)
        os.fchmod(descriptor, was.st_mode & 0o7777)
    return journal.content(os.fstat(descriptor))


def _change_owner(descriptor: int, was: os.stat_result) -> None:
    try:
        os.fchown(descriptor, was.st_uid, was.st_gid)
    except OSError:
        return  # only root can give files away; the content matters more


def _keep(path: str, name: str) -> None:
    """Keep the old file in case a later step fails: as a second name for it, or a copy where that is not possible."""
    try:
        os.link(path, name)
    except OSError:
        journal.copy_file(path, name)


class _Finisher:
    """The process that finishes the home, whatever happens to this one. Where none can be started, this one does it."""

    def __init__(self, home: str, lock: int | None) -> None:
        self.home = home
        self.process: tuple[int, int, int] | None = None
        program = _program()
        startable = hasattr(os, "posix_spawn") and not getattr(sys, "frozen", False) and os.path.isfile(program)  # noqa: PTH113
        if not (startable and sys.executable):
            return
        (read, go), (result, write) = os.pipe(), os.pipe()
        # Out of the way of 0, 1 and 3, which they become in the other process.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read, write, *([] if lock is None else [lock]))]
        actions = [(os.POSIX_SPAWN_DUP2, end, number) for end, number in zip(ends, (0, 1, 3), strict=False)]
        arguments = [sys.executable, "-I", "-S", program, home]
        try:
            self.process = (_spawn(arguments, actions), go, result)
        except OSError:
            os.close(go)
            os.close(result)
        for end in (read, write, *ends):
            os.close(end)

    def end(self, *, go: bool) -> journal.Outcome:
        """Say that the journal is written (``go``) or never will be, wait, and return how it ended."""
        outcome, interrupt = None, None
        if self.process:
            pid, word, result = self.process
            with suppress(OSError):  # it died; the end of its output says so too
                os.write(word, b"!" if go else b"")
            with suppress(OSError):
                os.close(word)
            data, waiting = b"", True
            while waiting:
                try:
                    chunk = os.read(result, 65536)
                    data, waiting = data + chunk, bool(chunk)
                except KeyboardInterrupt as error:
                    interrupt = error  # the renames take milliseconds and are not left half-way
                except OSError:
                    waiting = False
            with suppress(OSError):  # in a process that ignores SIGCHLD there is nothing to wait for
                os.close(result)
                os.waitpid(pid, 0)
            outcome = journal.Outcome.decode(data)
        rest = journal.finish(self.home, trusted=go)  # where the process did not come to its end
        outcome = outcome or rest
        if interrupt:
            raise interrupt
        return outcome


def _program() -> str:
    """``commit.py``, or what the interpreter made of it when it was imported, which starts in half the time."""
    source, made = journal.__file__, getattr(journal, "__cached__", None) or ""
    try:
        status = os.stat(source)  # noqa: PTH116
        with open(made, "rb") as file:  # noqa: PTH123
            header = file.read(16)
    except OSError:
        return source
    # The header of a .pyc: 4 bytes of version, 4 of flags (0: checked by time), time and size of the source.
    stamp = bytes(4) + (int(status.st_mtime) & 0xFFFFFFFF).to_bytes(4, "little")
    return made if header[4:] == stamp + (status.st_size & 0xFFFFFFFF).to_bytes(4, "little") else source


def _spawn(arguments: list[str], actions: list[tuple[int, int, int]]) -> int:
    try:
        return os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions, setsid=True)
    except NotImplementedError:  # pragma: no cover - a C library without it; the program does it itself a little later
        return os.posix_spawn(arguments[0], arguments, os.environ, file_actions=actions)


# --- saying how it went -----------------------------------------------------------------------------------------------


def _settle(home: str, outcome: journal.Outcome, *, own: bool) -> None:
    """Raise what the user has to know about ``outcome``."""
    path = shown(outcome.path)
    if outcome.word == "undone" and own:
        raise _failure("GR505", Path(outcome.path), f"nothing was written: {path}: {outcome.reason}", _SPACE_HINT)
    if outcome.word == "clean" and own:
        raise _failure("GR505", Path(home), f"nothing was written: somebody removed {shown(home)} meanwhile", _BUSY_HINT)
    if outcome.word == "stuck":
        summary = f"a run that did not end left {shown(home)}, and it cannot be finished: {path}: {outcome.reason}"
        raise _failure("GR507", Path(home), summary, _STUCK_HINT)


def _failure(code: str, path: Path, summary: str, hint: str) -> GreenroomError:
    from generator.problems.diagnostic import Location

    diagnostics = Diagnostics()
    diagnostics.error(code, summary, Location(shown(path)), hint=hint)
    return GreenroomError(diagnostics)


_CHANGED_HINT = "run the same command again: it takes into account what the other run wrote"
_BUSY_HINT = "wait until it has ended, then run this again"
_SPACE_HINT = "everything is as it was; make room or permissions there, then run this again"
_STUCK_HINT = (
    "make what it names writable and run this again; the files it holds are the new contents (n…) and the old ones (o…), "
    "and removing the folder keeps the files as they are now"
)
