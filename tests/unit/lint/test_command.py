"""``greenroom lint`` on the command line: what is written, what is only shown, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from generator.cli.app import run

PROJECT = Path(__file__).resolve().parents[3]

FIXABLE = """\
backend:
  database:
    client: pg # für alle
    connection:
      host: h
      port: ${PGPORT:5432}
"""
FIXED = FIXABLE.replace(":5432", ":-5432")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app-config.yaml").write_text(FIXABLE, encoding="utf-8")
    return tmp_path


def test_a_warning_is_exit_code_0_and_an_error_1(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint"]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("app-config.yaml:6:13 warning[GR117] backend.database.connection.port: ")
    assert "1 warning; --fix can fix 1 place (--diff shows how)\n" in said.err
    (folder / "app-config.yaml").write_text(FIXABLE + "      ssl: require\n", encoding="utf-8")
    assert run(["lint"]) == 1
    assert run(["lint", "--ignore", "GR001"]) == 0
    assert run(["lint", "--select", "gr117,GR2"]) == 0


def test_a_suppressed_error_does_not_count(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app-config.yaml").write_text(f"{FIXED}      ssl: require # greenroom-ignore: GR001 why\n", encoding="utf-8")
    assert run(["lint"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("nothing found, 1 suppressed\n")


def test_fix_writes_and_says_what_is_left(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "app-config.yaml").write_text(FIXABLE + "      ssl: require\n", encoding="utf-8")
    assert run(["lint", "--fix"]) == 1
    said = capsys.readouterr()
    assert (folder / "app-config.yaml").read_text(encoding="utf-8") == FIXED + "      ssl: require\n"
    assert said.err.startswith("1 change written to app-config.yaml\n1 error\n")
    assert "GR117" not in said.out
    assert "GR001" in said.out


def test_fix_keeps_to_what_was_asked_for(folder: Path) -> None:
    assert run(["lint", "--fix", "--ignore", "GR117", "--quiet"]) == 0
    assert (folder / "app-config.yaml").read_text(encoding="utf-8") == FIXABLE
    (folder / "app-config.yaml").write_text(f"{FIXABLE[:-1]} # greenroom-ignore: GR117 for now\n", encoding="utf-8")
    assert run(["lint", "--fix", "--quiet"]) == 0
    assert ":5432" in (folder / "app-config.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("more", [[], ["--fix"]])
def test_diff_writes_nothing(folder: Path, capsys: pytest.CaptureFixture[str], more: list[str]) -> None:
    assert run(["lint", "--diff", *more]) == 0
    said = capsys.readouterr()
    assert said.out.startswith("--- a/app-config.yaml\n+++ b/app-config.yaml\n")
    assert "-      port: ${PGPORT:5432}\n+      port: ${PGPORT:-5432}\n" in said.out
    assert said.err == "--fix would make 1 change to 1 file\n"
    assert (folder / "app-config.yaml").read_text(encoding="utf-8") == FIXABLE
    (folder / "app-config.yaml").write_text(FIXED, encoding="utf-8")
    assert run(["lint", "--diff"]) == 0
    assert capsys.readouterr() == ("", "--fix would change nothing\n")


def test_fix_with_a_format_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "--fix", "--format", "json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["diagnostics"] == []
    assert said.err == "1 change written to app-config.yaml\n"


def test_the_generated_fragment_is_looked_at(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `generate` leaves out of its own input, Backstage gets: a plugin's own user needs ensureExists: false."""
    (folder / "app-config.yaml").write_text(
        "backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, password: '${P}'}\n"
        "    plugin: {catalog: {connection: {user: c, password: '${C}'}}}\n"
    )
    fragment = folder / "infra" / "app-config.databases.yaml"
    fragment.parent.mkdir()
    fragment.write_text("backend: {database: {ensureExists: false}}\n")
    assert run(["lint", "--config", "app-config.yaml"]) == 0
    assert "GR020" in capsys.readouterr().out
    assert run(["lint", "--config", "app-config.yaml", "--config", str(fragment)]) == 0
    assert capsys.readouterr().out == ""


def test_overlays_that_nobody_named_are_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("app-config.production.yaml", "app-config.local.yaml", "app-config.example.yaml"):
        (folder / name).write_text("app: {}\n")
    run(["lint"])
    assert "not looked at, as --config names no file: app-config.production.yaml\n" in capsys.readouterr().err
    run(["lint", "--config", "app-config.yaml"])
    assert "not looked at, as" not in capsys.readouterr().err


def test_the_plugins_of_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "backend: {database: {client: pg, connection: {host: h}, plugin: {auth: {role: r}}}}\n"
    (folder / "app-config.yaml").write_text(text)
    run(["lint", "--plugin", "catalog", "--format", "json"])
    (item,) = json.loads(capsys.readouterr().out)["diagnostics"]
    assert item["path"] == "backend.database.plugin.auth.role"


def modules_after(*arguments: str) -> set[str]:
    """The modules a fresh interpreter holds after ``greenroom ARGUMENTS``."""
    code = (
        "import atexit, sys\n"
        "atexit.register(lambda: print('\\n' + ' '.join(sys.modules)))\n"
        "from generator.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


def test_lint_loads_only_what_it_needs() -> None:
    """No repository: no TypeScript. Nothing of the wrong type: no JSON Schema library. No table: no rich."""
    loaded = modules_after("lint", "--root", "examples/quickstart")
    assert "generator.lint.registry" in loaded
    assert not loaded & {"tree_sitter", "jsonschema", "jinja2", "hcl2", "rich", "psycopg", "ada_url", "difflib"}


def test_other_commands_do_not_load_lint() -> None:
    assert not {
        name for name in modules_after("resolve", "--root", "examples/quickstart") if name.startswith("generator.lint")
    }


def test_variables_beside_the_fragment(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The APP_CONFIG_* variables are a layer without a file."""
    monkeypatch.setenv("APP_CONFIG_backend_database_client", "pg")
    (folder / "infra").mkdir()
    (folder / "infra" / "app-config.databases.yaml").write_text("backend: {database: {ensureExists: false}}\n")
    (folder / "app-config.yaml").write_text("backend: {database: {connection: {host: h}}}\n")
    assert run(["lint", "--config", "app-config.yaml", "--config", "infra/app-config.databases.yaml"]) == 0
    assert capsys.readouterr().out == ""
