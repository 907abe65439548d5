"""The moment many files change at once: a journal of renames that is carried out completely or not at all.

The writer prepares a *home*, a hidden folder on the file system of the output: the new contents (``n0``, ``n1`` …), the
old ones (``o0`` …) and, last and atomically, the ``journal``. From then on the new tree is decided. Whoever finds a
home finishes it: with a journal the steps are carried out, without one the home is removed.

This file is also a program: ``python -I -S commit.py HOME`` waits until its standard input says go or ends, then
finishes the home. The writer starts it in a session of its own, so killing greenroom does not stop the renames half-way,
and killing greenroom earlier leaves nothing behind. It starts while the writer is still preparing, so it must start
fast: nothing is imported here but what the interpreter has loaded anyway, and nothing of greenroom.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

TYPE_CHECKING = False  # typing costs as much as the rest of the start
if TYPE_CHECKING:
    from collections.abc import Callable

HOME_NAME = ".greenroom-journal"
CREATE, REPLACE, DELETE, FOLDER, EMPTY = "create", "replace", "delete", "folder", "empty"

_JOURNAL, _UNFINISHED = "journal", "journal.new"
_MAGIC = "greenroom-journal-1"
# A file system that has no hard links, or does not grant this one, says one of these.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}


class Step:
    """One change. ``target`` is relative to the folder of the home, ``name`` numbers the files ``n…`` and ``o…``.

    ``was`` identifies the old file (inode, size, time), ``now`` the new content (size, time): the proof that nobody else
    touched either in between. Both are empty where there is no such file.
    """

    __slots__ = ("kind", "name", "now", "target", "was")

    def __init__(self, kind: str, target: str, name: str = "", was: str = "", now: str = "") -> None:
        self.kind, self.target, self.name, self.was, self.now = kind, target, name, was, now


class ConflictError(OSError):
    """A file is not what it was when the journal was written."""


class Outcome:
    """How finishing a home ended.

    ``word``: ``done`` (all steps carried out), ``clean`` (there was no journal), ``undone`` (a step failed and everything
    is as before), ``stuck`` (neither way is possible; the home is still there). ``path`` and ``reason`` say what failed.
    """

    __slots__ = ("path", "reason", "word")

    def __init__(self, word: str, path: str = "", reason: str = "") -> None:
        self.word, self.path, self.reason = word, path, reason

    def encode(self) -> bytes:
        """For the pipe to the process that waits."""
        return b"\0".join(os.fsencode(part) for part in (self.word, self.path, self.reason))

    @classmethod
    def decode(cls, data: bytes) -> Outcome | None:
        """The outcome that ``data`` spells, ``None`` if the other process died before it could say."""
        parts = [os.fsdecode(part) for part in data.split(b"\0")]
        return cls(*parts) if len(parts) == 3 else None


def identity(status: os.stat_result) -> str:
    """What stays the same as long as nobody writes to a file or replaces it."""
    return f"{status.st_ino}:{content(status)}"


def content(status: os.stat_result) -> str:
    """What a file keeps when it is renamed, or copied with its time."""
    return f"{status.st_size}:{status.st_mtime_ns}"


def lstat(path: str) -> os.stat_result | None:
    """The status of ``path`` itself, ``None`` if there is nothing to be seen."""
    try:
        return os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None


def write_journal(home: str, steps: list[Step]) -> None:
    """Write the journal: once this returns, and not before, the steps are decided."""
    fields = [_MAGIC, str(os.lstat(home).st_ino)]
    for step in steps:
        fields += [step.kind, step.target, step.name, step.was, step.now]
    unfinished = os.path.join(home, _UNFINISHED)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        write_all(descriptor, b"\0".join(os.fsencode(field) for field in fields))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_folder(home)
    os.rename(unfinished, os.path.join(home, _JOURNAL))
    sync_folder(home)
    sync_folder(os.path.dirname(home))


def read_journal(home: str) -> list[Step] | None:
    """The steps of ``home``; ``None`` without a journal.

    Raises:
        ConflictError: the journal was not written here by this program (checked out, copied, edited).
    """
    try:
        with open(os.path.join(home, _JOURNAL), "rb") as file:
            fields = [os.fsdecode(field) for field in file.read().split(b"\0")]
    except FileNotFoundError:
        return None
    steps = [Step(*fields[index : index + 5]) for index in range(2, len(fields), 5)] if len(fields) % 5 == 2 else []
    # A journal that came with a repository must not be able to move files about: it names the folder it was written in.
    if not steps or fields[:2] != [_MAGIC, str(os.lstat(home).st_ino)]:
        raise ConflictError(errno.EINVAL, "the journal in it was not written here", home)
    return steps


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def sync_folder(path: str) -> None:
    """Make the names in a folder survive a power failure, where the file system can."""
    _quietly(_sync, path)


def _sync(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _quietly(action: Callable[[str], None], path: str) -> None:
    try:
        action(path)
    except OSError:
        pass


def copy_file(source: str, target: str) -> None:
    """Copy a file with its mode and time."""
    status = os.stat(source)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with open(source, "rb") as file:
            while chunk := file.read(1 << 20):
                write_all(descriptor, chunk)
        os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _interim(target: str) -> str:
    return os.path.join(os.path.dirname(target), f".{os.path.basename(target)}.greenroom")


def _move(source: str, target: str) -> None:
    """Rename, also from one file system to another."""
    try:
        os.replace(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy_file(source, _interim(target))
        os.replace(_interim(target), target)
        os.unlink(source)


class _Home:
    """The files a step works on."""

    def __init__(self, home: str) -> None:
        self.home, self.folder = home, os.path.dirname(home)

    def paths(self, step: Step) -> tuple[str, str, str]:
        """The target, the new content and the old content of ``step``."""
        target = os.path.normpath(os.path.join(self.folder, step.target))
        return target, os.path.join(self.home, f"n{step.name}"), os.path.join(self.home, f"o{step.name}")

    def is_open(self, step: Step) -> bool:
        """Whether ``step`` still has to be carried out.

        Raises:
            ConflictError: it was not carried out and cannot be any more, because somebody changed the target.
        """
        target, new, _ = self.paths(step)
        if step.kind in (FOLDER, EMPTY):
            return True
        there = lstat(target)
        if step.kind == DELETE:
            is_open = there is not None
            agrees = there is None or identity(there) == step.was
        else:
            staged = lstat(new)
            is_open = staged is not None
            carried_out = there is not None and content(there) == step.now
            untouched = there is None if step.kind == CREATE else there is not None and identity(there) == step.was
            agrees = carried_out or (untouched and staged is not None and content(staged) == step.now)
        if not agrees:
            raise ConflictError(errno.EBUSY, "something else changed it in the meantime", target)
        return is_open

    def carry_out(self, step: Step) -> None:
        target, new, old = self.paths(step)
        if step.kind == FOLDER:
            try:
                os.mkdir(target)
            except FileExistsError:
                if not os.path.isdir(target):
                    raise
        elif step.kind == EMPTY:
            _quietly(os.rmdir, target)
        elif not self.is_open(step):
            return
        elif step.kind == CREATE:
            _create(new, target, step.now)
        else:
            _move(*((new, target) if step.kind == REPLACE else (target, old)))

    def undo(self, step: Step) -> None:
        target, _, old = self.paths(step)
        if step.kind == FOLDER:
            _quietly(os.rmdir, target)
        if step.kind in (FOLDER, EMPTY):
            return
        there = lstat(target)
        _quietly(os.unlink, _interim(target))
        if step.kind == DELETE:
            if there is None and lstat(old):
                _move(old, target)
        elif there is not None and content(there) == step.now:
            if step.kind == CREATE:
                os.unlink(target)
            else:
                _move(old, target)


def _create(new: str, target: str, now: str) -> None:
    """Put a file where there was none. A link, unlike a rename, never replaces what somebody made a moment ago."""
    try:
        os.link(new, target)
    except FileExistsError:
        there = lstat(target)
        if there is None or content(there) != now:
            raise
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if lstat(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        _move(new, target)
        return
    os.unlink(new)


def finish(home: str, *, trusted: bool = False, report: Callable[[Outcome], None] | None = None) -> Outcome:
    """Finish ``home``: carry its journal out, or undo it if that cannot be done, or remove it if there is no journal.

    The caller holds the lock of the folder ``home`` lies in. ``trusted``: this run made the home; any other one has to
    belong to this user, because whoever wrote its journal decides which files are moved. ``report`` is called before the
    home, and with it all knowledge of what was done, is removed.
    """
    outcome = _finish(home, trusted)
    if report:
        report(outcome)
    if outcome.word != "stuck":
        _quietly(remove, home)
    return outcome


def _finish(home: str, trusted: bool) -> Outcome:
    try:
        status = lstat(home)
        if status is None:
            return Outcome("clean")
        if not stat.S_ISDIR(status.st_mode):
            return Outcome("stuck", home, "it is not a folder")
        if not trusted and status.st_uid != os.geteuid():
            return Outcome("stuck", home, "it belongs to another user")
        steps = read_journal(home)
    except OSError as error:
        return _outcome("stuck", error, home)
    return _finish_steps(_Home(home), steps) if steps else Outcome("clean")


def _finish_steps(home: _Home, steps: list[Step]) -> Outcome:
    try:
        for step in steps:
            home.is_open(step)  # somebody's change to one target is known before the others are touched
        for step in steps:
            home.carry_out(step)
        for folder in {os.path.dirname(home.paths(step)[0]) for step in steps}:
            sync_folder(folder)
    except OSError as error:
        try:
            for step in reversed(steps):
                home.undo(step)
        except OSError as second:
            return _outcome("stuck", second, home.home)
        return _outcome("undone", error, home.home)
    return Outcome("done")


def _outcome(word: str, error: OSError, home: str) -> Outcome:
    names = [os.fsdecode(name) for name in (error.filename2, error.filename) if isinstance(name, str | bytes)]
    outside = [name for name in names if os.path.dirname(name) != home]
    return Outcome(word, (outside or names or [home])[0], error.strerror or str(error))


def remove(home: str) -> None:
    """Remove a home; its journal first, so that what is left over after an interruption is just rubbish to remove."""
    _quietly(os.unlink, os.path.join(home, _JOURNAL))
    for name in os.listdir(home):
        if name == _UNFINISHED or (name[0] in "no" and name[1:].isdigit()):
            os.unlink(os.path.join(home, name))
    os.rmdir(home)


def main(home: str) -> None:
    """Wait for the word, finish ``home``, and say on standard output how it ended."""
    if os.getsid(0) != os.getpid():
        os.setsid()
    finish(home, trusted=bool(os.read(0, 1)), report=_say)


def _say(outcome: Outcome) -> None:
    try:
        os.write(1, outcome.encode())
    except OSError:
        pass  # nobody waits any more


if __name__ == "__main__":
    main(sys.argv[1])
