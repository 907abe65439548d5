"""The checks of a MySQL or MariaDB plugin: log in as it, do what its migrations do, and see how far it reaches."""

from __future__ import annotations

import contextlib
import ssl as openssl
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.deadlines import hang_up_after
from generator.preflight.driver import load_pymysql
from generator.preflight.mysql.mysql_connection import AMAZON, NoTlsError, connect, context_of, row_of, rows_of
from generator.preflight.mysql.mysql_failures import (
    DENIED,
    account,
    connection_failure,
    message_of,
    no_tls,
    quoted,
    statement_failure,
    unreachable,
)
from generator.preflight.mysql.mysql_grants import global_powers, read_grants
from generator.preflight.mysql.mysql_locks import check_locks
from generator.preflight.mysql.mysql_tables import check_tables
from generator.preflight.network import HostNameError, SilentServerError
from generator.preflight.pools import check_limit
from generator.preflight.postgresql.failures import Failure, silent, startup, unknown_host
from generator.preflight.postgresql.isolation import other_databases
from generator.preflight.postgresql.libpq import ConnectionSettingError
from generator.preflight.results import Room

if TYPE_CHECKING:
    from generator.preflight.mysql.mysql_grants import Grant
    from generator.preflight.recorder import Recorder

_MUST_CHANGE: Final = (1820, 1862)
_FACTS: Final = """
SELECT VERSION(), CURRENT_USER(), DATABASE(), @@global.read_only, @@global.max_connections, @@session.max_user_connections,
  (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s)
"""


def check_engine(run: Recorder, password: str) -> None:
    """Every check of a MySQL target; the first fatal one ends it with ``NotReadyError``."""
    target = run.target
    try:
        context = context_of(target.connection, target.environment)
    except ConnectionSettingError as error:
        run.stop("tls", Failure(str(error), startup(target, error.backstage), "see connection.ssl in docs/preflight.md"))
    if target.ensure is not None:
        _ensure(run, password, context)
    connection = _connect(run, password, context, target.connects_to)
    pymysql = load_pymysql()
    with contextlib.closing(connection), hang_up_after(connection._sock.fileno(), run.options.total_timeout, run.hung):
        try:
            _transport(run, context)
            grants = _look_around(run, connection)
            check_tables(run, connection)
            check_locks(run, connection)
            _isolation(run, connection, grants)
        except pymysql.MySQLError as error:
            run.stop("session", statement_failure(target, error))


def _connect(run: Recorder, password: str, context: openssl.SSLContext | None, database: str | None) -> Any:
    pymysql = load_pymysql()
    target, options = run.target, run.options
    try:
        opened = connect(
            target.connection,
            password,
            context,
            options.connect_timeout,
            options.statement_timeout,
            run.network,
            database,
        )
    except HostNameError as error:
        run.stop("reachable", unknown_host(target, str(error), error.code))
    except SilentServerError as error:
        run.stop("reachable", silent(target, str(error)))
    except NoTlsError:
        run.stop("tls", no_tls(target))
    except pymysql.MySQLError as error:
        failure = connection_failure(target, error)
        run.stop(failure.check, failure)
    except OSError as error:
        failure = unreachable(target, error)
        run.stop(failure.check, failure)
    return opened


def _transport(run: Recorder, context: openssl.SSLContext | None) -> None:
    target = run.target
    local = target.address is not None and target.address.host in ("localhost", "127.0.0.1", "::1")
    if context is None and (local or (target.address is not None and target.address.host.startswith("/"))):
        run.passed("tls", "no TLS, on this machine only")
    elif context is None:
        hint = "set connection.ssl: {ca: {$file: ca.pem}}"
        detail = "no TLS: all data cross the network in the open"
        run.warned("tls", Failure(detail, "connects all the same, with the same settings", hint))
    elif context.verify_mode == openssl.CERT_NONE:
        detail = "TLS, but the certificate is not verified (rejectUnauthorized: false)"
        if target.connection.get("ssl") == AMAZON:
            detail = "TLS; the certificate was not verified here: the authorities of 'Amazon RDS' are part of mysql2"
        hint = "set connection.ssl.ca to the server's certificate authority"
        run.warned("tls", Failure(detail, "connects with the same settings", hint))
    else:
        name = "certificate and host name" if context.check_hostname else "certificate"
        run.passed("tls", f"TLS; {name} verified")


