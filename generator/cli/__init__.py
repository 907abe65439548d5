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
    sys.exit(code)
