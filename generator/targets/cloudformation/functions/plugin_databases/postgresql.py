"""What a request means on PostgreSQL: checks first, then everything the whole server knows of in one transaction, then the
inside of the database, then a login as the plugin.

It works as an administrator with CREATEROLE and CREATEDB who is no superuser. The administrator owns databases and schemas,
the plugin's role owns what it makes in them: the same as the ``sql`` target.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from . import postgresql_checks as checks
from .decide import CREATE, RENAME, Step
from .failures import RefusedError, SqlError, TransientError, problems_text
from .lock_queue import queued
from .postgresql_inside import apply_inside, check_login
from .postgresql_text import identifier, literal
from .scram import verifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .deadline import Deadline
    from .order import Order
    from .session import Server, Session
    from .wanted import Wanted

#: One request at a time on a server: databases are copied from one template, and grants change the same rows.
_LOCK = 0x677265656E726F6D
#: What extensions that check passwords say of a verifier: invalid parameter value, feature not supported.
_WANTS_THE_PASSWORD = frozenset({"22023", "0A000"})


@dataclass(frozen=True)
class Plan:
    """The steps for what this resource makes (``None``: not its own), and the names of what it only uses."""

    role: Step | None
    group: Step | None
    database: Step | None
    wanted: Wanted


def apply(
    server: Server, order: Order, password: str, deadline: Deadline, sleep: Callable[[float], None] = time.sleep
) -> list[str]:
    """Make everything as it has to be; what was done, in words.

    Raises:
        RefusedError: it cannot be done; SqlError: the server refused a statement; TransientError: perhaps in a moment.
    """
    notes: list[str] = []
    with locked(server, order.wanted, deadline, sleep):
        with server.session(order.wanted.admin_database) as admin:
            plan = check(admin, order)
            _make_databases(admin, plan)
            _end_sessions(admin, plan)
            with admin.transaction():
                _change_server(admin, plan, password, notes)
        if plan.wanted.database:
            with server.session(plan.wanted.database) as inside, inside.transaction():
                notes += apply_inside(inside, plan.wanted, order)
    if plan.wanted.auth == "password" and plan.wanted.role:
        check_login(server, plan.wanted)
    return notes


def locked(
    server: Server, wanted: Wanted, deadline: Deadline, sleep: Callable[[float], None]
) -> contextlib.AbstractContextManager[None]:
    """Hold the server's lock, in a session of its own: the transaction that holds it ends with the function."""

    @contextlib.contextmanager
    def enter() -> Iterator[Session]:
        with server.session(wanted.admin_database) as session, contextlib.ExitStack() as stack:
            stack.enter_context(session.transaction())
            try:
                yield session
            finally:
                # The lock is free when the session is; a line that broke in the meantime is no failure of the work.
                with contextlib.suppress(SqlError, TransientError, RefusedError):
                    stack.close()

    def take(session: Session) -> bool:
        if not session.run(f"SELECT pg_catalog.pg_try_advisory_xact_lock({_LOCK})")[0][0]:
            return False
        # This session has nothing to do while the others work.
        session.run(f"SET LOCAL idle_in_transaction_session_timeout = '{int(deadline.remaining()) + 10}s'")
        return True

    return queued(enter, take, deadline, sleep)


def check(admin: Session, order: Order) -> Plan:
    """Everything that stands in the way, before anything is changed.

    Raises:
        RefusedError: with every problem there is.
    """
    wanted, old, problems = order.wanted, order.old, list[str]()
    checks.check_admin(admin, wanted, problems)
    role = group = database = None
    old_role, old_group, old_database = (old.role, old.group, old.database) if old else ("", "", "")
    if wanted.makes_role:
        role = checks.role_step(admin, "role", wanted.role, old_role, order, problems)
    elif wanted.role:
        wanted = replace(wanted, role=checks.existing(admin, "role", wanted.role, old_role, wanted, problems))
    if wanted.makes_group:
        group = checks.role_step(admin, "group", wanted.group, old_group, order, problems)
    elif wanted.group:
        wanted = replace(wanted, group=checks.existing(admin, "group", wanted.group, old_group, wanted, problems))
    if wanted.makes_database:
        database = checks.database_step(admin, wanted, old_database, order, problems)
    elif wanted.database:
        wanted = replace(
            wanted, database=checks.existing(admin, "database", wanted.database, old_database, wanted, problems)
        )
    if problems:
        raise RefusedError(problems_text(problems))
    return Plan(role, group, database, wanted)


