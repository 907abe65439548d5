"""Drop what a resource made on PostgreSQL: only when both locks are open and every marker is its own to the letter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .failures import RefusedError
from .marker import owner_of, read_marker
from .postgresql import end_sessions, locked
from .postgresql_inside import find_schema
from .postgresql_text import identifier, literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deadline import Deadline
    from .marker import Marker
    from .order import Order
    from .session import Server, Session

_ROLE = ("pg_roles", "rolname", "pg_authid")
_DATABASE = ("pg_database", "datname", "pg_database")


def drop(server: Server, order: Order, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Drop all of it, or nothing; what happened, in words. What is gone already is no failure.

    Raises:
        RefusedError: the database holds what is not this resource's; SqlError: the server refused it.
    """
    wanted = order.wanted
    role = wanted.role if wanted.makes_role else ""
    group = wanted.group if wanted.makes_group else ""
    notes: list[str] = []
    with locked(server, wanted, deadline, sleep), server.session(wanted.admin_database) as admin:
        there = bool(wanted.database) and _marker(admin, _DATABASE, wanted.database) is not None
        markers = {("role", role): _marker(admin, _ROLE, role), ("group", group): _marker(admin, _ROLE, group)}
        if wanted.makes_database:
            markers["database", wanted.database] = _marker(admin, _DATABASE, wanted.database)
        elif wanted.schema and there:
            markers["schema", wanted.schema] = _schema_marker(server, wanted.database, wanted.schema)
        kept = [
            f"kept everything: the marker of {kind} {name!r} is not this resource's, or not armed"
            for (kind, name), found in markers.items()
            if name and found and not order.claim.may_drop(found[0])
        ]
        if kept:
            return kept
        if wanted.makes_database and there:
            _drop_database(server, admin, order)
            notes.append(f"dropped database {wanted.database!r}")
        elif there:
            _leave_database(server, order, role if markers["role", role] else "")
            notes.append(f"left database {wanted.database!r}")
        for kind, name in (("role", role), ("group", group)):
            if name and markers[kind, name]:
                admin.run(f"DROP ROLE {identifier(name)}")
                notes.append(f"dropped {kind} {name!r}")
    return notes


def _marker(admin: Session, where: tuple[str, str, str], name: str) -> tuple[Marker | None] | None:
    """The marker of something that is there, in a tuple; ``None`` when it is not."""
    catalog, column, shared = where
    rows = admin.run(
        f"SELECT pg_catalog.shobj_description(oid, {literal(shared)}) FROM pg_catalog.{catalog} WHERE {column} = "
        f"{literal(name)}"
    )
    return (read_marker(rows[0][0]),) if rows else None


def _schema_marker(server: Server, database: str, schema: str) -> tuple[Marker | None] | None:
    with server.session(database) as inside, inside.transaction():
        found = find_schema(inside, schema)
    return (found.marker,) if found else None


def _drop_database(server: Server, admin: Session, order: Order) -> None:
    name = order.wanted.database
    with server.session(name) as inside, inside.transaction():
        rows = inside.run(
            "SELECT nspname::text, pg_catalog.obj_description(oid, 'pg_namespace') FROM pg_catalog.pg_namespace "
            "ORDER BY nspname"
        )
    others = [
        schema for schema, comment in rows if (found := read_marker(comment)) and found.owner != owner_of(order.claim.id)
    ]
    if others:
        raise RefusedError(f"database {name!r} is not dropped: it holds schemas of other resources ({', '.join(others)})")
    if order.wanted.force:
        end_sessions(admin, name)
    admin.run(f"DROP DATABASE {identifier(name)}")


def _leave_database(server: Server, order: Order, role: str) -> None:
    """Take the plugin out of a database that stays: its schema, and what its role may do there."""
    wanted = order.wanted
    with server.session(wanted.database) as inside, inside.transaction():
        if wanted.schema:
            inside.run(f"DROP SCHEMA IF EXISTS {identifier(wanted.schema)} CASCADE")
        if role:
            inside.run(f"REVOKE ALL ON DATABASE {identifier(wanted.database)} FROM {identifier(role)}")
            inside.run(f"REVOKE ALL ON SCHEMA public FROM {identifier(role)}")
