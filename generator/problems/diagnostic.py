"""Problems as data: what is wrong, where, what Backstage would do, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from generator.problems.inert import inert
from generator.problems.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Severity(StrEnum):
    """How much a problem weighs. Only ``ERROR`` changes the exit code."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Location(NamedTuple):
    """A place in an input.

    ``file`` is a path as the user would write it, or the name of an ``APP_CONFIG_*`` variable;
    ``line`` and ``column`` count from 1 and are 0 where the input has no lines.
    """

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = (self.file, self.line, self.column) if self.column else (self.file, self.line)
        return ":".join(map(str, parts)) if self.line else self.file


class Diagnostic(NamedTuple):
    """One problem of one run.

    ``code`` is stable (``GR101``), ``path`` the configuration key (``backend.database.client``),
    ``backstage`` what Backstage itself would do, ``hint`` what the reader can do.
    """

    code: str
    severity: Severity
    summary: str
    location: Location | None = None
    path: str = ""
    hint: str = ""
    backstage: str = ""

    def to_json(self) -> dict[str, object]:
        """The shape of ``diagnostics[]`` in ``--format json``."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "summary": self.summary,
            "file": self.location.file if self.location else None,
            "line": (self.location.line or None) if self.location else None,
            "column": (self.location.column or None) if self.location else None,
            "path": self.path or None,
            "hint": self.hint or None,
            "backstage": self.backstage or None,
            "page": page(self.code),
        }

    def render(self) -> str:
        """``file:line:col key: severity CODE what is wrong``, then what Backstage would do and the hint.

        Whatever the parts hold, each is on one line of its own.
        """
        place = f"{inert(self.location)} " if self.location else ""
        key = f"{inert(self.path)}: " if self.path else ""
        lines = [f"{place}{self.severity}[{self.code}] {key}{inert(self.summary)}"]
        if self.backstage:
            lines.append(f"    Backstage: {inert(self.backstage)}")
        if self.hint:
            lines.append(f"    help: {inert(self.hint)}")
        return "\n".join(lines)


@dataclass(slots=True)
class Diagnostics:
    """Collects the problems of a run, so that all of them are reported at once."""

    items: dict[Diagnostic, None] = field(default_factory=dict)

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep ``diagnostic`` unless the very same one is there already."""
        self.items[diagnostic] = None

    def error(
        self,
        code: str,
        summary: str,
        location: Location | None = None,
        *,
        path: str = "",
        hint: str = "",
        backstage: str = "",
    ) -> None:
        """Keep an error."""
        self.add(Diagnostic(code, Severity.ERROR, summary, location, path, hint, backstage))

    def warning(
        self,
        code: str,
        summary: str,
        location: Location | None = None,
        *,
        path: str = "",
        hint: str = "",
        backstage: str = "",
    ) -> None:
        """Keep a warning."""
        self.add(Diagnostic(code, Severity.WARNING, summary, location, path, hint, backstage))

    def locate(self, places: Mapping[str, Location]) -> None:
        """Give each problem without a place that of its key, or of the nearest key around it, where ``places`` has one."""
        self.items = dict.fromkeys(_located(item, places) for item in self.items)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Keep each of ``diagnostics``."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    @property
    def has_errors(self) -> bool:
        """Whether one of the problems is an error."""
        return any(item.severity is Severity.ERROR for item in self.items)

    def __iter__(self) -> Iterator[Diagnostic]:
        """In the order of the inputs: file, line, column."""
        return iter(sorted(self.items, key=lambda item: (item.location is None, item.location or Location(""), item.code)))

    def __len__(self) -> int:
        return len(self.items)


def _located(item: Diagnostic, places: Mapping[str, Location]) -> Diagnostic:
    key = item.path if item.location is None else ""
    while key and key not in places:
        key = key.rpartition(".")[0]
    return item._replace(location=places[key]) if key else item


class GreenroomError(Exception):
    """A run cannot go on; carries every problem found so far.

    Raised by the library where there is no partial result worth returning. The command line prints the
    diagnostics and exits with ``exit_code`` (1: problems in the input).
    """

    exit_code = 1

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = list(diagnostics)
        super().__init__("\n".join(item.render() for item in self.diagnostics))
