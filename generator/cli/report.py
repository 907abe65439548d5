"""``greenroom report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, environments_of, make_request, with_formats
from generator.cli.output import say_document, say_text
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.problems.diagnostic import Diagnostic
    from generator.report.model import Report
    from generator.run.project import Project, Request

_PATH = click.Path(path_type=Path, readable=False)


@with_formats("html", "markdown", "mermaid", "json")
@click.command("report")
@common_options
@click.option("--out", type=_PATH, metavar="DIR", help="Where `generate --out` writes. [default: infra]")
@click.option("--templates", type=_PATH, metavar="DIR", help="Templates of your own, as for generate.")
@click.option("--target", "targets", multiple=True, type=click.Choice(sorted(TARGETS)), help="As for generate. Repeatable.")
@click.option(
    "--preflight",
    "preflight_file",
    type=_PATH,
    metavar="FILE",
    help="The output of `greenroom preflight --format json`: its verdicts are shown.",
)
def command(*, output_format: str, quiet: bool, verbose: bool, preflight_file: Path | None, **options: Any) -> int:
    """Show what each plugin has, on one page.

    Prints an HTML page that needs no network: by server each plugin with its role, database, secret and state, where every
    value was written, what is retired, and what differs from the committed files. Connects to no server; with --preflight it
    shows what an earlier run of preflight found.
    """
    from generator.cli.output import show_diagnostics, show_json
    from generator.problems.diagnostic import GreenroomError
    from generator.report.build import together
    from generator.run.environments import told_once

    requests = environments_of(make_request(**options))
    several = len(requests) > 1
    if several and preflight_file is not None:
        raise click.UsageError(f"--preflight is about one environment; choose it with --environment: {', '.join(requests)}")
    projects: dict[str, Project] = {}
    reports: dict[str, Report] = {}
    failed: dict[str, Sequence[Diagnostic]] = {}
    for name, request in requests.items():
        try:
            projects[name], reports[name] = _report(request, preflight_file)
        except GreenroomError as problem:
            failed[name] = problem.diagnostics
    if failed:
        raise GreenroomError(told_once(failed, request.shared, several=several))
    if output_format == "json":
        documents = {
            name: {**report.to_json(), "diagnostics": [item.to_json() for item in projects[name].diagnostics]}
            for name, report in reports.items()
        }
        show_json({"environments": documents} if several else documents[name])
        return 0
    _show(projects[name], together(reports), output_format)
    problems = {name: project.diagnostics for name, project in projects.items()}
    show_diagnostics(told_once(problems, request.shared, several=several), quiet=quiet)
    return 0


def _report(request: Request, preflight_file: Path | None) -> tuple[Project, Report]:
    """The report of an environment.

    Raises:
        GreenroomError: it has errors.
    """
    from generator.problems.diagnostic import GreenroomError
    from generator.report.build import build_report
    from generator.report.verdicts import read_verdicts
    from generator.run import steps

    project = steps.load(request)
    verdicts = None
    if preflight_file is not None:
        verdicts = read_verdicts(str(preflight_file), preflight_file.as_posix(), project.diagnostics)
    resolved = steps.resolve(project)
    planned = steps.plan(project, resolved)
    rendering = steps.render(project, resolved, planned)
    if project.diagnostics.has_errors:
        raise GreenroomError(project.diagnostics)
    return project, build_report(project, rendering, verdicts)


def _show(project: Project, report: Report, output_format: str) -> None:
    from generator.report import formats
    from generator.run.own_templates import with_own_templates

    make = {"html": formats.html, "markdown": formats.markdown, "mermaid": formats.mermaid}[output_format]
    text = with_own_templates(project, lambda: make(report))
    if output_format == "html":
        say_document(text)
    else:
        say_text(text)
