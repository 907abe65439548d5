"""A plugin that is somewhere else now, because a person says so: what it had stays where it is, and it starts afresh.

``plugins.moved`` names the place it left, as :func:`place_of` writes it. From then on the lock file has that place among
what is retired, under the plugin's id with the place behind it, so that nothing is forgotten and nobody takes its names.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from generator.planning.model import earlier, owner_of
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.planning.history.record import Lock, LockedPlugin
    from generator.planning.model import Plan, PluginPlan


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
    left: dict[str, list[str]] = defaultdict(list)
    for key in retired:
        left[owner_of(key)].append(key)
    for plugin in plan.plugins:
        name, engine = plugin.plugin_id, engines[plugin.server]
        before = plugins.get(name) or retired.get(name)
        if before is None or moved.get(name) != place_of(before):
            continue
        was_retired = name in retired
        if not (is_another_kind(plugin, engine, before) or (was_retired and not _is_there(plugin, engine, before))):
            continue
        plugins.pop(name, None)
        retired.pop(name, None)
        for key in left[name]:
            if key in retired and not retired[key].dropped and _is_there(plugin, engine, retired[key]):
                retired[name] = retired.pop(key)
        # Where its retirement was applied nobody manages its role any more, which it may keep.
        place = place_of(before) if before.engine == "postgresql" else f"{before.engine} {place_of(before)}"
        retired[earlier(name, place)] = before._replace(returned=was_retired or before.returned)
    return previous._replace(plugins=plugins, retired=retired)


def settle(previous: Lock | None, applied: Mapping[str, str]) -> Lock | None:
    """``previous`` without the renames that ``applied`` names, old name to new: no environment has the old name any more."""
    if previous is None or not applied:
        return previous

    def settled(plugin: LockedPlugin) -> LockedPlugin:
        was = plugin.renamed_from
        done = {
            kind: None
            for kind in ("database", "schema", "role")
            if (old := getattr(was, kind)) is not None and applied.get(old) == getattr(plugin, kind)
        }
        return plugin._replace(renamed_from=was._replace(**done)) if done else plugin

    return previous._replace(
        plugins={name: settled(plugin) for name, plugin in previous.plugins.items()},
        retired={name: settled(plugin) for name, plugin in previous.retired.items()},
    )


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


def with_what_is_kept(
    adopted: tuple[Adopted, ...], plugins: Iterable[PluginPlan], known: Mapping[str, LockedPlugin]
) -> tuple[Adopted, ...]:
    """``adopted``, and what a plugin still has of an earlier place although Terraform manages it at another address now.

    That is a database which it had for itself and shares now, or the other way round; a role that was that of all plugins
    and is no longer, or the other way round; and all that it still uses, if it was retired before it came back elsewhere.
    """
    planned = {plugin.plugin_id: plugin for plugin in plugins}
    found = {entry.server: entry for entry in adopted}
    for name, old in known.items():
        plugin = planned.get(owner_of(name))
        if plugin is None or name == plugin.plugin_id or old.dropped or plugin.server != old.server:
            continue
        entry = found.get(old.server) or Adopted(old.server)
        if plugin.database.name == old.database and (old.returned or plugin.database.shared != old.shared):
            entry = entry._replace(databases=tuple(sorted({*entry.databases, old.database})))
            if old.engine == "mysql" and plugin.role.name == old.role:  # with what it is granted there
                entry = entry._replace(roles=tuple(sorted({*entry.roles, old.role})))
            if old.returned and plugin.schema is not None and plugin.schema == old.schema:
                entry = entry._replace(schemas=tuple(sorted({*entry.schemas, (old.database, old.schema)})))
        if plugin.role.name == old.role and (old.returned or plugin.role.is_common != old.common):
            entry = entry._replace(roles=tuple(sorted({*entry.roles, old.role})))
            if old.returned:  # a secret is there, and the password in it may be any: it is set anew
                entry = entry._replace(secrets=tuple(sorted({old.role: 0, **dict(entry.secrets)}.items())))
        if entry != Adopted(old.server):
            found[old.server] = entry
    return tuple(found[server] for server in sorted(found))
