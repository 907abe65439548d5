"""``generate --check`` for pull requests: annotations, a summary, code scanning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.cli.output import say_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.output.rendering import Rendering
    from generator.problems.diagnostic import Diagnostic
    from generator.run.project import Project
    from generator.run.verdict import Gate

#: Values of ``--format`` that only a check has.
GATE_FORMATS: Final = ("github", "markdown", "sarif")


def show_gate(
    output_format: str, project: Project, rendering: Rendering, gate: Gate, findings: Sequence[Diagnostic], *, quiet: bool
) -> None:
    """Print the verdict; ``findings`` are the problems of the run."""
    from generator.problems.diagnostic import Severity
    from generator.report.gate import gate_findings, gate_summary
    from generator.run.own_templates import with_own_templates

    if output_format == "markdown":
        warnings = [item for item in findings if item.severity is Severity.WARNING]
        say_text(with_own_templates(project, lambda: gate_summary(project, rendering, gate, warnings)))
        return
    every = [*gate_findings(rendering, gate), *findings]
    show_problems(output_format, [item for item in every if not quiet or item.severity is Severity.ERROR])


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
