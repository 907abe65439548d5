"""TLS that is off, on, or unverified when the text says otherwise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.documents.values import ConfigMap, Placeholder
from generator.lint.model import WARNING, Rule, found
from generator.lint.subject import parts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Entry, Subject
    from generator.problems.diagnostic import Location

_PG = "pg/lib/connection-parameters.js, pg/lib/connection.js"
_MODE = re.compile(r"[?&]sslmode=(prefer|require|verify-ca)\b")

SSL_VARIABLE: Final = Rule(
    "GR002", "ssl-from-variable", WARNING, "A variable cannot switch TLS off: it always gives a text.", _PG
)
UNVERIFIED: Final = Rule(
    "GR003", "tls-not-verified", WARNING, "The certificate of the server is not checked.", "pg/lib/connection.js, Node's tls"
)
SSLMODE: Final = Rule(
    "GR005",
    "sslmode-means-verify-full",
    WARNING,
    "sslmode=require in a connection string checks the certificate, unlike in libpq.",
    "pg-connection-string/index.js",
)
INHERITED: Final = Rule(
    "GR006",
    "verification-inherited",
    WARNING,
    "A plugin's ssl inherits rejectUnauthorized: false from the base connection.",
    "backend-defaults: connectors/mergeDatabaseConfig (lodash merge)",
)
REJECT_TEXT: Final = Rule(
    "GR007",
    "reject-unauthorized-text",
    WARNING,
    "rejectUnauthorized is a text, and only the value false switches the check off.",
    "Node's tls: rejectUnauthorized !== false",
)
RULES: Final = (SSL_VARIABLE, UNVERIFIED, SSLMODE, INHERITED, REJECT_TEXT)


def check(subject: Subject) -> Iterator[Finding]:
    """Every entry's TLS settings."""
    for entry in subject.entries:
        connection = entry.connection
        if isinstance(connection, str):
            yield from _string(entry, connection)
        elif isinstance(connection, ConfigMap):
            yield from _map(subject, entry, connection)


def _string(entry: Entry, text: str) -> Iterator[Finding]:
    place, path = entry.locate("connection"), f"{entry.path}.connection"
    ssl = parts_of(entry).get("ssl")
    if isinstance(ssl, ConfigMap) and ssl.get("rejectUnauthorized") is False:
        yield _unverified(path, place)
    mode = _MODE.search(text) if entry.is_postgres and "uselibpqcompat=true" not in text else None
    if mode:
        yield found(
            SSLMODE,
            f"sslmode={mode[1]} checks the server's certificate and host name here",
            place,
            path=path,
            backstage="treats it as verify-full: a certificate of a private authority is refused",
            hint="write sslmode=verify-full and give sslrootcert, or add uselibpqcompat=true for libpq's meaning",
        )


def _map(subject: Subject, entry: Entry, connection: ConfigMap) -> Iterator[Finding]:
    ssl, path = connection.get("ssl"), f"{entry.path}.connection.ssl"
    if isinstance(ssl, Placeholder) and (entry.is_postgres or entry.is_mysql):
        yield found(
            SSL_VARIABLE,
            "TLS that depends on a variable cannot be switched off by it",
            connection.locate("ssl"),
            path=path,
            backstage="hands the text to the driver: only 'true' and 'no-verify' work, 'false' breaks every connection"
            if entry.is_postgres
            else "hands the text to the driver: only 'Amazon RDS' works, everything else is an unknown SSL profile",
            hint="write `ssl: false` or `ssl: {…}` into a file for each environment, and give that to --config",
        )
    if ssl == "no-verify" and entry.is_postgres:
        yield _unverified(path, connection.locate("ssl"))
    if not isinstance(ssl, ConfigMap):
        return
    reject = ssl.get("rejectUnauthorized")
    if reject is False:
        yield _unverified(f"{path}.rejectUnauthorized", ssl.locate("rejectUnauthorized"))
    elif isinstance(reject, str):
        yield found(
            REJECT_TEXT,
            "a text here means that the certificate is checked, whatever it says",
            ssl.locate("rejectUnauthorized"),
            path=f"{path}.rejectUnauthorized",
            backstage="hands the text to TLS, for which only the value false switches the check off",
            hint="write false without quotes and without a variable, or better: ca: {$file: …} of the server's authority",
        )
    base = subject.base_connection.get("ssl")
    inherits = entry.plugin_id is not None and entry.client == subject.base.client and "rejectUnauthorized" not in ssl
    if inherits and isinstance(base, ConfigMap) and base.get("rejectUnauthorized") is False:
        yield found(
            INHERITED,
            "the certificate is not checked: rejectUnauthorized: false comes from the base connection",
            connection.locate_key("ssl"),
            path=path,
            backstage="merges the plugin's ssl into the base connection's, key by key",
            hint="write rejectUnauthorized: true beside it",
        )


def _unverified(path: str, place: Location | None) -> Finding:
    return found(
        UNVERIFIED,
        "the server's certificate is not checked: anybody on the way can read and change what is sent",
        place,
        path=path,
        hint="give the authority's certificate instead: ssl: {ca: {$file: …}}",
    )
