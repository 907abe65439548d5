"""Extensions with the real provider: created where the plugin looks, kept when nobody asks for them, never dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from portal import Portal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

MIGRATION = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm; CREATE TABLE posts (title text); "
    "CREATE INDEX ON posts USING gin (title gin_trgm_ops)"
)


@pytest.fixture
def portal(mirror: Path, server: EmbeddedServer, program: str, backstage_dir: Path, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path, mirror, server, program, backstage_dir)
    yield made
    made.terraform.clean()


def place(portal: Portal, database: str) -> str | None:
    """The schema that pg_trgm is in."""
    with psycopg.connect(portal.server.dsn(database)) as connection:
        found = connection.execute(
            "SELECT nspname FROM pg_extension JOIN pg_namespace AS space ON space.oid = extnamespace "
            "WHERE extname = 'pg_trgm'"
        ).fetchone()
    return found[0] if found else None


def test_the_life_of_an_extension(portal: Portal) -> None:
    shared = {"pluginDivisionMode": "schema", "connection": {"database": "portal"}}
    wanted = "plugins: {extensions: {qeta: [pg_trgm]}}\n"
    portal.generate(["auth", "qeta"], wanted, **shared)
    assert "0 changed, 0 destroyed" in portal.apply()
    assert place(portal, "portal") == "qeta"
    with portal.terraform.connect("backstage_qeta", portal.terraform.passwords["qeta"], "portal") as connection:
        connection.execute("SET search_path TO qeta")
        for statement in MIGRATION.split(";"):
            connection.execute(statement.encode())

    # Nobody asks for it any more: it stays, and so does the index that needs it.
    portal.generate(["auth", "qeta"], "plugins: {extensions: {qeta: []}}\n", **shared)
    assert "0 added, 0 changed, 0 destroyed" in portal.apply()
    assert place(portal, "portal") == "qeta"

    # Its plugin is gone: Terraform lets go of both.
    portal.generate(["auth"], **shared)
    assert "0 destroyed" in portal.apply()
    assert place(portal, "portal") == "qeta"
    assert not any(address.startswith(("module.qeta.", "module.extensions_qeta")) for address in portal.terraform.state())