def _new_name(order_id: str) -> str:
    """The name a database has until it carries its marker: CREATE DATABASE runs in no transaction."""
    return f"greenroom_new_{hashlib.sha256(order_id.encode()).hexdigest()[:32]}"


def _make_databases(admin: Session, plan: Plan) -> None:
    if plan.database is None or plan.database.action != CREATE:
        return
    name = _new_name(plan.wanted.id)
    if admin.run(f"SELECT 1 FROM pg_catalog.pg_database WHERE datname = {literal(name)}"):
        return  # an earlier attempt ended here
    with _in_use_for_a_moment():  # somebody is connected to template1
        # Nobody gets in before PUBLIC has lost its privileges.
        admin.run(f"CREATE DATABASE {identifier(name)} ALLOW_CONNECTIONS false")


@contextlib.contextmanager
def _in_use_for_a_moment() -> Iterator[None]:
    """A database is in use (55006) although nobody was there a moment ago: an earlier attempt's statement still runs, the
    provider of the server looks in, or somebody whose session was ended comes back. Worth trying again.
    """
    try:
        yield
    except SqlError as error:
        if error.code == "55006":
            raise TransientError(str(error)) from error
        raise


def _end_sessions(admin: Session, plan: Plan) -> None:
    if plan.wanted.force and plan.database is not None and plan.database.action == RENAME:
        end_sessions(admin, plan.database.old_name)


def end_sessions(admin: Session, database: str) -> None:
    """End every session in the database that the administrator can end: nobody but a superuser ends a superuser's.

    The administrator acts for the sessions' roles in a transaction that is undone.
    """
    condition = f"datname = {literal(database)} AND pid <> pg_catalog.pg_backend_pid() AND {checks.IS_NO_SUPERUSERS}"
    rows = admin.run(
        f"SELECT DISTINCT usename::text FROM pg_catalog.pg_stat_activity WHERE {condition} "
        "AND NOT pg_catalog.pg_has_role(usesysid, 'USAGE')"
    )
    with contextlib.suppress(_UndoError), admin.transaction():
        for (name,) in rows:
            admin.run(f"GRANT {identifier(name)} TO CURRENT_USER")
        admin.run(f"SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity WHERE {condition}")
        raise _UndoError


class _UndoError(Exception):
    """Leaves a transaction without keeping what it did."""


def _change_server(admin: Session, plan: Plan, password: str, notes: list[str]) -> None:
    """Everything the whole server knows of: one transaction, so an attempt that ends half-way leaves nothing of it."""
    wanted = plan.wanted
    for step in (plan.role, plan.group):
        if step is None:
            continue
        if step.action == RENAME:
            admin.run(f"ALTER ROLE {identifier(step.old_name)} RENAME TO {identifier(step.name)}")
            notes.append(f"renamed {step.kind} {step.old_name!r} to {step.name!r}")
        elif step.action == CREATE:
            admin.run(f"CREATE ROLE {identifier(step.name)} {'LOGIN' if step is plan.role else 'NOLOGIN'}")
            notes.append(f"created {step.kind} {step.name!r}")
        admin.run(f"COMMENT ON ROLE {identifier(step.name)} IS {literal(step.marker.text())}")
    if plan.role is not None:
        _authenticate(admin, wanted, password)
    if plan.database is not None:
        step = plan.database
        if step.action != "keep":
            before = step.old_name if step.action == RENAME else _new_name(wanted.id)
            with _in_use_for_a_moment():
                admin.run(f"ALTER DATABASE {identifier(before)} RENAME TO {identifier(step.name)}")
            notes.append(
                f"renamed database {before!r} to {step.name!r}" if step.old_name else f"created database {step.name!r}"
            )
        admin.run(f"COMMENT ON DATABASE {identifier(step.name)} IS {literal(step.marker.text())}")
    if wanted.database:
        _grant_database(admin, wanted)
    if plan.database is not None and plan.database.action == CREATE:
        admin.run(f"ALTER DATABASE {identifier(plan.database.name)} ALLOW_CONNECTIONS true")
    if plan.group is not None and plan.group.action == RENAME:
        _follow_group(admin, plan.group, wanted.database)


