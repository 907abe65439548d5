"""Values that are allowed and yet not what they seem, and passwords written out in a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus as unquote

from generator.backstage.checks.tls import Side, check_tls, side
from generator.backstage.checks.urls import check_urls
from generator.backstage.database.parts import connection_parts
from generator.backstage.database.redaction import url_password
from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.problems.diagnostic import Diagnostics, Location

_ROOT = "backend.database"
_PATH = re.compile(r"(?:\.{0,2}/|[A-Za-z]:\\)?[\w.@~-]+(?:[/\\][\w.@~-]+)*\.(?:pem|crt|cer|key|ca)|\.{0,2}/[^\n]*")
# A tag, an anchor, a quotation mark.
_BEFORE_SCALAR = re.compile(r"^(?:[!&]\S*\s+)*[\"']?")
# The password among the parameters of a URL.
_PARAMETER = re.compile(r"[?&]password=([^&#\s\"']*)")


def advise(merged: ConfigMap, diagnostics: Diagnostics) -> None:
    """Report what is likely a mistake in the values of ``merged``."""
    files = _Lines()
    _division_mode(merged, diagnostics)
    _connection(merged, _ROOT, merged.get("client"), files, diagnostics)
    base = side(merged, _ROOT, merged.get("client"), ConfigMap())
    _client(merged, _ROOT, merged.get("client"), base, diagnostics)
    base_ssl = connection.get("ssl") if isinstance(connection := merged.get("connection"), ConfigMap) else None
    inherited = base_ssl.get("rejectUnauthorized") if isinstance(base_ssl, ConfigMap) else None
    plugins = merged.get("plugin")
    if not isinstance(plugins, dict):
        return
    for plugin_id, entry in plugins.items():
        if isinstance(entry, ConfigMap):
            path = f"{_ROOT}.plugin.{plugin_id}"
            _ignored_schema_flag(entry, path, diagnostics)
            client = entry.get("client", merged.get("client"))
            _connection(entry, path, client, files, diagnostics, inherited=inherited)
            of_base = base.own if base is not None and client == base.client else ConfigMap()
            _client(entry, path, client, side(entry, path, client, of_base), diagnostics)


def _division_mode(merged: ConfigMap, diagnostics: Diagnostics) -> None:
    mode = merged.get("pluginDivisionMode")
    if isinstance(mode, str) and mode and mode not in ("database", "schema") and not isinstance(mode, Placeholder):
        diagnostics.warning(
            "GR035",
            f"there is no mode {mode!r}",
            merged.locate("pluginDivisionMode"),
            path=f"{_ROOT}.pluginDivisionMode",
            backstage="gives each plugin its own database, as in the mode 'database'",
            hint="write 'schema'" if mode.lower() == "schema" else "one of 'database' and 'schema'",
        )


def _ignored_schema_flag(entry: ConfigMap, path: str, diagnostics: Diagnostics) -> None:
    if "ensureSchemaExists" in entry:
        diagnostics.warning(
            "GR024",
            "a plugin's own ensureSchemaExists has no effect",
            entry.locate_key("ensureSchemaExists"),
            path=f"{path}.ensureSchemaExists",
            backstage=f"declares it, but reads only {_ROOT}.ensureSchemaExists",
        )


def _client(entry: ConfigMap, path: str, client: Any, connection: Side | None, diagnostics: Diagnostics) -> None:
    """What depends on who reads the connection."""
    check_urls(entry, path, client, diagnostics)
    if connection is not None and "connection" in entry:
        check_tls(connection, diagnostics)
        _one_host(connection, diagnostics)


def _one_host(connection: Side, diagnostics: Diagnostics) -> None:
    """GR232: libpq tries several hosts in turn; these drivers look for one that is called so."""
    host = connection.own.get("host")
    if isinstance(host, str) and "," in host and not host.startswith("/"):
        diagnostics.error(
            "GR232",
            f"{connection.client} connects to one host, and these are several",
            connection.locate("host"),
            path=f"{connection.path}.host" if connection.written else connection.path,
            backstage="looks for a host with a comma in its name: getaddrinfo ENOTFOUND",
            hint="name one host that leads to the primary: a proxy, a service, or the writer endpoint of the cluster",
        )


def _connection(
    entry: ConfigMap, path: str, client: Any, files: _Lines, diagnostics: Diagnostics, *, inherited: Any = None
) -> None:
    """``inherited`` is the base connection's ``rejectUnauthorized``, which a plugin's ssl is merged into."""
    connection = entry.get("connection")
    path = f"{path}.connection"
    if isinstance(connection, str):
        for password in _passwords(connection, client):
            _written_out(password, entry.locate("connection"), path, files, diagnostics, in_url=True)
        return
    if not isinstance(connection, ConfigMap):
        return
    _written_out(connection.get("password"), connection.locate("password"), f"{path}.password", files, diagnostics)
    url = connection.get("connectionString")
    if isinstance(url, str):
        _string_inside(connection, path, diagnostics)
        place = connection.locate("connectionString")
        for password in _passwords(url, client):
            _written_out(password, place, f"{path}.connectionString", files, diagnostics, in_url=True)
    ssl = connection.get("ssl")
    if isinstance(ssl, ConfigMap):
        _certificates(ssl, f"{path}.ssl", diagnostics, unchecked=ssl.get("rejectUnauthorized", inherited) is False)


def _passwords(url: str, client: Any) -> Iterator[Any]:
    """The password where URLs have it, and what the client takes for it: a parameter of that name overrules it."""
    yield url_password(url)
    yield connection_parts(url, client).get("password")
    # A parameter that the client leaves out, as mysql2's does, is written out all the same.
    yield from (unquote(value) for value in _PARAMETER.findall(url))


def _string_inside(connection: ConfigMap, path: str, diagnostics: Diagnostics) -> None:
    diagnostics.warning(
        "GR062",
        "connectionString inside a connection overrules the database of the plugin",
        connection.locate_key("connectionString"),
        path=f"{path}.connectionString",
        backstage="sets connection.database for each plugin, but the driver prefers what the string says",
        hint=f"write the string as {path} itself, or as host, port, user and password",
    )


def _certificates(ssl: ConfigMap, path: str, diagnostics: Diagnostics, *, unchecked: bool) -> None:
    for key in ("ca", "cert", "key"):
        value = ssl.get(key)
        if isinstance(value, str) and not isinstance(value, Placeholder) and _PATH.fullmatch(value.strip()):
            # Where nothing is checked, an authority that is none does not matter today.
            report = diagnostics.warning if unchecked and key == "ca" else diagnostics.error
            report(
                "GR004",
                f"{key!r} takes the text of a certificate or key; this is the path of a file",
                ssl.locate(key),
                path=f"{path}.{key}",
                backstage="hands the path to TLS as if it were the certificate",
                hint=f"{key}: {{$file: <path>}} inserts the content of a file",
            )


def _written_out(
    password: Any,
    location: Location | None,
    path: str,
    files: _Lines,
    diagnostics: Diagnostics,
    *,
    in_url: bool = False,
) -> None:
    """Report a password that the file itself holds. One that came from a variable or another file is where it belongs."""
    if not isinstance(password, str) or not password.strip() or isinstance(password, Placeholder) or location is None:
        return
    if "${" not in password and files.hold(location, password, in_url=in_url):
        diagnostics.warning(
            "GR213",
            "a password is written out here; it is never copied into anything that is generated",
            location,
            path=path,
            hint="take it from the environment: ${A_VARIABLE}, or from a file: {$file: …}",
        )


class _Lines:
    """The lines of the configuration files, read when somebody asks."""

    def __init__(self) -> None:
        self._files: dict[str, list[str]] = {}

    def hold(self, location: Location, text: str, *, in_url: bool) -> bool:
        """Whether the value that starts at ``location`` is written as ``text`` (or, ``in_url``, has it as its password)."""
        written = self._written_at(location)
        if in_url:
            return url_password(written) == text or any(text == unquote(found) for found in _PARAMETER.findall(written))
        return written.startswith(text.strip())

    def _written_at(self, location: Location) -> str:
        """The rest of the line, without what may stand before a scalar."""
        lines = self._lines(location.file)
        if not 0 < location.line <= len(lines):
            return ""
        rest = lines[location.line - 1][max(location.column - 1, 0) :]
        if rest.startswith(("|", ">")) and location.line < len(lines):
            return lines[location.line].lstrip()
        return _BEFORE_SCALAR.sub("", rest)

    def _lines(self, file: str) -> list[str]:
        if file not in self._files:
            try:
                content = Path(file).read_bytes().decode("utf-8", "replace")
            except OSError:
                content = ""
            self._files[file] = content.split("\n")
        return self._files[file]
