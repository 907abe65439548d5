"""The whole way: app-config in, SQL applied by an admin without superuser, and a real Backstage that starts on the result.

Catalog, auth and scaffolder run their published migrations with their own restricted users. Without the fragment, with the
same databases there, Backstage fails as it does for everybody who may not create databases.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
from psycopg import sql

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from generator.demo.embedded import EmbeddedServer

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PLUGINS = ("auth", "catalog", "scaffolder")
PACKAGES = {name: f"@backstage/plugin-{name}-backend" for name in PLUGINS}
ADMIN, ADMIN_PASSWORD = "dba", "dba's password"
#: The user app-config had before: it may log in, and nothing else.
PORTAL, PORTAL_PASSWORD = "portal", "portal's password"

REST = """
app: {title: e2e, baseUrl: http://localhost:3000}
organization: {name: e2e}
backend:
  baseUrl: http://localhost:7007
  listen: {host: 127.0.0.1, port: 0}
"""
BASE = (
    REST
    + """  database:
    client: pg
    connection:
      host: ${POSTGRES_HOST}
      port: ${POSTGRES_PORT}
      user: ${POSTGRES_USER}
      password: ${POSTGRES_PASSWORD}
"""
)
SCHEMA = (
    BASE
    + """      database: developer-portal
    pluginDivisionMode: schema
"""
)
URL = (
    REST
    + """  database:
    client: pg
    connection: ${DATABASE_URL}
    prefix: my_company_
    plugin:
      auth: {ensureExists: true}
      catalog: {connection: 'postgres://${POSTGRES_HOST}:${POSTGRES_PORT}/the%20catalog'}
"""
)
DRIVER_STRING = (
    REST
    + """  database:
    client: pg
    connection: {connectionString: '${DATABASE_URL}'}
    role: owner-of-everything
"""
)


@dataclass
class Installation:
    """One Backstage: its app-config, the server it runs on, and what was generated for it."""

    root: Path
    server: EmbeddedServer
    packages: Path
    passwords: dict[str, str] = field(default_factory=dict)

    @property
    def lock(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "infra" / "greenroom.lock.json").read_text())
        return found

    def configure(self, app_config: str) -> None:
        (self.root / "app-config.yaml").write_text(app_config)

    def generate(self) -> str:
        """``greenroom generate``, which knows neither host nor passwords."""
        command = ["generate", "--root", "."]
        for name in PLUGINS:
            command += ["--plugin", name]
        command += ["--target", "sql", "--target", "app-config", "--verify"]
        done = command_line.run(command, cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert PORTAL_PASSWORD not in "".join(
            path.read_text() for path in (self.root / "infra").rglob("*") if path.is_file()
        )
        return done.stdout + done.stderr

    def apply(self) -> None:
        """The DBA runs the script, with passwords nobody has seen before."""
        for name in PLUGINS:
            self.passwords.setdefault(f"BACKSTAGE_DB_{name.upper()}_PASSWORD", f'{name}: it\'s ${{a}} \\ "secret"')
        binaries = self.server.bin_dir if (self.server.bin_dir / "psql").exists() else embedded_binaries()
        result = apply_script(
            self.root / "infra" / "sql" / "databases.sql",
            host=self.server.host,
            port=self.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=self.passwords,
            psql=find_psql(binaries),
            timeout=120,
        )
        assert result.ok, f"{result.stdout}\n{result.stderr}"

    def start(self, *files: str) -> subprocess.CompletedProcess[str]:
        """Start a real backend with ``files`` as its ``--config``, wait until it says that it has started, and stop it."""
        url = f"postgres://{PORTAL}:{PORTAL_PASSWORD.replace(' ', '%20')}@{self.server.host}:{self.server.port}/postgres"
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "APP_CONFIG_"))}
        environ |= {
            "POSTGRES_HOST": self.server.host,
            "POSTGRES_PORT": str(self.server.port),
            "POSTGRES_USER": PORTAL,
            "POSTGRES_PASSWORD": PORTAL_PASSWORD,
            "DATABASE_URL": url,
            "NODE_ENV": "production",
            **self.passwords,
        }
        command = ["node", str(HERE / "backend.mjs"), str(self.packages)]
        for name in files:
            command += ["--config", str(self.root / name)]
        return subprocess.run(command, cwd=self.packages, env=environ, capture_output=True, text=True, timeout=180)

    def must_start(self) -> None:
        done = self.start("app-config.yaml", "infra/app-config.databases.yaml")
        output = done.stdout + done.stderr
        assert done.returncode == 0, output[-5000:]
        assert "the backend has started" in output

    def query(self, database: str, text: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.server.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(text)  # type: ignore[arg-type]  # a literal of this test
            return cursor.fetchall() if cursor.description else []

    def owners(self, database: str, schema: str) -> dict[str, str]:
        """Every table of a schema with its owner."""
        found = self.query(database, f"SELECT tablename, tableowner FROM pg_tables WHERE schemaname = '{schema}'")
        return dict(found)

    def published_migrations(self, plugin: str) -> set[str]:
        folder = self.packages / "node_modules" / PACKAGES[plugin] / "migrations"
        return {path.name for path in folder.iterdir() if path.suffix in (".js", ".cjs", ".mjs") and ".d." not in path.name}


@pytest.fixture
def installation(server: EmbeddedServer, backstage_dir: Path, tmp_path: Path) -> Installation:
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
        connection.execute(statement.format(sql.Identifier(PORTAL), sql.Literal(PORTAL_PASSWORD)))
    return Installation(tmp_path, server, backstage_dir)


CREATE_DENIED = "permission denied to create database"
CASES = {
    "database": (BASE, CREATE_DENIED),
    "schema": (SCHEMA, CREATE_DENIED),
    "url": (URL, CREATE_DENIED),
    # It also cannot switch to the role: which of the two is said first is a matter of time.
    "driver string": (DRIVER_STRING, f'{CREATE_DENIED}|role "owner-of-everything" does not exist'),
}


@pytest.mark.parametrize("name", CASES)
def test_a_real_backend_starts_on_what_was_generated(installation: Installation, name: str) -> None:
    app_config, refusal = CASES[name]
    installation.configure(app_config)
    # Before anything exists: what people see who may not create databases.
    refused = installation.start("app-config.yaml")
    assert refused.returncode != 0
    assert re.search(refusal, refused.stdout + refused.stderr)
    installation.generate()
    installation.apply()
    installation.must_start()

    plugins = installation.lock["plugins"]
    assert len({plugin["role"] for plugin in plugins.values()}) == len(PLUGINS)
    for plugin_id, plugin in plugins.items():
        database, schema = plugin["database"], plugin.get("schema", "public")
        owners = installation.owners(database, schema)
        # Every published migration ran, as the plugin's own user, in its own place.
        done = {row[0] for row in installation.query(database, f'SELECT name FROM "{schema}".knex_migrations')}
        assert done == installation.published_migrations(plugin_id)
        assert set(owners.values()) == {plugin["role"]}
        assert "backstage_backend_public_keys__keys" in owners
        if schema != "public":
            assert not installation.owners(database, "public")
    # Once more, on what is there now.
    installation.must_start()


def test_without_the_fragment_it_fails_as_backstage_always_did(installation: Installation) -> None:
    installation.configure(BASE)
    installation.generate()
    # Nothing applied: Backstage tries to create the databases itself, with the user of the base connection.
    refused = installation.start("app-config.yaml")
    output = refused.stdout + refused.stderr
    assert refused.returncode != 0
    assert "Failed to connect to the database to make sure that 'backstage_plugin_catalog' exists" in output
    assert "permission denied to create database" in output
    # Applied, but with the user of before: it may not even connect to a plugin's database.
    installation.apply()
    refused = installation.start("app-config.yaml")
    assert refused.returncode != 0
    assert 'permission denied for database "backstage_plugin_catalog"' in refused.stdout + refused.stderr
    # The fragment without the databases says what is missing, and creates nothing.
    installation.configure(BASE.replace("client: pg", "client: pg\n    prefix: other_"))
    installation.root.joinpath("infra/greenroom.lock.json").unlink()
    for path in (installation.root / "infra").rglob("*.*"):
        path.unlink()
    installation.generate()
    missing = installation.start("app-config.yaml", "infra/app-config.databases.yaml")
    assert missing.returncode != 0
    assert 'database "other_catalog" does not exist' in missing.stdout + missing.stderr


def test_a_renamed_database_keeps_its_data(installation: Installation) -> None:
    """Another prefix: the same data under the new names, and Backstage starts on it."""
    installation.configure(BASE)
    installation.generate()
    installation.apply()
    installation.must_start()
    installation.query("backstage_plugin_catalog", "CREATE TABLE marker AS SELECT 42 AS answer")
    installation.configure(BASE.replace("client: pg", "client: pg\n    prefix: my_company_"))
    said = installation.generate()
    assert "~ catalog: database backstage_plugin_catalog → my_company_catalog" in said
    installation.apply()
    installation.must_start()
    assert installation.query("my_company_catalog", "SELECT answer FROM marker") == [(42,)]
    databases = {row[0] for row in installation.query("postgres", "SELECT datname FROM pg_database")}
    assert "backstage_plugin_catalog" not in databases
    # The script says the rename again on every run; on what is renamed already it changes nothing.
    assert "3 files" not in installation.generate()
    installation.apply()
    installation.must_start()
