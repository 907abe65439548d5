"""What a plugin has in its database: rows, views, sequences, enums, partitions, and code that has to find them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

from psycopg import sql

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from generator.demo.embedded import EmbeddedServer

_FILL = """
CREATE TYPE mood AS ENUM ('sad', 'fine');
CREATE SEQUENCE counter START 5;
CREATE TABLE kept (
  id serial PRIMARY KEY, value int NOT NULL, mood mood DEFAULT 'fine', number bigint DEFAULT nextval('counter')
);
CREATE INDEX kept_by_value ON kept (value);
COMMENT ON TABLE kept IS 'what has to be there afterwards';
CREATE TABLE child (kept_id int REFERENCES kept (id) ON DELETE CASCADE);
CREATE VIEW seen AS SELECT value, mood FROM kept;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS rows FROM kept;
CREATE TABLE days (day date, value int) PARTITION BY RANGE (day);
CREATE TABLE days_2024 PARTITION OF days FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE days_other PARTITION OF days DEFAULT;
CREATE FUNCTION twice(number int) RETURNS int LANGUAGE sql AS 'SELECT number * 2';
CREATE FUNCTION on_update() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.value := twice(NEW.value); RETURN NEW; END';
CREATE TRIGGER on_update BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION on_update();
"""
_OWNERS = """
SELECT DISTINCT pg_get_userbyid(owner) FROM (
  SELECT oid, relowner AS owner, relnamespace AS space FROM pg_class
  UNION ALL SELECT oid, typowner, typnamespace FROM pg_type WHERE typtype = 'e'
  UNION ALL SELECT oid, proowner, pronamespace FROM pg_proc
) AS things JOIN pg_namespace ON pg_namespace.oid = space
WHERE nspname = %s AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = things.oid AND deptype = 'e')
"""
_CONTENT = {
    "kept": "SELECT id, value, mood::text, number FROM kept ORDER BY id",
    "child": "SELECT * FROM child",
    "seen": "SELECT value, mood::text FROM seen ORDER BY 1",
    "counted": "SELECT rows FROM counted",
    "days": "SELECT (SELECT relname FROM pg_class WHERE oid = days.tableoid)::text, day::text, value FROM days ORDER BY 2",
    "counter": "SELECT last_value FROM counter",
    "moods": "SELECT enum_range(NULL::mood)::text[]",
    "twice": "SELECT twice(4)",
    "indexes": "SELECT indexname::text FROM pg_indexes WHERE schemaname = current_schema() ORDER BY 1",
    "comment": "SELECT obj_description('kept'::regclass)",
}


def fill(connection: psycopg.Connection[Any], schema: str, value: int) -> None:
    """Make it all in ``schema``, with rows that hold ``value``."""
    use(connection, schema)
    connection.execute(_FILL.encode())
    connection.execute("INSERT INTO kept (value, mood) VALUES (%s, 'sad'), (%s, 'fine')", (value, value + 1))
    connection.execute("INSERT INTO child SELECT id FROM kept")
    connection.execute("INSERT INTO days VALUES ('2024-05-05', %s), ('2030-01-01', %s)", (value, value))
    connection.execute("REFRESH MATERIALIZED VIEW counted")


def use(connection: psycopg.Connection[Any], schema: str) -> None:
    """Look into ``schema``, as Backstage does."""
    connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))


def content(connection: psycopg.Connection[Any], schema: str) -> dict[str, list[tuple[Any, ...]]]:
    """What is in ``schema``."""
    use(connection, schema)
    return {name: connection.execute(query.encode()).fetchall() for name, query in _CONTENT.items()}


def owners(connection: psycopg.Connection[Any], schema: str) -> set[str]:
    """Whose the tables, views, sequences, types and functions in ``schema`` are."""
    return {name for (name,) in connection.execute(_OWNERS, (schema,))}


def change(connection: psycopg.Connection[Any], schema: str) -> None:
    """What a plugin and its migrations go on to do: rows, the next number, the trigger, another column, another table."""
    use(connection, schema)
    connection.execute("INSERT INTO kept (value) VALUES (1)")
    connection.execute("UPDATE kept SET value = 7 WHERE value = 1")
    assert connection.execute("SELECT value FROM kept WHERE value = 14").fetchone() == (14,)
    connection.execute("ALTER TABLE kept ADD COLUMN more text; CREATE TABLE another (id serial)")
    connection.execute("ALTER TYPE mood ADD VALUE IF NOT EXISTS 'new'")
    connection.execute("DELETE FROM kept WHERE value = 14; DROP TABLE another; ALTER TABLE kept DROP COLUMN more")


def picture(server: EmbeddedServer, database: str, programs: Path) -> list[str]:
    """All that is in a database and whose it is, as pg_dump writes it; who may connect to it is not in there."""
    command = [programs / "pg_dump", "--no-acl", "-d", server.dsn(database)]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    # A dump starts and ends with a key of its own, and says when it was made.
    return [line for line in text.splitlines() if not line.startswith(("--", "\\restrict", "\\unrestrict"))]
