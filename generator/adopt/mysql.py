"""Reads what is on a MySQL or MariaDB server, in read-only transactions. Databases have no owners there."""

from __future__ import annotations

import contextlib
import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from generator.adopt.limits import MOST_BYTES, PATIENCE
from generator.adopt.state import Administrator, FoundDatabase, FoundRole, ServerState
from generator.engines import MYSQL

if TYPE_CHECKING:
    from collections.abc import Mapping

_USERS: Final = (
    "SELECT User, Host, Super_priv, Create_user_priv, Grant_priv FROM mysql.user WHERE User <> '' ORDER BY User, Host"
)
_POWERS: Final = ("SUPER", "CREATE USER", "GRANT OPTION")
#: What works with the rights of whoever made it, and stops working when that user is dropped.
_DEFINERS: Final = """
SELECT table_schema, definer FROM information_schema.views WHERE security_type = 'DEFINER'
UNION ALL SELECT trigger_schema, definer FROM information_schema.triggers
UNION ALL SELECT routine_schema, definer FROM information_schema.routines WHERE security_type = 'DEFINER'
UNION ALL SELECT event_schema, definer FROM information_schema.events
"""
_TABLES: Final = "SELECT table_schema, table_name FROM information_schema.tables"


def read_mysql(connection: Mapping[str, Any], *, environ: Mapping[str, str], timeout: int) -> ServerState:
    """What is on the server behind ``connection`` (mysql2's, password included).

    Users count that may come from anywhere (``%``), which is what greenroom makes; where else they may come from is told.

    Raises:
        pymysql.MySQLError: the server refuses the login or a query.
        OSError: the server cannot be reached, or its certificate is not to be trusted.
        ConnectionSettingError: a setting makes a connection impossible.
    """
    from generator.preflight.deadlines import hang_up_after
    from generator.preflight.mysql.mysql_connection import connect, context_of
    from generator.preflight.network import Network

    context = context_of(connection, environ)
    password = str(connection.get("password") or "")
    opened = connect(connection, password, context, timeout, 60, Network(timeout), None, MOST_BYTES)
    with contextlib.closing(opened), hang_up_after(opened._sock.fileno(), PATIENCE), opened.cursor() as cursor:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
        cursor.execute("SELECT CURRENT_USER(), VERSION()")
        user, version = cursor.fetchone()
        cursor.execute("SHOW DATABASES")
        names = [name for (name,) in cursor.fetchall() if name.lower() not in MYSQL.databases]
        cursor.execute(_TABLES)
        tables: dict[str, set[str]] = defaultdict(set)
        for database, table in cursor.fetchall():
            tables[database].add(table)
        cursor.execute(_DEFINERS)
        definers: dict[str, Counter[str]] = defaultdict(Counter)
        for database, definer in cursor.fetchall():
            definers[database][definer] += 1
        cursor.execute(_USERS)
        rows = cursor.fetchall()
    name = str(user).rpartition("@")[0]
    return ServerState(
        engine="mysql",
        version=_number(str(version)),
        user=name,
        administrator=Administrator(name=name),
        databases={
            item: FoundDatabase(name=item, tables=frozenset(tables[item]), definers=dict(definers[item]))
            for item in sorted(names)
        },
        roles=_roles(rows),
    )


def _roles(rows: Any) -> dict[str, FoundRole]:
    hosts: dict[str, list[str]] = defaultdict(list)
    powers: dict[str, tuple[str, ...]] = {}
    for name, host, *flags in rows:
        hosts[name].append(host)
        if host == "%":
            powers[name] = tuple(power for power, flag in zip(_POWERS, flags, strict=True) if flag == "Y")
    return {name: FoundRole(name=name, powers=powers[name], hosts=tuple(hosts[name])) for name in powers}


def _number(version: str) -> int:
    """``10.11.6-MariaDB`` as 101106."""
    parts = [int(part) for part in re.findall(r"\d+", version)[:3]]
    return sum(part * factor for part, factor in zip(parts, (10000, 100, 1), strict=False))
