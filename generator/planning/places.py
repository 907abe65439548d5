"""Where app-config says what about a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Location


def config_key(plugin: PluginDatabase, *parts: str) -> str:
    """The key of a plugin in app-config: ``backend.database.plugin.catalog.connection``."""
    return ".".join(("backend.database.plugin", plugin.plugin_id, *parts))


def source(plugin: PluginDatabase, *keys: str) -> Location | None:
    """Where the first of ``keys`` that was written at all was written."""
    return next((plugin.sources[key] for key in keys if key in plugin.sources), None)
