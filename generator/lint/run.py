"""Lint from start to end: read, resolve, look, and leave out what is suppressed or not asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from generator.documents.files import display_path
from generator.lint.comments import UNUSED, Suppressions
from generator.lint.fix.fixes import edits_for
from generator.lint.model import Edit, Finding, found
from generator.lint.registry import CHECKS, RULES
from generator.lint.rules.adopted import LOWERED
from generator.lint.rules.drivers import Drivers, find_drivers
from generator.lint.subject import Subject, walk
from generator.problems.diagnostic import Diagnostic, Diagnostics, Location, Severity
from generator.run.incomplete import ignoring, is_ignored
from generator.run.steps import load, resolve, with_fragment

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from generator.lint.texts import Texts
    from generator.run.project import Project, Request

#: Every backend has a catalog: the eyes to look through where nobody says which plugins there are.
PROBE = "catalog"


@dataclass(slots=True)
class Report:
    """What lint found. ``suppressed`` are the findings a comment in the YAML covers; they do not count. ``files`` are those
    of the configuration.
    """

    project: Project
    texts: Texts
    findings: list[Finding] = field(default_factory=list)
    suppressed: list[Finding] = field(default_factory=list)
    drivers: list[Drivers] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    @property
    def diagnostics(self) -> Diagnostics:
        """The findings as the diagnostics of the contract."""
        collected = Diagnostics()
        collected.extend(finding.diagnostic for finding in self.findings)
        return collected

    @property
    def has_errors(self) -> bool:
        """Whether one of the findings is an error."""
        return any(finding.diagnostic.severity is Severity.ERROR for finding in self.findings)

    @property
    def unread(self) -> list[str]:
        """The overlays beside app-config.yaml that Backstage's lookup does not take, where nothing else was asked for."""
        request = self.project.request
        if request.config or self.project.settings.app_config:
            return []
        read = {PurePath(layer.path).name for layer in self.project.config.layers}
        names = sorted(path.name for path in request.root.glob("app-config.*.yaml"))
        return [name for name in names if name not in read and "example" not in name and "local" not in name]

    @property
    def edits(self) -> list[Edit]:
        """What ``--fix`` would change, each edit once."""
        return list(dict.fromkeys(edit for finding in self.findings for edit in finding.edits))


def lint(request: Request, *, select: tuple[str, ...] = (), ignore: tuple[str, ...] = ()) -> Report:
    """Look at the configuration of ``request`` and at the repository around it.

    Args:
        select: only the codes that start with one of these; all of them when empty.
        ignore: not the codes that start with one of these.

    What keeps the configuration from being read is always reported: nothing else was looked at. Raises nothing for problems
    of the input.
    """
    project = _load(request)
    ids = project.plugin_ids or (PROBE,)
    resolved = resolve(project, ids)
    subject = Subject(project, resolved)
    findings: list[Finding] = []
    if project.config.error is None:
        for check in CHECKS:
            findings += check(subject)
    findings += _adopted(subject)
    findings = [_with_edits(finding, subject.texts) for finding in findings]
    report = Report(project, subject.texts)
    if project.config.error is None:
        report.drivers = find_drivers(subject)
    active = {code for code in RULES if _wanted(code, select, ignore)}
    report.files = _files(project)
    suppressions = Suppressions(report.files, subject.texts, _known(findings))
    for finding in _sorted(findings):
        fatal = project.config.error is not None and _stops_loading(finding.diagnostic)
        if not fatal and not _wanted(finding.diagnostic.code, select, ignore):
            continue
        ignored = is_ignored(project.settings, finding.diagnostic)
        covered = (suppressions.covers(finding.diagnostic) or ignored) and not fatal
        (report.suppressed if covered else report.findings).append(finding)
    if project.config.error is None:
        odd = [*suppressions.findings(active), *_unused_entries(project, report, active)]
        odd = [item for item in odd if item.diagnostic.code in active]
        report.findings = _sorted([*report.findings, *odd])
    return report


def _unused_entries(project: Project, report: Report, active: Collection[str]) -> Iterator[Finding]:
    """Entries of ``ignore`` in the settings that answer for nothing, of the ``active`` codes: others are other commands'."""
    settings = project.settings
    answered = [*project.left_out, *(finding.diagnostic for finding in report.suppressed)]
    used = {number for item in answered for number in ignoring(settings, item)}
    looked = "GR8" if project.discovery is not None else "no code"
    for number, (code, file) in enumerate(settings.ignore):
        if number not in used and (code in active or code.startswith(looked)):
            where = f" in {file}" if file else ""
            yield found(
                UNUSED,
                f"ignore: there is no warning {code}{where}",
                settings.locations.get(f"ignore[{number}]"),
                path=f"ignore[{number}]",
                hint="remove the entry, or correct its file; an error cannot be ignored",
            )


def _load(request: Request) -> Project:
    """The project; with the generated fragment, where that is among the files: lint looks at what Backstage gets."""
    project = load(request)
    left_out = [item for item in project.diagnostics if item.code == "GR406"]
    if left_out:
        project = with_fragment(project)
        for item in left_out:
            del project.diagnostics.items[item]
    return project


def _adopted(subject: Subject) -> list[Finding]:
    """What earlier stages said, once each."""
    root = subject.project.request.root
    result = []
    for item in subject.project.diagnostics:
        severity = LOWERED.get((item.code, item.severity), item.severity)
        location = item.location or _start(subject.project, item)
        if location is not None and item.code.startswith("GR8"):  # discovery names files from the root of the repository
            location = location._replace(file=display_path(root / location.file))
        diagnostic = item._replace(severity=severity, location=location)
        result.append(Finding(diagnostic))
    return result


def _with_edits(finding: Finding, texts: Texts) -> Finding:
    """The finding with what its rule does about it."""
    edits = finding.edits or edits_for(RULES.get(finding.diagnostic.code), finding.diagnostic, texts)
    return finding._replace(edits=edits)


def _start(project: Project, item: Diagnostic) -> Location | None:
    """What is missing altogether is missing in the last of the files."""
    layers = [layer for layer in project.config.layers if layer.path != "env"]
    return Location(layers[-1].path) if layers and item.code == "GR203" else None


def _sorted(findings: Iterable[Finding]) -> list[Finding]:
    """In the order of the inputs, each diagnostic once."""
    by_diagnostic = {finding.diagnostic: finding for finding in findings}
    ordered = Diagnostics()
    ordered.extend(by_diagnostic)
    return [by_diagnostic[diagnostic] for diagnostic in ordered]


def _wanted(code: str, select: tuple[str, ...], ignore: tuple[str, ...]) -> bool:
    return (not select or code.startswith(select)) and not (ignore and code.startswith(ignore))


def _stops_loading(diagnostic: Diagnostic) -> bool:
    return diagnostic.code.startswith("GR1") and diagnostic.severity is Severity.ERROR


def _known(findings: Iterable[Finding]) -> set[str]:
    """The codes a comment may name: those of the rules, and those of other stages that are there to be suppressed."""
    return {*RULES, *(finding.diagnostic.code for finding in findings)}


def _files(project: Project) -> set[str]:
    """The files of the configuration: those that were loaded, and those that backend.database includes."""
    files = {layer.path for layer in project.config.layers if layer.path != "env"}
    for _, key, _, holder in walk(project.database, ""):
        place = holder.locate(key)
        if place is not None and place.line:
            files.add(place.file)
    return files
