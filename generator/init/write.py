"""A new file that never replaces one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.problems.diagnostic import Diagnostic, GreenroomError, Location, Severity

if TYPE_CHECKING:
    from pathlib import Path


def refuse_existing(path: Path) -> None:
    """Say that ``path`` is there already, before anything is read.

    Raises:
        GreenroomError: GR420, it is (a link that leads nowhere as well).
    """
    if path.exists() or path.is_symlink():
        raise GreenroomError(
            [
                Diagnostic(
                    "GR420",
                    Severity.ERROR,
                    "this file is there already, and it is yours: nothing was written",
                    Location(path.as_posix()),
                    hint="`greenroom init --stdout` prints a new one to compare; remove the file to start over",
                )
            ]
        )


def write_new(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, which must not exist.

    Raises:
        GreenroomError: GR420, it came into being meanwhile; GR422, it cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        refuse_existing(path)
    except OSError as error:
        path.unlink(missing_ok=True) if path.is_file() else None
        raise GreenroomError(
            [
                Diagnostic(
                    "GR422",
                    Severity.ERROR,
                    f"this file cannot be written: {error.strerror or error}",
                    Location(path.as_posix()),
                    hint="`greenroom init --stdout` prints it instead",
                )
            ]
        ) from None
