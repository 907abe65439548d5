"""A progress line on a terminal; nothing anywhere else."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.preflight.results import PreflightResult


def wanted(*, quiet: bool) -> bool:
    """Whether stderr is a terminal that can redraw a line, and nobody asked for silence."""
    if quiet or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        return False
    return os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


@contextlib.contextmanager
def show_progress(total: int, *, quiet: bool) -> Iterator[Callable[[PreflightResult], None] | None]:
    """A function that takes each result, and a bar that shows how many there are; ``None`` where nothing is shown."""
    if not wanted(quiet=quiet):
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    failed = 0
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False) as progress:
        task = progress.add_task("preflight", total=total, state="")

        def advance(result: PreflightResult) -> None:
            nonlocal failed
            failed += not result.ready
            progress.update(task, advance=1, state=f"{failed} not ready" if failed else "")

        yield advance
