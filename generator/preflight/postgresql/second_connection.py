"""The second connection of the RBAC backend: base credentials, database of the plugin ``permission``."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import NOT_A_STRING, load_psycopg
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.postgresql.failures import APPLY, Failure, connection_failure, quoted, startup, unknown_host
from generator.preflight.postgresql.libpq import ConnectionSettingError, address, parameters
from generator.preflight.postgresql.session import deadline, open_session
from generator.preflight.postgresql.tables import ADAPTER_TABLE
from generator.preflight.tokens import TOKEN_TYPES

if TYPE_CHECKING:
    from generator.preflight.probes import Adapter
    from generator.preflight.recorder import Recorder

_CHECK: Final = "second connection"
#: May it use the table, see it in information_schema, use its schema and its sequence; whose is it.
_USABLE: Final = """
SELECT pg_catalog.has_table_privilege(current_user, class.oid, 'SELECT')
  AND pg_catalog.has_table_privilege(current_user, class.oid, 'INSERT')
  AND pg_catalog.has_table_privilege(current_user, class.oid, 'UPDATE')
  AND pg_catalog.has_table_privilege(current_user, class.oid, 'DELETE'),
  pg_catalog.has_table_privilege(
    current_user, class.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'),
  pg_catalog.has_schema_privilege(current_user, relnamespace, 'USAGE'),
  (SELECT relname::text FROM pg_catalog.pg_class AS counter WHERE relkind = 'S'
    AND NOT pg_catalog.has_sequence_privilege(current_user, counter.oid, 'USAGE')
    AND EXISTS (SELECT FROM pg_catalog.pg_depend
      WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = counter.oid AND refobjid = class.oid) LIMIT 1),
  pg_catalog.pg_get_userbyid(relowner)::text
FROM pg_catalog.pg_class AS class WHERE relname = %s
  AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = %s)
"""


def check_second_connection(run: Recorder, password: str) -> None:
    """Connect as the adapter does, and see whether it can have its table. ``password`` is the plugin's own, or its token."""
    adapter = run.target.adapter
    if adapter is None:
        return
    if adapter.problem:
        detail = "the RBAC backend cannot connect with this base connection"
        run.failed(_CHECK, _failure(run, detail, adapter.problem, adapter.hint))
        return
    psycopg = load_psycopg()
    target, options = run.target, run.options
    name = str(adapter.connection.get("user", ""))
    user, pair = quoted(name), target.pair
    # A login of a pair acts as its owner: that is who needs something in the database.
    whom = quoted(pair.acts_as) if pair is not None and name in pair.logins else user
    connection = dict(adapter.connection)
    if target.connection.get("type") in TOKEN_TYPES:  # the adapter asks the plugin's connection for it
        connection["password"] = password
    place = address(adapter.connection, {})
    try:
        wanted = parameters(connection, {}, run.files)
        session = open_session(wanted, options.connect_timeout, run.network, place)
        with contextlib.closing(session), deadline(session, options.total_timeout, lambda: run.network.was_silent(place)):
            session.execute(f"BEGIN; SET LOCAL statement_timeout = {int(options.statement_timeout * 1000)}")
            problem = _try_table(session, adapter, whom)
    except psycopg.OperationalError as error:
        found = connection_failure(replace(target, address=place), error, role=str(adapter.connection.get("user", "")))
        hint = found.hint
        if "permission denied for database" in found.detail:  # without more it would fail at its table next
            hint = f"{hint}, and in it {_schema_grant(adapter, whom)}"
        problem = (found.detail, found.backstage.split("caused by ", 1)[-1], hint)
        if not connection.get("password") and "no password supplied" in found.detail:
            problem = ("there is no password", NOT_A_STRING, "set backend.database.connection.password")
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        problem = (message, f"error: {message}", "")
    except SilentServerError as error:
        problem = (f"{place} {error}", "error: Connection terminated unexpectedly", "")
    except HostNameError as error:
        found = unknown_host(replace(target, address=place), str(error), error.code)
        problem = (found.detail, found.backstage.split("caused by ", 1)[-1], found.hint)
    except ConnectionSettingError as error:
        problem = (str(error), f"error: {error}", "")
    if problem is None:
        run.passed(_CHECK, f"the RBAC backend may connect as {adapter.connection.get('user')} and has its table")
        return
    detail, cause, remedy = problem
    fragment = f"give Backstage the generated fragment as its last --config: its base user is {quoted(target.login)}"
    hint = f"{fragment}; or {remedy}" if remedy else fragment
    run.failed(_CHECK, _failure(run, f"the RBAC backend, as the base user {user}: {detail}", cause, hint))


def _try_table(session: Any, adapter: Adapter, user: str) -> tuple[str, str, str] | None:
    from psycopg import sql

    psycopg = load_psycopg()
    row = session.execute(_USABLE, [ADAPTER_TABLE, adapter.schema]).fetchone()
    if row is not None:
        return _unusable(row, adapter, user)
    name = sql.Identifier(adapter.schema, f"greenroom_preflight_{secrets.token_hex(8)}")
    try:
        session.execute(sql.SQL("CREATE TABLE {} (id serial PRIMARY KEY, ptype varchar)").format(name))
    except psycopg.Error as error:
        message = error.diag.message_primary or str(error)
        return message, f"QueryFailedError: {message}", _schema_grant(adapter, user)
    return None


def _unusable(row: Any, adapter: Adapter, user: str) -> tuple[str, str, str] | None:
    """What keeps the adapter from the table that is there: detail, TypeORM's words, remedy."""
    usable, seen, schema_usable, counter, owner = row
    if not schema_usable:
        message, remedy = f"permission denied for schema {adapter.schema}", _schema_grant(adapter, user)
    elif usable and counter is None:
        return None
    else:
        remedy = f"ALTER TABLE {quoted(adapter.schema)}.{quoted(ADAPTER_TABLE)} OWNER TO {user}"
        message = f"permission denied for table {ADAPTER_TABLE}"
        if usable:
            message = f"permission denied for sequence {counter}"
        elif not seen:  # TypeORM looks into information_schema, which shows no table without a privilege, and creates it
            message = f'relation "{ADAPTER_TABLE}" already exists'
    return f"{message} (owner {owner})", f"QueryFailedError: {message}", remedy


def _schema_grant(adapter: Adapter, user: str) -> str:
    return f"GRANT USAGE, CREATE ON SCHEMA {quoted(adapter.schema)} TO {user}"


def _failure(run: Recorder, detail: str, cause: str, hint: str) -> Failure:
    return Failure(detail, startup(run.target, cause), hint or APPLY)
