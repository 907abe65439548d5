"""The PostgreSQL extensions that plugins create: what the administrator has to create first, and where that cannot work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def with_extensions(
    plan: Plan, settings: Settings, known: Mapping[str, Sequence[str]], diagnostics: Diagnostics | None = None
) -> Plan:
    """``plan`` with the extensions of each plugin: those of the settings, else the ones that are ``known`` of its packages.

    With ``diagnostics``, reports what cannot be (GR553) and what the settings say in vain (GR554).
    """
    engines = {server.name: server.engine for server in plan.servers}
    plugins = tuple(
        plugin._replace(
            extensions=tuple(sorted({*settings.extensions.get(plugin.plugin_id, known.get(plugin.plugin_id, ()))}))
        )
        if engines.get(plugin.server) == "postgresql"
        else plugin
        for plugin in plan.plugins
    )
    if diagnostics is not None:
        _check_schemas(plugins, diagnostics)
        _check_settings(plan, settings, engines, diagnostics)
    return plan._replace(plugins=plugins)


def schema_of(plugin: PluginPlan) -> str:
    """The schema that a plugin's extensions belong in: the one it looks for its tables in, and for no other."""
    return plugin.schema or "public"


def _check_schemas(plugins: Sequence[PluginPlan], diagnostics: Diagnostics) -> None:
    """A database has an extension once, in one schema, and in schema mode a plugin sees its own schema only."""
    first: dict[tuple[str, str, str], PluginPlan] = {}
    for plugin in plugins:
        for name in plugin.extensions:
            other = first.setdefault((plugin.server, plugin.database.name, name), plugin)
            if schema_of(other) != schema_of(plugin):
                diagnostics.error(
                    "GR553",
                    f"the plugins {other.plugin_id!r} and {plugin.plugin_id!r} both need the extension {name} in database "
                    f"{plugin.database.name!r}, in schemas of their own",
                    path="plugins.extensions",
                    backstage=f"fails in the migrations of one of them: it looks for {name} in its own schema only, and a "
                    "database has an extension once",
                    hint="give one of them a database of its own: "
                    f"backend.database.plugin.{plugin.plugin_id}.connection.database",
                )


def _check_settings(plan: Plan, settings: Settings, engines: Mapping[str, str], diagnostics: Diagnostics) -> None:
    """Extensions in the settings of a plugin that has no PostgreSQL database."""
    planned = {plugin.plugin_id: engines.get(plugin.server) for plugin in plan.plugins}
    for plugin_id, names in sorted(settings.extensions.items()):
        if names and planned.get(plugin_id) != "postgresql":
            where = "is on MySQL" if plugin_id in planned else "has no database here"
            key = f"plugins.extensions.{plugin_id}"
            diagnostics.warning(
                "GR554",
                f"the extensions of {plugin_id!r} are not created: the plugin {where}",
                settings.locations.get(key),
                path=key,
                hint=f"remove {key}, or check the id",
            )
