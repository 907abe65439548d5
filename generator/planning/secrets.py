"""Names that hold a password: they would be written into every file that is generated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.database.redaction import redact_value
from generator.planning.places import config_key, source

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Diagnostics

#: Reported where the app-config is checked: the same value is told once.
_TOLD = ("GR216", "GR220")


def report_secrets(plugin: PluginDatabase, diagnostics: Diagnostics) -> bool:
    """Whether a name of ``plugin`` holds a password (a connection string in the wrong key); if so, it is an error."""
    connection = plugin.connection if isinstance(plugin.connection, dict) else {}
    names = {
        "databaseName": plugin.database_name,
        "schemaName": plugin.schema_name,
        "role": plugin.role,
        **{f"connection.{key}": connection.get(key) for key in ("host", "port", "user", "database")},
    }
    for key, value in names.items():
        if not isinstance(value, str) or redact_value(value) == value:
            continue
        location = source(plugin, key, "connection.database", "connection", "prefix")
        if not any(item.location == location and item.code in _TOLD for item in diagnostics):
            what = {"databaseName": "database name", "schemaName": "schema name"}.get(key, key.rpartition(".")[2])
            diagnostics.error(
                "GR423",
                f"the {what} of plugin {plugin.plugin_id!r} holds a password",
                location,
                path=config_key(plugin, "connection.database" if key == "databaseName" else key),
                backstage="takes the whole text for a name",
                hint="write a name, and the password as connection.password: ${A_VARIABLE}",
            )
        return True
    return False
