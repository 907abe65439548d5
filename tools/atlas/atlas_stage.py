"""A server with the databases that greenroom's own script makes, preflight's verdict, and the plugins that start there."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from atlas_ask import HERE, MARKER, environment, node, unprivileged

from generator.demo.apply import apply_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

_ADMIN, _ADMIN_PASSWORD = "atlas admin", "atlas"
_SECONDS = 240
#: What Backstage keeps in every database, and the ledger of the migrations themselves.
_NOT_OWN = re.compile(r"^backstage_backend_|^knex_migrations|_migrations(_lock)?$|^migrations$")
_TABLES = """
SELECT c.relname, n.nspname FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_CONNECTED = re.compile(r"connection authorized: user=(?P<user>\S+) database=(?P<database>\S+)")


@dataclass(frozen=True)
class Job:
    """One package to start: as the plugin ``plugin``, with the features (package, export) and folders of migrations."""

    package: str
    plugin: str
    folder: Path
    features: tuple[tuple[str, str], ...]
    migrations: tuple[Path, ...]


@dataclass
class Outcome:
    """What came of a job in one mode: preflight's verdict, whether it started, what is in the database then."""

    ready: bool
    said: str
    started: bool = False
    migrated: bool | None = None
    error: str = ""
    tables: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    connections: tuple[str, ...] = field(default=())

    @property
    def database_failed(self) -> bool:
        """Whether the database is what the plugin failed for."""
        return self.migrated is False or (not self.started and self.migrated is None and is_about_the_database(self.error))


def is_about_the_database(error: str) -> bool:
    """Whether an error is PostgreSQL's or knex's, not about a setting or another service."""
    return bool(
        re.search(
            r"permission denied|must be (owner|superuser)|does not exist|no schema has been|extension|migration|"
            r"password authentication|Knex|relation |QueryFailedError|ECONNREFUSED.*:\d{4,5}|database",
            error,
        )
    )


