"""What a configuration with the fragment says of pairs: it names a login, and the lock file knows whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.model import login_name
from generator.planning.pair import LETTERS

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.planning.history import Lock


def without_logins(resolved: PluginDatabaseMap, lock: Lock | None) -> PluginDatabaseMap:
    """``resolved`` with the role of a pair where the fragment names one of its logins: what a plan is made from."""
    return {name: _without_login(plugin, lock) for name, plugin in resolved.items()}


def _without_login(plugin: PluginDatabase, lock: Lock | None) -> PluginDatabase:
    before = lock.of(plugin.plugin_id) if lock is not None else None
    if before is None or before.pair is None or not isinstance(plugin.connection, dict):
        return plugin
    logins = {login_name(before.role, letter) for letter in LETTERS}
    if plugin.own_connection.get("user") not in logins:
        return plugin
    own = {**plugin.own_connection, "user": before.role}
    return plugin._replace(connection={**plugin.connection, "user": before.role}, own_connection=own)
