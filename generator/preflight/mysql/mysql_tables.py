"""What migrations do, tried on a table of our own on MySQL and MariaDB, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_pymysql
from generator.preflight.mysql.mysql_connection import row_of, rows_of
from generator.preflight.mysql.mysql_failures import account, message_of, quoted, statement_failure
from generator.preflight.postgresql.failures import Failure

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_NO_TABLE: Final = 1146
_PREFIX: Final = "greenroom_preflight_"
_VIEW: Final = "_view"
_LEFT_BEHIND: Final = f"""
SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()
  AND table_name REGEXP '^{_PREFIX}[0-9a-f]{{16}}({_VIEW})?$' ORDER BY table_name DESC LIMIT 100
"""  # noqa: S608 - of constants
#: What to try on a table, and the privilege it needs. DROP comes first: without it nothing may be left behind.
_PROBES: Final = (
    ("DROP", "DROP TABLE IF EXISTS {0}"),
    ("CREATE", "CREATE TABLE {0} (id int AUTO_INCREMENT PRIMARY KEY, entry varchar(255))"),
    ("INSERT", "INSERT INTO {0} (entry) VALUES ('x')"),
    ("SELECT", "SELECT id FROM {0}"),
    ("UPDATE", "UPDATE {0} SET entry = 'y'"),
    ("DELETE", "DELETE FROM {0}"),
    ("ALTER", "ALTER TABLE {0} ADD COLUMN added varchar(255)"),
    ("INDEX", "CREATE INDEX probe ON {0} (added)"),
    ("CREATE VIEW", "CREATE VIEW {1} AS SELECT 1 AS one"),
)


def check_tables(run: Recorder, connection: Any) -> None:
    """Do to a table of our own what migrations do, and name the privileges that are missing.

    Every statement is committed at once: what a run that was killed left behind, the next one removes.
    """
    pymysql = load_pymysql()
    target = run.target
    name = f"{_PREFIX}{secrets.token_hex(8)}"
    removed = _remove_left_behind(connection)
    _mark(connection, name)
    missing = _missing_privileges(run, connection, name)
    database = quoted(target.connects_to or target.database, pattern=True)
    if missing:
        first = next(iter(missing.values()))
        remedy = f"GRANT {', '.join(missing)} ON {database}.* TO {account(target)}"
        unknown = "; nothing else was tried, as it could not be taken away again" if "DROP" in missing else ""
        detail = f"no {', '.join(missing)} privilege: {first.detail}{unknown}"
        if first.hint.startswith("point"):
            detail, remedy = first.detail, first.hint
        if set(missing) == {"INDEX"}:
            said = "starts: the catalog's migrations alter tables for it; a plugin that says CREATE INDEX fails"
            run.failed("create table", Failure(detail, said, remedy), stops=False)
        else:
            run.failed("create table", Failure(detail, first.backstage, remedy))
    else:
        left = f"; removed what a run that was killed had left: {', '.join(removed)}" if removed else ""
        run.passed("create table", f"created, changed, used and dropped{left}")
    table = quoted(name)
    try:
        connection.query(f"CREATE TEMPORARY TABLE {table} (id int)")
        connection.query(f"DROP TEMPORARY TABLE {table}")
    except pymysql.MySQLError as error:
        failure = statement_failure(target, error, "create temporary table")
        remedy = f"GRANT CREATE TEMPORARY TABLES ON {database}.* TO {account(target)}"
        run.failed("temporary table", Failure(failure.detail, failure.backstage, remedy))
    else:
        run.passed("temporary table", "created and dropped")


def _missing_privileges(run: Recorder, connection: Any, name: str) -> dict[str, Failure]:
    """Try every statement on the table ``name``, which is gone afterwards; the ones that were refused, by privilege."""
    pymysql = load_pymysql()
    table, view = quoted(name), quoted(f"{name}{_VIEW}")
    missing: dict[str, Failure] = {}
    try:
        for privilege, statement in _PROBES:
            try:
                connection.query(statement.format(table, view))
            except pymysql.MySQLError as error:
                number, message = message_of(error)
                if number != _NO_TABLE:
                    # Backstage would say it of its own tables: with DROP it is the first one it renames.
                    begin = "" if privilege == "DROP" else statement.partition(" {")[0].lower()
                    told = message.replace(view, "…").replace(table, "…").replace(f"'{name}'", "…")
                    missing[privilege] = statement_failure(run.target, type(error)(number, told), begin or "…")
                    if privilege == "DROP":
                        break
    finally:
        if "DROP" not in missing:
            with contextlib.suppress(pymysql.MySQLError):
                connection.query(f"DROP VIEW IF EXISTS {view}")
                connection.query(f"DROP TABLE IF EXISTS {table}")
    return missing


def _mark(connection: Any, name: str) -> None:
    """Take a lock with the name of the table. The server frees it when the session ends, however the client did."""
    pymysql = load_pymysql()
    with contextlib.suppress(pymysql.MySQLError):  # a cluster that has no such locks: there nothing is removed either
        row_of(connection, "SELECT GET_LOCK(%s, 0)", [name])


def _remove_left_behind(connection: Any) -> list[str]:
    """Drop the tables and views of runs that are over; their names."""
    pymysql = load_pymysql()
    removed = []
    with contextlib.suppress(pymysql.MySQLError):
        for (name,) in rows_of(connection, _LEFT_BEHIND):  # a view before its table
            (is_free,) = row_of(connection, "SELECT IS_FREE_LOCK(%s)", [name.removesuffix(_VIEW)])
            if is_free == 1:
                kind = "VIEW" if name.endswith(_VIEW) else "TABLE"
                connection.query(f"DROP {kind} IF EXISTS {quoted(name)}")
                removed.append(name)
    return removed
