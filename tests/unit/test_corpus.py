"""Real app-configs: each gives a map or diagnostics with their place, and never a traceback."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from generator import Request, load, plan, render, resolve
from generator.problems.diagnostic import GreenroomError, Severity

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
FILES = sorted(path for path in CORPUS.iterdir() if path.is_file()) if CORPUS.is_dir() else []
PLUGINS = ("auth", "catalog", "proxy", "scaffolder", "search", "tech-insights")

if not FILES:
    pytest.skip("the collection of real app-configs is not beside this checkout", allow_module_level=True)


@pytest.mark.parametrize("placeholders", ["keep", "backstage"])
@pytest.mark.parametrize("file", FILES, ids=lambda path: path.name)
def test_a_real_file_gives_a_map_or_diagnostics(file: Path, placeholders: str, tmp_path: Path) -> None:
    text = file.read_text(encoding="utf-8", errors="replace")
    needed = set(re.findall(r"\$\{\s*([A-Za-z_][A-Za-z0-9_]*)", text))
    for environ in ({}, dict.fromkeys(needed, "5432")):
        request = Request(
            root=tmp_path,
            config=[str(file)],
            plugins=PLUGINS,
            placeholders="keep" if placeholders == "keep" else "backstage",
            environ=environ,
            out=tmp_path / "infra",
        )
        project = load(request)
        resolved = resolve(project)
        try:
            files = render(project, resolved, plan(project, resolved)).files
        except GreenroomError as problem:
            errors = [item for item in problem.diagnostics if item.severity is Severity.ERROR]
            assert errors
            assert all(item.summary for item in errors)
            assert any(item.location and item.location.line for item in errors), [item.render() for item in errors]
        else:
            # Where there is nothing to make, that is said.
            assert files or {item.code for item in project.diagnostics} & {"GR545", "GR546"}
            assert set(resolved) == set(PLUGINS)
        secrets = set(re.findall(r"""password:[ \t]*['"]?([^\s'"${}#]{6,})""", text))
        shown = "".join(item.render() for item in project.diagnostics)
        assert not [secret for secret in secrets if secret in shown and secret not in file.name]
