"""Which plugin an unknown database looks like: by the tables the published plugins make, else by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.backstage.database.plugin_ids import KNOWN

if TYPE_CHECKING:
    from collections.abc import Collection

    from generator.adopt.state import FoundDatabase

#: Tables no other published plugin makes, from the migrations of the packages.
_TABLES: Final = {
    "app": {"static_assets_cache"},
    "auth": {"signing_keys", "sessions"},
    "catalog": {"refresh_state", "final_entities"},
    "events": {"event_bus_events"},
    "notifications": {"notification", "broadcast"},
    "scaffolder": {"tasks", "task_events"},
    "search": {"documents"},
}
#: Tables every backend plugin with an HTTP router or migrations has: without any of them it is no database of Backstage.
_BACKSTAGE: Final = re.compile(r"backstage_backend_.*|knex_migrations")
_SEPARATOR: Final = re.compile(r"[^A-Za-z0-9]")


def is_backstage(database: FoundDatabase) -> bool:
    """Whether a Backstage plugin has started in ``database`` at least once."""
    return any(_BACKSTAGE.fullmatch(table) for table in database.tables)


def plugin_by_tables(database: FoundDatabase) -> str | None:
    """The published plugin whose tables are in ``database``."""
    return next((plugin for plugin, tables in _TABLES.items() if tables <= database.tables), None)


def plugin_by_name(name: str, plugin_ids: Collection[str]) -> str | None:
    """The longest of ``plugin_ids``, and of the published plugins, that ``name`` ends with, after a separator."""
    candidates = [plugin for plugin in {*plugin_ids, *KNOWN} if names_plugin(name, plugin)]
    return max(candidates, key=lambda plugin: (len(plugin), plugin), default=None)


def names_plugin(name: str, plugin: str) -> bool:
    """Whether ``name`` is ``plugin``, or ends with it after something that is neither a letter nor a digit."""
    rest = name.removesuffix(plugin)
    return rest != name and (not rest or _SEPARATOR.match(rest[-1]) is not None)


def likely_plugin(database: FoundDatabase, plugin_ids: Collection[str]) -> str | None:
    """The plugin ``database`` seems to belong to; ``None`` when it does not look like Backstage at all."""
    by_name = plugin_by_name(database.name, plugin_ids)
    if database.unread:
        return by_name
    return plugin_by_tables(database) or (by_name if is_backstage(database) else None)
