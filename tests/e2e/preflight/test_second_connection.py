"""The second connection of the RBAC backend on a real server: the hint ends the message."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import psycopg

from generator.cli.app import run
from generator.demo.apply import apply_script

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from generator.demo.embedded import EmbeddedServer

PASSWORD = {"BACKSTAGE_DB_PERMISSION_PASSWORD": "its own"}
BASE = {"user": "portal", "password": "${PORTAL_PASSWORD}"}


def project(root: Path, server: EmbeddedServer, **more: object) -> None:
    connection = {"host": server.host, "port": server.port, **BASE, **more}
    document = {"backend": {"database": {"client": "pg", "connection": connection}}, "permission": {"rbac": {}}}
    (root / "app-config.yaml").write_text(json.dumps(document))


def preflight(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The check of the second connection."""
    capsys.readouterr()
    run(["preflight", "--plugin", "permission", "--format", "json", *options])
    checks = json.loads(capsys.readouterr().out)["plugins"]["permission"]["checks"]
    (found,) = [check for check in checks if check["name"] == "second connection"] or checks
    return found


def test_the_base_user(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    project(tmp_path, server)
    assert run(["generate", "--plugin", "permission", "--target", "sql", "--target", "app-config"]) == 0
    admin = {"user": "admin", "password": "admin's password"}
    script = tmp_path / "infra" / "sql" / "databases.sql"
    psql = server.bin_dir / "psql"
    assert apply_script(script, host=server.host, port=server.port, env=PASSWORD, psql=psql, **admin).ok
    fragment = tmp_path / "infra" / "app-config.databases.yaml"
    own = re.sub(r"^    connection: .*\n", "", fragment.read_text(), flags=re.MULTILINE)
    fragment.write_text(own)  # without the base user
    for name, value in {**PASSWORD, "PORTAL_PASSWORD": "wrong"}.items():
        monkeypatch.setenv(name, value)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE portal LOGIN PASSWORD 'right'")

    found = preflight(capsys)
    assert "password authentication failed" in found["detail"]
    assert "GRANT" not in found["hint"]
    assert "password is not the role's" in found["hint"]

    monkeypatch.setenv("PORTAL_PASSWORD", "right")
    found = preflight(capsys)
    assert "permission denied for database" in found["detail"]
    statements = re.findall(r"GRANT .*? TO \"portal\"", found["hint"])
    assert len(statements) == 2
    with psycopg.connect(server.dsn("backstage_plugin_permission"), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)
    found = preflight(capsys)
    assert found["status"] == "ok", found


def test_a_token_is_the_plugins(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The adapter asks the plugin's connection for its password, whatever the base password is."""
    monkeypatch.chdir(tmp_path)
    project(tmp_path, server, type="azure", user="tokens", database="own_permission")
    document = json.loads((tmp_path / "app-config.yaml").read_text())
    document["backend"]["database"]["plugin"] = {"permission": {"connection": {"database": "own_permission"}}}
    (tmp_path / "app-config.yaml").write_text(json.dumps(document))
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute("CREATE ROLE tokens LOGIN PASSWORD 'token'")
        connection.execute("CREATE DATABASE own_permission OWNER tokens")
    monkeypatch.setenv("PORTAL_PASSWORD", "left over")
    monkeypatch.setenv("GREENROOM_AZURE_TOKEN", "token")
    (tmp_path / "greenroom.yaml").write_text("version: 1\ncredentials: {mode: iam, iam: azure, roleName: tokens}\n")
    found = preflight(capsys)
    assert found["status"] == "ok", found
