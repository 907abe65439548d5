"""The checks of a PostgreSQL plugin: log in as it, look around, do what its migrations do, and see how far it reaches."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.engines.postgresql import IS_POWERFUL
from generator.preflight.driver import load_psycopg
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.pools import check_limit
from generator.preflight.postgresql.ensure import Ensured, check_ensure, create_schema, foresee
from generator.preflight.postgresql.extensions import check_extensions
from generator.preflight.postgresql.failures import (
    READ_ONLY,
    Failure,
    certificate_failure,
    connection_failure,
    quoted,
    silent,
    startup,
    statement_failure,
    unknown_host,
)
from generator.preflight.postgresql.handshake import certificate_problem
from generator.preflight.postgresql.isolation import Reach, find_reach, open_to_all, try_another_database
from generator.preflight.postgresql.libpq import ConnectionSettingError, parameters, transport
from generator.preflight.postgresql.migration_lock import check_locks
from generator.preflight.postgresql.pair import Acting, check_other_login, check_pair, look_who_acts
from generator.preflight.postgresql.pooler import check_pooler, is_pooled
from generator.preflight.postgresql.search_path import check_search_path, set_search_path
from generator.preflight.postgresql.second_connection import check_second_connection
from generator.preflight.postgresql.session import deadline, open_session
from generator.preflight.postgresql.tables import check_tables
from generator.preflight.results import Room

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_FACTS: Final = f"""
SELECT current_setting('server_version'), current_database(), session_user, current_user, current_schema(),
  has_database_privilege('public', current_database(), 'CONNECT'),
  ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles
    WHERE {IS_POWERFUL} AND pg_catalog.pg_has_role(session_user, oid, 'MEMBER') ORDER BY rolname LIMIT 5),
  own.rolsuper, pg_catalog.pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
  CASE WHEN own.rolvaliduntil < 'infinity' THEN own.rolvaliduntil::text END,
  coalesce(own.rolvaliduntil < now() + interval '30 days', false),
  current_setting('max_connections')::int,
  current_setting('superuser_reserved_connections')::int + coalesce(current_setting('reserved_connections', true)::int, 0),
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend')::int,
  own.rolconnlimit, (SELECT datconnlimit FROM pg_catalog.pg_database WHERE datname = current_database())
