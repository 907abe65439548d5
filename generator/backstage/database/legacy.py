"""The database managers Backstage had before ``@backstage/backend-defaults``.

``plugin-connection`` is the ``PluginConnectionDatabaseManager`` of ``@backstage/backend-common`` (``DatabaseManager`` from
0.8.1 on): a client and a connection for each plugin, ``prefix``, ``ensureExists``, SQLite in memory unless a plugin names a
file. ``single-connection`` is the ``SingleConnectionDatabaseManager`` before it: one connection, and a database named
``backstage_plugin_<id>`` for every plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError, merge
from generator.backstage.database import sqlite
from generator.backstage.database.connection_string import parse_mysql, parse_pg
from generator.backstage.database.placeholders import concat
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.database.settings import (
    IN_STRING,
    DatabaseSettings,
    OpaqueConnection,
    Parser,
    Setting,
    parse_file_name,
    require_name_outside,
)
from generator.backstage.database.sources import collect_sources
from generator.backstage.javascript import lodash, nodepath
from generator.documents.javascript import INHERITED, is_truthy, to_string
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from generator.documents.values import Mark

_CLIENTS = ("pg", "sqlite3", "mysql", "mysql2")


# --- plugin-connection ------------------------------------------------------------------------------------------------


def resolve_plugin_connection(settings: DatabaseSettings, plugin_id: str) -> PluginDatabase:
    """What the manager with a connection for each plugin resolves.

    Raises ``ConfigError`` where it would throw and ``PlaceholderError`` where a value has to be known.
    """
    prefix = settings.base_string("prefix")
    client, overridden = settings.client(plugin_id)
    base_client = settings.base_client().value
    base, base_mark = settings.base_connection("plugin-connection", _parser(settings, base_client))
    base = lodash.omit(base, ("database",))
    own, own_mark = settings.plugin_connection(plugin_id, _parser(settings, client.value))
    if isinstance(own, OpaqueConnection):
        base = lodash.omit(base, IN_STRING)
    connection = lodash.spread(own) if overridden else lodash.spread(base, own)
    ensure_exists = settings.ensure_exists(plugin_id)
    mark = own_mark or base_mark
    if client.value not in _CLIENTS:
        cause = (
            "ConnectorMapping[client].createNameOverride is not a function"
            if client.value in INHERITED
            else "Cannot read properties of undefined (reading 'createNameOverride')"
        )
        message = f"Unable to create database name override for '{client.value}' connector; caused by TypeError: {cause}"
        raise ConfigError("InputError", message, client.location, "backend.database.client")

    key = "filename" if client.value == "sqlite3" else "database"
    name: Any = connection.get(key, UNDEFINED)
    location = connection.locate(key)
    if name is UNDEFINED or name is None:
        require_name_outside(own, own_mark, f"plugin.{plugin_id}.connection")
        in_memory = client.value == "sqlite3"
        name = sqlite.IN_MEMORY if in_memory else concat(prefix.value or "backstage_plugin_", plugin_id)
        location = None if in_memory else prefix.location
    override = ConfigMap({"connection": ConfigMap({key: name})})
    effective = lodash.merge(ConfigMap(), ConfigMap({"connection": merge(connection)}), override)["connection"]
    if location is not None and key in connection.marks:
        effective.marks[key] = connection.marks[key]
    if client.value == "sqlite3":
        _settle_file(effective, mark)
    places = {
        "client": client.location,
        "databaseName": location,
        "ensureExists": ensure_exists.location,
    }
    sources = collect_sources(places, effective, mark)
    return PluginDatabase(
        plugin_id=plugin_id,
        client=client.value,
        client_overridden=overridden,
        database_name=name,
        ensure_exists=ensure_exists.value,
        connection=effective,
        own_connection=lodash.spread(own),
        sources=sources,
    )


def _parser(settings: DatabaseSettings, client: str) -> Parser:
    """The parser of ``client``; whatever goes wrong in it is reported in the same words."""
    if client == "sqlite3":
        return parse_file_name
    parsers: dict[str, Parser] = {
        "pg": lambda text: parse_pg(text, settings.read_file),
        "mysql": parse_mysql,
        "mysql2": parse_mysql,
    }

    def parse(text: str) -> ConfigMap:
        try:
            return parsers[client](text)
        except (ConfigError, KeyError):
            raise ConfigError("InputError", f"Unable to parse connection string for '{client}' connector") from None

    return parse


# --- single-connection ------------------------------------------------------------------------------------------------


def resolve_single_connection(settings: DatabaseSettings, plugin_id: str) -> PluginDatabase:
    """What the manager with one connection for all plugins resolves.

    Raises ``ConfigError`` where it would throw and ``PlaceholderError`` where a value has to be known.
    """
    client = settings.base_client()
    name: Any = f"backstage_plugin_{plugin_id}"
    base, mark = _single_base(settings, client)
    override = ConfigMap({"connection": ConfigMap({"database": name})})
    start = ConfigMap({"connection": ConfigMap()}) if client.value == "sqlite3" else ConfigMap()
    effective = lodash.merge(start, ConfigMap({"connection": base}), override)["connection"]
    is_file = client.value == "sqlite3"
    if is_file:
        _settle_file(effective, mark)
        name = lodash.get(effective, "filename")
    named_by = effective.locate("filename") if is_file and isinstance(effective, ConfigMap) else None
    sources = collect_sources({"client": client.location, "databaseName": named_by}, effective, mark)
    return PluginDatabase(
        plugin_id=plugin_id,
        client=client.value,
        client_overridden=False,
        database_name=name,
        ensure_exists=None if is_file else True,
        connection=effective,
        sources=sources,
    )


def _single_base(settings: DatabaseSettings, client: Setting[str]) -> tuple[Any, Mark | None]:
    if client.value == "pg":
        return settings.base_connection("pg", lambda text: parse_pg(text, settings.read_file))
    if client.value in ("mysql", "mysql2"):
        return settings.base_connection("mysql", parse_mysql)
    if client.value == "sqlite3":
        if not settings.reader.has("connection"):
            return UNDEFINED, None
        return settings.base_connection("sqlite", parse_file_name)
    if client.value == "better-sqlite3":
        # Handed to knex as it is: a string is lost when the name of the database is merged over it.
        return settings.reader.get_optional("connection"), settings.reader.mark("connection")
    message = (
        f"knex: Unknown configuration option 'client' value {client.value}. Note that it is case-sensitive, check "
        "documentation for supported values."
    )
    raise ConfigError("Error", message, client.location, "backend.database.client")


# --- SQLite files -----------------------------------------------------------------------------------------------------


def _settle_file(connection: Any, mark: Mark | None) -> None:
    """Name the file after the ``database`` when there is one, and see that its folder could be created."""
    database = lodash.get(connection, "database")
    filename = lodash.get(connection, "filename")
    try:
        if database is not UNDEFINED and is_truthy(database) and filename != sqlite.IN_MEMORY:
            file = concat(database, ".sqlite") if isinstance(database, Placeholder) else f"{to_string(database)}.sqlite"
            filename = sqlite.join(filename, file)
            if isinstance(connection, ConfigMap):
                connection["filename"] = filename
        if filename is not UNDEFINED and not isinstance(filename, str) and is_truthy(filename):
            nodepath.join(filename)  # the folder of the file is created first, which takes a string
    except (TypeError, ConfigError) as error:
        message = error.message if isinstance(error, ConfigError) else str(error)
        place = mark.location if mark else None
        raise ConfigError("TypeError", message, place, "backend.database.connection") from None
