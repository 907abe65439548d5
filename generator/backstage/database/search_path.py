"""The search path knex sends for each connection: ``searchPath`` of knexConfig, under the schema of schema mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.database.startup_options import path_in_options
from generator.backstage.javascript import lodash
from generator.documents.javascript import is_truthy
from generator.documents.values import UNDEFINED, ConfigList, ConfigMap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Location

_KEY: Final = "searchPath"
_TYPES: Final = {bool: "boolean", int: "number", float: "number"}


def written_search_path(database: ConfigMap, knex_config: ConfigMap, schema: str | None = None) -> Any:
    """What knex gets, ``UNDEFINED`` for nothing.

    Backstage merges all of ``backend.database``, then ``knexConfig`` (the plugin's over the base one), then the plugin's own
    schema. lodash merges lists item by item: of ``[a, b]`` schema mode replaces ``a`` and leaves ``b``.
    """
    layers = [ConfigMap({_KEY: layer[_KEY]}) for layer in (database, knex_config) if _KEY in layer]
    if schema is not None:
        layers.append(ConfigMap({_KEY: ConfigList([schema])}))
    if not layers:
        return UNDEFINED
    return lodash.merge(ConfigMap(), *layers).get(_KEY, UNDEFINED)


def names_of(value: Any) -> tuple[str, ...] | None:
    """The schemas of a path; ``None`` where knex sends none, and where it throws for it."""
    if value is UNDEFINED or not is_truthy(value):
        return None
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return tuple(value)
    return None


def problem_of(value: Any) -> str:
    """What knex throws for a path when it connects; empty when it takes it."""
    if value is UNDEFINED or not is_truthy(value) or isinstance(value, str):
        return ""
    if not isinstance(value, list):
        return f"TypeError: knex: Expected searchPath to be Array/String, got: {_TYPES.get(type(value), 'object')}"
    if not value:
        return "error: syntax error at end of input"
    if not all(isinstance(item, str) for item in value):
        return "TypeError: schemaName.replace is not a function"
    return ""


def locate_search_path(database: ConfigMap, knex_config: ConfigMap) -> Location | None:
    """Where it was written."""
    return knex_config.locate(_KEY) or database.locate(_KEY)


#: Where greenroom's grants are in database mode, and PostgreSQL's own path leads.
PUBLIC: Final = "public"
NO_SCHEMA: Final = 'fails where there is no such schema: "no schema has been selected to create in"'
LEAVE_OUT: Final = (
    f"take searchPath out: tables are then created in {PUBLIC} of each plugin's own database; "
    "or set pluginDivisionMode: schema"
)


class Away(NamedTuple):
    """Plugins whose tables do not go to ``public``: where ``key`` says so, the schemas, and what helps."""

    plugins: list[PluginDatabase]
    schemas: tuple[str, ...]
    location: Location | None
    key: str
    hint: str


def search_paths_away(plugins: Iterable[PluginDatabase]) -> list[Away]:
    """Plugins with a database of their own whose search path does not lead to ``public``, by where it was written.

    A session has the path that knex sends, and without one that of ``connection.options``.
    """
    found: dict[tuple[Location | None, tuple[str, ...]], Away] = {}
    for plugin in plugins:
        if plugin.schema_name is not None:
            continue
        path, source, key, hint = plugin.search_path, "searchPath", "backend.database.knexConfig.searchPath", LEAVE_OUT
        if path is None:
            path, source = path_in_options(plugin.connection), "connection.options"
            key, hint = "backend.database.connection.options", LEAVE_OUT.replace(_KEY, "search_path", 1)
        if path is not None and PUBLIC not in path:
            location = plugin.sources.get(source)
            found.setdefault((location, path), Away([], path, location, key, hint)).plugins.append(plugin)
    return list(found.values())


def describe(plugins: list[PluginDatabase]) -> str:
    """``plugin auth keeps its tables``, ``plugins auth, catalog keep their tables``."""
    names = ", ".join(plugin.plugin_id for plugin in plugins)
    return f"plugins {names} keep their tables" if len(plugins) > 1 else f"plugin {names} keeps its tables"
