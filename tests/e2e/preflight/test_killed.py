"""`kill -9` of preflight at every statement: nothing of it is left once the next run has ended."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from mariadb import MariaDB, mariadb_server

if TYPE_CHECKING:
    from pathlib import Path

    from installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("preflight-command")]

#: preflight in a process that kills itself, for real, before it sends a statement.
_KILLED = """
import os, sys
before, method = int(sys.argv.pop(1)), sys.argv.pop(1)
import psycopg, pymysql
kind = {"execute": psycopg.Connection, "query": pymysql.Connection}[method]
sent, real = [], getattr(kind, method)
def counted(self, *arguments, **options):
    sent.append(1)
    if len(sent) == before:
        os.kill(os.getpid(), 9)
    return real(self, *arguments, **options)
setattr(kind, method, counted)
from generator.cli import main
main()
"""
#: `LIKE` takes the underscores for any character; nothing else here is called so.
_OURS = "greenroom_preflight_%"


def killed(before: int, method: str, folder: Path, environ: dict[str, str], *options: str) -> bool:
    """Whether a run of preflight came as far as its statement number ``before``, and was killed there."""
    command = [sys.executable, "-c", _KILLED, str(before), method, "preflight", *options]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def test_postgresql(installed: Installation, tmp_path: Path) -> None:
    """One transaction, which the server rolls back: nothing is there even before the next run."""
    import psycopg

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environ = installed.environ | {"TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    points = 0
    for before in range(1, 40, 3):
        if not killed(before, "execute", installed.root, environ, "--plugin", "catalog"):
            break
        points += 1
        for name in ("postgres", "backstage_plugin_catalog", "backstage_plugin_auth"):
            with psycopg.connect(installed.server.dsn(name), autocommit=True) as connection:
                # The server notices that the client is gone when it next reads.
                found = connection.execute("SELECT relname FROM pg_class WHERE relname LIKE %s", [_OURS]).fetchall()
                assert found == [], before
        assert list(temporary.iterdir()) == []
    assert points >= 4


def tables(server: MariaDB) -> list[str]:
    rows = server.root(f"SELECT table_name FROM information_schema.tables WHERE table_name LIKE '{_OURS}'")
    return [row[0] for row in rows]


@pytest.fixture
def project(tmp_path: Path) -> Any:
    """A MariaDB with one plugin's database, and a folder with its app-config."""
    with mariadb_server({}) as server:
        server.root(
            "CREATE DATABASE `backstage_plugin_catalog`; CREATE USER 'catalog'@'%' IDENTIFIED BY 'pw';"
            "GRANT ALL ON `backstage\\_plugin\\_catalog`.* TO 'catalog'@'%'"
        )
        connection = {
            "host": server.host,
            "port": server.port,
            "user": "catalog",
            "password": "pw",
            "ssl": {"ca": server.ca.read_text()},
        }
        connection["database"] = "backstage_plugin_catalog"
        plugin = {"catalog": {"connection": connection}}
        database = {"client": "mysql2", "connection": connection, "plugin": plugin}
        (tmp_path / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}))
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        environ = {"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
        yield server, tmp_path, environ


def test_mysql(project: tuple[MariaDB, Path, dict[str, str]]) -> None:
    """Every statement is committed at once: the next run removes what is there, and only what no run is using."""
    server, folder, environ = project
    points, left = 0, 0
    for before in range(1, 60, 2):
        if not killed(before, "query", folder, environ, "--plugin", "catalog"):
            break
        points += 1
        left += bool(tables(server))
        assert list((folder / "temporary").iterdir()) == []
    assert points >= 6
    assert left >= 3
    assert tables(server) == [], "the run that was not killed has removed everything"
