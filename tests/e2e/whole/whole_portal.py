"""A Backstage repository with its server: built, started, asked and stopped the way people do it in production."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
from psycopg import sql

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.demo.embedded import EmbeddedServer

HERE = Path(__file__).parent
CONFIG = ("app-config.yaml", "app-config.production.yaml")
FRAGMENT = "infra/app-config.databases.yaml"
#: May create roles and databases, and is no superuser: who applies what is generated.
ADMIN, ADMIN_PASSWORD = "dba", "the dba's password"
#: The user of app-config: may log in, and nothing else.
BASE, BASE_PASSWORD = "portal", "the portal's password"
START_SECONDS = 150


@dataclass
class Portal:
    """One repository at ``root``; its backend runs on ``server``."""

    root: Path
    server: EmbeddedServer
    passwords: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, root: Path, server: EmbeddedServer, install: Callable[[Path], None]) -> Portal:
        """A copy of the repository, with its packages installed and its workspaces linked."""
        shutil.copytree(HERE / "portal", root)
        install(root)
        for name in ("app", "backend"):
            (root / "node_modules" / name).symlink_to(f"../packages/{name}")
        server.create_admin(ADMIN, ADMIN_PASSWORD)
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(BASE), sql.Literal(BASE_PASSWORD)))
        return cls(root, server)

    @property
    def environ(self) -> dict[str, str]:
        """What the container of the backend has."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return kept | {
            "POSTGRES_HOST": self.server.host,
            "POSTGRES_PORT": str(self.server.port),
            "POSTGRES_USER": BASE,
            "POSTGRES_PASSWORD": BASE_PASSWORD,
            "NODE_ENV": "production",
            **self.passwords,
        }

    def greenroom(self, *arguments: str, live: bool = False) -> subprocess.CompletedProcess[str]:
        """The command line in the repository; it knows the environment of the backend only where it is ``live``."""
        environ = self.environ if live else {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return command_line.run(
            [*arguments],
            cwd=self.root,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def apply(self) -> str:
        """The DBA runs the script, with a password for every plugin that nobody has seen before."""
        for name in re.findall(r"\$\{(\w+_PASSWORD)\}", (self.root / FRAGMENT).read_text()):
            if name.startswith("BACKSTAGE_DB_"):
                self.passwords.setdefault(name, f'{name}: it\'s ${{a}} \\ "secret"')
        binaries = self.server.bin_dir if (self.server.bin_dir / "psql").exists() else embedded_binaries()
        result = apply_script(
            self.root / "infra/sql/databases.sql",
            host=self.server.host,
            port=self.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=self.passwords,
            psql=find_psql(binaries),
            timeout=120,
        )
        assert result.ok, f"{result.stdout}\n{result.stderr}"
        return result.stdout

    def start(self, *config: str) -> Backend:
        """Build the backend and start it with ``config`` as its ``--config`` files, in order."""
        build = ["node", str(HERE / "build.mjs"), str(self.root)]
        subprocess.run(build, check=True, capture_output=True, text=True, timeout=60)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = ["node", "packages/backend"]
        for name in config:
            command += ["--config", name]
        log = self.root / f"backend-{port}.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.root,
                env={**self.environ, "PORTAL_PORT": str(port)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Backend(process, f"http://127.0.0.1:{port}", log)

    def query(self, text: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Ask the server, as its superuser."""
        with psycopg.connect(self.server.dsn(database), autocommit=True) as connection:
            return connection.execute(text).fetchall()  # type: ignore[arg-type]  # a literal of a test

    def sessions(self) -> set[tuple[str, str]]:
        """Who is connected to which database: (database, user), without this question."""
        return set(
            self.query(
                "SELECT datname, usename FROM pg_stat_activity "
                "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND datname IS NOT NULL"
            )
        )


@dataclass
class Backend:
    """A backend that was started."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def output(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace")

    def readiness(self) -> int:
        """The status code of the readiness check; 0 while nothing listens."""
        try:
            with urllib.request.urlopen(f"{self.url}/.backstage/health/v1/readiness", timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def wait(self, done: Callable[[], bool]) -> bool:
        """Whether ``done`` before the process ended or the time was over."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if done():
                return True
            if self.process.poll() is not None:
                return done()
            time.sleep(0.2)
        return False

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        """End it as an orchestrator does, and by force where it does not listen."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
