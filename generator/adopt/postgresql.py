"""Reads what is on a PostgreSQL server. Every session is read-only: the server itself refuses whatever would change it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

from generator.adopt.limits import MOST_BYTES, PATIENCE
from generator.adopt.objects import OBJECTS
from generator.adopt.state import Administrator, FoundDatabase, FoundRole, OwnedObject, ServerState
from generator.engines import POSTGRESQL
from generator.preflight.driver import load_psycopg

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

#: Whoever looks is an administrator, and others may make functions in these databases: no name is to lead to one of theirs.
_OPTIONS: Final = "-c default_transaction_read_only=on -c search_path=pg_catalog -c statement_timeout=60s -c lock_timeout=5s"

_DATABASES: Final = """
SELECT datname, pg_get_userbyid(datdba), datallowconn, shobj_description(oid, 'pg_database') FROM pg_database
WHERE NOT datistemplate AND NOT datname = ANY (%(not_ours)s) ORDER BY datname
"""
_ROLES: Final = """
SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
  %(super)s OR CASE WHEN %(version)s >= 160000 THEN coalesce(
      pg_has_role((SELECT oid FROM pg_roles WHERE rolname = %(admin)s), role.oid, 'MEMBER WITH ADMIN OPTION'), false)
    ELSE NOT rolsuper AND EXISTS (SELECT FROM pg_roles WHERE rolname = %(admin)s AND rolcreaterole) END,
  ARRAY(SELECT DISTINCT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = role.oid ORDER BY 1),
  ARRAY(SELECT DISTINCT pg_get_userbyid(roleid)::text FROM pg_auth_members
    WHERE member = role.oid AND pg_has_role(member, roleid, 'USAGE') ORDER BY 1), rolcanlogin,
  coalesce(rolconfig, '{}'), shobj_description(oid, 'pg_authid')
FROM pg_roles AS role WHERE rolname !~ '^pg_' ORDER BY rolname
"""
_ADMINISTRATOR: Final = """
SELECT rolsuper, rolcreaterole, rolcreatedb, ARRAY(
  SELECT other.rolname::text FROM pg_roles AS other
  WHERE other.oid <> role.oid AND pg_has_role(role.oid, other.oid, 'USAGE'))
FROM pg_roles AS role WHERE rolname = %(admin)s
"""
_SCHEMAS: Final = """
SELECT nspname, pg_get_userbyid(nspowner) FROM pg_namespace
WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname
"""
_TABLES: Final = """
SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace
WHERE relkind IN ('r', 'p') AND nspname !~ '^pg_' AND nspname <> 'information_schema'
"""
_POWERS: Final = ("SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS")


def read_postgresql(
    parameters: Mapping[str, str], *, administrator: str | None, planned: Collection[str], timeout: int
) -> ServerState:
    """What is on the server behind ``parameters`` (libpq's, password included).

    Args:
        administrator: the role the infrastructure code will work as; who connects when ``None``.
        planned: the databases to look into as far as owners; of all others only the names of their tables are read.
        timeout: seconds for a connection.

    Raises:
        psycopg.Error: the server cannot be reached, refuses the login, or a query fails.
    """
    with open_session(parameters, parameters["dbname"], timeout) as session:
        user = str(session.execute("SELECT current_user").fetchone()[0])
        name = administrator or user
        version = int(session.info.server_version)
        admin = _administrator(session, name)
        values = {"admin": name, "super": admin.is_superuser, "version": version}
        roles = {row[0]: _role(row) for row in session.execute(_ROLES, values)}
        databases = session.execute(_DATABASES, {"not_ours": sorted(POSTGRESQL.databases)}).fetchall()
        is_replica = bool(session.execute("SELECT pg_is_in_recovery()").fetchone()[0])
    found = {row[0]: _database(parameters, row, deep=row[0] in planned, timeout=timeout) for row in databases}
    return ServerState(
        engine="postgresql",
        version=version,
        user=user,
        administrator=admin,
        databases=found,
        roles=roles,
        is_replica=is_replica,
    )


@contextlib.contextmanager
def open_session(parameters: Mapping[str, str], database: str, timeout: int) -> Iterator[Any]:
    """A read-only session in autocommit, closed at the end."""
    from generator.preflight.deadlines import hang_up_after
    from generator.preflight.postgresql.bounded import Budget
    from generator.preflight.postgresql.session import connect_once

    options = f"{parameters.get('options', '')} {_OPTIONS}".strip()
    wanted = {**parameters, "dbname": database, "options": options, "application_name": "greenroom adopt"}
    opened = connect_once(wanted, timeout, Budget(MOST_BYTES, PATIENCE))
    with contextlib.closing(opened) as connection, hang_up_after(connection.fileno(), PATIENCE):
        yield connection


def _administrator(session: Any, name: str) -> Administrator:
    row = session.execute(_ADMINISTRATOR, {"admin": name}).fetchone()
    if row is None:
        return Administrator(name=name, exists=False, makes_roles=False, makes_databases=False)
    is_superuser, makes_roles, makes_databases, above = row
    return Administrator(
        name=name,
        is_superuser=is_superuser,
        makes_roles=makes_roles or is_superuser,
        makes_databases=makes_databases or is_superuser,
        member_of=frozenset(above),
    )


def _role(row: tuple[Any, ...]) -> FoundRole:
    name, *powers, can_be_managed, member_of, inherits, can_log_in, settings, comment = row
    return FoundRole(
        name=name,
        powers=tuple(power for power, has in zip(_POWERS, powers, strict=True) if has),
        can_be_managed=can_be_managed,
        member_of=tuple(member_of),
        inherits=tuple(inherits),
        can_log_in=can_log_in,
        settings=tuple(settings),
        comment=comment,
    )


def _database(
    parameters: Mapping[str, str], row: tuple[str, str, bool, str | None], *, deep: bool, timeout: int
) -> FoundDatabase:
    name, owner, allows_connections, comment = row
    if not allows_connections:
        return FoundDatabase(name=name, owner=owner, comment=comment, unread="it allows no connections")
    psycopg = load_psycopg()
    try:
        with open_session(parameters, name, timeout) as session:
            return FoundDatabase(
                name=name,
                owner=owner,
                comment=comment,
                schemas=dict(session.execute(_SCHEMAS).fetchall()) if deep else {},
                objects=tuple(OwnedObject(*item) for item in session.execute(OBJECTS)) if deep else (),
                tables=frozenset(item[0] for item in session.execute(_TABLES)),
            )
    except psycopg.Error as error:
        # One database that refuses says nothing about the others.
        return FoundDatabase(
            name=name, owner=owner, comment=comment, unread=" ".join(str(error).split()) or "no reason given"
        )
