"""What stays as it is although nobody asks for it any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.history.record import LockedPlugin
    from generator.planning.model import Database, Plan


def keep_sharing(plan: Plan, known: Mapping[str, LockedPlugin]) -> Plan:
    """``plan`` with a shared database still shared when its other plugins are gone: what they made is in there."""
    kept: dict[tuple[str, str], Database] = {}
    groups: dict[tuple[str, str], str] = {}
    for item in plan.databases:
        before = [known[plugin_id] for plugin_id in item.plugins if plugin_id in known]
        was = [old for old in before if old.shared and (old.server, old.database) == (item.server, item.name)]
        group = item.group or next((old.group for old in was if old.group), None)
        if was and (group, True) != (item.group, item.shared):
            kept[item.server, item.name] = item._replace(shared=True, group=group)
            groups.update(
                ((plugin.server, plugin.role.name), group) for plugin in plan.plugins if group and plugin.database == item
            )
    if not kept:
        return plan
    roles = {
        (role.server, role.name): role._replace(group=groups[role.server, role.name])
        for role in plan.roles
        if (role.server, role.name) in groups
    }
    return plan._replace(
        databases=tuple(kept.get((item.server, item.name), item) for item in plan.databases),
        roles=tuple(roles.get((role.server, role.name), role) for role in plan.roles),
        plugins=tuple(
            plugin._replace(
                database=kept.get((plugin.server, plugin.database.name), plugin.database),
                role=roles.get((plugin.server, plugin.role.name), plugin.role),
            )
            for plugin in plan.plugins
        ),
    )
