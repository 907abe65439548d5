"""``greenroom plan-check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from generator.backstage.versions import VERSION_MESSAGE
from generator.cli.output import say, say_problem, say_text

if TYPE_CHECKING:
    from generator.plan_check.verdict import Report
    from generator.problems.diagnostic import Diagnostic

#: Exit codes by verdict.
_CODES = {"fine": 0, "unknown": 1, "refused": 3}


@click.command("plan-check")
@click.argument("plan", metavar="PLAN.json")
@click.option(
    "--allow",
    multiple=True,
    metavar="ADDRESS",
    help="Accept that this one is deleted or replaced. The whole address, as printed. Repeatable.",
)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Output format.",
)
@click.option("--quiet", is_flag=True, help="Only the result and errors.")
@click.option("--verbose", is_flag=True, help="More of what is done, and tracebacks of internal errors.")
@click.version_option(package_name="greenroom", prog_name="greenroom", message=VERSION_MESSAGE)
def command(plan: str, *, allow: tuple[str, ...], output_format: str, quiet: bool, verbose: bool) -> int:
    """Check that a Terraform plan deletes nothing that greenroom generated.

    PLAN.json is the output of `terraform show -json tfplan` (or `tofu show -json tfplan`); - reads standard input. Needs
    nothing else: no app-config, no settings, no lock file.

    Exit code 3 when the plan deletes or replaces a database, schema, role, secret, server or guard. Exit code 1 when
    there is no verdict: the file is not a plan, or the plan is not complete.
    """
    from generator.plan_check.document import read_plan
    from generator.plan_check.text import shown
    from generator.plan_check.verdict import Report, judge_plan
    from generator.problems.diagnostic import GreenroomError

    del verbose
    file = "standard input" if plan == "-" else shown(plan)
    try:
        report = judge_plan(read_plan(plan, sys.stdin.buffer), file, allow)
    except GreenroomError as problem:
        report = Report(file)
        report.diagnostics.extend(problem.diagnostics)
    _show(report, output_format, quiet=quiet)
    return _CODES[report.verdict]


def _show(report: Report, output_format: str, *, quiet: bool) -> None:
    from generator.cli.output import show_diagnostics, show_json

    if output_format == "json":
        show_json(report.to_json())
        return
    problems = [finding.diagnostic() for finding in report.findings]
    if output_format == "github":
        from generator.lint.formats.github import workflow_commands

        say_text(workflow_commands([*problems, *report.diagnostics]), commands=True)
        return
    _show_findings([problem for problem in problems if not quiet or problem.severity == "error"])
    for released in () if quiet else report.released:
        say(released.line)
    show_diagnostics(report.diagnostics, quiet=quiet)
    if not quiet or report.verdict == "refused":
        say(report.sentence)


def _show_findings(problems: list[Diagnostic]) -> None:
    """One line each; what there is to do is said once for all it is the same for."""
    for problem, following in zip(problems, [*problems[1:], None], strict=False):
        same = following is not None and following.hint == problem.hint
        say_problem(problem._replace(hint="") if same else problem)
