"""``greenroom adopt`` on a MariaDB that is in use."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import command_line
import pytest
import yaml
from mariadb import ADMIN, ADMIN_PASSWORD, MariaDB, mariadb_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def server() -> Iterator[MariaDB]:
    with mariadb_server() as running:
        yield running


@pytest.fixture
def folder(server: MariaDB, tmp_path: Path) -> Iterator[Path]:
    server.clear()
    ssl = {"ca": {"$file": str(server.ca)}, "verifyIdentity": True}
    connection = {"host": server.host, "port": server.port, "user": "${DB_USER}", "password": "${DB_PASSWORD}", "ssl": ssl}
    config = {"backend": {"database": {"client": "mysql2", "connection": connection}}}
    (tmp_path / "app-config.yaml").write_text(yaml.safe_dump(config))
    yield tmp_path
    server.clear()


def adopt(folder: Path, *arguments: str, password: str = ADMIN_PASSWORD, status: int = 0) -> dict[str, Any]:
    command = ["adopt", "--root", str(folder)]
    command += ["--plugin", "catalog", "--plugin", "auth", "--format", "json", "--user", ADMIN, *arguments]
    environ = {**os.environ, "GREENROOM_ADMIN_PASSWORD": password}
    done = command_line.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_what_is_there_is_listed(server: MariaDB, folder: Path) -> None:
    server.root(
        "CREATE DATABASE backstage_plugin_catalog; CREATE DATABASE bs_auth; CREATE DATABASE shop;"
        "CREATE TABLE bs_auth.signing_keys (id int); CREATE TABLE bs_auth.sessions (id int);"
        "CREATE DEFINER='portal'@'%' VIEW backstage_plugin_catalog.seen AS SELECT 1 AS one;"
        "CREATE USER 'backstage_catalog'@'%' IDENTIFIED BY 'x';"
        "CREATE USER 'backstage_catalog'@'10.0.0.1' IDENTIFIED BY 'x';"
        "CREATE USER 'backstage_auth'@'localhost' IDENTIFIED BY 'x';"
        "GRANT CREATE USER ON *.* TO 'backstage_catalog'@'%' WITH GRANT OPTION"
    )
    before = server.root("SELECT * FROM mysql.global_priv; SHOW DATABASES; SELECT * FROM mysql.db")
    document = adopt(folder, "--write")
    primary = document["servers"]["primary"]
    assert primary["engine"] == "mysql"
    assert primary["adopt"] == {"databases": ["backstage_plugin_catalog"], "roles": ["backstage_catalog"]}
    # A user for localhost alone is no user for Backstage: the one for everywhere will be made beside it.
    assert primary["missing"] == {"databases": ["backstage_plugin_auth"], "roles": ["backstage_auth"]}
    assert [(item["name"], item["plugin"]) for item in primary["unplanned"]] == [("bs_auth", "auth"), ("shop", None)]
    assert primary["scripts"] == {}
    assert sorted({item["code"] for item in document["diagnostics"]}) == ["GR765", "GR766", "GR769", "GR773"]
    (definers,) = [item["summary"] for item in document["diagnostics"] if item["code"] == "GR773"]
    assert (
        definers
        == "1 view, routine or trigger in the database 'backstage_plugin_catalog' of server 'primary' works as 'portal@%'"
    )
    assert server.root("SELECT * FROM mysql.global_priv; SHOW DATABASES; SELECT * FROM mysql.db") == before
    assert yaml.safe_load((folder / "greenroom.adopt.yaml").read_text()) == {"primary": primary["adopt"]}


def test_a_server_that_refuses(server: MariaDB, folder: Path) -> None:
    document = adopt(folder, password="wrong-password", status=1)
    assert [item["code"] for item in document["diagnostics"]] == ["GR771"]
    assert "Access denied" in document["diagnostics"][0]["summary"]
    document = adopt(folder, "--port", "1", status=1)
    assert [item["code"] for item in document["diagnostics"]] == ["GR771"]
