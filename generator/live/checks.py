"""The checks of one plugin, in the order in which Backstage would run into them."""

from __future__ import annotations

import contextlib
import secrets
import time
from typing import TYPE_CHECKING, Any, Final, NoReturn

from generator.live.driver import load_psycopg
from generator.live.failures import APPLY, Failure, connection_failure, startup, statement_failure
from generator.live.isolation import Reach, find_reach, try_another_database
from generator.live.libpq import ConnectionSettingError, parameters
from generator.live.preflight import Check, PreflightResult
from generator.live.session import connect, deadline, savepoint
from generator.live.targets import TOKEN_TYPES

if TYPE_CHECKING:
    from pathlib import Path

    from generator.live.preflight import PreflightOptions
    from generator.live.targets import PreflightTarget

_CODES = {
    "credentials": "GR711",
    "connect": "GR712",
    "as planned": "GR713",
    "search path": "GR714",
    "create table": "GR715",
    "temporary table": "GR716",
    "existing tables": "GR717",
    "restricted": "GR718",
    "isolated": "GR719",
}

#: Roles of the server itself whose members see or change everybody's data.
_POWERFUL: Final = [
    "pg_execute_server_program",
    "pg_maintain",
    "pg_read_all_data",
    "pg_read_server_files",
    "pg_write_all_data",
    "pg_write_server_files",
]

_FACTS = """
SELECT current_setting('server_version'), current_database(), session_user, current_user, current_schema(),
  has_database_privilege('public', current_database(), 'CONNECT'),
  ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles
    WHERE (rolsuper OR rolcreatedb OR rolcreaterole OR rolbypassrls OR rolreplication OR rolname = ANY(%s::text[]))
      AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname LIMIT 5),
  (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = session_user)
"""

_STRANGERS = """
SELECT relname::text, pg_catalog.pg_get_userbyid(relowner)::text FROM pg_catalog.pg_class AS class
WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
  AND relkind IN ('r', 'p') AND NOT pg_catalog.pg_has_role(current_user, relowner, 'USAGE')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend
    WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = class.oid AND deptype = 'e')
ORDER BY relname NOT LIKE '%knex\\_migrations%', relname LIMIT 5
"""


class _NotReadyError(Exception):
    """A check failed that makes the ones after it pointless."""


class _Run:
    """The checks of one target as they are made."""

    def __init__(self, target: PreflightTarget, options: PreflightOptions, folder: Path) -> None:
        self.target = target
        self.options = options
        self.folder = folder
        self.checks: list[Check] = []
        self.failure: Failure | None = None
        self.code = ""
        self.reachable: list[str] = []

    def passed(self, name: str, detail: str) -> None:
        self.checks.append(Check(name, True, detail))

    def failed(self, name: str, failure: Failure) -> None:
        self.checks.append(Check(name, False, failure.detail))
        if self.failure is None:
            self.failure, self.code = failure, _CODES[name]

    def stop(self, name: str, failure: Failure) -> NoReturn:
        self.failed(name, failure)
        raise _NotReadyError


def check_target(
    target: PreflightTarget, options: PreflightOptions, folder: Path, started: float | None = None
) -> PreflightResult:
    """Make every check of one target. Never raises for what a server or a network does.

    Args:
        folder: a private folder for certificates.
        started: when the run of this target began (``time.monotonic``).
    """
    begin = time.monotonic() if started is None else started
    run = _Run(target, options, folder)
    with contextlib.suppress(_NotReadyError):
        wanted = _credentials(run)
        reach = _own_database(run, wanted)
        _isolation(run, wanted, reach)
    failure = run.failure or Failure("")
    return PreflightResult(
        plugin_id=target.plugin_id,
        server=str(target.address or ""),
        database=target.connects_to or target.database,
        schema=target.schema,
        user=target.user or target.role,
        checks=tuple(run.checks),
        code=run.code,
        backstage=failure.backstage,
        hint=failure.hint,
        seconds=time.monotonic() - begin,
    )


def _credentials(run: _Run) -> dict[str, str]:
    """The parameters of the connection; whatever makes one impossible is found here."""
    target = run.target
    if target.error is not None:
        run.stop("credentials", Failure(target.error, target.backstage, "correct the app-config; see greenroom resolve"))
    kind = target.connection.get("type")
    if kind in TOKEN_TYPES:
        run.stop("credentials", Failure(f"connection.type is {kind}, and preflight cannot fetch its tokens"))
    password = target.connection.get("password") or target.environment.get("PGPASSWORD")
    missing = ", ".join(target.missing)
    cause = "Error: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"
    if not password:
        run.stop(
            "credentials",
            Failure(
                f"there is no password: {missing} is not set" if missing else "there is no password",
                startup(target, cause),
                f"set {missing}" if missing else "set connection.password",
            ),
        )
    if not isinstance(password, str):
        hint = "put the password in quotes, or use ${VARIABLE}"
        run.stop("credentials", Failure("the password is not a string", startup(target, cause), hint))
    try:
        return parameters(target.connection, target.environment, run.folder)
    except ConnectionSettingError as error:
        run.stop("credentials", Failure(str(error), error.backstage))


