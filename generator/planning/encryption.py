"""Servers that refuse a connection without TLS, and the connections that would come without or could not verify theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.checks.tls import TOKEN_LINES
from generator.clouds import sign_in
from generator.documents.values import Placeholder
from generator.planning.places import config_key, source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.planning.names import Names
    from generator.problems.diagnostic import Diagnostics, Location

_RDS: Final = TOKEN_LINES["rds"]
_GOOGLE: Final = "ssl: {ca: {$file: /etc/ssl/certs/cloud-sql-ca.pem}"
#: The lines that make the driver encrypt and verify, by the kind of a created server and its engine. Cloud SQL's certificate
#: names the instance, which pg compares with the address unless it is told the name; mysql2 compares no name.
_LINES: Final = {
    ("aws-rds", "postgresql"): _RDS,
    ("aws-rds", "mysql"): _RDS,
    ("aws-aurora", "postgresql"): _RDS,
    ("aws-aurora", "mysql"): _RDS,
    ("google-cloudsql", "postgresql"): f"{_GOOGLE}, servername: '<project>:<instance>'}}",
    ("google-cloudsql", "mysql"): f"{_GOOGLE}}}",
    ("azure-flexible", "postgresql"): TOKEN_LINES["azure"],
    ("azure-flexible", "mysql"): "ssl: {rejectUnauthorized: true}",
}
_UNKNOWN: Final = object()


class _Trouble(NamedTuple):
    """What is wrong with the connections of several plugins: one diagnostic."""

    code: str
    server: str
    summary: str
    backstage: str
    hint: str
    path: str
    location: Location | None


def check_encryption(named: Iterable[Names], diagnostics: Diagnostics) -> None:
    """Report connections without TLS to a server that greenroom creates (GR325), or with a token (GR326), and those that
    cannot verify the certificate of a created server (GR327): once each, with the plugins.
    """
    found: dict[_Trouble, list[str]] = {}
    for names in named:
        trouble = _trouble(names)
        if trouble is not None:
            found.setdefault(trouble, []).append(names.plugin.plugin_id)
    for trouble, plugins in found.items():
        shown = ", ".join(plugins[:5]) + (f" and {len(plugins) - 5} more" if len(plugins) > 5 else "")
        diagnostics.warning(
            trouble.code,
            f"{trouble.summary} (plugin{'s' if len(plugins) > 1 else ''} {shown})",
            trouble.location,
            path=trouble.path,
            backstage=trouble.backstage,
            hint=trouble.hint,
        )


def is_created(names: Names) -> bool:
    """Whether greenroom creates the server of a plugin. All of these refuse a connection without TLS."""
    return names.server.kind != "existing"


def _trouble(names: Names) -> _Trouble | None:
    ssl = _ssl(names)
    # Google's connector encrypts by itself; what app-config says of the other clouds is told with app-config (GR225).
    if ssl is _UNKNOWN or names.plugin.cloud is not None or sign_in(names.sign_in.iam).has_connector:
        return None
    if ssl in (None, False, "", 0):
        what = "has `ssl: false`" if ssl is False else "has no `ssl`"
        if is_created(names):
            lines = _LINES[names.server.kind, names.server.engine]
            summary = f"server {names.server.name!r} is created and refuses connections without TLS, and app-config {what}"
            return _told(names, "GR325", summary, "connects unencrypted, and the server refuses it", lines)
        if names.sign_in.iam in TOKEN_LINES:
            lines = TOKEN_LINES[names.sign_in.iam]
            summary = (
                f"server {names.server.name!r} takes tokens of {names.sign_in.iam} over TLS only, and app-config {what}"
            )
            return _told(names, "GR326", summary, "asks for a token and connects unencrypted: the server refuses it", lines)
        return None
    if names.server.kind == "google-cloudsql" and names.server.engine == "postgresql" and _compares_address(ssl):
        summary = f"the certificate of server {names.server.name!r} names the Cloud SQL instance, not its address"
        backstage = "refuses the server: Hostname/IP does not match certificate's altnames"
        return _told(names, "GR327", summary, backstage, _LINES[names.server.kind, names.server.engine])
    return None


def _told(names: Names, code: str, summary: str, backstage: str, lines: str) -> _Trouble:
    own = names.plugin.own_connection
    in_base = not own.keys() & {"host", "ssl", "connectionString"}
    path = "backend.database.connection.ssl" if in_base else config_key(names.plugin, "connection.ssl")
    whole = source(names.plugin, "connection")
    location = source(names.plugin, "connection.ssl", "connection.host", "connection", "client")
    in_url = location is not None and location == whole and names.plugin.connection.get("host") is not None
    is_there = "ssl" in (names.plugin.connection if in_base else own)  # twice in one object is an error
    hint = f"replace {path} with: {lines}" if is_there else f"add below {path.removesuffix('.ssl')}: {lines}"
    if in_url:
        hint = f"write the connection as an object, with {lines}"
    return _Trouble(code, names.server.name, summary, backstage, hint, path, location)


def _ssl(names: Names) -> Any:
    """``ssl`` of the plugin's connection: ``None`` where it is not there, ``_UNKNOWN`` where only a variable knows it."""
    connection = names.plugin.connection
    if not isinstance(connection, dict) or "connectionString" in connection:
        return _UNKNOWN
    ssl = connection.get("ssl")
    return _UNKNOWN if isinstance(ssl, Placeholder) else ssl


def _compares_address(ssl: Any) -> bool:
    """Whether pg compares the name in the certificate with the server's address."""
    if isinstance(ssl, dict):
        return ssl.get("rejectUnauthorized") is not False and not ssl.get("servername") and not ssl.get("host")
    return ssl is True or ssl == "true"
