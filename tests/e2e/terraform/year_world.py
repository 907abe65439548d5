"""A portal in production: its repository, its server, its secrets, and what each plugin has in its database."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import yaml
from git_repository import GitRepository
from psycopg import sql
from terraform_workspace import ADMIN, ADMIN_PASSWORD, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from store_stand_ins import VaultStandIn

    from generator.demo.embedded import EmbeddedServer

#: Everything a plugin's migrations leave behind, made with its own login.
MIGRATIONS = """
CREATE TYPE mood AS ENUM ('calm', 'stormy');
CREATE TABLE treasure (token TEXT PRIMARY KEY);
CREATE TABLE events (
  id BIGINT GENERATED ALWAYS AS IDENTITY, year INT NOT NULL, mood mood NOT NULL, PRIMARY KEY (id, year)
) PARTITION BY RANGE (year);
CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (0) TO (2026);
CREATE TABLE events_new PARTITION OF events DEFAULT;
CREATE INDEX events_by_mood ON events (mood);
CREATE VIEW calm AS SELECT id FROM events WHERE mood = 'calm';
"""
#: What it does every day: two rows, one in each partition, one of each value of the enum.
WORK = (
    "INSERT INTO events (year, mood) VALUES (2025, 'calm'), (2026, 'stormy'); ALTER TABLE treasure ALTER token SET NOT NULL"
)
LOOK = """
SELECT (SELECT token FROM treasure), (SELECT count(*) FROM events), (SELECT count(*) FROM calm),
  (SELECT count(*) FROM events_old)
