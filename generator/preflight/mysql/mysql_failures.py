"""What went wrong on MySQL or MariaDB, in words: what was seen, what Backstage prints at start for it, and what to run."""

from __future__ import annotations

import ssl as openssl
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.postgresql.failures import APPLY, Failure, silent, startup

if TYPE_CHECKING:
    from generator.preflight.probes import PreflightTarget

_FULL: Final = 1040
_DATABASE_DENIED: Final = 1044
_ACCESS_DENIED: Final = 1045
_NO_DATABASE: Final = 1049
#: What a statement is refused with where a privilege is missing: on a database, a login, a table, or no such database.
DENIED: Final = (1044, 1045, 1142, 1049)
_NAME_TOO_LONG: Final = 1102
_STARTING: Final = 1053
_HOST_BLOCKED: Final = 1129
_HOST_DENIED: Final = 1130
_USER_LIMIT: Final = (1203, 1226)
_READ_ONLY: Final = (1290, 1792, 1836)
_MUST_CHANGE: Final = (1820, 1862)
_LOCKED: Final = (3118, 4151)
_LOST: Final = (2006, 2013)
_APPLY: Final = APPLY.replace("psql -X -f databases.sql", "mysql < databases.sql")


def quoted(name: str, *, pattern: bool = False) -> str:
    """An identifier as MySQL wants it; with ``pattern`` as the database of a GRANT, where ``_`` and ``%`` are wildcards."""
    escaped = name.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") if pattern else name
    return "`" + escaped.replace("`", "``") + "`"


def account(target: PreflightTarget) -> str:
    """The plugin's account for the statements of a hint."""
    user = (target.user or target.role).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{user}'@'{target.user_host}'"


def message_of(error: Any) -> tuple[int, str]:
    """Number and text of an error the server sent."""
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    return number, str(error.args[1]) if len(error.args) > 1 else str(error)


def connection_failure(target: PreflightTarget, error: Any) -> Failure:
    """A connection the server refused."""
    number, message = message_of(error)
    user, database = account(target), target.connects_to or target.database
    check, hint = "login", _APPLY
    if number == _ACCESS_DENIED and target.missing:
        names = ", ".join(target.missing)
        message = f"{message}: {names} is not set, and so the password is another one, or none"
        hint = f"set {names}"
    elif number == _ACCESS_DENIED:
        hint = f"the password is not the user's, there is no such user for this host, or it has to use TLS: {_APPLY}"
    elif number in _LOCKED:
        hint = f"ALTER USER {user} ACCOUNT UNLOCK"
    elif number in _MUST_CHANGE:
        hint = f"ALTER USER {user} PASSWORD EXPIRE NEVER, after setting its password again"
    elif number in _USER_LIMIT:
        hint = f"ALTER USER {user} WITH MAX_USER_CONNECTIONS 0"
    elif number == _HOST_DENIED:
        hint = f"the user is not allowed from here: CREATE USER {user} …, or {_APPLY}"
    elif number == _HOST_BLOCKED:
        hint = "FLUSH HOSTS on the server: it has blocked this one"
    elif number in (_FULL, _STARTING):
        check, hint = "reachable", "raise max_connections, or lower backend.database.knexConfig.pool.max"
    elif number in (_NO_DATABASE, _NAME_TOO_LONG):
        check = "database"
    elif number == _DATABASE_DENIED:
        check = "database"
        hint = f"{_APPLY}: it creates the database, and GRANT … ON {quoted(database, pattern=True)}.* TO {user}"
    said = message.partition(": ")[0] if target.missing and number == _ACCESS_DENIED else message
    return Failure(message, startup(target, f"Error: {said}"), hint, check, answered=True)


def unreachable(target: PreflightTarget, error: OSError) -> Failure:
    """No answer from MySQL: network, TLS."""
    place = f"{target.address}"
    if isinstance(error, TimeoutError):
        failure = silent(target)
        return Failure(failure.detail, startup(target, "Error: connect ETIMEDOUT"), failure.hint, "reachable")
    if isinstance(error, openssl.SSLError):
        reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        hint = "set connection.ssl.ca to the server's certificate authority: {$file: ca.pem}"
        return Failure(f"TLS: {reason}", startup(target, f"Error: {reason}"), hint, "tls")
    if isinstance(error, ConnectionRefusedError):
        said = startup(target, f"Error: connect ECONNREFUSED {place}")
        hint = "start the server, or correct connection.host and connection.port"
        return Failure(f"{place} refuses connections", said, hint, "reachable")
    reason = error.strerror or type(error).__name__
    return Failure(f"{place}: {reason}", startup(target, f"Error: {reason}"), "correct connection.host", "reachable")


def no_tls(target: PreflightTarget) -> Failure:
    """The server has no TLS, and app-config asks for it."""
    hint = "switch TLS on at the server, or set connection.ssl: false"
    said = startup(target, "Error: Server does not support secure connection")
    return Failure(f"{target.address} offers no TLS, and connection.ssl asks for it", said, hint, "tls")


def statement_failure(target: PreflightTarget, error: Any, statement: str = "") -> Failure:
    """A statement that Backstage's migrations need and the server refused; knex puts it in front of the message."""
    number, message = message_of(error)
    hint = _APPLY
    if number in _READ_ONLY:
        hint = "point connection.host at the primary: this server is read-only"
    elif number in _MUST_CHANGE:
        hint = f"ALTER USER {account(target)} PASSWORD EXPIRE NEVER, after setting its password again"
    elif number in _LOST:
        hint = "the server gave up or took too long: try again"
    return Failure(message, startup(target, f"Error: {statement} … - {message}" if statement else f"Error: {message}"), hint)
