"""Connection strings that nobody reads as one: a URL in ``host`` or ``database``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, TypeGuard

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


def check_strings(merged: ConfigMap, diagnostics: Diagnostics) -> None:
    """Report a URL in ``host`` or ``database`` (GR216)."""
    for entry, path, client in _entries(merged):
        connection = entry.get("connection")
        if client in _FILES:
            continue
        if isinstance(connection, ConfigMap):
            _urls(connection, f"{path}.connection", diagnostics)


def _entries(merged: ConfigMap) -> Iterator[tuple[ConfigMap, str, Any]]:
    yield merged, _ROOT, merged.get("client")
    plugins = merged.get("plugin")
    for plugin_id, entry in plugins.items() if isinstance(plugins, ConfigMap) else ():
        if isinstance(entry, ConfigMap):
            yield entry, f"{_ROOT}.plugin.{plugin_id}", entry.get("client", merged.get("client"))


def _is_text(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and not (isinstance(value, Placeholder) and value.is_file)


def _urls(connection: ConfigMap, path: str, diagnostics: Diagnostics) -> None:
    for key, backstage in _WRONG.items():
        value = connection.get(key)
        if _is_text(value) and (_URL.match(value.strip()) or redact_value(value) != value):
            diagnostics.error(
                "GR216",
                f"{key} holds a connection string",
                connection.locate(key),
                path=f"{path}.{key}",
                backstage=backstage,
                hint=f"write it as {path} itself, in place of the object; or its parts as host, port, user, password and "
                "database",
            )
