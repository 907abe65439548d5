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


TOKENS = {"rds": {"region": "eu-west-1"}, "azure": {}, "cloudsql": {"instance": "project:region:name"}}


def project(root: Path, connection: object, client: str = "pg", **more: object) -> None:
    document = {"backend": {"database": {"client": client, "connection": connection, **more}}, "permission": {"rbac": {}}}
    (root / "app-config.yaml").write_text(json.dumps(document))


def generate(root: Path, monkeypatch: pytest.MonkeyPatch, *plugins: str, settings: str = "") -> int:
    monkeypatch.chdir(root)
    (root / "greenroom.yaml").write_text(f"version: 1\n{settings}")
    named = [item for name in plugins or ("permission", "catalog") for item in ("--plugin", name)]
    return run(["generate", *named, "--target", "app-config"])


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


@pytest.mark.parametrize("own", [{"port": "5432"}, "postgresql://me:${P}@127.0.0.1:5432/x", {"host": "127.0.0.1"}])
def test_the_same_server_may_be_said_again(
    own: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, BASE, plugin={"permission": {"connection": own}})
    assert generate(tmp_path, monkeypatch) == 0
    assert "GR742" not in capsys.readouterr().err


def test_a_url_to_another_server_becomes_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, BASE, plugin={"permission": {"connection": "postgresql://me:${P}@elsewhere:5433/x"}})
    assert generate(tmp_path, monkeypatch) == 1
    assert "write the connection as an object without host and port" in capsys.readouterr().err
    project(tmp_path, BASE, plugin={"permission": {"connection": {"user": "me", "password": "${P}", "database": "x"}}})
    assert generate(tmp_path, monkeypatch) == 0


@pytest.mark.parametrize("cloud", TOKENS)
def test_tokens(cloud: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its adapter asks the plugin's connection for a token, but it does not dial with Cloud SQL's connector."""
    project(tmp_path, {**BASE, **TOKENS[cloud], "type": cloud, "ssl": {"ca": "x"}})
    code = generate(tmp_path, monkeypatch, settings=f"credentials: {{mode: iam, iam: {cloud}}}\n")
    (shown,) = [part for part in capsys.readouterr().err.split("\n\n") if "GR742" in part]
    assert (code, "error" in shown) == ((1, True) if cloud == "cloudsql" else (0, False))
    assert ("Cloud SQL connector" if cloud == "cloudsql" else "7.16.0") in shown
    if cloud == "cloudsql":
        project(tmp_path, {**BASE, "type": "default"})
        assert generate(tmp_path, monkeypatch) == 0
        assert "GR742" not in capsys.readouterr().err


def test_the_base_client_decides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lite = {"permission": {"client": "better-sqlite3", "connection": ":memory:"}}
    project(tmp_path, BASE, plugin=lite)
    assert generate(tmp_path, monkeypatch) == 1
    assert "missing database name on Knex connection" in capsys.readouterr().err
    assert run(["preflight", "--plugin", "permission", "--plugin", "catalog"]) == 1
    assert "missing database name on Knex connection" in capsys.readouterr().err
    project(tmp_path, BASE, plugin={"permission": {}})
    assert generate(tmp_path, monkeypatch) == 0


def test_a_plugin_that_nobody_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project(tmp_path, BASE)
    assert generate(tmp_path, monkeypatch, "catalog") == 0
    assert "not among the plugins" in capsys.readouterr().err
    assert generate(tmp_path, monkeypatch, "catalog", settings="plugins: {exclude: [permission]}\n") == 0
    assert "GR742" not in capsys.readouterr().err, "somebody else looks after it"
    project(tmp_path, {key: value for key, value in BASE.items() if key != "port"})
    assert generate(tmp_path, monkeypatch, "catalog", settings="plugins: {exclude: [permission]}\n") == 0
    assert "'backend.database.connection.port'" in capsys.readouterr().err, "it fails to start all the same"


OUTSIDE = "plugins: {exclude: [search, events]}\n"


def test_plugins_outside_the_plan_keep_their_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"user": "me", "password": "${MY_PASSWORD}"}
    lite = {"client": "better-sqlite3", "connection": ":memory:"}
    more = {
        "search": {},
        "todo": lite,
        "events": {"connection": {"password": "${MY_PASSWORD}"}},
        "kafka": {"connection": own},
    }
    project(tmp_path, BASE, plugin=more)
    assert generate(tmp_path, monkeypatch, settings="plugins: {exclude: [search, events, todo, kafka, devtools]}\n") == 0
    text = (tmp_path / "infra" / "app-config.databases.yaml").read_text()
    plugins = yaml.safe_load(text)["backend"]["database"]["plugin"]
    login = {"user": "portal", "password": "${PORTAL_DB_PASSWORD}"}
    assert plugins.pop("search") == plugins.pop("devtools") == {"connection": login}
    assert plugins.pop("events") == {"connection": {"user": "portal"}}
    assert plugins.keys() == {"permission", "catalog"}


@pytest.mark.parametrize("base", [{"password": "S3cret"}, {"password": "x${Y}"}, {"user": None}, {"password": None}])
def test_a_login_that_cannot_be_said_again(
    base: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    connection = {key: value for key, value in {**BASE, **base}.items() if value is not None}
    project(tmp_path, connection)
    assert generate(tmp_path, monkeypatch, settings=OUTSIDE) == 1
    shown = capsys.readouterr().err
    assert "GR742" in shown
    assert "'events', 'search'" in shown
    assert "S3cret" not in shown
    (key,) = base
    own = {name: {"connection": {key: "${OWN}"}} for name in ("search", "events")}
    project(tmp_path, connection, plugin=own)
    assert generate(tmp_path, monkeypatch, settings=OUTSIDE) == 0


def test_without_rbac_nothing_is_moved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path, BASE, plugin={"search": {}})
    text = (tmp_path / "app-config.yaml").read_text()
    (tmp_path / "app-config.yaml").write_text(text.replace('"rbac"', '"other"'))
    assert generate(tmp_path, monkeypatch, settings=OUTSIDE) == 0
    fragment = yaml.safe_load((tmp_path / "infra" / "app-config.databases.yaml").read_text())["backend"]["database"]
    assert fragment["plugin"].keys() == {"permission", "catalog"}
