"""The inside of one PostgreSQL database: its schemas, what they grant, and the proof that the plugin can work there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .decide import CREATE, RENAME, Found, decide
from .failures import RefusedError, problems_text
from .marker import read_marker
from .postgresql_text import identifier, literal

if TYPE_CHECKING:
    from .order import Order
    from .session import Server, Session
    from .wanted import Wanted


def apply_inside(inside: Session, wanted: Wanted, order: Order) -> list[str]:
    """Make schemas and grants; what was done, in words.

    Raises:
        RefusedError: a schema belongs to somebody else, or the plugin could not work.
    """
    notes: list[str] = []
    # In schema mode nobody works in public.
    is_divided = bool(wanted.schema) or not (wanted.role or wanted.group)
    if is_divided and _is_ours(inside, "public"):
        inside.run("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    if wanted.schema:
        notes += _apply_schema(inside, wanted, order)
    user = wanted.group or wanted.role
    if user and not wanted.schema and _is_ours(inside, "public"):
        inside.run(f"GRANT CREATE, USAGE ON SCHEMA public TO {identifier(user)}")
    if wanted.group and wanted.role:
        _hand_over(inside, wanted)
    if wanted.role or wanted.group:
        _verify(inside, wanted)
        notes += _strangers(inside, wanted)
    return notes


def _is_ours(inside: Session, schema: str) -> bool:
    return bool(
        inside.run(
            f"SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {literal(schema)} AND "
            "pg_catalog.pg_has_role(nspowner, 'USAGE')"
        )
    )


def find_schema(inside: Session, name: str) -> Found | None:
    """The schema of that name."""
    rows = inside.run(
        "SELECT pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace WHERE nspname = "
        f"{literal(name)}"
    )
    return Found(read_marker(rows[0][0])) if rows else None


def _apply_schema(inside: Session, wanted: Wanted, order: Order) -> list[str]:
    notes: list[str] = []
    problems: list[str] = []
    old_name = order.old.schema if order.old and order.old.schema != wanted.schema else ""
    found, found_old = find_schema(inside, wanted.schema), find_schema(inside, old_name) if old_name else None
    step = decide("schema", wanted.schema, old_name, found, found_old, order.claim, problems)
    if found is not None and not _is_ours(inside, wanted.schema):
        problems.append(f"schema {wanted.schema!r} does not belong to the administrator: ALTER SCHEMA … OWNER TO it first")
    if problems:
        raise RefusedError(problems_text(problems))
    name = identifier(step.name)
    if step.action == RENAME:
        inside.run(f"ALTER SCHEMA {identifier(step.old_name)} RENAME TO {name}")
        notes.append(f"renamed schema {step.old_name!r} to {step.name!r}")
    elif step.action == CREATE:
        inside.run(f"CREATE SCHEMA {name}")
        notes.append(f"created schema {step.name!r}")
    inside.run(f"COMMENT ON SCHEMA {name} IS {literal(step.marker.text())}")
    inside.run(f"GRANT CREATE, USAGE ON SCHEMA {name} TO {identifier(wanted.role)}")
    return notes


def _hand_over(inside: Session, wanted: Wanted) -> None:
    """Give the group what a member made in the database before it was shared; the administrator is a member meanwhile."""
    owns = inside.run(
        "SELECT 1 FROM pg_catalog.pg_shdepend WHERE deptype = 'o' AND refclassid = 'pg_catalog.pg_authid'::regclass "
        f"AND refobjid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = {literal(wanted.role)}) "
        "AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()) LIMIT 1"
    )
    if not owns:
        return
    borrowed = [
        name
        for name in (wanted.role, wanted.group)
        if not inside.run(f"SELECT pg_catalog.pg_has_role({literal(name)}, 'USAGE')")[0][0]
    ]
    for name in borrowed:
        inside.run(f"GRANT {identifier(name)} TO CURRENT_USER")
    inside.run(f"REASSIGN OWNED BY {identifier(wanted.role)} TO {identifier(wanted.group)}")
    for name in borrowed:
        inside.run(f"REVOKE {identifier(name)} FROM CURRENT_USER")


def _verify(inside: Session, wanted: Wanted) -> None:
    """A grant that does nothing is only a warning for the server; here it is a failure."""
    user, schema = literal(wanted.group or wanted.role), literal(wanted.schema or "public")
    ((public, connects, makes_temporary, uses, creates, owner),) = inside.run(
        "SELECT pg_catalog.has_database_privilege('public', d.oid, 'CONNECT'), "
        f"pg_catalog.has_database_privilege({literal(wanted.role or wanted.group)}, d.oid, 'CONNECT'), "
        f"pg_catalog.has_database_privilege({user}, d.oid, 'TEMPORARY'), "
        f"pg_catalog.has_schema_privilege({user}, n.oid, 'USAGE'), pg_catalog.has_schema_privilege({user}, n.oid, "
        "'CREATE'), "
        "pg_catalog.pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_database AS d, pg_catalog.pg_namespace AS n "
        f"WHERE d.datname = pg_catalog.current_database() AND n.nspname = {schema}"
    )
    problems = []
    if public:
        problems.append(f"every role may still connect to database {wanted.database!r}")
    if not (connects and makes_temporary):
        problems.append(f"role {wanted.role or wanted.group!r} may not connect, or not make temporary tables")
    if not (uses and creates):
        problems.append(
            f"role {wanted.group or wanted.role!r} may not create tables in schema {wanted.schema or 'public'!r} of "
            "database "
            f"{wanted.database!r}, which belongs to role {owner!r}"
        )
    if problems:
        raise RefusedError(problems_text(problems))


def _strangers(inside: Session, wanted: Wanted) -> list[str]:
    """Tables that are there already and that the plugin cannot use: for the log, somebody has to hand them over."""
    user, schema = literal(wanted.group or wanted.role), literal(wanted.schema or "public")
    rows = inside.run(
        "SELECT c.relname::text, pg_catalog.pg_get_userbyid(c.relowner)::text FROM pg_catalog.pg_class AS c "
        f"JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = {schema} AND c.relkind IN "
        "('r', 'p') "
        f"AND NOT pg_catalog.pg_has_role({user}, c.relowner, 'USAGE') "
        "AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e') "
        "ORDER BY c.relname LIMIT 5"
    )
    return [
        f"table {table!r} belongs to {owner!r}, so the plugin cannot use it: ALTER TABLE … OWNER TO" for table, owner in rows
    ]


def check_login(server: Server, wanted: Wanted) -> None:
    """Log in as the plugin does. A role without a database (SharedRole) may connect nowhere yet.

    Raises:
        RefusedError: it does not work.
    """
    if not wanted.database:
        return
    with server.login(wanted.role, wanted.database) as session:
        ((user, acting),) = session.run("SELECT session_user::text, current_user::text")
        if user != wanted.role or acting != (wanted.group or wanted.role):
            raise RefusedError(f"a login as {wanted.role!r} acts as {acting!r}")
