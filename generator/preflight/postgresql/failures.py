"""What went wrong on PostgreSQL, in words: what was seen, what Backstage prints at start for it, and what to run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from generator.preflight.network import SILENT

if TYPE_CHECKING:
    from generator.preflight.probes import PreflightTarget

_FATAL: Final = re.compile(r"FATAL:\s+(.+)")
#: What makes most problems go away.
APPLY: Final = "apply what greenroom generated (psql -X -f databases.sql, or terraform apply) as the admin"
#: Refusals that say nothing about privileges: the server has no room, or is on its way up or down.
_FULL: Final = re.compile(r"too many clients|too many connections|connection slots|no more connections allowed")
_STARTING: Final = re.compile(r"starting up|shutting down|recovery mode|not yet accepting")
#: Refusals that are about the database: PostgreSQL's own, then PgBouncer's.
_ABOUT_DATABASE: Final = re.compile(
    r'^database "|for database "|no such database|bouncer config error|is not currently accepting connections'
)
_KNEX_TIMEOUT: Final = (
    "KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full. "
    "Are you missing a .transacting(trx) call?"
)
_EXPLAINED: Final = {
    "EAI_AGAIN": "correct connection.host, or the name servers of this machine",
    "ENOTFOUND": "correct connection.host",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """``detail`` is what was seen, ``backstage`` what Backstage would print, ``hint`` what to run or set.

    ``check`` is the check it belongs to, where one attempt can fail in several; ``answered`` whether a server said so.
    """

    detail: str
    backstage: str = ""
    hint: str = ""
    check: str = ""
    answered: bool = False


def quoted(name: str) -> str:
    """An identifier as SQL wants it, for the statements of a hint."""
    return '"' + name.replace('"', '""') + '"'


def startup(target: PreflightTarget, cause: str) -> str:
    """The line of Backstage's start-up error for a plugin that could not use its database."""
    return f"Plugin '{target.plugin_id}' startup failed; caused by {cause}"


def fatal_message(error: BaseException) -> str | None:
    """The server's own words when it refused a connection, else ``None``."""
    found = _FATAL.search(str(error))
    return found[1].strip() if found else None


def is_busy(error: BaseException) -> bool:
    """Whether a refused connection says nothing about what the user may do."""
    message = fatal_message(error)
    return message is None or is_full(error) or _STARTING.search(message) is not None


def is_full(error: BaseException) -> bool:
    """Whether the server had no connection left for us at that moment."""
    return _FULL.search(fatal_message(error) or "") is not None


def connection_failure(
    target: PreflightTarget, error: BaseException, *, role: str | None = None, database: str | None = None
) -> Failure:
    """A connection that could not be made, with the plugin's own credentials to its own database.

    Args:
        role: who logged in, where it was another one: statements of the hint are about it.
        database: to which database, where it was another one.
    """
    message = fatal_message(error)
    if message is None:
        return _unreachable(target, error)
    check, hint = "login", APPLY
    own = role is None
    missing = target.missing if own else ()
    role = quoted(role or target.user or target.role)
    database = quoted(database or target.connects_to or target.database)
    pair = target.pair if own else None
    said = startup(target, f"error: {message}")
    if missing and "password authentication failed" in message:
        names = ", ".join(missing)
        detail = f"{message}: {names} is not set, and so the password is another one, or none"
        return Failure(detail, said, f"set {names}", check)
    if pair is not None and "password authentication failed" in message:
        hint = (
            f"set {pair.variable} to the password that was last rotated in; if nobody has it, `greenroom rotate "
            f"{target.plugin_id}` lets the other login have a new one, and where nothing was applied yet {APPLY}"
        )
    elif "password authentication failed" in message:
        hint = (
            f"the password is not the role's, or it has expired, or there is no such role (the server's log says which): "
            f"{APPLY} with the same environment (Terraform sends a password again only when its number in "
            f"credentials.passwordVersions has grown); for an expired one: ALTER ROLE {role} VALID UNTIL 'infinity'"
        )
    elif "no pg_hba.conf entry" in message:
        hint = "allow the user in pg_hba.conf"
        if "no encryption" in message:
            check, hint = "tls", "set connection.ssl: the server wants TLS from this user or host"
    elif "is not permitted to log in" in message:
        hint = f"ALTER ROLE {role} LOGIN"
        if pair is not None:
            hint = (
                f"its turn is over, or it was locked by hand: `greenroom rotate --check` says which login is live, and "
                f"Backstage needs the fragment and the password of that one; to let this one go on as it was: {hint}"
            )
    elif "too many connections for role" in message:
        hint = f"ALTER ROLE {role} CONNECTION LIMIT -1"
    elif "too many connections for database" in message:
        check, hint = "database", f"ALTER DATABASE {database} CONNECTION LIMIT -1"
    elif is_full(error):
        check = "reachable"
        hint = "raise max_connections, lower backend.database.knexConfig.pool.max, or put a pooler in front"
    elif _STARTING.search(message):
        check, hint = "reachable", "try again when the server is up: greenroom preflight --wait 60"
    elif "permission denied for database" in message:
        check, hint = "database", f"GRANT CONNECT ON DATABASE {database} TO {role}"
    elif "not currently accepting connections" in message:
        check, hint = "database", f"ALTER DATABASE {database} ALLOW_CONNECTIONS true"
    elif "no such database" in message or "bouncer config error" in message:
        check, hint = "database", f"add {database} to [databases] of PgBouncer, or a * line"
    elif _ABOUT_DATABASE.search(message):
        check = "database"
    return Failure(message, said, hint, check, answered=True)


