"""The command line. ``main`` answers ``--version`` itself: everything else waits until a command needs it."""

from __future__ import annotations

import sys
from typing import NoReturn


def main(argv: list[str] | None = None) -> NoReturn:
    """Run ``greenroom`` with ``argv`` (default: the process arguments) and exit with the code of the contract."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments == ["--version"]:
        from generator import __version__

        sys.stdout.write(f"greenroom, version {__version__}\n")
        sys.exit(0)
    from generator.cli.app import run

    sys.exit(run(arguments))
