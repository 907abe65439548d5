"""Settings that keep the names a server has, where they are not those that were planned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.adopt.likeness import likely_plugin, names_plugin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.adopt.state import FoundDatabase, ServerState
    from generator.planning.model import PluginPlan


class KeptNames(NamedTuple):
    """What to write so that existing names stay: a part of app-config, and a part of greenroom.yaml. Empty: nothing."""

    app_config: dict[str, Any]
    settings: dict[str, Any]

    def __bool__(self) -> bool:
        return bool(self.app_config or self.settings)


def keep_names(plugins: list[PluginPlan], state: ServerState, unplanned: list[FoundDatabase]) -> KeptNames:
    """The settings under which the plan of ``plugins`` would use databases and roles that are there already.

    Only what is beyond doubt: exactly one database of no other plan that looks like the plugin's, and a login role of no
    special powers that owns everything in exactly one plugin's database.
    """
    databases = _databases(plugins, state, unplanned)
    roles = _roles(plugins, state, databases)
    own: dict[str, dict[str, str]] = {}
    settings: dict[str, Any] = {}
    app_config: dict[str, Any] = {}
    # A common beginning is one setting for all; it must not rename what has the planned name already.
    prefix = None if any(plugin.database.name in state.databases for plugin in plugins) else _common(databases)
    template = None if any(plugin.role.name in state.roles for plugin in plugins) else _common(roles)
    if prefix is not None:
        app_config["prefix"] = prefix
    else:
        for plugin, name in databases.items():
            own.setdefault(plugin, {})["database"] = name
    if template is not None:
        settings = {"credentials": {"roleName": f"{template}{{plugin}}"}}
    else:
        for plugin, name in roles.items():
            own.setdefault(plugin, {})["user"] = name
    if own:
        app_config["plugin"] = {plugin: {"connection": values} for plugin, values in sorted(own.items())}
    return KeptNames({"backend": {"database": app_config}} if app_config else {}, settings)


def _databases(plugins: list[PluginPlan], state: ServerState, unplanned: list[FoundDatabase]) -> dict[str, str]:
    ids = [plugin.plugin_id for plugin in plugins]
    found: dict[str, str] = {}
    for plugin in plugins:
        if plugin.schema is not None or plugin.database.name in state.databases:
            continue
        candidates = [item.name for item in unplanned if likely_plugin(item, ids) == plugin.plugin_id]
        if len(candidates) == 1:
            found[plugin.plugin_id] = candidates[0]
    return found


def _roles(plugins: list[PluginPlan], state: ServerState, databases: Mapping[str, str]) -> dict[str, str]:
    owners: dict[str, str] = {}
    for plugin in plugins:
        database = state.databases.get(databases.get(plugin.plugin_id, plugin.database.name))
        if plugin.schema is not None or plugin.role.name in state.roles or database is None:
            continue
        names = {item.owner for item in database.objects}
        if len(names) == 1:
            owners[plugin.plugin_id] = names.pop()
    taken = list(owners.values())
    return {
        plugin: name
        for plugin, name in owners.items()
        if taken.count(name) == 1
        and name in state.roles
        and not state.roles[name].powers
        and name != state.administrator.name
    }


def _common(names: Mapping[str, str]) -> str | None:
    """What stands before the plugin id in every one of ``names`` (by plugin); ``None`` when it is not the same."""
    if not names or not all(names_plugin(name, plugin) or name == plugin for plugin, name in names.items()):
        return None
    found = {name.removesuffix(plugin) for plugin, name in names.items()}
    return found.pop() if len(found) == 1 and "" not in found else None
