"""What one plugin's user can reach of the others: privileges read for all of them, and one real attempt."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from generator.planning.access import databases_of_others, schemas_of_others
from generator.planning.marks import stranger, to_be_ours
from generator.preflight.driver import load_psycopg
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.postgresql.failures import fatal_message, is_busy, quoted
from generator.preflight.postgresql.session import open_session, savepoint

if TYPE_CHECKING:
    from generator.preflight.network import Network
    from generator.preflight.probes import PreflightTarget

_SHOWN = 5

#: Both logins of a pair and the role they act as count as one.
_WHO = "SELECT oid FROM pg_catalog.pg_roles WHERE rolname = session_user OR rolname = ANY(%(who)s::text[])"
_DATABASES = f"""
SELECT datname::text, EXISTS (SELECT FROM ({_WHO}) AS who
  WHERE pg_catalog.has_database_privilege(who.oid, pg_database.oid, 'CONNECT'))
FROM pg_catalog.pg_database WHERE datname = ANY(%(names)s::text[]) ORDER BY datname
"""  # noqa: S608 - of constants
_SCHEMAS = f"""
SELECT nspname::text, pg_catalog.has_schema_privilege(current_user, oid, 'USAGE') OR EXISTS (SELECT FROM ({_WHO}) AS who
  WHERE pg_catalog.has_schema_privilege(who.oid, pg_namespace.oid, 'USAGE'))
FROM pg_catalog.pg_namespace WHERE nspname = ANY(%(names)s::text[]) ORDER BY nspname
"""  # noqa: S608 - of constants
#: Every other database that the user may enter, for whom it was made, and the roles by whose grants: the user's, or others
#: that it is a member of.
_ELSEWHERE = f"""
SELECT datname::text, pg_catalog.shobj_description(oid, 'pg_database'), ARRAY(
  SELECT pg_catalog.pg_get_userbyid(granted.grantee)::text FROM pg_catalog.aclexplode(datacl) AS granted
  WHERE granted.privilege_type = 'CONNECT' AND granted.grantee <> 0
    AND EXISTS (SELECT FROM ({_WHO}) AS who WHERE pg_catalog.pg_has_role(who.oid, granted.grantee, 'USAGE')))
FROM pg_catalog.pg_database
WHERE NOT datistemplate AND datallowconn AND EXISTS (SELECT FROM ({_WHO}) AS who
    WHERE pg_catalog.has_database_privilege(who.oid, pg_database.oid, 'CONNECT'))
  AND NOT datname = ANY(%(names)s::text[]) ORDER BY datname
"""  # noqa: S608 - of constants
_MARKS = """
SELECT 'user', rolname::text, pg_catalog.shobj_description(oid, 'pg_authid')
FROM pg_catalog.pg_roles WHERE rolname = session_user OR rolname = ANY(%(who)s::text[])
UNION ALL
SELECT 'database', datname::text, pg_catalog.shobj_description(oid, 'pg_database')
FROM pg_catalog.pg_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Reach:
    """``problems`` are what the user can reach and must not, ``facts`` what was looked at and is in order.

    ``remedies`` are the statements that take it away, ``advice`` what else there is to do. ``is_open``: PUBLIC may connect
    to the plugin's own database.
    """

    problems: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()
    is_open: bool = False

    @property
    def hint(self) -> str:
        """What to do about all of it."""
        statements = f"as the owner: {'; '.join(dict.fromkeys(self.remedies))}" if self.remedies else ""
        return "; ".join([*dict.fromkeys(self.advice), *([statements] if statements else [])])

    def __add__(self, other: Reach) -> Reach:
        return Reach(
            (*self.problems, *other.problems),
            (*self.facts, *other.facts),
            (*self.remedies, *other.remedies),
            (*self.advice, *other.advice),
            self.is_open or other.is_open,
        )


def _everybody(connection: Any, target: PreflightTarget) -> str:
    """Who is there of those that log in for the plugin, or are acted as, for the statements of a hint."""
    query = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY(%s::text[])"
    there = {row[0] for row in connection.execute(query, [list(target.names)]).fetchall()}
    return ", ".join(quoted(name) for name in target.names if name in there)


def open_to_all(reach: Reach, database: str) -> Reach:
    """``reach``, and that PUBLIC may connect to the plugin's own database."""
    problem = f"every role of the server may connect to {database}"
    remedy = f"REVOKE ALL ON DATABASE {quoted(database)} FROM PUBLIC"
    return Reach((problem,), (), (remedy,), is_open=True) + reach


def other_databases(target: PreflightTarget) -> list[str]:
    """Databases of the plan on the same server that are none of this plugin's user's, in the order to try them."""
    return databases_of_others(target.occupants, target.occupant)


def other_schemas(target: PreflightTarget) -> list[str]:
    """Schemas of the plan in the same database that are none of this plugin's user's, in the order to try them."""
    return schemas_of_others(target.occupants, target.occupant)


