"""The plugin database map as ``resolve --format json`` prints it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from generator.backstage.database.redaction import redact
from generator.documents.javascript import number_to_string
from generator.documents.values import UNDEFINED

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap


def to_json(plugins: PluginDatabaseMap, *, show_secrets: bool = False) -> dict[str, Any]:
    """``{"plugins": {id: …}}``, valid under ``schemas/plugin-database-map.schema.json`` once diagnostics are beside it.

    Passwords, private keys and tokens are ``<redacted>`` unless ``show_secrets``.
    """
    return {"plugins": {name: plugin_to_json(plugin, show_secrets=show_secrets) for name, plugin in plugins.items()}}


def plugin_to_json(plugin: PluginDatabase, *, show_secrets: bool = False) -> dict[str, Any]:
    """One plugin: its settings, or only ``error``. What does not apply is ``None``."""
    if plugin.error is not None:
        return {"error": plugin.error}
    document = {
        "client": plugin.client,
        "clientOverridden": plugin.client_overridden,
        "pluginDivisionMode": plugin.plugin_division_mode,
        "databaseName": plugin.database_name,
        "schemaName": plugin.schema_name,
        "role": plugin.role,
        "searchPath": plugin.search_path,
        "ensureExists": plugin.ensure_exists,
        "ensureSchemaExists": plugin.ensure_schema_exists,
        "skipMigrations": plugin.skip_migrations,
        "connection": plugin.connection,
    }
    shown = plain(document if show_secrets else redact(document))
    return {**shown, "sources": {key: str(place) for key, place in sorted(plugin.sources.items())}}


def plain(value: Any) -> Any:
    """``JSON.parse(JSON.stringify(value))``: what is no JSON becomes ``None``, numbers are written as JavaScript does."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is UNDEFINED:
        return None
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bool) or value is None:
        return value
    if not math.isfinite(value):
        return None
    text = number_to_string(value)
    return int(text) if text.lstrip("-").isdecimal() else float(text)
