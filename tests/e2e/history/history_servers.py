"""PostgreSQL and MariaDB behind one face: run the generated script, log in as a plugin, see what there is."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg import sql

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mariadb import MariaDB

    from generator.demo.embedded import EmbeddedServer

ADMIN = "greenroom_admin"
ADMIN_PASSWORD = "throw-away-admin-password"


class RefusedError(Exception):
    """The server does not let somebody in, or does not do what was asked."""


class Server(Protocol):
    """A server, and its administrator who may create roles and databases and nothing more."""

    renames: bool
    """Whether it can give a database another name."""

    def database(self, **more: Any) -> dict[str, Any]:
        """``backend.database`` of app-config for this server."""
        ...

    def run_script(self, folder: Path, passwords: Mapping[str, str]) -> tuple[int, str]:
        """Run the generated script in ``folder`` as its README says; exit code and output."""
        ...

    def ask(self, user: str, password: str, database: str, statements: str) -> list[str]:
        """Run ``statements`` as somebody; the first column of every row.

        Raises:
            RefusedError: the server says no.
        """
        ...

    def databases(self) -> set[str]:
        """Those that are not the server's own."""
        ...

    def clear(self) -> None:
        """Drop everything but the administrator."""
        ...


@dataclass
class PostgreSQL:
    """A PostgreSQL of any version."""

    server: EmbeddedServer
    renames: bool = True

    def database(self, **more: Any) -> dict[str, Any]:
        connection = {"host": self.server.host, "port": self.server.port, **more.pop("connection", {})}
        return {"client": "pg", "connection": connection, **more}

    def run_script(self, folder: Path, passwords: Mapping[str, str]) -> tuple[int, str]:
        own = self.server.bin_dir if (self.server.bin_dir / "psql").exists() else embedded_binaries()
        done = apply_script(
            folder / "databases.sql",
            host=self.server.host,
            port=self.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=passwords,
            psql=find_psql(own),
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def ask(self, user: str, password: str, database: str, statements: str) -> list[str]:
        where = {"host": self.server.host, "port": self.server.port, "connect_timeout": 30}
        try:
            with psycopg.connect(**where, user=user, password=password, dbname=database, autocommit=True) as connection:
                cursor = connection.execute(statements)  # type: ignore[call-overload]
                while cursor.nextset():
                    pass
                return [str(row[0]) for row in cursor.fetchall()] if cursor.description else []
        except psycopg.Error as error:
            raise RefusedError(str(error)) from error

    def databases(self) -> set[str]:
        with psycopg.connect(self.server.dsn()) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'")
            return {row[0] for row in rows}

    def clear(self) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            for name in self.databases():
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for (name,) in connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall():
                connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
        self.server.create_admin(ADMIN, ADMIN_PASSWORD)


@dataclass
class Maria:
    """A MariaDB with TLS."""

    server: MariaDB
    renames: bool = False

    def database(self, **more: Any) -> dict[str, Any]:
        connection = {"host": self.server.host, "port": self.server.port, "ssl": {"ca": self.server.ca.read_text()}}
        return {"client": "mysql2", "connection": connection | more.pop("connection", {}), **more}

    def run_script(self, folder: Path, passwords: Mapping[str, str]) -> tuple[int, str]:
        environment = {"PATH": os.environ["PATH"], "CLIENT": str(self.server.client), **passwords}
        done = subprocess.run(
            ["sh", str(folder / "databases.sh"), "--no-defaults", *self.server.login(self.server.admin)],
            env={**environment, "MYSQL_PWD": self.server.admin_password},
            capture_output=True,
            text=True,
            timeout=300,
        )
        return done.returncode, done.stdout + done.stderr

    def ask(self, user: str, password: str, database: str, statements: str) -> list[str]:
        done = self.server.query(user, password, statements, database)
        if done.returncode:
            raise RefusedError(done.stderr)
        return [line.split("\t")[0] for line in done.stdout.splitlines()]

    def databases(self) -> set[str]:
        return self.server.databases

    def clear(self) -> None:
        self.server.clear()
