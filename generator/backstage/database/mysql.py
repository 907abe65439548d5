"""MySQL and MariaDB: what ``MysqlConnector`` computes for a plugin and what knex really gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError, merge
from generator.backstage.database.connection_string import parse_mysql
from generator.backstage.database.placeholders import concat
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.database.settings import (
    IN_STRING,
    DatabaseSettings,
    OpaqueConnection,
    PluginClient,
    Setting,
    require_name_outside,
)
from generator.backstage.database.sources import collect_sources
from generator.backstage.javascript import lodash
from generator.documents.javascript import is_truthy
from generator.documents.values import UNDEFINED, ConfigMap

if TYPE_CHECKING:
    from generator.documents.values import Mark


def resolve(settings: DatabaseSettings, plugin: PluginClient, prefix: Setting[str]) -> PluginDatabase:
    """What Backstage resolves for a plugin on MySQL, in the order in which it reads.

    Raises ``ConfigError`` where Backstage would throw and ``PlaceholderError`` where a value has to be known.
    """
    plugin_id, overridden = plugin.plugin_id, plugin.overridden
    role = settings.role(plugin_id)
    settings.knex_config(plugin_id)  # for its errors
    connection, own, mark = _inherited_connection(settings, plugin_id, overridden=overridden)
    mode = settings.division_mode()
    database: Any = connection.get("database", UNDEFINED)
    location = connection.locate("database")
    if database is UNDEFINED or database is None:
        require_name_outside(own, mark, f"plugin.{plugin_id}.connection")
        database = concat(prefix.value, plugin_id)
        location = prefix.location
    ensure_exists = settings.ensure_exists(plugin_id)
    if mode.value != "database":
        message = f"The MySQL driver does not support plugin division mode '{mode.value}'"
        raise ConfigError("Error", message, mode.location, "backend.database.pluginDivisionMode")

    override = ConfigMap({"connection": ConfigMap({"database": database})}) if is_truthy(database) else None
    effective = lodash.merge(ConfigMap(), ConfigMap({"connection": merge(connection)}), override)["connection"]
    places = {
        "client": plugin.client.location,
        "skipMigrations": plugin.skip_migrations.location,
        "pluginDivisionMode": mode.location,
        "databaseName": location,
        "role": role.location,
        "ensureExists": ensure_exists.location,
    }
    sources = collect_sources(places, effective, mark)
    return PluginDatabase(
        plugin_id=plugin_id,
        client=plugin.client.value,
        client_overridden=overridden,
        plugin_division_mode=mode.value,
        database_name=database,
        role=role.value,
        ensure_exists=ensure_exists.value,
        skip_migrations=plugin.skip_migrations.value,
        connection=effective,
        own_connection=lodash.spread(own),
        sources=sources,
    )


def _inherited_connection(
    settings: DatabaseSettings, plugin_id: str, *, overridden: bool
) -> tuple[ConfigMap, Any, Mark | None]:
    """The plugin's connection over the base one, the plugin's own part, and where the upper of them was written."""
    base, base_mark = settings.base_connection("mysql", parse_mysql)
    if settings.division_mode().value != "schema":
        base = lodash.omit(base, ("database",))
    own, own_mark = settings.plugin_connection(plugin_id, parse_mysql)
    if isinstance(own, OpaqueConnection):
        base = lodash.omit(base, IN_STRING)
    connection = lodash.spread(own) if overridden else lodash.spread(base, own)
    return connection, own, own_mark or base_mark
