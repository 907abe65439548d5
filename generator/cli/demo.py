"""``greenroom demo``."""

from __future__ import annotations

from pathlib import Path

import click

from generator.cli.output import say, say_step
from generator.cli.preflight import NOT_READY, show_report


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    default=Path("demo-output"),
    show_default=True,
    metavar="DIR",
    help="The folder to leave the artifacts in.",
)
def command(*, out: Path) -> int:
    """The whole way on a throw-away PostgreSQL.

    Generates from a Backstage installation with six plugins, starts an embedded PostgreSQL, applies the SQL as an admin
    that is not a superuser, and logs in as every plugin. The server is gone afterwards; the artifacts stay.
    """
    from generator.cli.output import show_diagnostics
    from generator.demo.run import run_demo

    report = run_demo(out, say_step)
    show_report(report)
    show_diagnostics(report.diagnostics())
    if not report.ready:
        return NOT_READY
    say(f"{len(report.results)} plugins can start. Look at what was generated: {out.as_posix()}")
    return 0
