"""What Backstage creates itself at start (``ensureExists``, ``ensureSchemaExists``), and whether it may.

Since release 0.15 of its backend-defaults it does so with the *base* connection, whatever the plugin's own credentials are,
to the database ``postgres``; schemas with the base connection as it is.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from generator.preflight.driver import load_psycopg
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.postgresql.failures import APPLY, Failure, connection_failure, quoted, startup, statement_failure
from generator.preflight.postgresql.libpq import ConnectionSettingError, address, database_of, parameters, user_of
from generator.preflight.postgresql.session import deadline, open_session, savepoint
from generator.preflight.recorder import NotReadyError

if TYPE_CHECKING:
    from generator.preflight.probes import Ensure
    from generator.preflight.recorder import Recorder

#: Since PostgreSQL 15 only a database's owner may create in its schema public.
_PUBLIC_IS_CLOSED: Final = 150000
_OFF: Final = "set backend.database.ensureExists: false, as the generated fragment does"
_MAY_CREATE = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = %s),
  (SELECT rolcreatedb OR rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user),
  (SELECT datname::text FROM pg_catalog.pg_database WHERE datname = %s::name)
"""


class Ensured(NamedTuple):
    """What Backstage would create if it were missing: ``database`` is the version of the server (150004) where it would
    create the plugin's database, else 0; ``schema`` whether it would create the schema.
    """

    database: int = 0
    schema: bool = False


def check_ensure(run: Recorder) -> Ensured:
    """Record what would fail of what Backstage creates at start."""
    ensure = run.target.ensure
    if ensure is None:
        return Ensured()
    database = schema = 0
    if ensure.database is not None:
        database = _try(run, ensure, "postgres", f"'{ensure.database}' exists", _database)
    if ensure.schema is not None:
        what = f"schema for plugin '{run.target.plugin_id}' exists"
        schema = _try(run, ensure, database_of(ensure.connection, run.target.environment) or "", what, _schema)
    return Ensured(database, bool(schema))


def create_schema(run: Recorder, connection: Any) -> None:
    """Create the schema that Backstage would create, in the transaction that is rolled back, so that it can be looked at.

    The base user owns what it creates: another user finds it closed.
    """
    from psycopg import sql

    target = run.target
    ensure, schema = target.ensure, target.schema
    assert ensure is not None
    assert schema is not None
    (exists,) = connection.execute("SELECT to_regnamespace(quote_ident(%s)) IS NOT NULL", [schema]).fetchone()
    base = user_of(ensure.connection, target.environment)
    here = target.address, target.connects_to
    there = address(ensure.connection, target.environment), database_of(ensure.connection, target.environment)
    if exists or here != there:
        return
    if base == target.user:
        statement = sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema))
        connection.execute(statement)
        detail, said = f"schema {schema} does not exist yet", f"creates it at start, as {base}"
        run.warned("search path", Failure(detail, said, f"{_OFF}, and {APPLY}: then it is there before Backstage starts"))


def foresee(run: Recorder, version: int) -> NoReturn:
    """The plugin's database is missing, and Backstage would create it: what comes after that is known without looking.

    Raises:
        NotReadyError: always.
    """
    target = run.target
    assert target.ensure is not None
    base, user = user_of(target.ensure.connection, target.environment) or "", target.user or ""
    missing = f"database {target.connects_to} does not exist yet"
    run.warned("database", Failure(missing, f"creates it at start, as the base user {base}", _OFF))
    if user != base and version >= _PUBLIC_IS_CLOSED:
        detail = "permission denied for schema public"
        said = startup(target, f"error: create table … - {detail}")
        run.failed("create table", Failure(f"{detail}, once {base} has created the database", said, APPLY))
    detail = "a database that Backstage creates belongs to the base user, and every role of the server may connect to it"
    run.failed("isolated", Failure(detail, "starts", f"{_OFF}; {APPLY}"), stops=False)
    raise NotReadyError


def _try(run: Recorder, ensure: Ensure, database: str, what: str, look: Any) -> int:
    """Log in as the base user and look whether the step would work; its own words when it would not."""
    psycopg = load_psycopg()
    target, options = run.target, run.options
    begin = f"Error: Failed to connect to the database to make sure that {what}, "
    connection = {**ensure.connection, "database": database}
    user = user_of(connection, target.environment) or ""
    try:
        wanted = parameters(connection, target.environment, run.files)
        place = address(connection, target.environment)
        session = open_session(wanted, options.connect_timeout, run.network, place)
        with contextlib.closing(session), deadline(session, options.total_timeout, lambda: run.network.was_silent(place)):
            session.execute(f"BEGIN; SET LOCAL statement_timeout = {int(options.statement_timeout * 1000)}")
            if ensure.set_role:
                from psycopg import sql

                session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(ensure.set_role)))
            problem = look(ensure, session, user)
            version = int(session.info.server_version)
    except psycopg.OperationalError as error:
        problem = connection_failure(target, error, role=user, database=database)
    except psycopg.Error as error:
        problem = statement_failure(target, error)
    except SilentServerError as error:
        problem = Failure(f"the server of the base connection {error}")
    except (ConnectionSettingError, HostNameError) as error:
        problem = Failure(str(error))
    if problem is None:
        run.passed("ensure", f"the base user {user} finds or may create it: {what.removesuffix(' exists')}")
        return version
    cause = problem.backstage.split("caused by ", 1)[-1] or f"error: {problem.detail}"
    run.failed("ensure", Failure(f"as the base user {user}: {problem.detail}", begin + cause, problem.hint or _OFF))
    return 0


def _database(ensure: Ensure, session: Any, user: str) -> Failure | None:
    exists, may_create, truncated = session.execute(_MAY_CREATE, [ensure.database, ensure.database]).fetchone()
    if exists:
        return None
    name = quoted(ensure.database or "")
    if truncated:
        return Failure(
            f'database "{truncated}" already exists',
            f'error: CREATE DATABASE {name} - database "{truncated}" already exists',
            "PostgreSQL cuts names to 63 bytes: a shorter prefix, or " + _OFF,
        )
    if not may_create:
        return Failure(
            "permission denied to create database",
            f"error: CREATE DATABASE {name} - permission denied to create database",
            f"{_OFF} and apply what greenroom generated, or ALTER ROLE {quoted(user)} CREATEDB",
        )
    return None


def _schema(ensure: Ensure, session: Any, _user: str) -> Failure | None:
    from psycopg import sql

    psycopg = load_psycopg()
    statement = sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(ensure.schema or ""))
    if ensure.set_role:
        statement += sql.SQL(" AUTHORIZATION {}").format(sql.Identifier(ensure.set_role))
    try:
        with savepoint(session):  # rolled back: Backstage asks for CREATE even when the schema is there
            session.execute(statement)
    except psycopg.Error as error:
        message = error.diag.message_primary or ""
        hint = "set ensureExists: false and leave ensureSchemaExists out, as the generated fragment does"
        return Failure(message, f"error: {statement.as_string(session)} - {message}", hint)
    return None