def _ensure(run: Recorder, password: str, context: openssl.SSLContext | None) -> None:
    """``CREATE DATABASE IF NOT EXISTS``, as the plugin itself: refused without CREATE, even when the database exists."""
    pymysql = load_pymysql()
    target = run.target
    assert target.ensure is not None
    name = str(target.ensure.database)
    begin = f"Error: Failed to connect to the database to make sure that '{name}' exists, Error: "
    begin += f"CREATE DATABASE IF NOT EXISTS {quoted(name)} - "
    hint = "set backend.database.ensureExists: false, as the generated fragment does"
    connection = _connect(run, password, context, None)
    with contextlib.closing(connection), hang_up_after(connection._sock.fileno(), run.options.total_timeout, run.hung):
        try:
            (exists,) = row_of(connection, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s", [name])
            grants = read_grants(line for (line,) in rows_of(connection, "SHOW GRANTS"))
            may = any(item.covers(name) and item.privileges & {"ALL PRIVILEGES", "CREATE"} for item in grants)
            if exists:
                connection.query(f"CREATE DATABASE IF NOT EXISTS {quoted(name)}")
            elif not may:
                user = str(row_of(connection, "SELECT CURRENT_USER()")[0]).replace("@", "'@'")
                message = f"Access denied for user '{user}' to database '{name}'"
                run.failed("ensure", Failure(message, begin + message, hint))
                return
        except pymysql.MySQLError as error:
            _, message = message_of(error)
            run.failed("ensure", Failure(message, begin + message, hint))
            return
    if exists:
        run.passed("ensure", f"{target.user} may create database {name}, which exists")
    else:
        run.stop_ready("database", Failure(f"database {name} does not exist yet", f"creates it at start, as {target.user}"))


def _look_around(run: Recorder, connection: Any) -> list[Grant]:
    pymysql = load_pymysql()
    target = run.target
    try:
        version, user, database, read_only, most, limit, _ = row_of(connection, _FACTS, [target.database])
        (_, used) = row_of(connection, "SHOW STATUS LIKE 'Threads_connected'")
        grants = read_grants(line for (line,) in rows_of(connection, "SHOW GRANTS"))
    except pymysql.MySQLError as error:
        number, _ = message_of(error)
        begin = "select * from information_schema.tables where"
        run.stop("login" if number in _MUST_CHANGE else "session", statement_failure(target, error, begin))
    run.passed("reachable", f"{'MariaDB' if 'mariadb' in version.lower() else 'MySQL'} {version} at {target.address}")
    run.passed("login", f"as {user}")
    if not database:
        failure = Failure(
            "no database is selected", startup(target, "Error: No database selected"), "set connection.database"
        )
        run.stop("database", failure)
    run.passed("database", database)
    _as_planned(run, user, database)
    powers = global_powers(grants)
    if powers:
        hint = f"REVOKE ALL PRIVILEGES, GRANT OPTION FROM {account(target)}, then apply what greenroom generated"
        detail = f"{user} may on the whole server: {', '.join(powers)}"
        run.failed("restricted", Failure(detail, "starts", hint), stops=False)
    else:
        run.passed("restricted", "no privileges on the whole server")
    if read_only:
        detail = "the server is read-only (read_only is on)"
        run.warned("writable", Failure(detail, "depends on the user's privileges: see the next check", "use the primary"))
    run.room = Room(int(most), 0, int(used), int(limit) or -1)
    found = check_limit(run.room, target.pool, sharing=target.sharing, replicas=run.options.replicas)
    if found is not None:
        run.checks.append(found)
    return grants


def _as_planned(run: Recorder, user: str, database: str) -> None:
    target = run.target
    name, _, host = user.rpartition("@")
    differs = []
    if database != target.database:
        differs.append(f"database {database} instead of {target.database}")
    if name != target.role:
        differs.append(f"user {user if name else 'anonymous (' + user + ')'} instead of {target.role}")
    if differs:
        hint = "give Backstage the generated app-config fragment as its last --config"
        if not name:
            hint = f"DROP USER ''@'{host}': an anonymous user of this host comes before {account(target)}"
        run.failed("as planned", Failure("; ".join(differs), "starts, as whom the server takes it for", hint), stops=False)
    else:
        run.passed("as planned", f"database {database}, user {user}")


def _isolation(run: Recorder, connection: Any, grants: list[Grant]) -> None:
    """What the grants cover besides the plugin's own database, and one real attempt."""
    pymysql = load_pymysql()
    target = run.target
    others = other_databases(target)
    problems, remedies = [], []
    for grant in grants:
        open_ones = [name for name in others if grant.covers(name)]
        if open_ones and grant.privileges != {"USAGE"}:
            shown = ", ".join(open_ones[:5]) + (f" and {len(open_ones) - 5} more" if len(open_ones) > 5 else "")
            pattern = "*.*" if grant.database is None else f"`{grant.database}`.*"
            why = " (`_` and `%` are wildcards)" if grant.has_wildcard else ""
            problems.append(f"the grant on {pattern}{why} opens {shown}")
            remedies.append(f"REVOKE ALL PRIVILEGES ON {pattern} FROM {account(target)}")
    tried = ""
    for name in others[:1]:
        try:
            connection.select_db(name)
        except pymysql.MySQLError as error:
            number, message = message_of(error)
            if number not in DENIED:
                raise
            tried = f"tried {name}: {message}"
        else:
            problems.append(f"could use database {name}")
    if problems:
        own = quoted(target.database, pattern=True)
        hint = "; ".join([*dict.fromkeys(remedies), f"GRANT … ON {own}.* TO {account(target)} again"])
        said = "starts, and nothing says that plugins can read each other's data"
        run.failed("isolated", Failure("; ".join(problems), said, hint), stops=False)
        return
    if any(grant.has_wildcard and grant.covers(target.database) for grant in grants):
        hint = f"REVOKE the grant, and GRANT … ON {quoted(target.database, pattern=True)}.* TO {account(target)}"
        detail = "the grant's `_` is a wildcard: it also opens databases that differ from this one's name in that place"
        run.warned("isolated", Failure(detail, "starts", hint))
        return
    run.passed("isolated", tried or "nothing else of the plan is on this server")
