"""Break a write at a chosen system call, and look at what is left."""

from __future__ import annotations

import io
import os
import signal
import stat
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Every call of the writer that changes a file system, and those that look first.
CALLS = ("open", "close", "fsync", "link", "unlink", "replace", "mkdir", "rmdir", "lstat", "stat", "chmod", "chown")

Tree = dict[str, tuple[int, bytes | None]]


def tree(root: Path) -> Tree:
    """Everything below ``root``, hidden files and empty folders too: mode and content (``None`` for a folder)."""
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        is_file = stat.S_ISREG(status.st_mode)
        found[str(path.relative_to(root))] = (status.st_mode, path.read_bytes() if is_file else None)
    return found


def sabotage(number: int, action: Callable[[], None], *, afterwards: bool) -> list[int]:
    """From now on run ``action`` at the ``number``-th of ``CALLS`` in this process, before or after it is made.

    Returns a list that counts: its only item is the number of calls so far.
    """
    count = [0]

    def wrap(original: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **keywords: object) -> object:
            count[0] += 1
            mine = count[0] == number
            if mine and not afterwards:
                action()
            try:
                return original(*arguments, **keywords)
            finally:
                if mine and afterwards:
                    action()

        return call

    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name)))
    io.open = wrap(io.open)  # type: ignore[assignment] # what pathlib opens files with
    return count


def die() -> None:
    """What ``kill -9`` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_another_process(work: Callable[[], None]) -> int:
    """Run ``work`` in a fork and wait for it and for everything it started; -9 when it was killed, else 0 or 1."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(read)
            os.dup2(write, 2)  # a process that is started inherits it, so its end is the end of them all
            os.close(write)
            work()
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    said = b""
    while chunk := os.read(read, 65536):
        said += chunk
    os.close(read)
    status = os.waitpid(pid, 0)[1]
    if said:
        sys.stderr.write(said.decode(errors="replace"))
    return os.waitstatus_to_exitcode(status)