class Round:
    """Plugins of different ids on one server, in one mode."""

    def __init__(
        self, server: EmbeddedServer, folder: Path, jobs: list[Job], mode: str, extensions: dict[str, list[str]]
    ) -> None:
        """``extensions`` are those that greenroom.yaml asks for, by plugin id."""
        self.server, self.folder, self.jobs, self.mode = server, folder, jobs, mode
        self.passwords = {f"BACKSTAGE_DB_{_variable(job.plugin)}_PASSWORD": f"pw {job.plugin}" for job in jobs}
        self.config = [
            str(HERE / "settings.yaml"),
            str(folder / "app-config.yaml"),
            str(folder / "infra/app-config.databases.yaml"),
        ]
        database: dict[str, Any] = {
            "client": "pg",
            "connection": {"host": server.host, "port": server.port, "user": "nobody", "password": "none"},
            "pluginDivisionMode": mode,
        }
        if mode == "schema":
            database["connection"]["database"] = "backstage"
        (folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}), encoding="utf-8")
        settings: dict[str, Any] = {"version": 1, "plugins": {"discover": False}}
        if extensions:
            settings["plugins"]["extensions"] = extensions
        # Backstage looks for the repository it runs in.
        (folder / "package.json").write_text('{"name": "atlas", "workspaces": {"packages": []}}', encoding="utf-8")
        (folder / "greenroom.yaml").write_text(json.dumps(settings), encoding="utf-8")

    def greenroom(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of greenroom in the round's folder."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | self.passwords
        command = [sys.executable, "-c", "from generator.cli import main; main()", *arguments]
        return subprocess.run(  # noqa: S603 - our own program
            command, cwd=self.folder, env=environ, capture_output=True, text=True, timeout=600, check=False
        )

    def apply(self) -> None:
        """Generate and apply the script, as a role that is no superuser."""
        plugins = [word for job in self.jobs for word in ("--plugin", job.plugin)]
        config = [word for file in self.config[:2] for word in ("--config", file)]
        made = self.greenroom("generate", *config, *plugins, "--target", "sql", "--target", "app-config")
        if made.returncode:
            raise SystemExit(f"greenroom generate failed:\n{made.stderr[-3000:]}")
        with contextlib.suppress(psycopg.errors.DuplicateObject):
            self.server.create_admin(_ADMIN, _ADMIN_PASSWORD)
        for script in sorted((self.folder / "infra/sql").glob("*.sql")):
            applied = apply_script(
                script,
                host=self.server.host,
                port=self.server.port,
                user=_ADMIN,
                password=_ADMIN_PASSWORD,
                env=self.passwords,
                psql=self.server.bin_dir / "psql",
            )
            if not applied.ok:
                raise SystemExit(f"{script.name} failed:\n{applied.stderr[-3000:]}")

    def outcomes(self) -> dict[str, Outcome]:
        """Preflight first, then every plugin, then what is there: by package."""
        plugins = [word for job in self.jobs for word in ("--plugin", job.plugin)]
        config = [word for file in self.config for word in ("--config", file)]
        looked = self.greenroom("preflight", *config, *plugins, "--format", "json")
        try:
            verdicts = json.loads(looked.stdout)["plugins"]
        except (ValueError, KeyError):
            raise SystemExit(f"greenroom preflight failed:\n{looked.stdout[-500:]}{looked.stderr[-3000:]}") from None
        found = {}
        for job in self.jobs:
            verdict = verdicts[job.plugin]
            failed = [f"{check['code']} {check['detail']}" for check in verdict["checks"] if check["status"] == "failed"]
            found[job.package] = Outcome(verdict["ready"], "; ".join(failed))
        for job, answer, connections in self._start():
            outcome = found[job.package]
            outcome.started = bool(answer.get("started"))
            outcome.migrated = answer.get("migrated")
            outcome.error = str(answer.get("migrationError") or answer.get("error") or "").split("\n")[0][:300]
            outcome.connections = tuple(sorted(connections))
        for job in self.jobs:
            self._inspect(job, found[job.package])
        return found

    def _start(self) -> Iterator[tuple[Job, dict[str, Any], set[str]]]:
        by_folder: dict[Path, list[Job]] = {}
        for job in self.jobs:
            by_folder.setdefault(job.folder, []).append(job)
        for folder, jobs in by_folder.items():
            waiting = list(jobs)
            while waiting:
                yield from self._process(folder, waiting)

    def _process(self, folder: Path, waiting: list[Job]) -> Iterator[tuple[Job, dict[str, Any], set[str]]]:
        """One node for as many jobs as it survives; takes those that are done off ``waiting``."""
        self.folder.chmod(0o777)
        with subprocess.Popen(  # noqa: S603 - our own script
            [node(), "--no-node-snapshot", str(HERE / "start.mjs"), str(folder), MARKER],
            cwd=self.folder,
            env=environment(self.folder) | self.passwords,
            **unprivileged(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdin is not None
            while waiting:
                job = waiting[0]
                log = self._log()
                question = {
                    "name": job.package,
                    "plugin": job.plugin,
                    "features": job.features,
                    "config": self.config,
                    "migrations": [str(path) for path in job.migrations],
                }
                answer = None
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.write(json.dumps(question).encode() + b"\n")
                    process.stdin.flush()
                    answer = _answer(process)
                waiting.pop(0)
                print(f"  {self.mode} {job.package} {answer}"[:300], file=sys.stderr, flush=True)
                if answer is None:
                    process.kill()
                    yield job, {"error": "ends the process, or does not come back"}, set()
                    return
                yield job, answer, self._others(log, job)
            process.stdin.close()

    def _log(self) -> int:
        return (self.server.folder / "log").stat().st_size if (self.server.folder / "log").is_file() else 0

    def _others(self, since: int, job: Job) -> set[str]:
        """Logins since that place of the server's log that are not the plugin's own in its own database."""
        path = self.server.folder / "log"
        if not path.is_file():
            return set()
        with path.open("rb") as file:
            file.seek(since)
            text = file.read().decode(errors="replace")
        role, database = f"backstage_{job.plugin}", self.database(job)
        seen = {(match["user"], match["database"]) for match in _CONNECTED.finditer(text)}
        return {f"{user}@{name}" for user, name in seen if (user, name) != (role, database)}

    def database(self, job: Job) -> str:
        """The database of a job's plugin."""
        return "backstage" if self.mode == "schema" else f"backstage_plugin_{job.plugin}"

    def _inspect(self, job: Job, outcome: Outcome) -> None:
        with psycopg.connect(self.server.dsn(self.database(job)), autocommit=True) as connection:
            rows = connection.execute(_TABLES).fetchall()
            own = {name for name, schema in rows if self.mode == "database" or schema == job.plugin}
            outcome.tables = tuple(sorted(name for name in own if not _NOT_OWN.search(name)))
            there = connection.execute("SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'").fetchall()
            outcome.extensions = tuple(sorted(name for (name,) in there))


def _variable(plugin: str) -> str:
    return re.sub(r"[^A-Z0-9]", "_", plugin.upper())


def _answer(process: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    """The next line with our mark; ``None`` when the process ends or is silent for too long."""
    assert process.stdout is not None
    buffer, until = b"", time.monotonic() + _SECONDS
    while time.monotonic() < until:
        ready, _, _ = select.select([process.stdout], [], [], 1.0)
        if not ready:
            continue
        part = os.read(process.stdout.fileno(), 65536)
        if not part:
            return None
        buffer += part
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            if line.startswith(MARKER.encode()):
                answer: dict[str, Any] = json.loads(line[len(MARKER) :])
                return answer
    return None


def defaults_version(folder: Path) -> str:
    """The version of backend-defaults that starts the plugins of an installation."""
    text = (folder / "node_modules" / "@backstage" / "backend-defaults" / "package.json").read_text(encoding="utf-8")
    return str(json.loads(text)["version"])
