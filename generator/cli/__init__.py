"""The command line. ``main`` answers ``--version`` itself: everything else waits until a command needs it."""

from __future__ import annotations

import sys
from typing import NoReturn


def main(argv: list[str] | None = None) -> NoReturn:
    """Run ``greenroom`` with ``argv`` (default: the process arguments) and exit with the code of the contract."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        from generator import __version__
        from generator.backstage.versions import VERSION_MESSAGE

        sys.stdout.write(VERSION_MESSAGE % {"prog": "greenroom", "version": __version__} + "\n")
        sys.exit(0)
    import gc

    from generator.cli.app import run

    # A run makes objects and ends. Hardly any of them is garbage: looking through all of them again and again is what makes
    # a large run slower than its size, and a last time at the end is what a small run spends a sixth of its time on.
    if argv is None:
        gc.set_threshold(100_000, 50, 100)
    code = run(arguments)
    if argv is None:
        gc.freeze()
        _leave_threads_behind(code)
    sys.exit(code)


def _leave_threads_behind(code: int) -> None:
    """End at once with ``code`` where a thread was given up: inside OpenSSL, say, where a server makes it count for hours.

    An ordinary exit takes OpenSSL apart first, and the thread that still uses it ends the process with a segmentation
    fault, in place of the verdict's exit code.
    """
    threading = sys.modules.get("threading")
    if threading is None or threading.active_count() == 1:
        return
    import contextlib
    import os

    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # the reader of a pipe went away
            stream.flush()
    os._exit(code)
