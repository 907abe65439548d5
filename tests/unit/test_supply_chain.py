"""The versions of the tests are pinned, all of them; licences and vulnerabilities that were not looked at are never fine."""

from __future__ import annotations

import importlib.metadata
from email.message import Message
from typing import TYPE_CHECKING, Any

import pytest
import supply_chain
from packaging.requirements import Requirement
from supply_chain import CONSTRAINTS, FUNCTIONS, KNOWN_BAD, look_up, name_of, pins

if TYPE_CHECKING:
    from pathlib import Path


def needed(name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]) -> set[str]:
    """Everything that is installed because of ``name[extras]``, itself included."""
    if (name, extras) in seen:
        return set()
    seen.add((name, extras))
    found = {name}
    for text in importlib.metadata.distribution(name).requires or []:
        requirement = Requirement(text)
        chosen = extras or {""}
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in chosen):
            found |= needed(name_of(requirement.name), frozenset(requirement.extras), seen)
    return found


def test_the_constraints_cover_everything_that_is_installed() -> None:
    pinned = pins(CONSTRAINTS.read_text())
    wanted = needed("greenroom", frozenset({"test"}), set()) - {"greenroom", "setuptools", "pip"}
    assert len(wanted) > 40
    assert sorted(wanted - pinned.keys()) == [], "`make constraints` writes them"
    others = {name: importlib.metadata.version(name) for name in sorted(wanted)}
    assert {name: version for name, version in others.items() if version != pinned[name]} == {}


def test_constraints_and_the_functions_say_the_same() -> None:
    ours, functions = pins(CONSTRAINTS.read_text()), pins(FUNCTIONS.read_text())
    assert len(functions) >= 5
    assert {name: version for name, version in functions.items() if ours.get(name, version) != version} == {}


def package(**fields: str) -> Any:
    metadata = Message()
    for name, value in fields.items():
        metadata[name.replace("_", "-")] = value
    return type("Package", (), {"metadata": metadata, "version": "1"})


@pytest.mark.parametrize(
    ("fields", "is_fine"),
    [
        ({"License_Expression": "MIT"}, True),
        ({"License_Expression": "GPL-3.0-only OR Apache-2.0"}, True),
        ({"License_Expression": "Apache-2.0 AND CNRI-Python"}, True),
        ({"License_Expression": "MIT AND GPL-2.0-only"}, False),
        ({"License_Expression": "AGPL-3.0-only"}, False),
        ({"Classifier": "License :: OSI Approved :: MIT License"}, True),
        ({"Classifier": "License :: Other/Proprietary License"}, False),
        ({"License": "Apache License 2.0"}, True),
        ({"License": "ask me"}, False),
        ({}, False),
    ],
)
def test_licences(fields: dict[str, str], is_fine: bool) -> None:
    assert (supply_chain.licence_problems({"a": package(**fields)}) == []) is is_fine


def test_everything_that_is_installed_may_be_used() -> None:
    assert supply_chain.licence_problems(supply_chain.installed()) == []


_BAD = dict([KNOWN_BAD])
_FOUND = {"pyyaml": {"name": "pyyaml", "version": "5.3.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["5.4"]}]}}


@pytest.mark.parametrize(
    ("answers", "problems", "reason"),
    [
        ({"a": {"version": "1", "vulns": []}}, [], ""),
        ({"a": {"version": "1", "vulns": [{"id": "X-1"}]}}, ["a 1: X-1 (fixed in no release)"], ""),
        ({"a": {"skip_reason": "Dependency not found on PyPI"}}, [], "no answer about a"),
        ({"a": {"version": "2", "vulns": []}}, [], "no answer about a"),
        ({}, [], "no answer about a"),
    ],
)
def test_what_has_no_answer_was_not_checked(
    answers: dict[str, Any], problems: list[str], reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(supply_chain, "audit", lambda wanted, _folder: _FOUND if wanted == _BAD else answers)
    found, why = look_up({"a": "1"}, tmp_path)
    assert found == problems
    assert reason in why
    assert bool(why) == bool(reason)


def test_an_audit_that_finds_nothing_anywhere_has_not_looked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mirror of the index without a list of vulnerabilities: pip-audit ends with `No known vulnerabilities found`."""
    clean = {"pyyaml": {"version": "5.3.1", "vulns": []}, "a": {"version": "1", "vulns": []}}
    monkeypatch.setattr(supply_chain, "audit", lambda _wanted, _folder: clean)
    assert look_up({"a": "1"}, tmp_path) == (
        [],
        "the audit finds nothing wrong with pyyaml 5.3.1, so it looks at nothing (no list of vulnerabilities here): "
        "1 packages were not checked",
    )


def test_no_audit_is_not_a_good_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(_wanted: object, _folder: object) -> None:
        raise supply_chain.SetupError("a\npip install failed: no network")

    monkeypatch.setattr(supply_chain, "audit", refuse)
    monkeypatch.setattr(supply_chain.sys, "argv", ["supply_chain.py"])
    assert supply_chain.main() == supply_chain.NOT_LOOKED_AT