def _grant_database(admin: Session, wanted: Wanted) -> None:
    """The same grants as the ``sql`` target makes."""
    database = identifier(wanted.database)
    admin.run(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    if wanted.makes_group:
        admin.run(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {identifier(wanted.group)}")
    if not wanted.role:
        return
    role = identifier(wanted.role)
    makes_tables_itself = not wanted.schema and not wanted.group
    privileges = "CONNECT, CREATE, TEMPORARY" if makes_tables_itself else "CONNECT, TEMPORARY"
    admin.run(f"GRANT {privileges} ON DATABASE {database} TO {role}")
    if wanted.group:
        admin.run(f"GRANT {identifier(wanted.group)} TO {role}")
        admin.run(f"ALTER ROLE {role} IN DATABASE {database} SET role = {literal(wanted.group)}")
    if wanted.sets_search_path:
        admin.run(f"ALTER ROLE {role} IN DATABASE {database} SET search_path = {literal(wanted.schema)}")


def _follow_group(admin: Session, group: Step, database: str) -> None:
    """Members switch to the group by its name when they log in: tell them the new one."""
    rows = admin.run(
        "SELECT pg_catalog.pg_get_userbyid(setrole)::text FROM pg_catalog.pg_db_role_setting WHERE "
        f"setdatabase = (SELECT oid FROM pg_catalog.pg_database WHERE datname = {literal(database)}) "
        f"AND setrole <> 0 AND {literal('role=' + group.old_name)} = ANY (setconfig)"
    )
    for (member,) in rows:
        role, name = identifier(member), identifier(database)
        admin.run(f"ALTER ROLE {role} IN DATABASE {name} SET role = {literal(group.name)}")


def _authenticate(admin: Session, wanted: Wanted, password: str) -> None:
    role = identifier(wanted.role)
    has_iam = admin.run(
        "SELECT 1 FROM pg_catalog.pg_auth_members AS m JOIN pg_catalog.pg_roles AS r ON r.oid = m.roleid "
        "JOIN pg_catalog.pg_roles AS u ON u.oid = m.member WHERE r.rolname = 'rds_iam' AND u.rolname = "
        f"{literal(wanted.role)}"
    )
    if wanted.auth == "iam":
        admin.run(f"ALTER ROLE {role} LOGIN PASSWORD NULL")
        if not has_iam:
            admin.run(f"GRANT rds_iam TO {role}")
        return
    if has_iam:
        admin.run(f"REVOKE rds_iam FROM {role}")
    # This one waits for whoever changes the role, and not the one with the verifier: what waits is logged.
    admin.run(f"ALTER ROLE {role} LOGIN")
    admin.run("SAVEPOINT password")
    try:
        admin.run(f"ALTER ROLE {role} PASSWORD {literal(verifier(password))}")
    except SqlError as error:
        if error.code not in _WANTS_THE_PASSWORD:
            raise
        # A server that wants to see the password itself, to check its strength. Inside a DO block it is in no log of DDL,
        # and no failure of the block repeats it. The SELECT before has it as a literal, and the Data API has no COPY to
        # send it otherwise: it takes no lock and no timeout ends it, but a log of all statements shows it.
        admin.run("ROLLBACK TO SAVEPOINT password")
        admin.run("SET LOCAL statement_timeout = 0")
        admin.run(
            f"SELECT pg_catalog.set_config('greenroom.role', {literal(wanted.role)}, true), "
            f"pg_catalog.set_config('greenroom.password', {literal(password)}, true)"
        )
        admin.run(
            "DO $do$ BEGIN EXECUTE pg_catalog.format('ALTER ROLE %I PASSWORD %L', "
            "pg_catalog.current_setting('greenroom.role'), pg_catalog.current_setting('greenroom.password')); "
            "EXCEPTION WHEN query_canceled OR OTHERS THEN RAISE EXCEPTION '%', SQLERRM USING ERRCODE = SQLSTATE; END $do$"
        )