"""
#: Files of Terraform's that are nobody's to commit, as the README of the folder says. The lock file of the providers is, but
#: here `init` would change it after the commit.
IGNORED = ".terraform/\n.terraform.lock.hcl\n*.tfstate\n*.tfstate.*\nplan.zip\nplan.json\n"


@dataclass
class Belongings:
    """What a plugin owns, wherever it lies and whatever the plugin is called by now."""

    plugin: str
    token: str = ""
    rows: int = 0
    password: str = ""
    names: list[str] = field(default_factory=list)
    """Every id it ever had."""


@dataclass
class Settings:
    """What app-config.yaml and greenroom.yaml of a commit say."""

    plugins: list[str]
    prefix: str = "backstage_plugin_"
    role_name: str = "backstage_{plugin}"
    store: str = "variables"
    versions: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)


class World:
    """The portal. ``belongings`` is the truth that every check compares the server with."""

    def __init__(self, folder: Path, mirror: Path, server: EmbeddedServer, program: str, vault: VaultStandIn) -> None:
        self.repository = GitRepository(folder / "portal")
        self.server, self.vault = server, vault
        self.terraform = Workspace(folder / "work", mirror, {"primary": server}, program)
        self.terraform.root = self.repository.folder / "infra" / "terraform" / "databases"
        self.terraform.extra = {
            "VAULT_ADDR": vault.url,
            "VAULT_TOKEN": "throw-away",
            "TERRAFORM_VAULT_SKIP_CHILD_TOKEN": "true",
            "TF_VAR_vault_mount": "kv",
        }
        self.belongings: list[Belongings] = []
        self.applied: list[str] = []
        """The commits of main that were applied, the newest last."""
        self.diary: list[str] = []
        self.repository.write(".gitignore", IGNORED)

    def note(self, text: str) -> None:
        """Write down what happened: the last words of a failure."""
        self.diary.append(text)
        with (self.terraform.folder / "diary.txt").open("a") as file:
            file.write(f"{text}\n")

    # --- settings -----------------------------------------------------------------------------------------------------

    def read(self) -> Settings:
        """The settings of the working tree."""
        folder = self.repository.folder
        database = json.loads((folder / "app-config.yaml").read_text())["backend"]["database"]
        found = json.loads((folder / "greenroom.yaml").read_text())
        plugins, credentials = found["plugins"], found["credentials"]
        return Settings(
            plugins=plugins["include"],
            prefix=database["prefix"],
            role_name=credentials["roleName"],
            store=credentials["store"],
            versions=credentials.get("passwordVersions", {}),
            renamed=plugins.get("renamed", {}),
        )

    def write(self, settings: Settings) -> None:
        """Write them."""
        connection = {"host": self.server.host, "port": self.server.port}
        database = {"client": "pg", "prefix": settings.prefix, "connection": connection}
        plugins = {"discover": False, "include": sorted(settings.plugins), "renamed": settings.renamed}
        credentials = {"roleName": settings.role_name, "store": settings.store, "passwordVersions": settings.versions}
        self.repository.write("app-config.yaml", {"backend": {"database": database}})
        written = {
            "version": 1,
            "plugins": {key: value for key, value in plugins.items() if value != {}},
            "credentials": {key: value for key, value in credentials.items() if value},
        }
        self.repository.write("greenroom.yaml", written)

    # --- plugins ------------------------------------------------------------------------------------------------------

    @property
    def fragment(self) -> dict[str, dict[str, Any]]:
        """The connection of each plugin, as Backstage gets it."""
        text = (self.repository.folder / "infra" / "app-config.databases.yaml").read_text()
        plugins = yaml.safe_load(text)["backend"]["database"].get("plugin", {})
        return {name: entry["connection"] for name, entry in plugins.items()}

    def owner(self, plugin: str) -> Belongings | None:
        """What the plugin of this id has, if it has anything yet."""
        return next((item for item in self.belongings if item.plugin == plugin), None)

    def recognise(self) -> None:
        """Who is who, by the plugins of the working tree: a plugin that has an earlier id back has its rows as well."""
        wanted = self.read().plugins
        for owner in self.belongings:
            back = [name for name in owner.names if name in wanted and self.owner(name) is None]
            if owner.plugin not in wanted and back:
                owner.plugin = back[-1]

    def memory(self) -> Callable[[], None]:
        """Remember who is called what and has which password; what is returned brings it back, after a refusal."""
        known = [(owner, owner.plugin, owner.password, list(owner.names)) for owner in self.belongings]

        def restore() -> None:
            self.belongings[:] = [owner for owner, *_ in known]
            for owner, plugin, password, names in known:
                owner.plugin, owner.password, owner.names = plugin, password, names

        return restore

    def password(self, plugin: str) -> str:
        """What Backstage logs in with: the value of the variable, or of the secret in the store."""
        entry = self.repository.lock()["plugins"][plugin]
        if entry.get("store", "variables") == "vault":
            return self.vault.password(entry["secret"])
        owner = self.owner(plugin)
        assert owner is not None
        return owner.password

    def connect(self, plugin: str, password: str | None = None) -> psycopg.Connection[Any]:
        """Log in as the plugin, as Backstage does."""
        place = self.fragment[plugin]
        return self.terraform.connect(place["user"], password or self.password(plugin), place["database"])

    def bring_passwords(self) -> None:
        """The variable ``plugin_passwords``, where they are not in a store; a new plugin gets a new one."""
        plugins = self.repository.lock()["plugins"]
        self.terraform.passwords = {}
        for name in sorted(plugins):
            if plugins[name].get("store", "variables") == "variables":
                owner = self.owner(name)
                if owner is None:
                    owner = Belongings(name)
                    self.belongings.append(owner)
                owner.password = owner.password or new_password()
                self.terraform.passwords[name] = owner.password

    def settle(self, plugin: str) -> None:
        """The first start of a plugin: its migrations, with its own login."""
        owner = self.owner(plugin)
        if owner is None:
            owner = Belongings(plugin)
            self.belongings.append(owner)
        if owner.token:
            return
        owner.token = f"of {plugin}, {secrets.token_hex(6)}"
        with self.connect(plugin) as connection:
            connection.execute(MIGRATIONS)
            connection.execute("INSERT INTO treasure VALUES (%s)", [owner.token])

    # --- the server ---------------------------------------------------------------------------------------------------

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.dsn(database), autocommit=True)

    def wait_for_the_server(self) -> None:
        """Until nobody works on the server any more: a statement that it was given goes on without its client."""
        others = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        with self.superuser() as connection:
            for _ in range(300):
                if connection.execute(others).fetchone() == (0,):
                    return
                time.sleep(0.1)
        raise AssertionError("sessions of an apply that was killed are still open after 30 seconds")

    def by_hand(self, plugin: str) -> None:
        """A plugin whose database a DBA made, a year ago, with a password of then."""
        settings = self.read()
        role, database = settings.role_name.format(plugin=plugin), f"{settings.prefix}{plugin}"
        password = new_password()
        with self.superuser() as connection:
            names = {"role": sql.Identifier(role), "database": sql.Identifier(database), "admin": sql.Identifier(ADMIN)}
            statements = (
                "CREATE ROLE {role} LOGIN PASSWORD {password}",
                "GRANT {role} TO {admin} WITH ADMIN OPTION",
                "CREATE DATABASE {database} OWNER {admin}",
            )
            for text in statements:
                connection.execute(sql.SQL(text).format(**names, password=sql.Literal(password)))
        with self.superuser(database) as connection:
            connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {role}").format(**names))
        owner = Belongings(plugin, token=f"of {plugin}, made by hand", password=password)
        with self.terraform.connect(role, password, database) as connection:
            connection.execute(MIGRATIONS)
            connection.execute("INSERT INTO treasure VALUES (%s)", [owner.token])
        self.belongings.append(owner)

    def adopt(self) -> str:
        """``greenroom adopt --write``, as the administrator."""
        environment = {"GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD, "PGSSLMODE": "disable"}
        done = self.repository.greenroom("adopt", "--user", ADMIN, "--write", **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def treasures(self) -> Iterator[tuple[str, str, int]]:
        """Database, token and number of rows of everything there is, in whichever database."""
        for database in sorted(self.terraform.databases()):
            with self.superuser(database) as connection:
                if connection.execute("SELECT to_regclass('public.treasure')").fetchone() == (None,):
                    continue
                for (token,) in connection.execute("SELECT token FROM treasure").fetchall():
                    row = connection.execute("SELECT count(*) FROM events").fetchone()
                    assert row is not None
                    yield database, token, row[0]


def new_password() -> str:
    """A password as somebody brings it."""
    return f"pw-{secrets.token_hex(12)}"
