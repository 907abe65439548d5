"""A portal whose databases Terraform makes from what greenroom generates, and a real Backstage that opens them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
from terraform_workspace import Workspace

from generator import Request, load
from generator.run.project import with_fragment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.demo.embedded import EmbeddedServer

HERE = Path(__file__).parent


class Portal:
    """A repository with an app-config and a greenroom.yaml, generated into ``infra`` and applied."""

    def __init__(self, folder: Path, mirror: Path, server: EmbeddedServer, program: str, backstage: Path) -> None:
        self.folder, self.server, self.backstage = folder, server, backstage
        (folder / "infra").mkdir()
        self.terraform = Workspace(folder / "infra", mirror, {"primary": server}, program)
        self.variables: dict[str, Any] = {}
        self.fragment = folder / "infra" / "app-config.databases.yaml"

    def generate(self, plugins: Sequence[str] | dict[str, Any], settings: str = "", **database: Any) -> str:
        """Write app-config and greenroom.yaml, generate, and let Terraform find its modules."""
        entries = plugins if isinstance(plugins, dict) else {name: {} for name in plugins}
        base = {"host": self.server.host, "port": self.server.port, **database.pop("connection", {})}
        value = {"client": "pg", "connection": base, **database, "plugin": entries}
        (self.folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": value}}))
        (self.folder / "greenroom.yaml").write_text(settings)
        done = self.greenroom("generate", "--verify")
        assert done.returncode == 0, done.stderr
        if (self.terraform.root / "plugins.tf").exists():
            texts = "".join(path.read_text() for path in self.terraform.root.glob("*.tf"))
            names = set(re.findall(r'var\.plugin_passwords\["([^"]+)"\]', texts))
            self.terraform.passwords = {name: self.terraform.passwords.get(name, f"first-of-{name}") for name in names}
            self.terraform.run("init", "-input=false")
        return done.stdout + done.stderr

    def greenroom(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command line in the repository."""
        return command_line.run(
            [*arguments],
            cwd=self.folder,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ} | environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def apply(self) -> str:
        """Plan and apply; afterwards nothing is left to do, and no password is anywhere."""
        said = self.terraform.apply(**self.variables)
        self.terraform.run("plan", "-input=false", "-detailed-exitcode", **self.variables)
        self.terraform.assert_no_secret()
        return said

    def open(self, plugins: Sequence[str], **environment: str) -> dict[str, Any]:
        """What the real DatabaseManager finds with the fragment as its last ``--config``, plugin by plugin."""
        variables = {
            name: self.terraform.passwords[key] for key in self.terraform.passwords for name in self._variables_of(key)
        } | environment
        config = ("app-config.yaml", "infra/app-config.databases.yaml")
        project = load(
            Request(
                root=self.folder,
                config=[str(self.folder / name) for name in config[:1]],
                environ=variables,
                placeholders="backstage",
            )
        )
        question = {
            "database": with_fragment(project).database,
            "plugins": list(plugins),
            "environment": {"NODE_NO_WARNINGS": "1"},
        }
        done = subprocess.run(
            ["node", str(HERE / "open.mjs"), str(self.backstage)],
            input=json.dumps(question),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def _variables_of(self, key: str) -> set[str]:
        """The environment variables of the password that Terraform knows as ``key``."""
        shared = "BACKSTAGE_DB_PASSWORD"
        plugin, _, login = key.upper().partition(".")
        name = f"BACKSTAGE_DB_{re.sub('[^A-Z0-9]', '_', plugin)}_PASSWORD"
        return {f"{name}_{login}" if login else name, shared}

    def works(self, plugins: Sequence[str], *, isolated: bool = True) -> dict[str, Any]:
        """Backstage opens every plugin's database; nobody gets into that of another."""
        found = self.open(plugins)
        assert {name: found[name]["error"] for name in plugins} == dict.fromkeys(plugins)
        for name, one in found.items() if isolated else ():
            for other in found.values():
                if other["database"] != one["database"]:
                    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                        self.terraform.connect(one["user"], self.terraform.passwords[name], other["database"])
        return found

    def keep(self, plugin: str, found: dict[str, Any], value: int = 42) -> None:
        """Leave a row where ``plugin`` finds it."""
        one = found[plugin]
        password = self.terraform.passwords.get(plugin) or next(iter(self.terraform.passwords.values()))
        with self.terraform.connect(one["user"], password, one["database"]) as connection:
            connection.execute(f'SET search_path TO "{one["schema"]}"')
            connection.execute(f"CREATE TABLE kept AS SELECT {value} AS value")

    def superuser(self, *statements: str, database: str = "postgres") -> None:
        """What somebody else did to the server."""
        with psycopg.connect(self.server.dsn(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)
