"""A plugin that is somewhere else now, because a person says so: what it had stays where it is, and it starts afresh.

``plugins.moved`` names the place it left, as :func:`place_of` writes it. From then on the lock file has that place among
what is retired, under the plugin's id with the place behind it, so that nothing is forgotten and nobody takes its names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.model import Adopted, earlier, owner_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.lock.record import Lock, LockedPlugin
    from generator.model import Plan, PluginPlan


def place_of(before: LockedPlugin) -> str:
    """Where a plugin was: ``role@server/database``, in schema mode ``role@server/database.schema``."""
    schema = f".{before.schema}" if before.schema is not None else ""
    return f"{before.role}@{before.server}/{before.database}{schema}"


def leave(previous: Lock | None, plan: Plan, moved: Mapping[str, str]) -> Lock | None:
    """``previous`` as if each plugin that left the place ``moved`` names had been retired there and were a new one now.

    A plugin that goes to a place it had before finds it again. Nothing changes for a plugin that is where it was, or was
    elsewhere than ``moved`` says; nor for one in use whose names alone differ: that is a rename.
    """
    if previous is None or not moved:
        return previous
    plugins, retired = dict(previous.plugins), dict(previous.retired)
    engines = {server.name: server.engine for server in plan.servers}
    for plugin in plan.plugins:
        name, engine = plugin.plugin_id, engines[plugin.server]
        before = plugins.get(name) or retired.get(name)
        if before is None or moved.get(name) != place_of(before):
            continue
        if not (is_another_kind(plugin, engine, before) or (name in retired and not _is_there(plugin, engine, before))):
            continue
        plugins.pop(name, None)
        retired.pop(name, None)
        found = [key for key, old in retired.items() if owner_of(key) == name and _is_there(plugin, engine, old)]
        if found:
            retired[name] = retired.pop(found[0])
        retired[earlier(name, place_of(before))] = before
    return previous._replace(plugins=plugins, retired=retired)


def is_another_kind(plugin: PluginPlan, engine: str, before: LockedPlugin) -> bool:
    """Whether a plugin is elsewhere in a way no rename can bring about."""
    return (
        (engine, plugin.server, plugin.schema is None, plugin.role.is_common)
        != (before.engine, before.server, before.schema is None, before.common)
    ) or (plugin.schema is None and plugin.database.shared != before.shared)


def _is_there(plugin: PluginPlan, engine: str, place: LockedPlugin) -> bool:
    """Whether ``place`` is where ``plugin`` is planned."""
    planned = (engine, plugin.server, plugin.database.name, plugin.schema, plugin.database.shared, plugin.role.name)
    return planned == (place.engine, place.server, place.database, place.schema, place.shared, place.role)


def with_kept_databases(
    adopted: tuple[Adopted, ...], plugins: Iterable[PluginPlan], known: Mapping[str, LockedPlugin]
) -> tuple[Adopted, ...]:
    """``adopted`` and each database that a plugin had for itself, or with others, and has the other way round now.

    Another resource has to manage it then, which takes over what is there.
    """
    planned = {plugin.plugin_id: plugin for plugin in plugins}
    found = {entry.server: entry for entry in adopted}
    for name, old in known.items():
        plugin = planned.get(owner_of(name))
        if plugin is None or name == plugin.plugin_id or plugin.database.shared == old.shared:
            continue
        if (plugin.server, plugin.database.name) == (old.server, old.database):
            entry = found.get(old.server) or Adopted(old.server)
            found[old.server] = entry._replace(databases=tuple(sorted({*entry.databases, old.database})))
    return tuple(found[server] for server in sorted(found))
