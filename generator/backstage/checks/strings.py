"""Values that hold more than their key takes: a URL in ``host`` or ``database``, a port or a path in ``host``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeGuard

from generator.backstage.database.redaction import redact_value
from generator.documents.values import ConfigMap, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.problems.diagnostic import Diagnostics

_ROOT: Final = "backend.database"
_URL: Final = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_FILES: Final = ("sqlite3", "better-sqlite3")
_WRONG: Final = {
    "host": "takes the whole text for the name of a host, and finds none",
    "database": "takes the whole text for the name of a database",
}
# What stands for a variable: it may hold anything.
_UNKNOWN: Final = "\0"
_REFERENCE: Final = re.compile(r"\$\{[^{}]*\}")


class _More(NamedTuple):
    """What may be in a host besides it."""

    pattern: re.Pattern[str]
    what: str
    hint: str


_MORE: Final = (
    _More(re.compile(r"\s"), "a blank", "take the blank out"),
    _More(re.compile("/"), "a path", "take out the slash and what follows; each plugin has a database of its own"),
    # An IPv6 address has more than one colon.
    _More(re.compile(rf"\A[^:]+:(?:\d+|{_UNKNOWN})\Z"), "a port", "move the port, without the colon, to {path}.port"),
    _More(re.compile(r"\A\[.*\]:"), "brackets and a port", "take out the brackets, and move the port to {path}.port"),
    _More(re.compile(r"\A\[.*\]\Z"), "brackets", "take the brackets out: only URLs have them"),
)


def check_strings(merged: ConfigMap, diagnostics: Diagnostics) -> None:
    """Report a URL in ``host`` or ``database`` (GR216), and a ``host`` that holds more than a host (GR218)."""
    for entry, path, client in _entries(merged):
        connection = entry.get("connection")
        if client in _FILES:
            continue
        if isinstance(connection, ConfigMap):
            _urls(connection, f"{path}.connection", diagnostics)
            _host(connection, f"{path}.connection", diagnostics)


def _entries(merged: ConfigMap) -> Iterator[tuple[ConfigMap, str, Any]]:
    yield merged, _ROOT, merged.get("client")
    plugins = merged.get("plugin")
    for plugin_id, entry in plugins.items() if isinstance(plugins, ConfigMap) else ():
        if isinstance(entry, ConfigMap):
            yield entry, f"{_ROOT}.plugin.{plugin_id}", entry.get("client", merged.get("client"))


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not (isinstance(value, Placeholder) and value.is_file)


def _is_url(value: str) -> bool:
    return _URL.match(value.strip()) is not None or redact_value(value) != value


def _urls(connection: ConfigMap, path: str, diagnostics: Diagnostics) -> None:
    for key, backstage in _WRONG.items():
        value = connection.get(key)
        if _is_text(value) and _is_url(value):
            diagnostics.error(
                "GR216",
                f"{key} holds a connection string",
                connection.locate(key),
                path=f"{path}.{key}",
                backstage=backstage,
                hint=f"write it as {path} itself, in place of the object; or its parts as host, port, user, password and "
                "database",
            )


def _host(connection: ConfigMap, path: str, diagnostics: Diagnostics) -> None:
    """GR218. A path at the start is a socket, several hosts are GR232, a template GR230."""
    value = connection.get("host")
    if not _is_text(value) or value.startswith("/") or "," in value or "{{" in value or _is_url(value):
        return
    known = _REFERENCE.sub(_UNKNOWN, value) if isinstance(value, Placeholder) else value
    found = next((more for more in _MORE if more.pattern.search(known)), None)
    if found is not None:
        diagnostics.error(
            "GR218",
            f"host holds more than the name of a host: {found.what}",
            connection.locate("host"),
            path=f"{path}.host",
            backstage="takes the whole text for the name of a host: getaddrinfo ENOTFOUND",
            hint=found.hint.format(path=path),
        )
