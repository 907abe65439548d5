"""knex's migration locks on MySQL and MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_pymysql
from generator.preflight.locks import COLUMNS, SUFFIX, record_locks
from generator.preflight.mysql.mysql_connection import rows_of
from generator.preflight.mysql.mysql_failures import DENIED, message_of, quoted

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_TABLES: Final = """
SELECT table_schema, table_name FROM information_schema.columns
WHERE table_schema = DATABASE() AND column_name IN (%s, %s) AND RIGHT(table_name, CHAR_LENGTH(%s)) = %s
GROUP BY table_schema, table_name HAVING COUNT(*) = 2 ORDER BY table_name LIMIT 20
"""


def check_locks(run: Recorder, connection: Any) -> None:
    """Look at every lock of migrations that this user may read; a table it may not read is the matter of another check."""
    pymysql = load_pymysql()
    tables, locked = rows_of(connection, _TABLES, [*COLUMNS, SUFFIX, SUFFIX]), []
    for database, table in tables:
        name = f"{quoted(database)}.{quoted(table)}"
        try:
            # knex takes the first row it gets, in no order.
            found = rows_of(connection, f"SELECT is_locked FROM {name} LIMIT 1")  # noqa: S608  # quoted
        except pymysql.MySQLError as error:
            if message_of(error)[0] not in DENIED:
                raise
            continue
        if found and found[0][0]:
            locked.append(name)
    record_locks(run, locked, len(tables))
