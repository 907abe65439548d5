"""Connection strings that no client can read as they were meant: what a driver makes of them without a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.checks.url_options import option_problems
from generator.backstage.database.parts import connection_parts
from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.problems.diagnostic import Diagnostics, Location

#: What a URL of each engine starts with.
SCHEMES: Final = {"pg": "postgresql", "mysql": "mysql", "mysql2": "mysql"}
#: The key of a connection object under which the driver takes a URL as well.
URL_KEYS: Final = {"pg": "connectionString", "mysql2": "uri"}

_FILE = re.compile(r":memory:|(?!.*://).*\.(?:sqlite3?|db3?)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_MAYBE_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*)?", re.IGNORECASE)
_AUTHORITY_END = re.compile(r"[/?#]")
#: A reference, and what stands for it while the text around it is looked at.
_REFERENCE: Final = re.compile(r"(?<!\$)\$\{[^{}]*\}")
_UNKNOWN: Final = "\0"
#: What a URL parser takes out before it looks.
_REMOVED: Final = re.compile(r"[\t\n\r]")
#: Schemes of other programs. pg reads no scheme at all, so one of these connects to whatever listens there.
_OTHERS: Final = re.compile(
    r"(mysql2?|mariadb|mssql|sqlserver|oracle|mongodb(?:\+srv)?|rediss?|sqlite3?|https?)://", re.IGNORECASE
)


class ConnectionUrl(NamedTuple):
    """A URL in ``backend.database``: its ``text``, who reads it, and where it was written."""

    text: str
    client: str
    path: str
    location: Location | None


def urls(entry: ConfigMap, path: str, client: Any) -> Iterator[ConnectionUrl]:
    """The URLs of one entry: the connection itself, and the one inside a connection object."""
    connection = entry.get("connection")
    if not isinstance(client, str) or client not in SCHEMES:
        return
    path = f"{path}.connection"
    if isinstance(connection, str):
        yield ConnectionUrl(connection, client, path, entry.locate("connection"))
    elif isinstance(connection, ConfigMap) and client in URL_KEYS:
        inside = connection.get(URL_KEYS[client])
        # The driver does not look at an empty one.
        if isinstance(inside, str) and inside:
            key = URL_KEYS[client]
            yield ConnectionUrl(inside, client, f"{path}.{key}", connection.locate(key))


def is_file_name(text: str) -> bool:
    """Whether ``text`` is the name of a SQLite file."""
    return not isinstance(text, Placeholder) and _FILE.fullmatch(text) is not None


def fault(text: str, client: str) -> str | None:
    """What keeps ``text`` from being a URL with a host, as far as it is known; ``None`` where nothing does.

    Only what the driver takes without a word: what makes it throw, the resolver reports. ``postgresql:///`` leaves
    everything to the driver on purpose.
    """
    known = _REMOVED.sub("", _REFERENCE.sub(_UNKNOWN, text) if isinstance(text, Placeholder) else text)
    if isinstance(text, Placeholder) and text.is_file:
        return None
    if client == "pg":
        return _pg_fault(known)
    return _mysql_fault(known, read_by_driver=not isinstance(text, Placeholder))


def check_urls(entry: ConfigMap, path: str, client: Any, diagnostics: Diagnostics) -> None:
    """Report the URLs of one entry that mean something else than they say (GR051, GR220, GR221, GR226)."""
    for url in urls(entry, path, client):
        if is_file_name(url.text):
            diagnostics.error(
                "GR051",
                f"this is the name of a SQLite file, and the client is {url.client}",
                url.location,
                path=url.path,
                backstage="reads it as the URL of a server" if url.client == "pg" else "fails: it is no MySQL URL",
                hint="host, port, user and password of the server; or client: better-sqlite3",
            )
            continue
        if wrong := fault(url.text, url.client):
            diagnostics.error(
                "GR220",
                f"this connection string {wrong}",
                url.location,
                path=url.path,
                backstage=_CONSEQUENCE[url.client == "pg"],
                hint=_hint(url),
            )
            continue
        if url.client == "pg" and (other := _OTHERS.match(url.text)):
            diagnostics.warning(
                "GR221",
                f"this is a URL of {other[1]}, and the client is pg",
                url.location,
                path=url.path,
                backstage="does not look at the scheme: the client speaks PostgreSQL to whatever server is there",
                hint="write postgresql:// for a PostgreSQL server, or set the client that the URL is for",
            )
        if not connection_parts(url.text, url.client):
            continue  # taken apart wrongly, a part of the password would be shown
        inside = not isinstance(entry.get("connection"), str)
        for summary, backstage, hint in option_problems(url.text, url.client, read_by_driver=inside):
            diagnostics.warning("GR226", summary, url.location, path=url.path, backstage=backstage, hint=hint)


_CONSEQUENCE: Final = {
    True: "finds no host, user and password in it, and connects to localhost, or to a host called 'base', as the user of "
    "its own process",
    False: "fails, or connects to localhost without a user",
}


def _hint(url: ConnectionUrl) -> str:
    scheme = SCHEMES[url.client]
    return (
        f"write {scheme}://user:password@host:port/database, with what is special in user and password percent-encoded; "
        "or host, port, user and password as keys of an object"
    )


def _pg_fault(known: str) -> str | None:
    if known.startswith("/"):
        # A directory of Unix sockets is no URL, and has nobody's password in it.
        return "has no scheme before //" if known.startswith("//") or "@" in known else None
    scheme = _SCHEME.match(known)
    if scheme is None:
        return _without_scheme(known)
    rest = known[scheme.end() :]
    if scheme[0].lower() == "socket:":
        return None
    return _without_authority(scheme[0], rest)


def _mysql_fault(known: str, *, read_by_driver: bool) -> str | None:
    """``read_by_driver``: the whole text is known, and the resolver refuses what Backstage's own parser does."""
    scheme = _SCHEME.match(known)
    if scheme is None:
        return None if read_by_driver else _without_scheme(known)
    wrong = _without_authority(scheme[0], known[scheme.end() :])
    if wrong is None and not read_by_driver and scheme[0].lower() != "mysql:" and known[scheme.end() :].startswith("//"):
        return f"starts with {scheme[0]}//, which is not the scheme of a MySQL URL"
    return wrong


def _without_scheme(known: str) -> str | None:
    if known.startswith(_UNKNOWN):
        # Whatever the first variable is called, only a scheme in it would make a URL of the rest.
        return "has no scheme and no //" if "@" in known and "://" not in known else None
    start = known.partition(_UNKNOWN)[0]
    if start != known and _MAYBE_SCHEME.fullmatch(start):
        return None
    if "://" in known:
        return "has something before the scheme, such as a space or a quotation mark"
    return "has no scheme and no //" if known.strip() else "is empty"


def _without_authority(scheme: str, rest: str) -> str | None:
    if scheme.lower() == "jdbc:":
        return "is one of JDBC, which only Java reads"
    if rest.startswith("//"):
        authority = _AUTHORITY_END.split(rest[2:], maxsplit=1)[0]
        return "has more than two slashes before the host" if not authority and "@" in rest else None
    if rest.startswith(_UNKNOWN) and "@" not in rest:
        return None
    return f"has no // after {scheme!r}" if _is_database(scheme) else "has no scheme and no //"


def _is_database(scheme: str) -> bool:
    """Whether it is a scheme, and not a user or a host before a colon: what is shown must not be somebody's secret."""
    return re.match(r"postgres|pg|mysql|mariadb", scheme, re.IGNORECASE) is not None
