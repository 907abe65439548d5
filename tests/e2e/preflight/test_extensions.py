"""Extensions that a plugin's migrations create: what preflight says, and what the server then does to the plugin's role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import command_line
import psycopg
import pytest
from installation import PASSWORDS

from generator.demo.apply import ApplyResult, apply_script

if TYPE_CHECKING:
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

PASSWORD = "correct horse"
MIGRATION = "CREATE EXTENSION IF NOT EXISTS {extension}; CREATE TABLE posts (title text, place {type}); {index}"
TRGM = MIGRATION.format(extension="pg_trgm", type="text", index="CREATE INDEX ON posts USING gin (title gin_trgm_ops)")
VECTOR = MIGRATION.format(
    extension="vector", type="vector(3)", index="CREATE INDEX ON posts USING hnsw (place vector_l2_ops)"
)


class Portal:
    """One plugin in a repository of its own, on a server of the tests."""

    def __init__(self, root: Path, server: EmbeddedServer, plugin: str, mode: str, settings: str) -> None:
        self.root, self.server, self.plugin, self.mode = root, server, plugin, mode
        shared = "" if mode == "database" else f", database: {plugin}_shared"
        (root / "app-config.yaml").write_text(
            "backend:\n  database:\n    client: pg\n    connection: "
            f"{{host: 127.0.0.1, port: {server.port}, user: none, password: none{shared}}}\n    pluginDivisionMode: {mode}\n"
        )
        (root / "greenroom.yaml").write_text(f"version: 1\nplugins: {{include: [{plugin}], discover: false{settings}}}\n")
        self.env = {"PATH": "/usr/bin:/bin", f"BACKSTAGE_DB_{plugin.upper()}_PASSWORD": PASSWORD}
        self.database = f"{plugin}_shared" if mode == "schema" else f"backstage_plugin_{plugin}"
        self.schema = plugin if mode == "schema" else "public"

    def generate(self) -> str:
        done = command_line.run(
            ["generate", "--target", "sql", "--target", "app-config"],
            cwd=self.root, env=self.env, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def apply(self, user: str = "admin") -> ApplyResult:
        (script,) = (self.root / "infra" / "sql").glob("*.sql")
        password = "admin's password" if user == "admin" else self.server.password
        return apply_script(
            script, host=self.server.host, port=self.server.port, user=user, password=password, env=self.env,
            psql=self.server.bin_dir / "psql",
        )  # fmt: skip

    def preflight(self) -> tuple[bool, str]:
        """The verdict, and what the check of extensions says."""
        config = ["--config", "app-config.yaml", "--config", "infra/app-config.databases.yaml"]
        done = command_line.run(
            ["preflight", *config, "--format", "json"],
            cwd=self.root,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=60,
        )
        result = json.loads(done.stdout)["plugins"][self.plugin]
        checks = {check["name"]: check for check in result["checks"]}
        return result["ready"], checks.get("extensions", {}).get("detail", "")

    def sql(self, statement: str) -> None:
        with psycopg.connect(self.server.dsn(self.database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def migrate(self, statements: str) -> str:
        """Run migrations as Backstage does, as the plugin with its search path; the error, if there is one."""
        path = f"-c search_path={self.schema}" if self.mode == "schema" else ""
        where = {"host": self.server.host, "port": self.server.port, "dbname": self.database, "options": path}
        with psycopg.connect(user=f"backstage_{self.plugin}", password=PASSWORD, **where) as connection:
            try:
                connection.execute(statements.encode())
            except psycopg.Error as error:
                return str(error)
        return ""


@pytest.fixture
def portal(server: EmbeddedServer, tmp_path: Path):  # type: ignore[no-untyped-def]
    made: list[Portal] = []

    def make(plugin: str, mode: str, settings: str = "") -> Portal:
        folder = tmp_path / f"{plugin}-{mode}"
        folder.mkdir()
        made.append(Portal(folder, server, plugin, mode, settings))
        return made[-1]

    yield make
    assert not any(password in str(made) for password in PASSWORDS.values())
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for item in made:
            connection.execute(f'DROP DATABASE IF EXISTS "{item.database}" WITH (FORCE)'.encode())
            connection.execute(f'DROP ROLE IF EXISTS "backstage_{item.plugin}"'.encode())


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_what_the_catalogue_knows_is_created(portal, mode: str) -> None:  # type: ignore[no-untyped-def]
    """qeta creates pg_trgm: without a word in the settings it is there, and where its migrations look for it."""
    qeta = portal("qeta", mode)
    qeta.generate()
    assert qeta.apply().ok
    assert qeta.preflight() == (True, f"pg_trgm in schema {qeta.schema}")
    assert qeta.migrate(TRGM) == ""
    again = qeta.apply()
    assert again.ok, again.stderr
    assert "created extension" not in again.stdout


@pytest.mark.parametrize(("mode", "ready"), [("database", True), ("schema", False)])
def test_missing(portal, mode: str, ready: bool) -> None:  # type: ignore[no-untyped-def]
    """Not created: where the plugin may do it itself it starts, and in schema mode it may not."""
    qeta = portal("qeta", mode, ", extensions: {qeta: []}")
    qeta.generate()
    assert qeta.apply().ok
    (qeta.root / "greenroom.yaml").write_text("version: 1\nplugins: {include: [qeta], discover: false}\n")
    said = qeta.preflight()
    assert said[0] == ready, said
    assert "may create it" in said[1] if ready else "may not create it" in said[1]
    assert (qeta.migrate(TRGM) == "") == ready


def test_in_another_schema(portal) -> None:  # type: ignore[no-untyped-def]
    qeta = portal("qeta", "schema", ", extensions: {qeta: []}")
    qeta.generate()
    assert qeta.apply().ok
    qeta.sql("CREATE SCHEMA tools; CREATE EXTENSION pg_trgm SCHEMA tools")
    (qeta.root / "greenroom.yaml").write_text("version: 1\nplugins: {include: [qeta], discover: false}\n")
    assert qeta.preflight() == (False, "pg_trgm is in schema tools, where the plugin does not look")
    assert "gin_trgm_ops" in qeta.migrate(TRGM)
    qeta.generate()
    refused = qeta.apply("postgres")
    assert 'extension "pg_trgm" is in schema "tools"' in refused.stderr
    qeta.sql("ALTER EXTENSION pg_trgm SET SCHEMA qeta")
    assert qeta.preflight()[0]
    assert qeta.migrate(TRGM) == ""


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_one_that_is_not_trusted(portal, mode: str) -> None:  # type: ignore[no-untyped-def]
    """vector needs a superuser: the administrator's script says what to run, does the rest, and goes through after that."""
    rag = portal("rag", mode, ", extensions: {rag: [vector]}")
    rag.generate()
    refused = rag.apply()
    assert not refused.ok
    assert 'may not create extension "vector"' in refused.stderr
    assert f"CREATE EXTENSION vector SCHEMA {rag.schema} CASCADE" in refused.stderr
    ready, said = rag.preflight()
    assert (ready, "only a superuser may" in said) == (False, True)
    assert "permission denied" in rag.migrate(VECTOR)
    rag.sql(f"CREATE EXTENSION vector SCHEMA {rag.schema} CASCADE")
    assert rag.apply().ok
    assert rag.preflight()[0]
    assert rag.migrate(VECTOR) == ""


def test_one_that_the_server_does_not_have(portal) -> None:  # type: ignore[no-untyped-def]
    gis = portal("gis", "database", ", extensions: {gis: [postgis]}")
    gis.generate()
    refused = gis.apply()
    assert "nothing was changed" in refused.stderr
    assert "extension postgis is not available on this server" in refused.stderr


def test_what_was_created_stays(portal) -> None:  # type: ignore[no-untyped-def]
    """Taken out of the settings, it is neither dropped nor forgotten."""
    qeta = portal("qeta", "schema")
    qeta.generate()
    assert qeta.apply().ok
    (qeta.root / "greenroom.yaml").write_text(
        "version: 1\nplugins: {include: [qeta], discover: false, extensions: {qeta: []}}\n"
    )
    qeta.generate()
    assert json.loads((qeta.root / "infra/greenroom.lock.json").read_text())["plugins"]["qeta"]["extensions"] == ["pg_trgm"]
    assert qeta.apply().ok
    assert qeta.preflight()[0]
