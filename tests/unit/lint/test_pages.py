"""Every rule has a page, and the page's examples do what it says: the bad one is found, and only it; the good one is not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from lint_pages import CODES, FOLDER, example
from update_docs import LINT, lint_index

from generator.lint.registry import RULES

if TYPE_CHECKING:
    from pathlib import Path


def test_every_rule_has_a_page_and_every_page_a_rule() -> None:
    assert list(RULES) == CODES


def test_the_index_lists_the_rules_as_they_are() -> None:
    assert LINT.read_text(encoding="utf-8") == lint_index(), "run `make goldens` and look at the difference"


@pytest.mark.parametrize("code", CODES)
def test_the_page_says_what_the_rule_says(code: str) -> None:
    rule, text = RULES[code], (FOLDER / f"{code}.md").read_text(encoding="utf-8")
    severities = " or ".join((rule.severity, *rule.also))
    assert text.startswith(f"# {code} {rule.name}\n\n{severities}{' · `--fix`' if rule.fixable else ''} · ")
    assert f"\n{rule.summary}\n" in text
    assert text.endswith(f"## Upstream\n\n{rule.upstream}\n")
    headings = ["What happens", "Why", "How to fix it", "Bad", "Good", "Upstream"]
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == headings


@pytest.mark.parametrize("code", CODES)
def test_the_bad_example_is_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    report = example(code, "Bad").lint(tmp_path)
    assert [finding.diagnostic.code for finding in report.findings] == [code], [
        finding.diagnostic.render() for finding in report.findings
    ]
    (finding,) = report.findings
    assert finding.diagnostic.severity is RULES[code].severity
    assert finding.diagnostic.location is not None
    assert bool(finding.edits) is RULES[code].fixable


@pytest.mark.parametrize("code", CODES)
def test_nothing_is_found_in_the_good_example(code: str, tmp_path: Path) -> None:
    report = example(code, "Good").lint(tmp_path)
    assert not [finding.diagnostic.render() for finding in report.findings]
