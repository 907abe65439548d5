"""SARIF 2.1.0: what code scanning of GitHub, GitLab, Azure DevOps and others take."""

from __future__ import annotations

import hashlib
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from generator import __version__
from generator.backstage.database.redaction import is_secret_name, redact_value
from generator.lint.formats.github import is_variable
from generator.lint.registry import RULES
from generator.problems.codes import lookup
from generator.problems.pages import address

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from generator.lint.model import Finding
    from generator.lint.run import Report
    from generator.problems.diagnostic import Location

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: Report) -> dict[str, Any]:
    """The log of one run. Findings that a comment suppresses are in it, marked as such."""
    return log(report.findings, report.suppressed, RULES)


def log(known: Sequence[Finding], suppressed: Sequence[Finding] = (), rules: Collection[str] = ()) -> dict[str, Any]:
    """A log of findings. ``rules`` are codes it describes whether or not they were found."""
    findings = [(finding, False) for finding in known] + [(finding, True) for finding in suppressed]
    codes = sorted({finding.diagnostic.code for finding, _ in findings} | set(rules))
    driver = {
        "name": "greenroom",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    results = [_result(finding, codes, suppressed=is_suppressed) for finding, is_suppressed in findings]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
    }


def _rule(code: str) -> dict[str, Any]:
    known = lookup(code)
    if known is None:
        return {"id": code}
    rule = RULES.get(code)
    # What Backstage does, why, and what to do: a reader of the report may have no greenroom at hand.
    said = [known.title, known.backstage, known.what, known.fix, f"Upstream: {rule.upstream}" if rule else ""]
    described = {
        "id": code,
        "shortDescription": {"text": known.title},
        "helpUri": address(code),
        "help": {"text": "\n\n".join(text for text in said if text)},
        "defaultConfiguration": {"level": _LEVELS[str(known.severities[0])]},
    }
    # Only rules of lint have a name.
    return {**described, "name": "".join(part.capitalize() for part in rule.name.split("-"))} if rule else described


def _result(finding: Finding, codes: list[str], *, suppressed: bool) -> dict[str, Any]:
    diagnostic = finding.diagnostic
    key = f"{diagnostic.path}: " if diagnostic.path else ""
    if diagnostic.location is not None and is_variable(diagnostic.location):
        key = f"{diagnostic.location.file}: {key}"
    parts = [f"{key}{diagnostic.summary}"]
    if diagnostic.backstage:
        parts.append(f"Backstage: {diagnostic.backstage}")
    if diagnostic.hint:
        parts.append(f"Help: {diagnostic.hint}")
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": codes.index(diagnostic.code),
        "level": _LEVELS[str(diagnostic.severity)],
        "message": {"text": "\n".join(parts)},
        "partialFingerprints": {"greenroom/v1": _fingerprint(finding)},
    }
    if diagnostic.location is not None and not is_variable(diagnostic.location):
        result["locations"] = [{"physicalLocation": _physical(diagnostic.location)}]
    if suppressed:
        result["suppressions"] = [{"kind": "inSource"}]
    if finding.edits and not _edits_secrets(finding):
        result["fixes"] = [_fix(finding)]
    return result


def _edits_secrets(finding: Finding) -> bool:
    """Whether the text of an edit may be (in) a secret: this file is uploaded."""
    below = finding.diagnostic.path.rpartition(".connection.")[2] or finding.diagnostic.path.rpartition(".")[2]
    return any(map(is_secret_name, below.split("."))) or any(redact_value(edit.new) != edit.new for edit in finding.edits)


def _fingerprint(finding: Finding) -> str:
    """The same finding after lines were added above it."""
    diagnostic = finding.diagnostic
    file = diagnostic.location.file if diagnostic.location else ""
    text = "\0".join((diagnostic.code, file, diagnostic.path, diagnostic.summary))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _physical(place: Location) -> dict[str, Any]:
    found: dict[str, Any] = {"artifactLocation": {"uri": _uri(place.file)}}
    if place.line:
        found["region"] = {"startLine": place.line, **({"startColumn": place.column} if place.column else {})}
    return found


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _fix(finding: Finding) -> dict[str, Any]:
    changes: dict[str, list[dict[str, Any]]] = {}
    for edit in finding.edits:
        lines = edit.old.split("\n")
        place = edit.location
        region = {
            "startLine": place.line,
            "startColumn": place.column,
            "endLine": place.line + len(lines) - 1,
            "endColumn": len(lines[-1]) + (place.column if len(lines) == 1 else 1),
        }
        replacement = {"deletedRegion": region, "insertedContent": {"text": edit.new}}
        changes.setdefault(place.file, []).append(replacement)
    return {
        "description": {"text": "greenroom lint --fix"},
        "artifactChanges": [
            {"artifactLocation": {"uri": _uri(file)}, "replacements": replacements} for file, replacements in changes.items()
        ],
    }
