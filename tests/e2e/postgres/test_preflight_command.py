"""`greenroom preflight` from the command line: generate, apply, log in; then with a password that is wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run
from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("preflight-command")]

CONFIG = """\
backend:
  database:
    client: pg
    connection: {host: "${POSTGRES_HOST}", port: "${POSTGRES_PORT}", user: nobody, password: "${POSTGRES_PASSWORD}"}
"""
PASSWORDS = {"BACKSTAGE_DB_AUTH_PASSWORD": "correct horse", "BACKSTAGE_DB_CATALOG_PASSWORD": "battery $taple"}


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        running.create_admin("admin", "admin's password")
        yield running


@pytest.fixture
def project(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose databases are there, in a shell that has everything Backstage would have."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    assert run(["generate", "--plugin", "auth", "--plugin", "catalog", "--quiet"]) == 0
    script = tmp_path / "infra" / "sql" / "databases.sql"
    applied = apply_script(
        script,
        host=server.host,
        port=server.port,
        user="admin",
        password="admin's password",
        env=PASSWORDS,
        psql=server.bin_dir / "psql",
    )
    assert applied.ok, applied.stderr
    for name, value in {"POSTGRES_HOST": server.host, "POSTGRES_PORT": str(server.port), **PASSWORDS}.items():
        monkeypatch.setenv(name, value)
    return tmp_path


def test_every_plugin_is_ready(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    # The plugins are those of the fragment: nobody has to name them again.
    assert run(["preflight", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ready"]
    assert {name: found["user"] for name, found in report["plugins"].items()} == {
        "auth": "backstage_auth",
        "catalog": "backstage_catalog",
    }


def test_a_wrong_password_is_exit_code_4(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BACKSTAGE_DB_CATALOG_PASSWORD", "a wrong one")
    assert run(["preflight", "--wait", "2"]) == 4
    said = capsys.readouterr()
    assert "NOT READY" in said.out
    assert "password authentication failed" in said.err
    assert "a wrong one" not in said.out + said.err
    assert "battery" not in said.out + said.err


def test_a_password_may_come_from_an_env_file(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BACKSTAGE_DB_CATALOG_PASSWORD")
    assert run(["preflight"]) == 4
    (project / "secrets.env").write_text("BACKSTAGE_DB_CATALOG_PASSWORD='battery $taple'\n")
    capsys.readouterr()
    assert run(["preflight", "--env-file", "secrets.env"]) == 0
    assert "ready" in capsys.readouterr().out


def test_the_fragment_may_be_among_the_config_files(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run(["preflight", "--config", "app-config.yaml", "--config", "infra/app-config.databases.yaml"]) == 0
    assert "GR406" not in capsys.readouterr().err
