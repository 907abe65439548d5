"""A repository whose databases greenroom generates, and what applies them: Terraform, or psql with the SQL script."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
from moves_data import change, content, fill, owners, picture
from moves_page import instead, shell
from terraform_workspace import ADMIN, ADMIN_PASSWORD, Workspace, clean_server

from generator.demo.apply import apply_script

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

Settings = dict[str, Any]
Content = dict[str, list[tuple[Any, ...]]]


class Repository:
    """A repository in ``folder``, for ``servers`` by their names; ``programs`` are clients as new as the newest server."""

    def __init__(self, folder: Path, servers: Mapping[str, EmbeddedServer], programs: Path) -> None:
        self.folder, self.servers, self.programs = folder, dict(servers), programs
        self.output = folder / "infra"
        self.output.mkdir()
        self.settings: Settings = {}
        self.plugins: tuple[str, ...] = ()

    # --- greenroom ----------------------------------------------------------------------------------------------------

    def write(self, database: Mapping[str, Any], settings: Settings) -> None:
        """Write app-config and greenroom.yaml. ``database`` needs no client, and no host for the first server."""
        primary = self.servers["primary"]
        connection = {"host": primary.host, "port": primary.port, **database.get("connection", {})}
        self.settings, self.plugins = settings, tuple(database["plugin"])
        value = {"client": "pg", **database, "connection": connection}
        (self.folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": value}}))
        (self.folder / "greenroom.yaml").write_text(json.dumps(settings))

    def greenroom(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return command_line.run(
            [*arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment()},
            capture_output=True,
            text=True,
            timeout=120,
        )

    def environment(self) -> dict[str, str]:
        """Where Backstage and the script find each password."""
        names = {f"BACKSTAGE_DB_{re.sub('[^A-Z0-9]', '_', name.upper())}_PASSWORD": name for name in self.plugins}
        return {variable: password_of(f"backstage_{name}") for variable, name in names.items()} | {
            "BACKSTAGE_DB_PASSWORD": password_of("backstage"),
        }

    def generate(self, database: Mapping[str, Any], settings: Settings | None = None) -> str:
        self.write(database, settings or {})
        done = self.greenroom("generate", "--verify")
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refused(self, database: Mapping[str, Any], settings: Settings | None = None) -> tuple[set[str], dict[str, str], str]:
        """The codes of the errors, the lines for plugins.moved that they ask for, and all that was said."""
        before = (self.output / "greenroom.lock.json").read_bytes()
        self.write(database, settings or {})
        done = self.greenroom("generate")
        assert done.returncode == 1
        assert (self.output / "greenroom.lock.json").read_bytes() == before
        moved = dict(re.findall(r"`([^`: ]+): ([^` ]+)` to plugins\.moved", done.stderr))
        return set(re.findall(r"error\[(GR\d+)\]", done.stderr)), moved, done.stderr

    def start(self, database: Mapping[str, Any], settings: Settings | None = None) -> None:
        """Generate and apply for the first time."""
        self.generate(database, settings)
        self.apply()

    def apply(self) -> str:
        raise NotImplementedError

    def settle(self) -> None:
        """A second apply has nothing to do, the check is green, and so is preflight."""
        self.assert_nothing_to_do()
        done = self.greenroom("generate", "--check")
        assert done.returncode == 0, done.stdout + done.stderr
        # Where a plugin is now is in the lock file: the line in the settings has done what it had to.
        without = {key: value for key, value in self.settings.items() if key != "plugins"}
        (self.folder / "greenroom.yaml").write_text(json.dumps(without))
        done = self.greenroom("generate", "--check")
        assert done.returncode == 0, done.stdout + done.stderr
        (self.folder / "greenroom.yaml").write_text(json.dumps(self.settings))
        done = self.greenroom("preflight")
        assert done.returncode == 0, done.stdout + done.stderr

    def assert_nothing_to_do(self) -> None:
        raise NotImplementedError

    # --- the servers --------------------------------------------------------------------------------------------------

    def connect(self, user: str, database: str, server: str = "primary") -> psycopg.Connection[Any]:
        password = ADMIN_PASSWORD if user == ADMIN else password_of(user)
        where = self.servers[server]
        return psycopg.connect(
            host=where.host, port=where.port, user=user, password=password, dbname=database, autocommit=True
        )

    def keep(self, plugin: str, database: str, schema: str = "public", *, value: int, user: str = "") -> None:
        """Leave what a plugin has."""
        with self.connect(user or f"backstage_{plugin}", database) as connection:
            fill(connection, schema, value)

    def content(self, user: str, database: str, schema: str = "public", server: str = "primary") -> Content:
        with self.connect(user, database, server) as connection:
            return content(connection, schema)

    def picture(self, database: str, server: str = "primary") -> list[str]:
        return picture(self.servers[server], database, self.programs)

    def assert_there(
        self, before: Content, user: str, database: str, schema: str = "public", server: str = "primary", owner: str = ""
    ) -> None:
        """All that was there is there, and belongs to its plugin."""
        with self.connect(user, database, server) as connection:
            assert content(connection, schema) == before
            assert owners(connection, schema) == {owner or user}

    def assert_moved(
        self, before: Content, user: str, database: str, schema: str = "public", server: str = "primary"
    ) -> None:
        """The same, and the plugin can go on working with it."""
        self.assert_there(before, user, database, schema, server)
        self.use(user, database, schema, server)

    def use(self, user: str, database: str, schema: str = "public", server: str = "primary") -> None:
        """Change what is there, as a plugin and its migrations do."""
        with self.connect(user, database, server) as connection:
            change(connection, schema)

    def run(self, text: str, names: Mapping[str, str] | None = None) -> str:
        """Run commands of the page. The first server is the old one, or the only one; another one is the new one."""
        primary = self.servers["primary"]
        new = self.servers.get("other", primary)
        hosts = {
            f"-h {name}.example.com": f"-h {server.host} -p {server.port}"
            for name, server in (("old", primary), ("db", primary), ("new", new))
        }
        users = {ADMIN: ADMIN_PASSWORD} | {
            role: password_of(role) for role in ("backstage", *(f"backstage_{name}" for name in self.plugins))
        }
        logins = [
            (server.host, server.port, user, password)
            for server in self.servers.values()
            for user, password in users.items()
        ]
        return shell(
            instead(text, hosts | dict(names or {})),
            self.folder,
            programs=self.programs,
            logins=logins,
            environment={"GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD, **self.environment()},
        )

    def call_first(self, name: str) -> None:
        """Let another server be the first one: its host is another."""
        self.servers |= {"primary": self.servers[name], name: self.servers["primary"]}

    def clean(self) -> None:
        """Drop what was made, so that the next test finds empty servers."""


def password_of(role: str) -> str:
    """The password of a role in these tests."""
    return f"the-password-of-{role}"


class TerraformRepository(Repository):
    """Terraform applies what was generated."""

    def __init__(
        self, folder: Path, servers: Mapping[str, EmbeddedServer], programs: Path, mirror: Path, program: str
    ) -> None:
        super().__init__(folder, servers, programs)
        self.terraform = Workspace(self.output, mirror, servers, program)

    def apply(self) -> str:
        """Plan, let plan-check read the plan, and apply it."""
        texts = "".join(path.read_text() for path in self.terraform.root.glob("*.tf"))
        names = set(re.findall(r'var\.plugin_passwords\["([^"]+)"\]', texts))
        self.terraform.passwords = {
            name: password_of(name if name == "backstage" else f"backstage_{name}") for name in sorted(names)
        }
        self.terraform.run("init", "-input=false")
        self.terraform.run("plan", "-input=false", "-out=look.zip")
        (self.folder / "plan.json").write_text(self.terraform.run("show", "-json", "look.zip").strip())
        verdict = self.greenroom("plan-check", "plan.json")
        assert verdict.returncode == 0, verdict.stdout + verdict.stderr
        said = self.terraform.run("apply", "-input=false", "look.zip")
        (self.terraform.root / "look.zip").unlink()
        return said

    def assert_nothing_to_do(self) -> None:
        self.terraform.assert_nothing_to_do()
        self.terraform.assert_no_secret()

    def call_first(self, name: str) -> None:
        super().call_first(name)
        self.terraform.servers = dict(self.servers)

    def clean(self) -> None:
        self.terraform.clean()


class SqlRepository(Repository):
    """psql runs the script for each server, with Backstage's own environment."""

    def apply(self) -> str:
        said = ""
        for name, server in self.servers.items():
            paths = [self.output / "sql" / f"{name}.sql"]
            paths += [self.output / "sql" / "databases.sql"] if name == "primary" else []
            for path in filter(lambda path: path.exists(), paths):
                result = apply_script(
                    path,
                    host=server.host,
                    port=server.port,
                    user=ADMIN,
                    password=ADMIN_PASSWORD,
                    env=self.environment(),
                    psql=self.programs / "psql",
                )
                assert result.ok, result.stderr
                said += result.stdout + result.stderr
        return said

    def assert_nothing_to_do(self) -> None:
        said = self.apply()
        assert "created" not in said
        assert "renamed" not in said
        # That the role of a plugin that is gone may still connect is true, and somebody else's to decide.
        said = "\n".join(line for line in said.splitlines() if "is no plugin's here, may connect" not in line)
        assert "WARNING" not in said

    def clean(self) -> None:
        for server in self.servers.values():
            clean_server(server)
