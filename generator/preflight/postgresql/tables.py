"""What migrations do, tried in a transaction that is rolled back; and tables of somebody else that are in their way."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.failures import Failure, quoted, startup, statement_failure
from generator.preflight.postgresql.session import savepoint

if TYPE_CHECKING:
    from generator.preflight.probes import PreflightTarget
    from generator.preflight.recorder import Recorder

#: Everything the published migrations of Backstage's plugins do to a table of their own.
_CREATE: Final = """
CREATE TABLE {0} (id serial PRIMARY KEY, parent int REFERENCES {0} ON DELETE CASCADE, entry jsonb);
INSERT INTO {0} (entry) VALUES ('{{}}');
ALTER TABLE {0} ADD COLUMN added text;
CREATE INDEX ON {0} (added);
CREATE VIEW {1} AS SELECT id FROM {0};
DROP VIEW {1};
DROP TABLE {0}
"""
#: The table of RBAC's adapter, which TypeORM creates where it is missing: with the base user, whose it then is.
ADAPTER_TABLE: Final = "casbin_rule"
_TEMPORARY: Final = "CREATE TEMPORARY TABLE {0} (id int); DROP TABLE pg_temp.{0}"

_STRANGERS: Final = """
SELECT relname::text, pg_catalog.pg_get_userbyid(relowner)::text,
  pg_catalog.has_table_privilege(current_user, class.oid, 'SELECT')
    AND pg_catalog.has_table_privilege(current_user, class.oid, 'INSERT')
    AND pg_catalog.has_table_privilege(current_user, class.oid, 'UPDATE')
    AND pg_catalog.has_table_privilege(current_user, class.oid, 'DELETE'),
  pg_catalog.has_table_privilege(current_user, class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
FROM pg_catalog.pg_class AS class
WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
  AND relkind IN ('r', 'p') AND NOT pg_catalog.pg_has_role(current_user, relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = class.oid AND deptype = 'e')
ORDER BY relname NOT LIKE '%knex\\_migrations%', relname LIMIT 200
"""
_MIGRATED: Final = "SELECT to_regclass(quote_ident(current_schema()) || '.knex_migrations') IS NOT NULL"
_SHOWN: Final = 5


def check_tables(run: Recorder, connection: Any) -> None:
    """Create, use and drop a table, then a temporary one; then look at the tables that are there."""
    from psycopg import sql

    psycopg = load_psycopg()
    name = f"greenroom_preflight_{secrets.token_hex(8)}"
    target = run.target
    role, database = quoted(target.works_as), quoted(target.connects_to or target.database)
    schema = quoted(run.schema)
    probes = (
        ("create table", _CREATE, f"GRANT USAGE, CREATE ON SCHEMA {schema} TO {role}", "created, used and dropped"),
        ("temporary table", _TEMPORARY, f"GRANT TEMPORARY ON DATABASE {database} TO {role}", "created and dropped"),
    )
    for check, statements, remedy, done in probes:
        statement = sql.SQL(statements).format(sql.Identifier(name), sql.Identifier(f"{name}_view"))
        try:
            with savepoint(connection):
                connection.execute(statement)
        except psycopg.Error as error:
            if connection.broken:
                raise
            begin = "create table" if check == "create table" else "create temp table"
            run.failed(check, statement_failure(target, error, begin, remedy))
        else:
            run.passed(check, done)
    _strangers(run, connection)


def _strangers(run: Recorder, connection: Any) -> None:
    """Tables of a role that the plugin's own is no member of: a leftover of the time before it had a user of its own."""
    # The plugin's own migrations are what it starts with; those of the core services come after.
    rows = [
        row for row in connection.execute(_STRANGERS).fetchall() if run.target.adapter is None or row[0] != ADAPTER_TABLE
    ]
    found = sorted(rows, key=lambda row: not row[0].startswith("knex_migrations"))
    if not found:
        return
    target = run.target
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    listed = ", ".join(f"{table} (owner {owner})" for table, owner, *_ in found[:_SHOWN]) + more
    hint = _hand_over(target, run.schema, found)
    locked = [(table, seen) for table, _, usable, seen in found if not usable]
    migrations = [(table, seen) for table, seen in locked if "knex_migrations" in table]
    (migrated,) = connection.execute(_MIGRATED).fetchone()
    if migrations:
        table, seen = migrations[0]
        # knex looks into information_schema, which does not show a table without any privilege on it.
        cause = f'error: create table … - relation "{table}" already exists'
        if seen:
            cause = f"error: … - permission denied for table {table}"
        failure = Failure(f"tables of another role are in the way: {listed}", startup(target, cause), hint)
        run.failed("existing tables", failure)
    elif locked and migrated:
        said = (
            f"starts when no migration is pending, and fails as soon as it reads: permission denied for table {locked[0][0]}"
        )
        run.failed("existing tables", Failure(f"tables of another role are in the way: {listed}", said, hint), stops=False)
    elif migrated:
        said = "starts, and the next release that alters one of them ends with: must be owner of table …"
        run.failed(
            "existing tables", Failure(f"tables of another role, which may be used: {listed}", said, hint), stops=False
        )
    else:
        said = 'fails when a migration creates a table of the same name: relation "…" already exists'
        run.warned("existing tables", Failure(f"tables of another role are there as well: {listed}", said, hint))


def _hand_over(target: PreflightTarget, schema: str, found: list[tuple[str, str, bool, bool]]) -> str:
    """The statements that give the tables to the plugin's role."""
    role = quoted(target.works_as)
    shown = "; ".join(f"ALTER TABLE {quoted(schema)}.{quoted(table)} OWNER TO {role}" for table, *_ in found[:3])
    return f"as their owner or a superuser, for every table and sequence: {shown}" + ("; …" if len(found) > 3 else "")
