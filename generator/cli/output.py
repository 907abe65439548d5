"""What a command prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from generator.diagnostics import Diagnostics, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.diagnostics import Diagnostic

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, quiet: bool = False) -> None:
    """Print problems to stderr in the order of the inputs; with ``quiet`` only the errors."""
    ordered = list(diagnostics if isinstance(diagnostics, Diagnostics) else _collected(diagnostics))
    for item in ordered:
        if quiet and item.severity is not Severity.ERROR:
            continue
        text = item.render()
        first, _, rest = text.partition("\n")
        coloured = first.replace(f"{item.severity}[", click.style(str(item.severity), fg=_COLOURS[item.severity]) + "[", 1)
        click.echo(coloured + ("\n" + rest if rest else ""), err=True)
    errors = sum(item.severity is Severity.ERROR for item in ordered)
    if errors:
        click.echo(f"{errors} error{'s' if errors != 1 else ''}", err=True)


def _collected(items: Iterable[Diagnostic]) -> Diagnostics:
    diagnostics = Diagnostics()
    diagnostics.extend(items)
    return diagnostics


def show_json(value: Any) -> None:
    """Print ``value`` as JSON to stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False))


def show_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout: fitted to a terminal, unwrapped and without colour into a pipe."""
    import sys

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 10_000)
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    with console.capture() as capture:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