def silent(target: PreflightTarget, reason: str = "") -> Failure:
    """A server that takes no connection or says nothing on one; ``reason`` where two plugins gave up on it before."""
    detail = f"{target.address} {reason or SILENT}" + (" (two plugins of this run gave up on it already)" if reason else "")
    return Failure(
        detail,
        startup(target, _KNEX_TIMEOUT),
        "open the network to the server, or correct connection.host and connection.port",
        "reachable",
    )


def unknown_host(target: PreflightTarget, problem: str, code: str) -> Failure:
    """A host name that leads nowhere."""
    host = target.address.host if target.address else ""
    return Failure(problem, startup(target, f"Error: getaddrinfo {code} {host}"), _EXPLAINED[code], "reachable")


def _unreachable(target: PreflightTarget, error: BaseException) -> Failure:
    """No answer from PostgreSQL: network, TLS."""
    text = " ".join(str(error).split())
    place = f"{target.address}"
    if "Connection refused" in text:
        said = startup(target, f"Error: connect ECONNREFUSED {place}")
        return Failure(
            f"{place} refuses connections",
            said,
            "start the server, or correct connection.host and connection.port",
            "reachable",
        )
    if "timeout expired" in text:
        return silent(target)
    if "does not support SSL" in text:
        return Failure(
            f"{place} offers no TLS, and connection.ssl asks for it",
            startup(target, "Error: The server does not support SSL connections"),
            "switch TLS on at the server, or set connection.ssl: false (YAML false; a string such as 'false' means on)",
            "tls",
        )
    if "certificate" in text or "SSL" in text or "tls" in text:
        reason = text.rsplit("failed: ", 1)[-1]
        return Failure(
            f"TLS: {reason}",
            startup(target, "Error: … (a TLS error)"),
            "set connection.ssl.ca to the server's certificate authority ({$file: ca.pem}) and use the host name in it",
            "tls",
        )
    return Failure(text.rsplit("failed: ", 1)[-1], startup(target, "Error: the connection failed"), "", "reachable")


def certificate_failure(target: PreflightTarget, failure: Failure, problem: str | None) -> Failure:
    """A TLS failure in Node's words, where they are known."""
    if problem is None:
        return failure
    detail = failure.detail if "altnames" in problem else f"TLS: {problem.partition(' (')[0]}"
    kind = "Error [ERR_TLS_CERT_ALTNAME_INVALID]" if "altnames" in problem else "Error"
    return Failure(detail, startup(target, f"{kind}: {problem}"), failure.hint, failure.check)


def statement_failure(target: PreflightTarget, error: BaseException, statement: str = "", hint: str = APPLY) -> Failure:
    """A statement that Backstage's migrations need and the server refused.

    ``statement`` is how it begins: knex puts its statement in front of the server's message. ``hint`` is for a refusal
    that is about privileges.
    """
    diagnostic = getattr(error, "diag", None)
    message = (getattr(diagnostic, "message_primary", None) or str(error).partition("\n")[0]).strip()
    state = getattr(error, "sqlstate", None) or ""
    if state == "25006":
        hint = READ_ONLY
    elif state in ("57014", "55P03"):
        hint = "the server is busy or something holds a lock: try again"
    return Failure(message, startup(target, f"error: {statement} … - {message}" if statement else f"error: {message}"), hint)


#: What helps against a session that may not write.
READ_ONLY: Final = (
    "point connection.host at the primary, or switch default_transaction_read_only off: this session is read-only"
)
