"""What a request means on MySQL and MariaDB. One user, one database, the database's privileges; nothing global."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from .decide import CREATE, RENAME, Found, Step, decide
from .facts import MYSQL_CHARACTER_SET, MYSQL_COLLATION, MYSQL_PRIVILEGES
from .failures import RefusedError, problems_text
from .lock_queue import queued
from .mysql_registry import Registry
from .mysql_text import PATTERN_CHARACTERS, identifier, literal, native_hash, pattern

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from .deadline import Deadline
    from .order import Order
    from .session import Server, Session
    from .wanted import Wanted

_LOCK = "greenroom"
_PRIVILEGES = ", ".join(MYSQL_PRIVILEGES)
_CHARACTERS = f"CHARACTER SET {MYSQL_CHARACTER_SET} COLLATE {MYSQL_COLLATION}"
_GLOBAL = ", ".join(
    f"{name}_priv"
    for name in (
        "Select",
        "Insert",
        "Update",
        "Delete",
        "Create",
        "Drop",
        "Grant",
        "Super",
        "Create_user",
        "File",
        "Process",
    )
)


def apply(
    server: Server, order: Order, password: str, deadline: Deadline, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Make everything as it has to be; what was done, in words. Raises as :func:`.postgresql.apply`."""
    notes: list[str] = []
    with locked(server, deadline, sleep), server.session("") as admin:
        registry = Registry(admin)
        wanted, role, database = _check(admin, registry, order)
        registry.make()
        if database is not None:
            _apply_database(registry, database, notes)
        if role is not None:
            _apply_user(admin, registry, role, order, password, notes)
        if wanted.role and wanted.database:
            admin.run(f"GRANT {_PRIVILEGES} ON {_grant_name(admin, wanted.database)}.* TO {_account(account_name(wanted))}")
    if wanted.makes_role:
        with server.login(wanted.role, wanted.database) as session:
            session.run("SELECT 1")
    return notes


def locked(server: Server, deadline: Deadline, sleep: Callable[[float], None]) -> AbstractContextManager[None]:
    """Hold the server's lock; it goes with the session."""

    def take(session: Session) -> bool:
        if session.run(f"SELECT GET_LOCK({literal(_LOCK)}, 0)")[0][0] != 1:
            return False
        # This session has nothing to do while the other one works.
        session.run(f"SET SESSION wait_timeout = {int(deadline.remaining()) + 10}")
        return True

    return queued(lambda: server.session(""), take, deadline, sleep)


def account_name(wanted: Wanted) -> str:
    """The name of a user in the registry and in messages."""
    return f"{wanted.role}@{wanted.user_host}" if wanted.role else ""


def _account(name: str) -> str:
    """A user in SQL. Its host is what follows the last @."""
    role, _, host = name.rpartition("@")
    return f"{literal(role)}@{literal(host)}"


def _check(admin: Session, registry: Registry, order: Order) -> tuple[Wanted, Step | None, Step | None]:
    wanted, old, problems = order.wanted, order.old, list[str]()
    folds_case, is_read_only, admin_name = admin.run(
        "SELECT @@lower_case_table_names, @@read_only, SUBSTRING_INDEX(CURRENT_USER(), '@', 1)"
    )[0]
    if folds_case:
        wanted = replace(wanted, database=wanted.database.lower())
    if is_read_only:
        problems.append("this server is a read-only replica")
    if wanted.role and wanted.role == admin_name:
        problems.append(f"role {wanted.role!r} is the administrator of this server")
    role = database = None
    old_account = account_name(old) if old else ""
    if wanted.makes_role:
        name = account_name(wanted)
        old_account = "" if old_account == name else old_account
        old_problems: list[str] = []  # see postgresql_checks.role_step
        found = find_user(admin, registry, name, problems)
        found_old = find_user(admin, registry, old_account, old_problems) if old_account else None
        role = decide("user", name, old_account, found, found_old, order.claim, problems)
        problems += old_problems if role.action == RENAME else []
    elif wanted.role:
        wanted = _existing_user(admin, wanted, old, problems)
    if wanted.makes_database:
        old_name = old.database if old and old.database != wanted.database else ""
        found = find_database(admin, registry, wanted.database)
        found_old = find_database(admin, registry, old_name) if old_name else None
        database = decide("database", wanted.database, old_name, found, found_old, order.claim, problems)
        if database.action == RENAME:
            problems.append(
                f"Database cannot change from {old_name!r} to {wanted.database!r}: MySQL cannot rename a database. "
                "Dump and restore it, "
                "then create a resource for it with Adopt: true"
            )
    elif wanted.database and find_database(admin, registry, wanted.database) is None:
        problems.append(
            f"database {wanted.database!r} does not exist: its own resource has to make it first (use Fn::GetAtt)"
        )
    if len(pattern(wanted.database)) > PATTERN_CHARACTERS:
        problems.append(
            f"database {wanted.database!r} cannot be granted: with its _ and % escaped it is longer than "
            f"{PATTERN_CHARACTERS} characters"
        )
    if problems:
        raise RefusedError(problems_text(problems))
    return wanted, role, database


