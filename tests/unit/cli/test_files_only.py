"""What is generated depends on the files of the repository; who runs it, and where, changes no byte."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

BASE = "backend:\n  database: {client: better-sqlite3, connection: ':memory:'}\n"
PRODUCTION = """\
backend:
  database:
    client: %s
    pluginDivisionMode: %s
    connection: {host: "${POSTGRES_HOST}", user: "${POSTGRES_USER}", password: "${POSTGRES_PASSWORD}", database: "%s"}
"""
FILES = ("--config", "app-config.yaml", "--config", "app-config.production.yaml")
PLUGINS = ("catalog", "auth", "scaffolder")
#: What a developer's shell may have.
SHELL = {
    "POSTGRES_HOST": "localhost",
    "POSTGRES_DB": "mine",
    "CLIENT": "better-sqlite3",
    "MODE": "database",
    "APP_CONFIG_backend_database_client": "better-sqlite3",
    "APP_CONFIG_backend_database_prefix": "mine_",
    "BACKSTAGE_ENV": "mine",
}


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What create-app makes, with a client, a mode and a database that are variables."""
    (tmp_path / "packages/backend/src").mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"workspaces": ["packages/*"]}')
    names = [f"@backstage/plugin-{name}-backend" for name in PLUGINS]
    listed = "".join(f', "{name}": "*"' for name in names)
    manifest = '{"name": "backend", "backstage": {"role": "backend"}, "dependencies": {"@backstage/backend-defaults": "*"'
    (tmp_path / "packages/backend/package.json").write_text(f"{manifest}{listed}}}}}")
    adds = "".join(f"backend.add(import('{name}'));\n" for name in names)
    (tmp_path / "packages/backend/src/index.ts").write_text(
        f"import {{ createBackend }} from '@backstage/backend-defaults';\nconst backend = createBackend();\n{adds}"
    )
    (tmp_path / "app-config.yaml").write_text(BASE)
    (tmp_path / "app-config.mine.yaml").write_text("backend: {database: {prefix: other_}}\n")
    production(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def production(root: Path, client: str = "pg", mode: str = "schema", database: str = "${POSTGRES_DB}") -> None:
    (root / "app-config.production.yaml").write_text(PRODUCTION % (client, mode, database))


def greenroom(*arguments: str) -> subprocess.CompletedProcess[str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def infra(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in (root / "infra").rglob("*") if path.is_file()}


def test_the_environment_of_the_process_changes_no_byte(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    production(portal, database="portal")
    assert greenroom("generate", *FILES).returncode == 0
    before = infra(portal)
    assert b"localhost" not in b"".join(before.values())
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    for options in (("--check",), ("--check", "--diff"), ("--diff",), ("--check", "--format", "json")):
        done = greenroom("generate", *FILES, *options)
        assert done.returncode == 0, done.stdout + done.stderr
    assert not greenroom("generate", *FILES, "--diff").stdout
    assert greenroom("generate", *FILES).returncode == 0
    assert infra(portal) == before


def test_a_file_outside_of_the_repository_changes_no_byte(portal: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A secret that is mounted where one of them runs: the others have no such file."""
    mounted = tmp_path_factory.mktemp("run") / "host"
    for relative in (str(mounted), os.path.relpath(mounted, portal)):
        production(portal, database="portal")
        config = portal / "app-config.production.yaml"
        config.write_text(config.read_text().replace('"${POSTGRES_HOST}"', f"{{$file: {relative}}}"))
        assert greenroom("generate", *FILES).returncode == 0
        before = infra(portal)
        mounted.write_text("localhost\n")
        assert greenroom("generate", *FILES, "--check").stdout == ""
        assert greenroom("generate", *FILES).returncode == 0
        assert infra(portal) == before
        mounted.unlink()


def test_an_option_asks_for_the_environment_and_it_is_named(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_HOST", "db.example")
    monkeypatch.setenv("POSTGRES_DB", "portal")
    done = greenroom("generate", *FILES, "--placeholders", "backstage")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0].endswith(", with POSTGRES_DB and POSTGRES_HOST from the environment")
    assert b'default     = "db.example"' in infra(portal)["infra/terraform/databases/variables.tf"]


def test_settings_say_what_has_to_be_known(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    production(portal, "${CLIENT}", "${MODE}")
    (portal / "names.env").write_text("MODE=schema\nPOSTGRES_DB=overruled\n")
    (portal / "greenroom.yaml").write_text(
        "appConfig: [app-config.yaml, app-config.production.yaml]\n"
        "values:\n  CLIENT: pg\n  POSTGRES_DB: portal\nenvFiles: [names.env]\n"
    )
    assert greenroom("generate").returncode == 0
    for name, value in SHELL.items():
        monkeypatch.setenv(name, value)
    done = greenroom("generate", "--check")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == (
        "up to date, with CLIENT from greenroom.yaml:3:11, MODE from names.env, POSTGRES_DB from greenroom.yaml:4:16\n"
    )
    document = json.loads(greenroom("generate", "--check", "--format", "json").stdout)
    assert document["values"] == [
        {"name": "CLIENT", "from": "greenroom.yaml:3:11"},
        {"name": "MODE", "from": "names.env"},
        {"name": "POSTGRES_DB", "from": "greenroom.yaml:4:16"},
    ]
    plugins = json.loads((portal / "infra/greenroom.lock.json").read_text())["plugins"]
    assert {plugin["database"] for plugin in plugins.values()} == {"portal"}


def test_an_env_file_of_the_command_line_overrules_the_settings(portal: Path) -> None:
    (portal / "greenroom.yaml").write_text("values: {POSTGRES_DB: portal}\n")
    (portal / "other.env").write_text("POSTGRES_DB=other\n")
    done = greenroom("generate", *FILES, "--env-file", "other.env")
    assert done.stderr.splitlines()[0].endswith(", with POSTGRES_DB from other.env")
    assert "database other" in done.stdout


def test_one_cause_is_told_once_and_its_hint_ends_it(portal: Path) -> None:
    done = greenroom("generate", *FILES)
    assert done.returncode == 1
    assert done.stderr == (
        "app-config.production.yaml:5:114 error[GR302] backend.database: the databases of plugins 'auth', 'catalog' and "
        "'scaffolder' cannot be named: ${POSTGRES_DB} has no value here\n"
        "    help: say it in greenroom.yaml: `values: {POSTGRES_DB: …}` (or `envFiles`), or with --env-file\n"
        "1 error\n"
    )
    (portal / "greenroom.yaml").write_text("values: {POSTGRES_DB: portal}\n")
    assert greenroom("generate", *FILES).returncode == 0


def test_a_value_that_nothing_asks_for_and_one_that_is_a_secret(portal: Path) -> None:
    (portal / "greenroom.yaml").write_text(
        "values:\n  POSTGRES_DBS: x\n  POSTGRES_PASSWORD: hunter2\n  POSTGRES_DB: portal\n"
    )
    done = greenroom("generate", *FILES)
    assert done.returncode == 0
    assert "greenroom.yaml:2:17 warning[GR430] values.POSTGRES_DBS" in done.stderr
    assert "greenroom.yaml:3:22 warning[GR431] values.POSTGRES_PASSWORD" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    assert b"hunter2" not in b"".join(infra(portal).values())


def test_resolve_and_lint_show_what_is_here(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    production(portal, "${CLIENT}", "database")
    options = ("--plugin", "catalog", "--format", "json", *FILES)
    assert greenroom("resolve", *options).returncode == 1
    monkeypatch.setenv("CLIENT", "pg")
    assert greenroom("resolve", *options).returncode == 0
    assert "GR202" not in greenroom("lint", *FILES).stdout
    assert greenroom("generate", *FILES).returncode == 1


@pytest.mark.parametrize("mode", ["schema", "${MODE}"])
def test_init_writes_down_what_has_to_be_filled_in(portal: Path, mode: str) -> None:
    production(portal, "${CLIENT}", mode)
    done = greenroom("init")
    assert done.returncode == 0
    assert "app-config.production.yaml:3:13 warning[GR432] ${CLIENT} has to be known when generating\n" in done.stderr
    assert " in it under values, then `greenroom generate`\n" in done.stderr
    settings = portal / "greenroom.yaml"
    text = settings.read_text()
    assert "# app-config.production.yaml:3:13 asks for ${CLIENT}: give its value here, it has to be known.\n" in text
    assert greenroom("generate").returncode == 1
    settings.write_text(text.replace("#values:", "values:"))
    assert greenroom("generate").returncode == 0
