"""knex's migration locks on PostgreSQL, in the schema that Backstage's search path leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.preflight.locks import COLUMNS, SUFFIX, record_locks
from generator.preflight.postgresql.failures import quoted

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_TABLES: Final = """
SELECT current_schema()::text, relname::text FROM pg_catalog.pg_class AS class
WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
  AND relkind IN ('r', 'p') AND right(relname, length(%(suffix)s)) = %(suffix)s
  AND pg_catalog.has_table_privilege(current_user, class.oid, 'SELECT')
  AND (SELECT count(*) FROM pg_catalog.pg_attribute WHERE attrelid = class.oid AND attname = ANY(%(columns)s::text[])) = 2
ORDER BY relname LIMIT 20
"""


def check_locks(run: Recorder, connection: Any) -> None:
    """Look at every lock of migrations that this user may read."""
    from psycopg import sql

    tables = connection.execute(_TABLES, {"suffix": SUFFIX, "columns": list(COLUMNS)}).fetchall()
    locked = []
    for schema, table in tables:
        # knex takes the first row it gets, in no order.
        first = sql.SQL("SELECT is_locked::text FROM {}.{} LIMIT 1").format(sql.Identifier(schema), sql.Identifier(table))
        row = connection.execute(first).fetchone()
        if row and row[0] not in (None, "0"):
            locked.append(f"{quoted(schema)}.{quoted(table)}")
    record_locks(run, locked, len(tables))