def find_database(admin: Session, registry: Registry, name: str) -> Found | None:
    """The database of exactly that name."""
    rows = admin.run(f"SELECT 1 FROM information_schema.SCHEMATA WHERE BINARY SCHEMA_NAME = BINARY {literal(name)}")
    return Found(registry.marker("database", name)) if rows else None


def find_user(admin: Session, registry: Registry, name: str, problems: list[str]) -> Found | None:
    """The user of that name and host."""
    rows = admin.run(f"SELECT 'Y' IN ({_GLOBAL}) FROM mysql.user WHERE {_is_user(name)}")
    if not rows:
        return None
    if rows[0][0]:
        problems.append(f"user {name!r} has global privileges, which is more than a plugin may have: choose another name")
    return Found(registry.marker("user", name))


def _is_user(name: str) -> str:
    role, _, host = name.rpartition("@")
    return f"User = {literal(role)} AND Host = {literal(host)}"


def _existing_user(admin: Session, wanted: Wanted, old: Wanted | None, problems: list[str]) -> Wanted:
    """What the shared user is called at the moment: see :func:`.postgresql_checks.existing`."""
    name, old_name = account_name(wanted), account_name(old) if old else ""
    is_there, is_old_there = (
        bool(item and admin.run(f"SELECT 1 FROM mysql.user WHERE {_is_user(item)}")) for item in (name, old_name)
    )
    if not is_there and not is_old_there:
        problems.append(f"user {name!r} does not exist: its own resource has to make it first (use Fn::GetAtt)")
    if is_there and is_old_there and name != old_name:
        granted = ", ".join(literal(item) for item in (pattern(wanted.database), wanted.database))
        grants = f"SELECT 1 FROM mysql.db WHERE {_is_user(name)} AND Db IN ({granted})"
        if not admin.run(grants):
            problems.append(f"user changes from {old_name!r} to {name!r}, but both exist: it can only be renamed")
    return wanted if is_there or old is None else replace(wanted, role=old.role, user_host=old.user_host)


def _apply_database(registry: Registry, step: Step, notes: list[str]) -> None:
    if step.action == CREATE:
        registry.make_object("database", step.name, step.marker, f"CREATE DATABASE {identifier(step.name)} {_CHARACTERS}")
        notes.append(f"created database {step.name!r}")
    else:
        registry.write("database", step.name, step.marker)


def _apply_user(admin: Session, registry: Registry, step: Step, order: Order, password: str, notes: list[str]) -> None:
    account = _account(step.name)
    is_mariadb = "MariaDB" in admin.run("SELECT VERSION()")[0][0]
    secret = f"BY PASSWORD {literal(native_hash(password))}" if is_mariadb else f"BY {literal(password)}"
    secret += " REQUIRE SSL" if order.wanted.requires_tls else " REQUIRE NONE"
    if step.action == CREATE:
        registry.make_object("user", step.name, step.marker, f"CREATE USER {account} IDENTIFIED {secret}")
        notes.append(f"created user {step.name!r}")
    elif step.action == RENAME:
        registry.make_object("user", step.name, step.marker, f"RENAME USER {_account(step.old_name)} TO {account}")
        notes.append(f"renamed user {step.old_name!r} to {step.name!r}")
    else:
        registry.write("user", step.name, step.marker)
    if step.action != CREATE:
        admin.run(f"ALTER USER {account} IDENTIFIED {secret}")
    if (
        order.old is not None
        and account_name(order.old) != step.name
        and not admin.run(f"SELECT 1 FROM mysql.user WHERE {_is_user(account_name(order.old))}")
    ):
        registry.forget("user", account_name(order.old))


def _grant_name(admin: Session, database: str) -> str:
    # With partial_revokes (MySQL only) wildcards mean nothing, and a backslash would be one more character.
    rows = admin.run("SHOW VARIABLES LIKE 'partial_revokes'")
    return identifier(database if rows and rows[0][1] == "ON" else pattern(database))


def drop(server: Server, order: Order, deadline: Deadline, sleep: Callable[[float], None] = time.sleep) -> list[str]:
    """Drop it; what was dropped and what was kept, in words. What is gone already is no failure."""
    wanted = order.wanted
    notes: list[str] = []
    with locked(server, deadline, sleep), server.session("") as admin:
        registry = Registry(admin)
        objects = [
            (
                "database",
                wanted.database,
                find_database(admin, registry, wanted.database) if wanted.makes_database else None,
            ),
            (
                "user",
                account_name(wanted),
                find_user(admin, registry, account_name(wanted), []) if wanted.makes_role else None,
            ),
        ]
        kept = [
            f"kept everything: the marker of {kind} {name!r} is not this resource's, or not armed"
            for kind, name, found in objects
            if found and not order.claim.may_drop(found.marker)
        ]
        for kind, name, found in objects:
            if kept or not found:
                continue
            admin.run(f"DROP DATABASE {identifier(name)}" if kind == "database" else f"DROP USER {_account(name)}")
            registry.forget(kind, name)
            notes.append(f"dropped {kind} {name!r}")
    return kept or notes
