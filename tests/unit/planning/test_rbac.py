"""The community RBAC backend opens a second connection with the base user: the fragment makes it the plugin's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

BASE = {"host": "127.0.0.1", "port": 5432, "user": "portal", "password": "${PORTAL_DB_PASSWORD}"}


def project(root: Path, connection: object, client: str = "pg", **more: object) -> None:
    document = {"backend": {"database": {"client": client, "connection": connection, **more}}, "permission": {"rbac": {}}}
    (root / "app-config.yaml").write_text(json.dumps(document))


def generate(root: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(root)
    return run(["generate", "--plugin", "permission", "--plugin", "catalog", "--target", "app-config"])


def test_the_base_user_is_the_permission_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, BASE)
    assert generate(tmp_path, monkeypatch) == 0
    fragment = yaml.safe_load((tmp_path / "infra" / "app-config.databases.yaml").read_text())["backend"]["database"]
    own = fragment["plugin"]["permission"]["connection"]
    assert fragment["connection"] == {"user": own["user"], "password": own["password"]}
    assert fragment["plugin"]["catalog"]["connection"]["user"] == "backstage_catalog"


@pytest.mark.parametrize(
    ("connection", "client", "said"),
    [
        ("postgresql://portal:secret@127.0.0.1:5432/x", "pg", "config in string format is not supported yet"),
        ({key: value for key, value in BASE.items() if key != "port"}, "pg", "'backend.database.connection.port'"),
        ({key: value for key, value in BASE.items() if key != "host"}, "pg", "'backend.database.connection.host'"),
        (BASE, "mysql2", "Unsupported database client mysql2"),
    ],
)
def test_what_the_adapter_throws_is_said_before_anything_is_applied(
    connection: object,
    client: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project(tmp_path, connection, client)
    assert generate(tmp_path, monkeypatch) == 1
    shown = capsys.readouterr().err
    assert "GR742" in shown
    assert said in shown
    assert not (tmp_path / "infra").exists()


def test_the_database_has_to_be_on_the_base_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, BASE, plugin={"permission": {"connection": {"host": "elsewhere"}}})
    assert generate(tmp_path, monkeypatch) == 1
    assert "GR742" in capsys.readouterr().err
