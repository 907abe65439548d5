"""SQLite: what ``Sqlite3Connector`` computes for a plugin and what knex really gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError, PlaceholderError, merge
from generator.backstage.database.placeholders import concat
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.database.settings import parse_file_name
from generator.backstage.database.sources import collect_sources
from generator.backstage.javascript import lodash, nodepath
from generator.documents.javascript import to_string
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.backstage.database.settings import DatabaseSettings, PluginClient
    from generator.documents.values import Mark
    from generator.problems.diagnostic import Location

IN_MEMORY = ":memory:"

_NO_BASE_FILE = (
    "`connection.filename` is not supported for the base sqlite connection. Prefer `connection.directory` or provide a "
    "filename for the plugin connection instead."
)


def resolve(settings: DatabaseSettings, plugin: PluginClient) -> PluginDatabase:
    """What Backstage resolves for a plugin on SQLite, in the order in which it reads.

    ``database_name`` is the file, or ``:memory:``. Raises ``ConfigError`` where Backstage would throw and
    ``PlaceholderError`` where a value has to be known.
    """
    plugin_id, overridden = plugin.plugin_id, plugin.overridden
    role = settings.role(plugin_id)
    settings.knex_config(plugin_id)  # for its errors
    connection, own, mark = _inherited_connection(settings, plugin_id, overridden=overridden)
    mode = settings.division_mode()
    filename = _filename(connection, plugin_id)
    if mode.value != "database":
        message = f"The SQLite driver does not support plugin division mode '{mode.value}'"
        raise ConfigError("Error", message, mode.location, "backend.database.pluginDivisionMode")

    override = ConfigMap({"connection": ConfigMap({"filename": filename})})
    effective = lodash.merge(ConfigMap(), ConfigMap({"connection": merge(connection)}), override)["connection"]
    location = connection.locate("filename") or connection.locate("directory")
    if location is not None:
        effective.marks["filename"] = connection.marks.get("filename") or connection.marks["directory"]
    places = {
        "client": plugin.client.location,
        "skipMigrations": plugin.skip_migrations.location,
        "pluginDivisionMode": mode.location,
        "databaseName": location,
        "role": role.location,
    }
    sources = collect_sources(places, effective, mark)
    return PluginDatabase(
        plugin_id=plugin_id,
        client=plugin.client.value,
        client_overridden=overridden,
        plugin_division_mode=mode.value,
        database_name=filename,
        role=role.value,
        skip_migrations=plugin.skip_migrations.value,
        connection=effective,
        own_connection=lodash.spread(own),
        sources=sources,
    )


def join(*parts: Any) -> str:
    """``path.join``; beside a placeholder nothing is normalized, because ``..`` could reach into it."""
    if not any(isinstance(part, Placeholder) for part in parts):
        return nodepath.join(*parts)
    for part in parts:
        if not isinstance(part, str):
            nodepath.join(part)
    pieces = [piece for part in parts for piece in (part, "/")][:-1]
    return concat(*pieces)


def _inherited_connection(
    settings: DatabaseSettings, plugin_id: str, *, overridden: bool
) -> tuple[ConfigMap, Any, Mark | None]:
    base, base_mark = settings.base_connection("sqlite", parse_file_name)
    base_location = base_mark.location if base_mark else None
    _refuse_base_file(base, base_location)
    if settings.division_mode().value != "schema":
        base = lodash.omit(base, ("database",))
    own, own_mark = settings.plugin_connection(plugin_id, parse_file_name)
    connection = lodash.spread(own) if overridden else lodash.spread(base, own)
    return connection, own, own_mark or base_mark


def _refuse_base_file(base: Any, location: Location | None) -> None:
    if not isinstance(base, (dict, list)):
        message = f"Cannot use 'in' operator to search for 'filename' in {to_string(base)}"
        raise ConfigError("TypeError", message, location, "backend.database.connection")
    filename = base.get("filename", UNDEFINED) if isinstance(base, dict) else UNDEFINED
    if filename is UNDEFINED or filename == IN_MEMORY:
        return
    place = (base.locate("filename") if isinstance(base, ConfigMap) else None) or location
    if isinstance(filename, Placeholder):
        raise PlaceholderError(filename, f"{IN_MEMORY}, as anything else fails here", place, "backend.database.connection")
    raise ConfigError("Error", _NO_BASE_FILE, place, "backend.database.connection")


def _filename(connection: ConfigMap, plugin_id: str) -> str:
    filename = connection.get("filename", UNDEFINED)
    if filename == IN_MEMORY:
        return IN_MEMORY
    directory = connection.get("directory", UNDEFINED)
    if directory is UNDEFINED or directory is None:
        directory = "."
    if filename is UNDEFINED or filename is None:
        filename = f"{plugin_id}.sqlite"
    try:
        return join(directory, filename)
    except ConfigError as error:
        key = "filename" if isinstance(directory, str) else "directory"
        raise ConfigError(error.name, error.message, connection.locate(key), f"backend.database.connection.{key}") from None
