"""What app-config and the code already say about the settings: only what is evident, each with its reason."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple

from generator.clouds import CLOUDS
from generator.documents.values import ConfigMap, Placeholder
from generator.planning.servers import PRIMARY, assign_servers
from generator.problems.diagnostic import Diagnostics
from generator.stores.names import STORES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.planning.model import Server
    from generator.problems.diagnostic import Location
    from generator.settings.model import Settings


class Guess(NamedTuple):
    """A value with the reason for it: what app-config says at ``location`` is ``reason``."""

    value: str
    location: Location | None
    reason: str


def wanted(resolved: PluginDatabaseMap) -> list[PluginDatabase]:
    """The plugins that need something on a server."""
    return [plugin for plugin in resolved.values() if not plugin.error and plugin.engine in ("postgresql", "mysql")]


def guess_cloud(database: ConfigMap, resolved: PluginDatabaseMap) -> Guess | None:
    """The cloud with whose identities every plugin signs in; nothing where one of them has a password, or is MySQL.

    ``database`` is ``backend.database``: what knex gets no longer says the type.
    """
    if any(plugin.engine != "postgresql" or "password" in _connection(plugin) for plugin in wanted(resolved)):
        return None
    connections = [database.get("connection")]
    plugins = database.get("plugin")
    if isinstance(plugins, ConfigMap):
        connections += [entry.get("connection") for entry in plugins.values() if isinstance(entry, ConfigMap)]
    typed = [item for item in connections if isinstance(item, ConfigMap) and "type" in item]
    types = {str(item["type"]) for item in typed}
    if typed[:1] != connections[:1] or len(types) != 1 or not types <= CLOUDS.keys():
        return None
    return Guess(types.pop(), typed[0].locate("type"), "signs in with the cloud's identities")


def guess_store(resolved: PluginDatabaseMap) -> Guess | None:
    """The store that every connection points at; nothing where they point nowhere or at several."""
    found: dict[str, Guess] = {}
    for plugin in wanted(resolved):
        guess = _store(plugin)
        if guess is None:
            return None
        found.setdefault(guess.value, guess)
    return next(iter(found.values())) if len(found) == 1 else None


def _store(plugin: PluginDatabase) -> Guess | None:
    connection = _connection(plugin)
    password, host = connection.get("password"), connection.get("host")
    file = password.references[0].name if isinstance(password, Placeholder) and password.is_file else ""
    name = host.lower() if isinstance(host, str) and not isinstance(host, Placeholder) else ""
    for store, entry in STORES.items():
        if entry.files and file.startswith(entry.files):
            return Guess(store, plugin.sources.get("connection.password"), f"reads a file {entry.files_are}")
    for store, entry in STORES.items():
        if entry.hosts and re.search(entry.hosts, name):
            return Guess(store, plugin.sources.get("connection.host"), f"names a server that is {entry.hosts_are}")
    return None


def guess_file(resolved: PluginDatabaseMap) -> Guess | None:
    """The file each password is delivered in, where the one password there is comes from a file today."""
    found: dict[str, Guess] = {}
    for plugin in wanted(resolved):
        password = _connection(plugin).get("password")
        if not isinstance(password, Placeholder) or not password.is_file:
            return None
        name = password.references[0].name
        if not name.startswith("/"):
            return None
        folder, file = posixpath.split(name)
        place = plugin.sources.get("connection.password")
        found.setdefault(name, Guess(f"{folder.rstrip('/')}/{{plugin}}-{file}", place, "reads the password from a file"))
    return next(iter(found.values())) if len(found) == 1 else None


def find_servers(resolved: PluginDatabaseMap, settings: Settings) -> tuple[dict[str, Server], dict[str, list[str]]]:
    """The servers by name, the primary one first, and the ids of the plugins on each."""
    servers, server_of = assign_servers(wanted(resolved), settings, Diagnostics())
    plugins: dict[str, list[str]] = {}
    for plugin_id, server in sorted(server_of.items()):
        plugins.setdefault(server.name, []).append(plugin_id)
    return {name: servers[name] for name in _primary_first(servers)}, plugins


def _primary_first(names: Iterable[str]) -> list[str]:
    return sorted(names, key=lambda name: (name != PRIMARY, name))


def _connection(plugin: PluginDatabase) -> Mapping[str, object]:
    return plugin.connection if isinstance(plugin.connection, dict) else {}