FROM pg_catalog.pg_roles AS own WHERE own.rolname = session_user
"""  # noqa: S608 - of constants


class _Facts(NamedTuple):
    version: str
    database: str
    session_user: str
    user: str
    schema: str | None
    public_may_connect: bool
    powers: list[str]
    is_superuser: bool
    in_recovery: bool
    read_only: bool
    valid_until: str | None
    expires_soon: bool
    max_connections: int
    reserved: int
    used: int
    role_limit: int
    database_limit: int


def check_engine(run: Recorder, password: str) -> None:
    """Every check of a PostgreSQL target; the first fatal one ends it with ``NotReadyError``."""
    try:
        wanted = parameters({**run.target.connection, "password": password}, run.target.environment, run.files)
    except ConnectionSettingError as error:
        hint = "correct backend.database.connection"
        run.stop("tls" if ".ssl" in str(error) else "credentials", Failure(str(error), error.backstage, hint))
    ensured = check_ensure(run)  # the version of the server where Backstage would create what is missing
    reach = _own_database(run, wanted, ensured=ensured)
    check_second_connection(run, password)
    _isolation(run, wanted, reach)


def _own_database(run: Recorder, wanted: dict[str, str], *, ensured: Ensured) -> Reach:
    """Connect as the plugin, do what its migrations do, and see how far its user reaches."""
    psycopg = load_psycopg()
    target, options = run.target, run.options
    connection = _connect(run, wanted, ensured=ensured.database)
    with contextlib.closing(connection), deadline(connection, options.total_timeout, run.hung):
        try:
            connection.execute(f"BEGIN; SET LOCAL statement_timeout = {int(options.statement_timeout * 1000)}")
            acting = look_who_acts(run, connection)
            _prepare_session(run, connection)
            if ensured.schema:
                create_schema(run, connection)
            facts = _look_around(run, connection, acting, pooled=(pooled := is_pooled(connection)))
            if facts.in_recovery or facts.read_only:
                _read_only(run, in_recovery=facts.in_recovery)
            else:
                check_tables(run, connection)
                check_locks(run, connection)
                if not target.skip_migrations:
                    check_extensions(run, connection)
            reach = find_reach(connection, target)
            if facts.public_may_connect:
                reach = open_to_all(reach, facts.database)
            check_other_login(run, connection)
            connection.execute("ROLLBACK")
            if pooled:
                check_pooler(run, connection, wanted)
        except psycopg.Error as error:
            if connection.broken:
                text = str(error).partition("\n")[0]
                hint = "the server or something in between gave up, or took too long: try again"
                detail = f"the connection broke off: {text}"
                run.stop("session", Failure(detail, startup(target, "Error: Connection terminated unexpectedly"), hint))
            run.stop("session", statement_failure(target, error))
    return reach


def _connect(run: Recorder, wanted: dict[str, str], *, ensured: int) -> Any:
    psycopg = load_psycopg()
    target = run.target
    assert target.address is not None
    try:
        connection = open_session(wanted, run.options.connect_timeout, run.network, target.address)
    except HostNameError as error:
        run.stop("reachable", unknown_host(target, str(error), error.code))
    except SilentServerError as error:
        run.stop("reachable", silent(target, str(error)))
    except psycopg.OperationalError as error:
        failure = connection_failure(target, error)
        if ensured and failure.check == "database" and "does not exist" in failure.detail:
            foresee(run, ensured)
        if failure.check == "tls" and wanted.get("sslmode") == "verify-full":
            failure = certificate_failure(target, failure, certificate_problem(wanted, run.options.connect_timeout))
        run.stop(failure.check, failure)
    version = connection.info.parameter_status("server_version") or "?"
    run.passed("reachable", f"PostgreSQL {version.split()[0]} at {target.address}")
    detail, hint = transport(connection, wanted)
    if hint:
        run.warned("tls", Failure(detail, "connects all the same, with the same settings", hint))
    else:
        run.passed("tls", detail)
    return connection


def _prepare_session(run: Recorder, connection: Any) -> None:
    """What Backstage does on a new connection: the base role, then the search path."""
    from psycopg import sql

    psycopg = load_psycopg()
    target = run.target
    if target.set_role:
        role = sql.Identifier(target.set_role)
        try:
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(role))
        except psycopg.Error as error:
            failure = statement_failure(target, error)
            user = quoted(target.user or target.role)
            backstage = f"error: {failure.detail} (nobody handles it: this ends the whole process)"
            hint = f"GRANT {quoted(target.set_role)} TO {user}, or take `role` out of backend.database"
            run.stop("role", Failure(failure.detail, backstage, hint))
    set_search_path(run, connection)


def _look_around(run: Recorder, connection: Any, acting: Acting | None, *, pooled: bool) -> _Facts:
    target = run.target
    facts = _Facts(*connection.execute(_FACTS).fetchone())
    run.passed("login", f"as {facts.session_user}")
    if facts.valid_until and facts.expires_soon:
        hint = f"ALTER ROLE {quoted(facts.session_user)} VALID UNTIL 'infinity'"
        said = f'error: password authentication failed for user "{facts.session_user}" from then on'
        run.warned("password expiry", Failure(f"the password expires {facts.valid_until}", said, hint))
    _database(run, facts)
    check_pair(run, connection, acting, pooled=pooled)
    if facts.user != facts.session_user and (acting is None or target.set_role):
        run.passed("role", f"acts as {facts.user}, which owns what is created")
    check_search_path(run, facts.schema)
    if facts.is_superuser:
        hint = f"ALTER ROLE {quoted(facts.session_user)} NOSUPERUSER, or give the plugin a user of its own"
        run.failed("restricted", Failure(f"{facts.session_user} is a superuser", "starts", hint), stops=False)
    elif facts.powers:
        hint = "ALTER ROLE … NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS, and REVOKE the membership of other roles"
        detail = f"{facts.session_user} has the powers of {', '.join(facts.powers)}"
        run.failed("restricted", Failure(detail, "starts", hint), stops=False)
    else:
        run.passed("restricted", "no superuser, CREATEDB or CREATEROLE")
    if not pooled:
        limits = facts.role_limit, facts.database_limit
        run.room = Room(facts.max_connections, facts.reserved, facts.used, *limits)
        limit = check_limit(run.room, target.pool, sharing=target.sharing, replicas=run.options.replicas)
        if limit is not None:
            run.checks.append(limit)
    return facts


def _database(run: Recorder, facts: _Facts) -> None:
    """Whether this is the planned database and user."""
    target = run.target
    asked = target.connects_to or ""
    if facts.database != asked and asked.encode().startswith(facts.database.encode()):
        failure = Failure(
            f"PostgreSQL cuts the name {asked!r} to 63 bytes: {facts.database}",
            "starts, in whatever database has the short name, and so does every plugin whose name begins the same",
            "a shorter backend.database.prefix, or connection.database for this plugin",
        )
        run.failed("database", failure, stops=False)
    else:
        run.passed("database", facts.database)
    differs = []
    if facts.database != target.database:
        differs.append(f"database {facts.database} instead of {target.database}")
    if facts.session_user != target.login:
        differs.append(f"user {facts.session_user} instead of {target.login}")
    if differs:
        hint = "give Backstage the generated app-config fragment as its last --config"
        run.failed("as planned", Failure("; ".join(differs), "starts", hint), stops=False)
    else:
        run.passed("as planned", f"database {facts.database}, user {facts.session_user}")


def _read_only(run: Recorder, *, in_recovery: bool) -> None:
    cause = "error: create table … - cannot execute CREATE TABLE in a read-only transaction"
    detail = "the server is a read-only replica" if in_recovery else "default_transaction_read_only is on"
    target = run.target
    hint = READ_ONLY
    if not in_recovery:
        database, role = quoted(target.connects_to or target.database), quoted(target.user or target.role)
        hint = f"ALTER DATABASE {database} RESET default_transaction_read_only, or the same with ALTER ROLE {role}"
    run.failed("writable", Failure(detail, startup(target, cause), hint))


def _isolation(run: Recorder, wanted: dict[str, str], reach: Reach) -> None:
    tried = try_another_database(run.target, wanted, run.options.connect_timeout, run.network)
    both = reach + tried
    if both.problems:
        if run.target.shares_user and not tried.problems and len(reach.problems) == 1 and reach.is_open:
            # The plugins are one user: what is left is a matter of the server's other roles, who find closed schemas.
            run.warned("isolated", Failure(both.problems[0], "starts", both.hint))
            return
        failure = Failure(
            "; ".join(both.problems), "starts, and nothing says that plugins can read each other's data", both.hint
        )
        run.failed("isolated", failure, stops=False)
    else:
        run.passed("isolated", "; ".join(both.facts) or "nothing else of the plan is on this server")
