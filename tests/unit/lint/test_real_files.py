"""Real app-configs, and our own examples: no error without a reason, and nothing to say about what greenroom generates."""

from __future__ import annotations

from pathlib import Path

import pytest

from generator import Request
from generator.lint import Report, lint
from generator.problems.diagnostic import Severity

PROJECT = Path(__file__).resolve().parents[3]
CORPUS = PROJECT.parent / "shared" / "corpus"
FILES = sorted(path for path in CORPUS.iterdir() if path.is_file()) if CORPUS.is_dir() else []
EXAMPLES = sorted(path.parent for path in PROJECT.glob("examples/*/app-config.yaml"))

#: Errors in files that people really have; tests/oracle/test_lint_errors.py shows that Backstage fails with each of them.
#: GR104: a template that was not rendered; GR105: a key twice; GR201: an overlay without its base, a file name as the base
#: connection; GR215: the old $secret.
KNOWN = {"GR104", "GR105", "GR201", "GR215", "GR434"}
#: The share of real files that get a warning. It is there to be noticed when a rule becomes talkative.
MOST_WARNINGS = 0.55


def config(files: list[Path], folder: Path, environment: str | None = None) -> Report:
    return lint(Request(root=folder, config=[str(file) for file in files], environ={}, environment=environment))


def groups() -> list[list[Path]]:
    """Files of one repository that are run together: the base and an overlay."""
    by_number: dict[str, list[Path]] = {}
    for file in FILES:
        by_number.setdefault(file.name[:3], []).append(file)
    found = []
    for files in by_number.values():
        base = next((file for file in files if file.name.endswith("__app-config.yaml")), None)
        found += [[base, file] for file in files if base is not None and file != base and "example" not in file.name]
    return found


@pytest.mark.skipif(not FILES, reason="the collection of real app-configs is not beside this checkout")
def test_errors_in_real_files_have_a_reason(tmp_path: Path) -> None:
    with_errors = with_warnings = 0
    for file in FILES:
        report = config([file], tmp_path)
        kinds = {finding.diagnostic.severity for finding in report.findings}
        errors = {item.diagnostic.code for item in report.findings if item.diagnostic.severity is Severity.ERROR}
        assert errors <= KNOWN, [finding.diagnostic.render() for finding in report.findings]
        with_errors += bool(errors)
        with_warnings += Severity.WARNING in kinds
    assert with_errors <= 7
    assert with_warnings / len(FILES) < MOST_WARNINGS


@pytest.mark.skipif(not FILES, reason="the collection of real app-configs is not beside this checkout")
def test_files_that_are_run_together_have_no_errors(tmp_path: Path) -> None:
    pairs = groups()
    assert pairs
    for files in pairs:
        report = config(files, tmp_path)
        errors = [item.diagnostic.render() for item in report.findings if item.diagnostic.severity is Severity.ERROR]
        assert not errors, [file.name for file in files]


@pytest.mark.parametrize("folder", EXAMPLES, ids=lambda path: path.name)
def test_what_is_generated_gets_no_warning(folder: Path) -> None:
    """An example's app-config with its fragment. What is said is about the example's own files, and meant to be there."""
    overlays = sorted(folder.glob("app-config.*.yaml"))
    fragments = sorted(folder.glob("expected/**/app-config.databases.yaml"))
    if not fragments:
        pytest.skip("this example has no app-config fragment")
    names = [path.parent.name for path in fragments]
    for name, fragment in zip(names, fragments, strict=True):
        several = len(fragments) > 1
        own = [path for path in overlays if not several or f".{name}." in path.name]
        check_silence(config([folder / "app-config.yaml", *own, fragment], folder, name if several else None))


def check_silence(report: Report) -> None:
    said = {finding.diagnostic.code for finding in report.findings if finding.diagnostic.severity is not Severity.INFO}
    places = [item.diagnostic.location for item in report.findings if item.diagnostic.location]
    ours = [str(place) for place in places if "expected" in place.file]
    assert not ours
    assert said <= {"GR011"}, [finding.diagnostic.render() for finding in report.findings]
