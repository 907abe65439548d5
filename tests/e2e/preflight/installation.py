"""A project whose databases are there, and the environment of a container that has everything."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import command_line
import psycopg

if TYPE_CHECKING:
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

CONFIG = """\
backend:
  database:
    client: pg
    connection: {host: "${POSTGRES_HOST}", port: "${POSTGRES_PORT}", user: nobody, password: "${POSTGRES_PASSWORD}"}
"""
PASSWORDS = {"BACKSTAGE_DB_AUTH_PASSWORD": "correct horse", "BACKSTAGE_DB_CATALOG_PASSWORD": "battery $taple"}
COMMAND = [sys.executable, "-c", "from generator.cli import main; main()", "preflight"]


class Installation:
    """A project whose databases are there, and the environment of a container that has everything."""

    def __init__(self, root: Path, server: EmbeddedServer) -> None:
        self.root = root
        self.server = server
        here = {"POSTGRES_HOST": server.host, "POSTGRES_PORT": str(server.port)}
        keep = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV", "TMPDIR")
        self.environ = {key: os.environ[key] for key in keep if key in os.environ} | here | PASSWORDS

    def start(self, *options: str, env: dict[str, str] | None = None, **streams: Any) -> subprocess.Popen[str]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        streams |= {"preexec_fn": command_line.default_signals}
        environ = {**self.environ, **(env or {})}
        return subprocess.Popen([*COMMAND, *options], cwd=self.root, env=environ, text=True, **streams)

    def run(self, *options: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environ = {**self.environ, **(env or {})}
        done = command_line.run(
            ["preflight", *options], cwd=self.root, env=environ, capture_output=True, text=True, timeout=60
        )
        for password in PASSWORDS.values():
            assert password not in done.stdout + done.stderr
        return done

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.server.dsn(), autocommit=True) as connection:
            connection.execute(statement.encode())
