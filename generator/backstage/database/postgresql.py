"""PostgreSQL: what ``PgConnector`` computes for a plugin and what knex really gets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.config.reader import ConfigError
from generator.backstage.database.connection_string import parse_pg
from generator.backstage.database.placeholders import concat
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.database.search_path import locate_search_path, names_of, written_search_path
from generator.backstage.database.settings import (
    IN_STRING,
    DatabaseSettings,
    OpaqueConnection,
    PluginClient,
    Setting,
    own_or_base,
    require_name_outside,
)
from generator.backstage.database.sources import collect_sources
from generator.backstage.javascript import lodash
from generator.clouds import CLOUDS
from generator.documents.javascript import is_truthy, to_string
from generator.documents.values import UNDEFINED, ConfigMap

if TYPE_CHECKING:
    from generator.documents.values import Mark
    from generator.problems.diagnostic import Location

_LONGEST_SCHEMA_NAME = 63  # bytes
_NOTHING = ConfigMap()
# What knexConfig says of these does not count; merging into `plugin` would cost the number of plugins for each of them.
_SET_BY_BACKSTAGE = frozenset({"client", "connection", "role", "plugin"})


def resolve(
    settings: DatabaseSettings, plugin: PluginClient, prefix: Setting[str], schema_prefix: Setting[str]
) -> PluginDatabase:
    """What Backstage resolves for a plugin on PostgreSQL, in the order in which it reads.

    Raises ``ConfigError`` where Backstage would throw and ``PlaceholderError`` where a value has to be known.
    """
    plugin_id = plugin.plugin_id
    role = settings.role(plugin_id)
    knex_config = settings.knex_config(plugin_id)
    ensure_exists = settings.ensure_exists(plugin_id)
    base_ensure_schema = settings.base_boolean("ensureSchemaExists")
    # Not a slip of ours: Backstage reads this key, and so ignores the documented `ensureSchemaExists` of a plugin.
    own_ensure_schema = settings.plugin_boolean(plugin_id, "getEnsureSchemaExistsConfig")
    ensure_schema = own_or_base(own_ensure_schema, base_ensure_schema, default=False)
    mode = settings.division_mode()
    in_schema = mode.value == "schema"

    parts = _connections(settings, plugin, mode.value)
    own, mark = parts.own, parts.mark
    database: Any = parts.upper("database")
    database_location = parts.locate("database")
    if database is UNDEFINED or database is None:
        require_name_outside(own, mark, f"plugin.{plugin_id}.connection")
        if in_schema and not plugin.overridden:
            require_name_outside(parts.base, mark, "connection")
    if not in_schema and (database is UNDEFINED or database is None):
        database = concat(prefix.value, plugin_id)
        database_location = prefix.location
    schema = _schema_name(schema_prefix, plugin_id, mode) if in_schema else None
    whole: ConfigMap = settings.once("whole", "", settings.reader.get_optional)
    merged = _merged(parts, plugin, database)
    _check_knex_merge(settings, knex_config)
    set_role = settings.base_string("role")
    effective = _effective(settings, merged, mark)
    places = {
        "client": plugin.client.location,
        "skipMigrations": plugin.skip_migrations.location,
        "pluginDivisionMode": mode.location,
        "databaseName": database_location,
        "role": role.location,
        "ensureExists": ensure_exists.location,
        "ensureSchemaExists": ensure_schema.location,
        "schemaName": schema_prefix.location if in_schema else None,
        "searchPath": schema_prefix.location if in_schema else locate_search_path(whole, knex_config),
    }
    sources = collect_sources(places, effective, mark)
    return PluginDatabase(
        plugin_id=plugin_id,
        client=plugin.client.value,
        client_overridden=plugin.overridden,
        plugin_division_mode=mode.value,
        database_name=None if database is UNDEFINED else database,
        schema_name=schema,
        role=role.value,
        set_role=set_role.value,
        search_path=names_of(written_search_path(whole, knex_config, schema)),
        ensure_exists=ensure_exists.value,
        ensure_schema_exists=ensure_schema.value,
        skip_migrations=plugin.skip_migrations.value,
        connection=effective,
        own_connection=own,
        sources=sources,
        cloud=_cloud(merged),
    )


class _Connections(NamedTuple):
    """The parts a connection is made of.

    ``base`` is the base connection, ``inherited`` what the plugin has of it (nothing when the client is another), ``own`` is
    the plugin's own, ``mark`` where the upper of the two was written.
    """

    base: Any
    inherited: ConfigMap
    own: ConfigMap
    mark: Mark | None

    def upper(self, key: str) -> Any:
        """``{...inherited, ...own}[key]``."""
        return self.own[key] if key in self.own else self.inherited.get(key, UNDEFINED)

    def locate(self, key: str) -> Location | None:
        """Where that was written."""
        return (self.own if key in self.own else self.inherited).locate(key)


def _connections(settings: DatabaseSettings, plugin: PluginClient, mode: str) -> _Connections:
    def parse(text: str) -> ConfigMap:
        return parse_pg(text, settings.read_file)

    base, base_mark = settings.base_connection("pg", parse)
    own, own_mark = settings.plugin_connection(plugin.plugin_id, parse)
    inherited: ConfigMap = settings.once("inherited", mode, lambda: _inherited(base, base_mark, in_schema=mode == "schema"))
    if isinstance(own, OpaqueConnection):
        base = lodash.omit(base, IN_STRING)
        inherited = lodash.omit(inherited, IN_STRING)
    if plugin.overridden:
        inherited = _NOTHING
    return _Connections(base, inherited, own if isinstance(own, ConfigMap) else lodash.spread(own), own_mark or base_mark)


def _merged(parts: _Connections, plugin: PluginClient, database: Any) -> Any:
    """The base connection with the plugin's merged into it, deeply.

    Backstage merges what the plugin inherits as well, which is in the base connection already, and a layer of the database's
    name alone, which changes nothing where the plugin's own connection has that name.
    """
    upper = lodash.spread(parts.own)
    if not plugin.overridden and parts.upper("application_name") is UNDEFINED:
        upper["application_name"] = f"backstage_plugin_{plugin.plugin_id}"
    if is_truthy(database) and not is_truthy(parts.upper("database")):
        upper["database"] = database
    if isinstance(parts.base, ConfigMap):
        return lodash.merge(ConfigMap(), parts.base, upper)
    return lodash.merge(ConfigMap(), ConfigMap({"connection": parts.base}), ConfigMap({"connection": upper}))["connection"]


def _inherited(base: Any, mark: Mark | None, *, in_schema: bool) -> ConfigMap:
    """What plugins inherit of the base connection: no database in database mode, no empty application name."""
    if not in_schema:
        part = lodash.omit(base, ("database",))
    elif isinstance(base, (dict, list)):
        part = lodash.spread(base)
    else:
        kind = "boolean" if isinstance(base, bool) else "number"
        message = f"Cannot create property 'application_name' on {kind} '{to_string(base)}'"
        raise ConfigError("TypeError", message, mark.location if mark else None, "backend.database.connection")
    if not is_truthy(part.get("application_name")):
        part = lodash.omit(part, ("application_name",))
    return part


def _check_knex_merge(settings: DatabaseSettings, knex_config: ConfigMap) -> None:
    """Merge ``knexConfig`` over what backend.database says of the same keys, as an odd pair of values makes that fail."""
    wanted = [key for key in knex_config if key not in _SET_BY_BACKSTAGE]
    if wanted:
        whole: ConfigMap = settings.once("whole", "", settings.reader.get_optional)
        lodash.merge(ConfigMap(), ConfigMap({key: whole[key] for key in wanted if key in whole}), knex_config)


def _schema_name(schema_prefix: Setting[str], plugin_id: str, mode: Setting[str]) -> str:
    name = concat(schema_prefix.value, plugin_id)
    if len(name.encode()) > _LONGEST_SCHEMA_NAME and type(name) is str:
        message = (
            f'PostgreSQL schema name "{name}" exceeds the 63-byte limit. Consider using a shorter schemaPrefix '
            f'(current: "{schema_prefix.value}") or plugin ID (current: "{plugin_id}").'
        )
        raise ConfigError("Error", message, schema_prefix.location or mode.location, "backend.database.schemaPrefix")
    return name


def _cloud(merged: Any) -> str | None:
    kind = lodash.get(merged, "type")
    return kind if isinstance(kind, str) and kind in CLOUDS else None


def _effective(settings: DatabaseSettings, merged: Any, mark: Mark | None) -> ConfigMap:
    """The connection after Backstage's last step: its own keys removed, or a cloud's way of signing in."""
    kind = lodash.get(merged, "type")
    location = (merged.locate("type") if isinstance(merged, ConfigMap) else None) or (mark.location if mark else None)
    if kind is UNDEFINED or not is_truthy(kind) or kind == "default":
        removed = [key for key in ("type", "instance", "tokenCredential") if key in merged]
        return lodash.omit(merged, removed) if removed or not isinstance(merged, ConfigMap) else merged
    settings.require_known(kind, "default, azure, cloudsql or rds", "connection.type", location)
    from generator.backstage.database.cloud import cloud_connection

    return cloud_connection(settings, kind, merged, location)
