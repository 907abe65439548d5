"""A folder with a rendered configuration, Terraform running in it, and a look at the servers it worked on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from real_terraform import REGISTRIES, registry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.targets.base import Artifact

ADMIN = "terraform_admin"
ADMIN_PASSWORD = "throw-away-admin-password"
_SYSTEM = ("postgres", "template0", "template1")


def _mirror_for_both(mirror: Path, both: Path) -> None:
    """Give ``mirror`` the names of both registries: each program looks for its own.

    Neither follows a link to a folder of providers, but both follow one to a provider.
    """
    source = registry(mirror)
    assert source is not None
    for name in REGISTRIES:
        for provider in sorted(source.glob("*/*")):
            there = both / name / provider.relative_to(source)
            unpacked = [path for path in provider.glob("*/*") if path.is_dir()]
            for path in unpacked or (path for path in provider.iterdir() if path.suffix in (".zip", ".json")):
                link = there / path.relative_to(provider)
                link.parent.mkdir(parents=True, exist_ok=True)
                if not link.is_symlink():
                    link.symlink_to(path.resolve())


class Workspace:
    """Terraform in ``folder``, with providers from ``mirror``, on ``servers`` by their names in the plan.

    ``program`` is ``terraform``, ``tofu``, or a path to one of them.
    """

    def __init__(
        self, folder: Path, mirror: Path, servers: Mapping[str, EmbeddedServer], program: str = "terraform"
    ) -> None:
        self.folder, self.servers, self.program = folder, dict(servers), program
        self.root = folder / "terraform" / "databases"
        self.log = folder / "log.txt"
        self.passwords: dict[str, str] = {}
        self.extra: dict[str, str] = {}
        self.config = folder / "terraformrc"
        both = folder / "mirror"
        _mirror_for_both(mirror, both)
        self.config.write_text(
            f'provider_installation {{\n  filesystem_mirror {{\n    path = "{both}"\n  }}\n}}\ndisable_checkpoint = true\n'
        )

    # --- Terraform ----------------------------------------------------------------------------------------------------

    def write(self, artifacts: list[Artifact]) -> None:
        """Replace what was rendered before. State and provider lock stay, as files of the user do."""
        for path in self.root.rglob("*"):
            if path.is_file() and path.suffix in (".tf", ".md") and ".terraform" not in path.parts:
                path.unlink()
        for artifact in artifacts:
            path = self.folder / "terraform" / artifact.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(artifact.text)
        self.run("init", "-input=false")

    def run(self, *arguments: str, status: tuple[int, ...] = (0,), logged: bool = True, **variables: Any) -> str:
        """Run Terraform; everything it says is kept in ``log``, unless told otherwise, and returned."""
        done = subprocess.run(
            [self.program, *arguments, "-no-color"],
            cwd=self.root,
            env=self._environment(variables),
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        if logged:
            with self.log.open("a") as log:
                log.write(said)
        assert done.returncode in status, said
        return said

    def environment(self, **variables: Any) -> dict[str, str]:
        """What Terraform gets: the way to the servers, and every variable."""
        return self._environment(variables)

    def _environment(self, variables: Mapping[str, Any]) -> dict[str, str]:
        given = {
            f"{name}_{key}": value
            for name, server in self.servers.items()
            for key, value in {
                "host": server.host,
                "port": str(server.port),
                "admin_user": ADMIN,
                "admin_password": ADMIN_PASSWORD,
                "sslmode": "disable",  # the throw-away server has no certificate
            }.items()
        }
        # Terraform reads a map in an environment variable as an expression.
        given["plugin_passwords"] = json.dumps(self.passwords).replace("${", "$${").replace("%{", "%%{")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TF_CLI_CONFIG_FILE": str(self.config),
            "TF_IN_AUTOMATION": "1",
            **self.extra,
            **{f"TF_VAR_{name}": str(value) for name, value in {**given, **variables}.items()},
        }

    def apply(self, **variables: Any) -> str:
        """Plan, save the plan, apply it; no secret may be in the plan."""
        self.run("plan", "-input=false", "-out=plan.zip", **variables)
        self.assert_no_secret(self.root / "plan.zip")
        said = self.run("apply", "-input=false", "plan.zip", **variables)
        (self.root / "plan.zip").unlink()
        return said

    def assert_nothing_to_do(self) -> None:
        """A plan finds no difference."""
        self.run("plan", "-input=false", "-detailed-exitcode")

    def assert_no_secret(self, plan: Path | None = None) -> None:
        """Neither state, nor plan, nor anything Terraform said holds a password."""
        texts = [path.read_bytes() for path in self.root.glob("terraform.tfstate*")] + [self.log.read_bytes()]
        if plan:
            with zipfile.ZipFile(plan) as archive:
                texts += [archive.read(name) for name in archive.namelist()]
        for secret in (ADMIN_PASSWORD, *self.passwords.values()):
            assert not any(secret.encode() in text for text in texts)

    def state(self) -> set[str]:
        """The addresses in the state."""
        return set(self.run("state", "list").split())

    def clean_state(self) -> None:
        """Lose the state."""
        for path in self.root.glob("terraform.tfstate*"):
            path.unlink()

    # --- the server ---------------------------------------------------------------------------------------------------

    def connect(self, user: str, password: str, database: str, server: str = "primary") -> psycopg.Connection[Any]:
        """Log in as a plugin does."""
        target = self.servers[server]
        return psycopg.connect(
            host=target.host,
            port=target.port,
            user=user,
            password=password,
            dbname=database,
            autocommit=True,
            connect_timeout=10,
        )

    def query(self, statement: str, server: str = "primary", database: str = "postgres") -> list[tuple[Any, ...]]:
        """Ask the server as its superuser."""
        with psycopg.connect(self.servers[server].dsn(database)) as connection:
            return connection.execute(statement).fetchall()

    def databases(self, server: str = "primary") -> set[str]:
        """The databases that are not the server's own."""
        return {name for (name,) in self.query("SELECT datname FROM pg_database", server)} - set(_SYSTEM)

    def clean(self) -> None:
        """Drop what was made, so that the next test finds an empty server."""
        for server in self.servers.values():
            clean_server(server)
        shutil.rmtree(self.root, ignore_errors=True)


def clean_server(server: EmbeddedServer) -> None:
    """Drop everything but the administrator."""
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        databases = connection.execute("SELECT datname FROM pg_database").fetchall()
        for (name,) in sorted(set(databases) - {(name,) for name in _SYSTEM}):
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        for (role,) in connection.execute("SELECT rolname FROM pg_roles WHERE oid >= 16384").fetchall():
            if role != ADMIN:
                connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(sql.Identifier(role)))
