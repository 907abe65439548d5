"""Runs the command line in this process and gives everything that leaves it."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from generator.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Ran(NamedTuple):
    """What a command gave back: its exit code, what it printed, and the files it wrote by name."""

    code: int
    stdout: str
    stderr: str
    files: dict[str, str]

    @property
    def everything(self) -> str:
        """All of it, as one text."""
        parts = [self.stdout, self.stderr]
        for name, text in self.files.items():
            parts += [name, text]
        return "\n".join(parts)


@contextmanager
def _captured() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    before = sys.stdout, sys.stderr
    out, err = io.BytesIO(), io.BytesIO()
    sys.stdout, sys.stderr = io.TextIOWrapper(out, "utf-8"), io.TextIOWrapper(err, "utf-8")
    try:
        yield out, err
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            stream.detach()
        sys.stdout, sys.stderr = before


def command(folder: Path, arguments: list[str], *, written: str = "out") -> Ran:
    """Run ``greenroom`` with ``arguments`` in ``folder``; what it leaves below ``written`` is read."""
    before = os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        with _captured() as (out, err):
            try:
                code = run(arguments)
            except SystemExit as end:
                code = int(end.code or 0)
    finally:
        os.chdir(before)
    files = {}
    for path in sorted((folder / written).rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = path.read_bytes().decode("utf-8", "replace")
    return Ran(code, out.getvalue().decode("utf-8", "replace"), err.getvalue().decode("utf-8", "replace"), files)