def find_reach(connection: Any, target: PreflightTarget) -> Reach:
    """Ask the server, in the plugin's own session, which of the others' databases and schemas its user may enter."""
    problems: list[str] = []
    facts: list[str] = []
    remedies: list[str] = []
    for kind, names, query, verb in (
        ("database", other_databases(target), _DATABASES, "connect to"),
        ("schema", other_schemas(target), _SCHEMAS, "use"),
    ):
        if not names:
            continue
        rows = connection.execute(query, {"names": names, "who": list(target.names)}).fetchall()
        open_ones = [name for name, is_open in rows if is_open]
        if open_ones:
            more = f" and {len(open_ones) - _SHOWN} more" if len(open_ones) > _SHOWN else ""
            problems.append(f"may {verb} {kind} {', '.join(open_ones[:_SHOWN])}{more}")
            whom = f"FROM PUBLIC, {_everybody(connection, target)}"
            remedies += [f"REVOKE ALL ON {kind.upper()} {quoted(name)} {whom}" for name in open_ones[:_SHOWN]]
        else:
            facts.append(f"may {verb} none of {len(rows)} other {kind}{'s' if len(rows) != 1 else ''}")
    reach = Reach(tuple(problems), tuple(facts), tuple(remedies))
    schemas = other_schemas(target)
    if schemas:
        reach += _try_schema(connection, schemas[0])
    return reach + _elsewhere(connection, target) + _another_environment(connection, target)


def _elsewhere(connection: Any, target: PreflightTarget) -> Reach:
    """Databases of this server that are not in the plan: another environment's, and those that were opened for this user."""
    planned = {item.database for item in target.occupants} | {target.database, *target.retired}
    problems: list[str] = []
    remedies: list[str] = []
    users = _everybody(connection, target)
    values = {"names": sorted(planned), "who": list(target.names)}
    for name, comment, granted in connection.execute(_ELSEWHERE, values).fetchall():
        whose = stranger(comment, target.made_for) if target.made_for else None
        # Who works for all plugins may have been given more on purpose.
        if whose is None and (target.shares_user or not granted):
            continue
        problems.append(f"may connect to database {name}, which {whose or 'is not in the plan'}")
        if len(problems) > _SHOWN:
            continue
        remedies.append(f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC, {users}")
        remedies += [f"REVOKE {quoted(group)} FROM {users}" for group in granted if group not in target.names]
    more = (f"and to {len(problems) - _SHOWN} more",) if len(problems) > _SHOWN else ()
    return Reach((*problems[:_SHOWN], *more), remedies=tuple(remedies))


def _another_environment(connection: Any, target: PreflightTarget) -> Reach:
    """Whether the user and its database were made for this environment."""
    if not target.made_for:
        return Reach()
    marks = connection.execute(_MARKS, {"who": list(target.names)}).fetchall()
    found = [(kind, name, stranger(comment, target.made_for)) for kind, name, comment in marks]
    problems = tuple(f"{kind} {name} {whose}" for kind, name, whose in found if whose is not None)
    names = {"user": "credentials.roleName", "database": "backend.database.prefix"}
    keys = " and ".join(names[kind] for kind, _, whose in found if whose is not None)
    ours = "; ".join(
        to_be_ours("role" if kind == "user" else kind, quoted(name), target.made_for)
        for kind, name, whose in found
        if whose is not None
    )
    advice = f"give environment {target.made_for} names of its own ({keys}); if they are to be this one's: {ours}"
    return Reach(problems, advice=(advice,) if problems else ())


def _try_schema(connection: Any, schema: str) -> Reach:
    from psycopg import sql

    psycopg = load_psycopg()
    name = f"greenroom_preflight_{secrets.token_hex(8)}"
    statement = sql.SQL("CREATE TABLE {}.{} ()").format(sql.Identifier(schema), sql.Identifier(name))
    try:
        with savepoint(connection):
            connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        return Reach(facts=(f"tried {schema}: {error.diag.message_primary}",))
    except psycopg.errors.InvalidSchemaName:
        return Reach(facts=(f"schema {schema} does not exist yet",))
    return Reach(problems=(f"could create a table in schema {schema}",))


def try_another_database(target: PreflightTarget, wanted: dict[str, str], timeout: int, network: Network) -> Reach:
    """Really try to connect to one of the others' databases. A refusal is what has to happen."""
    names = other_databases(target)
    if not names:
        return Reach()
    psycopg = load_psycopg()
    name = names[0]
    assert target.address is not None
    try:
        with contextlib.closing(open_session({**wanted, "dbname": name}, timeout, network, target.address)):
            remedy = f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC, {quoted(target.user or target.role)}"
            return Reach(problems=(f"could connect to database {name}",), remedies=(remedy,))
    except (HostNameError, SilentServerError):
        return Reach(problems=(f"the attempt to connect to database {name} got no clear answer",))
    except psycopg.OperationalError as error:
        if is_busy(error):
            # Nothing was proved: the server had no room, or the line broke.
            return Reach(problems=(f"the attempt to connect to database {name} got no clear answer",))
        return Reach(facts=(f"tried {name}: {fatal_message(error)}",))
