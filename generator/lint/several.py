"""Lint for several environments: each finding once, with the environments it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.lint.comments import UNUSED
from generator.lint.run import Report, lint
from generator.problems.diagnostic import Diagnostics
from generator.run.environments import name_environments

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from generator.lint.model import Finding
    from generator.problems.diagnostic import Diagnostic
    from generator.run.project import Request


def lint_each(
    requests: Mapping[str, Request], *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()
) -> dict[str, Report]:
    """What lint finds in each environment. A comment, or an entry of ``ignore``, that one of them needs is not unused."""
    reports = {name: lint(request, select=select, ignore=ignore) for name, request in requests.items()}
    for report in reports.values():
        report.findings = [item for item in report.findings if not _is_used(item.diagnostic, reports.values())]
    return reports


def _is_used(item: Diagnostic, reports: Iterable[Report]) -> bool:
    """Whether another environment that reads the same place needs the comment that ``item`` calls unused."""
    if item.code != UNUSED.code or item.location is None:
        return False
    return any(
        item not in report.diagnostics.items
        and (item.location.file in report.files or item.location in report.project.settings.locations.values())
        for report in reports
    )


def together(reports: Mapping[str, Report]) -> Report:
    """The reports of several environments as one. A single one is returned as it is."""
    first = next(iter(reports.values()))
    if len(reports) == 1:
        return first
    shared = first.project.request.shared
    common = set(shared.diagnostics) if shared is not None else set()
    merged = Report(first.project, first.texts)
    merged.findings = _once({name: report.findings for name, report in reports.items()}, common)
    merged.suppressed = _once({name: report.suppressed for name, report in reports.items()}, common)
    merged.drivers = [drivers for report in reports.values() for drivers in report.drivers]
    return merged


def _once(found: Mapping[str, Iterable[Finding]], common: Collection[Diagnostic]) -> list[Finding]:
    by_problem: dict[Diagnostic, tuple[Finding, list[str]]] = {}
    for name, findings in found.items():
        for finding in findings:
            by_problem.setdefault(finding.diagnostic, (finding, []))[1].append(name)
    named = {name_environments(problem, names, common): finding for problem, (finding, names) in by_problem.items()}
    ordered = Diagnostics()
    ordered.extend(named)
    return [named[problem]._replace(diagnostic=problem) for problem in ordered]
