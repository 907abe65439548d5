"""GitHub's workflow commands: one annotation for each finding, at its line of the pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.lint.registry import RULES
from generator.problems.codes import all_codes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.problems.diagnostic import Diagnostic, Location

_KINDS = {"error": "error", "warning": "warning", "info": "notice"}


def workflow_commands(diagnostics: Iterable[Diagnostic]) -> str:
    """``::error file=…,line=…,col=…,title=…::what is wrong``, one line each."""
    return "".join(f"{_annotation(diagnostic)}\n" for diagnostic in diagnostics)


def is_variable(place: Location) -> bool:
    """Whether a value comes from an ``APP_CONFIG_*`` variable: there is no file to show it in."""
    return not place.line and place.file.startswith("APP_CONFIG_")


def _annotation(diagnostic: Diagnostic) -> str:
    rule = RULES.get(diagnostic.code)
    place = diagnostic.location
    properties = []
    if place is not None and not is_variable(place):
        properties.append(f"file={_property(place.file)}")
        if place.line:
            properties += [f"line={place.line}", f"col={place.column}"] if place.column else [f"line={place.line}"]
    properties.append(f"title={_property(f'{diagnostic.code} {rule.name}' if rule else diagnostic.code)}")
    key = f"{diagnostic.path}: " if diagnostic.path else ""
    if place is not None and is_variable(place):
        key = f"{place.file}: {key}"
    lines = [f"{key}{diagnostic.summary}"]
    if diagnostic.backstage:
        lines.append(f"Backstage: {diagnostic.backstage}")
    if diagnostic.hint:
        lines.append(f"help: {diagnostic.hint}")
    if diagnostic.code in all_codes():  # an annotation has no room for a link
        lines.append(f"more: greenroom explain {diagnostic.code}")
    return f"::{_KINDS[str(diagnostic.severity)]} {','.join(properties)}::{_data(chr(10).join(lines))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