def _own_database(run: _Run, wanted: dict[str, str]) -> Reach:
    """Connect as the plugin, do what its migrations do, and see how far its user reaches."""
    psycopg = load_psycopg()
    target, options = run.target, run.options
    try:
        connection = connect(wanted, options.connect_timeout)
    except psycopg.OperationalError as error:
        run.stop("connect", connection_failure(target, error))
    with contextlib.closing(connection), deadline(connection, options.total_timeout):
        try:
            connection.execute(f"BEGIN; SET LOCAL statement_timeout = {int(options.statement_timeout * 1000)}")
            _prepare_session(run, connection)
            _who_and_where(run, connection)
            _tables(run, connection)
            reach = find_reach(connection, target)
            connection.execute("ROLLBACK")
        except psycopg.Error as error:
            if connection.broken:
                text = str(error).partition("\n")[0]
                run.stop("connect", Failure(f"the connection broke off: {text}", startup(target, f"Error: {text}")))
            run.stop("connect", statement_failure(target, error))
    return reach


def _prepare_session(run: _Run, connection: Any) -> None:
    """What Backstage does on a new connection: the base role, then the search path."""
    from psycopg import sql

    psycopg = load_psycopg()
    target = run.target
    if target.set_role:
        try:
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(target.set_role)))
        except psycopg.Error as error:
            failure = statement_failure(target, error)
            run.stop(
                "as planned",
                Failure(
                    failure.detail,
                    "ends the whole process: the error of SET ROLE is handled by nobody",
                    f"take `role` out of backend.database, or GRANT {target.set_role} to the user",
                ),
            )
    if target.search_path:
        path = sql.SQL(", ").join(sql.Identifier(name) for name in target.search_path)
        connection.execute(sql.SQL("SET LOCAL search_path = {}").format(path))


def _who_and_where(run: _Run, connection: Any) -> None:
    target = run.target
    row = connection.execute(_FACTS, [_POWERFUL]).fetchone()
    version, database, session_user, user, schema, public_may_connect, powers, is_superuser = row
    run.passed("connect", f"PostgreSQL {version.split()[0]} at {target.address} as {session_user}")
    differs = []
    if database != target.database:
        differs.append(f"database {database} instead of {target.database}")
    if session_user != target.role:
        differs.append(f"user {session_user} instead of {target.role}")
    if target.ensures_databases:
        differs.append("ensureExists is on, so Backstage creates databases itself, as the base user")
    if differs:
        hint = "give Backstage the generated app-config fragment as its last --config"
        run.failed("as planned", Failure("; ".join(differs), "", hint))
    else:
        run.passed("as planned", f"database {database}, user {session_user}")
    _search_path(run, schema)
    if is_superuser:
        run.failed("restricted", Failure(f"{session_user} is a superuser", "", "give the plugin a user of its own"))
    elif powers:
        hint = "take them away: ALTER ROLE … NOCREATEDB NOCREATEROLE, REVOKE … FROM …"
        run.failed("restricted", Failure(f"{session_user} has the powers of {', '.join(powers)}", "", hint))
    else:
        run.passed("restricted", "no superuser, CREATEDB or CREATEROLE")
    if public_may_connect:
        run.reachable.append(f"every role of the server may connect to {database}")
    if user != session_user:
        run.passed("acts as", f"{user}, which owns what is created")


def _search_path(run: _Run, schema: str | None) -> None:
    target = run.target
    if schema is None or (target.schema and schema != target.schema):
        missing = target.schema or "public"
        cause = "error: create table … - no schema has been selected to create in"
        failure = Failure(f"schema {missing} does not exist, or its user may not use it", startup(target, cause), APPLY)
        run.failed("search path", failure)
    else:
        run.passed("search path", f"schema {schema}")


def _tables(run: _Run, connection: Any) -> None:
    """Create, fill and drop a table, then a temporary one: the least that migrations need."""
    from psycopg import sql

    psycopg = load_psycopg()
    name = sql.Identifier(f"greenroom_preflight_{secrets.token_hex(8)}")
    probes = {
        "create table": sql.SQL("CREATE TABLE {0} (id int PRIMARY KEY); INSERT INTO {0} VALUES (1); DROP TABLE {0}"),
        "temporary table": sql.SQL("CREATE TEMPORARY TABLE {0} (id int); DROP TABLE pg_temp.{0}"),
    }
    for check, statements in probes.items():
        try:
            with savepoint(connection):
                connection.execute(statements.format(name))
        except psycopg.Error as error:
            if connection.broken:
                raise
            run.failed(check, statement_failure(run.target, error, f"{check}"))
        else:
            run.passed(check, "created, used and dropped" if check == "create table" else "created and dropped")
    strangers = connection.execute(_STRANGERS).fetchall()
    if not strangers:
        return
    listed = ", ".join(f"{table} (owner {owner})" for table, owner in strangers)
    if "knex_migrations" in strangers[0][0]:
        cause = f"error: permission denied for table {strangers[0][0]}"
        hint = "hand the tables over to the plugin's role: ALTER TABLE … OWNER TO …"
        failure = Failure(f"tables of another role are in the way: {listed}", startup(run.target, cause), hint)
        run.failed("existing tables", failure)
    else:
        run.passed("existing tables", f"tables of another role are there as well: {listed}")


def _isolation(run: _Run, wanted: dict[str, str], reach: Reach) -> None:
    tried = try_another_database(run.target, wanted, run.options.connect_timeout)
    problems = [*run.reachable, *reach.problems, *tried.problems]
    if problems:
        hint = "as the owner: REVOKE ALL ON DATABASE … FROM PUBLIC, and REVOKE what was granted to this role besides"
        run.failed("isolated", Failure("; ".join(problems), "", hint))
    else:
        facts = "; ".join([*reach.facts, *tried.facts])
        run.passed("isolated", facts or "nothing else of the plan is on this server")
