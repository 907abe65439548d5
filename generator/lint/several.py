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
    if len(reports) > 1:
        read = [_Read(report) for report in reports.values()]
        for report in reports.values():
            report.findings = [item for item in report.findings if not any(one.needs(item.diagnostic) for one in read)]
    return reports


class _Read:
    """What an environment reads, and what is unused for it."""

    def __init__(self, report: Report) -> None:
        self._unused = {finding.diagnostic for finding in report.findings if finding.diagnostic.code == UNUSED.code}
        self._files = set(report.files)
        self._places = set(report.project.settings.locations.values())

    def needs(self, item: Diagnostic) -> bool:
        """Whether it reads the comment or entry that ``item`` calls unused, and has a use for it."""
        if item.code != UNUSED.code or item.location is None or item in self._unused:
            return False
        return item.location.file in self._files or item.location in self._places


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
