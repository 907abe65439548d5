"""Lint and its fixes on random configurations, those of the comparison with Backstage: no exception, no broken file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from resolve_strategies import Case, cases

from generator import Request
from generator.documents.documents import parse_yaml
from generator.lint import lint
from generator.lint.fix.fixer import fix
from generator.lint.formats.sarif import sarif
from generator.lint.registry import RULES
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from pathlib import Path


@given(case=cases())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_configuration_can_be_linted(tmp_path: Path, case: Case) -> None:
    for name, text in case.texts().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    for placeholders in ("keep", "backstage"):
        request = Request(
            root=tmp_path,
            config=[str(tmp_path / name) for name in case.files],
            plugins=case.plugins,
            environ=case.environ,
            placeholders="keep" if placeholders == "keep" else "backstage",
        )
        report = lint(request)
        for finding in report.findings:
            diagnostic = finding.diagnostic
            assert diagnostic.code in RULES or diagnostic.code == "GR407"
            assert diagnostic.summary
        assert sarif(report)["version"] == "2.1.0"
        fixed = fix(report.edits, report.texts)
        fixed.diff()
        for text in fixed.texts.values():
            problems = Diagnostics()
            parse_yaml(text, "", problems)
            assert not problems.has_errors
