"""``generate --check`` for pull requests: annotations, a summary, code scanning."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from generator.cli.output import say_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.cli.outcome import Run
    from generator.problems.diagnostic import Diagnostic

#: Values of ``--format`` that only a check has.
GATE_FORMATS: Final = ("github", "markdown", "sarif")


def show_gate(output_format: str, run: Run, *, quiet: bool) -> None:
    """Print the verdicts, with the problems of the run: those of the environments that failed, and the findings."""
    from generator.problems.diagnostic import Severity
    from generator.report.gate import gate_findings
    from generator.run.environments import name_environments

    if output_format == "markdown":
        _show_markdown(run)
        return
    every = []
    for name, item in run.done.items():
        if item.gate is not None:
            found = gate_findings(item.rendering, item.gate)
            every += [name_environments(one, [name]) for one in found] if run.several else found
    problems = [*every, *run.problems()]
    show_problems(output_format, [item for item in problems if not quiet or item.severity is Severity.ERROR])


def _show_markdown(run: Run) -> None:
    from generator.problems.diagnostic import Severity
    from generator.report.gate import gate_summary
    from generator.run.own_templates import with_own_templates

    if run.failed:
        show_problems("markdown", run.errors())
    told: set[Diagnostic] = set()
    for number, (name, item) in enumerate(run.done.items()):
        if item.gate is None:
            continue
        own = [found for found in item.findings if found.severity is Severity.WARNING]
        warnings = [found for found in own if found not in told]
        told.update(own)
        if number or run.failed:
            say_text("\n")
        project, gate = item.project, item.gate
        title = name if run.several else ""
        say_text(with_own_templates(project, partial(gate_summary, project, item.rendering, gate, warnings, title)))


def show_problems(output_format: str, problems: Sequence[Diagnostic]) -> None:
    """Print problems where there is no verdict, or besides it."""
    from generator.cli.output import show_json

    if output_format == "github":
        from generator.lint.formats.github import workflow_commands

        say_text(workflow_commands(problems), commands=True)
    elif output_format == "sarif":
        from generator.lint.formats.sarif import log
        from generator.lint.model import Finding

        show_json(log([Finding(item) for item in problems]))
    else:
        from generator.report.gate import errors_summary

        say_text(errors_summary(problems))
