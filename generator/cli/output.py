"""What a command prints: results on stdout, everything else on stderr.

The only module that writes text: nothing that comes from an input leaves it raw.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from generator.problems.diagnostic import Diagnostics, Severity
from generator.problems.inert import inert, inert_json, inert_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from generator.problems.diagnostic import Diagnostic

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def say(line: object, *, err: bool = False) -> None:
    """Print one line, whatever is in it."""
    click.echo(inert_text(inert(line)), err=err)


def say_text(text: str, *, err: bool = False, commands: bool = False) -> None:
    """Print a text of several lines that ends as it should. ``commands``: it is made of commands for a CI system."""
    click.echo(inert_text(text, commands=commands), nl=False, err=err)


def say_document(text: str) -> None:
    """Print a document that escapes what it holds by its own rules: XML, a JSON Schema, a verifier."""
    click.echo(text, nl=False)


def say_problem(problem: Diagnostic, *, err: bool = False) -> None:
    """Print a problem; on a terminal its severity is coloured."""
    text = inert_text(problem.render())
    word, colour = f"{problem.severity}[", _COLOURS[problem.severity]
    first, separator, rest = text.partition("\n")
    # What stands in front is the place: it may hold the word as well.
    at = first.find(f"{word}{problem.code}]", len(inert(problem.location)) if problem.location else 0)
    if at >= 0:
        first = f"{first[:at]}{click.style(str(problem.severity), fg=colour)}{first[at + len(word) - 1 :]}"
    click.echo(first + separator + rest, err=err, color=_wants_colour())


def say_step(line: object) -> None:
    """Print to stderr what is done now."""
    click.echo(f"{click.style('→', fg='green')} {inert_text(inert(line))}", err=True)


def say_usage(problem: click.ClickException) -> None:
    """Print what is wrong with a command line."""
    import io

    shown = io.StringIO()
    problem.show(file=shown)
    # What was typed may hold line breaks: only greenroom's own stay.
    say_text(shown.getvalue().replace(problem.message, inert(problem.message)), err=True)


def _wants_colour() -> bool | None:
    """``None``: as click decides, by whether there is a terminal."""
    import os

    return False if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" else None


def show_diagnostics(diagnostics: Iterable[Diagnostic], *, quiet: bool = False, together: bool = False) -> None:
    """Print problems to stderr in the order of the inputs; with ``quiet`` only the errors.

    With ``together``, what follows from several of one code and is to be done about them is said once, after the last.
    """
    ordered = list(diagnostics if isinstance(diagnostics, Diagnostics) else _collected(diagnostics))
    shown = [item for item in ordered if not quiet or item.severity is Severity.ERROR]
    for index, item in enumerate(shown):
        following = shown[index + 1] if together and index + 1 < len(shown) else None
        same = following is not None and all(
            getattr(item, key) == getattr(following, key) for key in ("code", "severity", "backstage", "hint")
        )
        say_problem(item._replace(backstage="", hint="") if same else item, err=True)
    errors = sum(item.severity is Severity.ERROR for item in ordered)
    if errors:
        say(f"{errors} error{'s' if errors != 1 else ''}", err=True)
    if shown and not quiet:
        point_to_explain(min(shown, key=lambda item: item.severity is not Severity.ERROR).code)


def point_to_explain(code: str) -> None:
    """Say how to read more about ``code``: once in a run, and only to a person at a terminal."""
    context = click.get_current_context(silent=True)
    said = context.meta if context is not None else {}
    if sys.stderr.isatty() and not said.get(__name__):
        said[__name__] = True
        say(f"`greenroom explain {code}` says more.", err=True)


def _collected(items: Iterable[Diagnostic]) -> Diagnostics:
    diagnostics = Diagnostics()
    diagnostics.extend(items)
    return diagnostics


def show_json(value: Any) -> None:
    """Print ``value`` as JSON to stdout."""
    click.echo(inert_json(value))


def show_table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table to stdout: without colour, and into a pipe without wrapping.

    Where a terminal is too narrow, each row becomes a paragraph: a file:line cut into pieces can be neither read nor
    clicked.
    """
    import shutil

    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for header in headers:
        table.add_column(header, overflow="fold")
    listed = [tuple(map(inert, row)) for row in rows]
    for row in listed:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(file=sys.stdout, highlight=False, width=10_000, height=25)
    with console.capture() as capture:
        console.print(table)
    lines = [line.rstrip() for line in capture.get().splitlines()]
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        if console.measure(table).maximum > width:
            lines = [line for row in ((", ".join(headers),), *listed) for line in _paragraph(row, width)]
    say_text("".join(f"{line}\n" for line in lines))


def _paragraph(row: Sequence[str], width: int) -> Iterable[str]:
    """The first cell, and the others below it in lines that fit, cut nowhere within a word."""
    import textwrap

    first, *rest = row
    yield first
    text = "  ".join(cell for cell in rest if cell)
    wrapper = textwrap.TextWrapper(max(width, 20), "    ", "    ", break_long_words=False, break_on_hyphens=False)
    yield from wrapper.wrap(text)
