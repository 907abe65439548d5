"""What a rule is, and what it finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.problems.diagnostic import Location

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


class Rule(NamedTuple):
    """A trap with a stable code.

    ``name`` is for people (``ssl-as-text``), ``summary`` one sentence without a value in it. ``upstream`` is where Backstage
    or a driver decides this: a source file, a page of the documentation or an issue. ``fix`` makes the edits of ``--fix``
    from what is written at the place of a finding; a rule without one cannot be fixed. ``also`` are other severities it can
    have, in special cases or in another command.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    upstream: str
    fix: Callable[[Written], tuple[Edit, ...]] | None = None
    also: tuple[Severity, ...] = ()

    @property
    def fixable(self) -> bool:
        """Whether ``--fix`` can fix it."""
        return self.fix is not None


class Written(NamedTuple):
    """What is written at the place of a finding: ``line`` to the end of its line, ``rest`` to the end of the file.

    ``path`` is the key in the configuration.
    """

    place: Location
    path: str
    line: str
    rest: str


class Edit(NamedTuple):
    """A change of a file: ``old``, which stands at ``location``, becomes ``new``. Not applied when ``old`` is not there."""

    location: Location
    old: str
    new: str


class Finding(NamedTuple):
    """A problem with what fixes it: ``edits`` for ``--fix``, or a ``patch`` (a unified diff) to look at and apply."""

    diagnostic: Diagnostic
    edits: tuple[Edit, ...] = ()
    patch: str = ""


def found(
    rule: Rule,
    summary: str,
    location: Location | None,
    *,
    path: str = "",
    backstage: str = "",
    hint: str = "",
    edits: tuple[Edit, ...] = (),
    patch: str = "",
) -> Finding:
    """A finding of ``rule`` with its code and severity."""
    return Finding(Diagnostic(rule.code, rule.severity, summary, location, path, hint, backstage), edits, patch)
