"""What went wrong, in words: what was seen, what Backstage prints at start for it, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from generator.live.targets import PreflightTarget

_FATAL: Final = re.compile(r"FATAL:\s+(.+)")
#: What makes most problems go away.
APPLY: Final = "apply what greenroom generated (psql -X -f databases.sql, or terraform apply) as the admin"
#: Refusals that say nothing about privileges: the server has no room, or is on its way up or down.
_FULL: Final = re.compile(r"too many clients|too many connections|connection slots")
_STARTING: Final = re.compile(r"starting up|shutting down|recovery mode|not yet accepting")


@dataclass(frozen=True, slots=True)
class Failure:
    """``detail`` is what was seen, ``backstage`` what Backstage would print, ``hint`` what to run or set."""

    detail: str
    backstage: str = ""
    hint: str = ""


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


def connection_failure(target: PreflightTarget, error: BaseException) -> Failure:
    """A connection that could not be made, with the plugin's own credentials to its own database."""
    message = fatal_message(error)
    if message is None:
        return _unreachable(target, error)
    hint = APPLY
    if target.missing and "password authentication failed" in message:
        names = ", ".join(target.missing)
        return Failure(
            f"{message}: {names} is not set, so Backstage falls back to the password of the base connection",
            startup(target, f"error: {message}"),
            f"set {names}",
        )
    if "password authentication failed" in message:
        hint = f"the password is not the role's, or the role does not exist: {APPLY} with the same environment"
    elif "no pg_hba.conf entry" in message:
        hint = "allow the user in pg_hba.conf"
        if "no encryption" in message:
            hint += ", or set connection.ssl: the server may want TLS"
    elif is_full(error):
        hint = "raise max_connections of the server, or lower the pools of the plugins"
    elif _STARTING.search(message):
        hint = "try again when the server is up"
    return Failure(message, startup(target, f"error: {message}"), hint)


def _unreachable(target: PreflightTarget, error: BaseException) -> Failure:
    """No answer from PostgreSQL: network, name, TLS."""
    text = " ".join(str(error).split())
    place = f"{target.address}"
    if "Connection refused" in text:
        return Failure(
            f"{place} refuses connections",
            startup(target, f"Error: connect ECONNREFUSED {place}"),
            "start the server, or correct connection.host and connection.port",
        )
    if "resolve" in text or "Name or service not known" in text:
        host = target.address.host if target.address else ""
        return Failure(
            f"the host name {host!r} cannot be resolved",
            startup(target, f"Error: getaddrinfo ENOTFOUND {host}"),
            "correct connection.host",
        )
    if "timeout expired" in text:
        return Failure(
            f"{place} does not answer",
            startup(target, "KnexTimeoutError: Knex: Timeout acquiring a connection. The pool is probably full."),
            "open the network to the server, or correct connection.host and connection.port",
        )
    if "does not support SSL" in text:
        return Failure(
            f"{place} offers no TLS, and connection.ssl asks for it",
            startup(target, "Error: The server does not support SSL connections"),
            "switch TLS on at the server, or set connection.ssl: false (YAML false; a string such as 'false' means on)",
        )
    if "certificate" in text or "SSL" in text or "tls" in text:
        reason = text.rsplit("failed: ", 1)[-1]
        return Failure(
            f"TLS: {reason}",
            startup(target, f"Error: {_certificate_error(reason)}"),
            "set connection.ssl.ca to the server's certificate authority ({$file: ca.pem}) and use the host name in it",
        )
    return Failure(text.rsplit("failed: ", 1)[-1], startup(target, "Error: the connection failed"), "")


def _certificate_error(reason: str) -> str:
    if "does not match host name" in reason:
        return "Hostname/IP does not match certificate's altnames: …"
    if "certificate verify failed" in reason:
        return "self-signed certificate in certificate chain (or another reason not to trust the certificate)"
    return "… (a TLS error)"


def statement_failure(target: PreflightTarget, error: BaseException, statement: str = "") -> Failure:
    """A statement that Backstage's migrations need and the server refused.

    ``statement`` is how it begins: knex puts its statement in front of the server's message.
    """
    diagnostic = getattr(error, "diag", None)
    message = (getattr(diagnostic, "message_primary", None) or str(error).partition("\n")[0]).strip()
    state = getattr(error, "sqlstate", None) or ""
    hint = APPLY
    if state == "25006":
        hint = "point connection.host at the primary, or switch default_transaction_read_only off: this session is read-only"
    elif state in ("57014", "55P03"):
        hint = "the server is busy or something holds a lock: try again"
    return Failure(message, startup(target, f"error: {statement} … - {message}" if statement else f"error: {message}"), hint)
