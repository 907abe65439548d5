"""Which database server each plugin lives on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.values import Placeholder
from generator.engines import ENGINES
from generator.planning.model import Server
from generator.planning.naming import server_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import ServerSettings, Settings

PRIMARY = "primary"


class Endpoint(NamedTuple):
    """What tells two servers apart. A ``host`` of ``None`` is left to the driver's own defaults."""

    engine: str
    host: str | None
    port: int | str | None

    @property
    def identity(self) -> tuple[str, str | None, int | str]:
        """Equal for the same server, whether or not its default port is written down."""
        return self.engine, self.host, self.port or ENGINES[self.engine].port


def endpoint(plugin: PluginDatabase) -> Endpoint:
    """The server a plugin's resolved connection points at."""
    assert plugin.engine is not None
    connection = plugin.connection if isinstance(plugin.connection, dict) else {}
    url = connection.get("connectionString")
    if isinstance(url, Placeholder):  # a whole URL that only the run-time environment has: nothing more is known
        return Endpoint(plugin.engine, url, None)
    return Endpoint(plugin.engine, _host(connection.get("host")), _port(connection.get("port")))


def _host(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _port(value: Any) -> int | str | None:
    if isinstance(value, Placeholder):
        return value
    try:
        return int(value) if value not in (None, "") else None
    except (TypeError, ValueError):
        return None


def assign_servers(
    plugins: Iterable[PluginDatabase], settings: Settings, diagnostics: Diagnostics
) -> tuple[dict[str, Server], dict[str, Server]]:
    """The servers by name, and the server of each plugin by plugin id.

    The base connection's server is ``primary``. A plugin with another host, port or engine belongs to the ``servers``
    entry with that host, else to a server named by its host. A lone server is ``primary`` whatever its host is.
    """
    plugins = list(plugins)
    endpoints = {plugin.plugin_id: endpoint(plugin) for plugin in plugins}
    identities = {found.identity: found for found in endpoints.values()}
    base = _base_identity(plugins, endpoints)
    names: dict[tuple[str, str | None, int | str], str] = {}
    taken: dict[str, str] = {}
    for identity in sorted(identities, key=lambda item: tuple(map(str, item))):
        found = identities[identity]
        name = _configured_name(found, settings.servers, base=identity == base)
        if name is None:
            alone = len(identities) == 1 or identity == base
            name = PRIMARY if alone else server_name(found.host or f"{found.engine}_{found.port or 'default'}")
        if name in taken and taken[name] != str(identity):
            name = _next_free(name, found, taken)
        taken[name] = str(identity)
        names[identity] = name
    by_plugin: dict[str, Server] = {}
    servers: dict[str, Server] = {}
    for plugin in plugins:
        found = endpoints[plugin.plugin_id]
        name = names[found.identity]
        kind = settings.servers[name].kind if name in settings.servers else "existing"
        if name not in servers:
            servers[name] = Server(name=name, kind=kind, engine=found.engine, host=found.host, port=found.port)
        by_plugin[plugin.plugin_id] = servers[name]
    for name in sorted(set(settings.servers) - set(servers)):
        if plugins:
            diagnostics.warning(
                "GR405",
                f"no plugin uses the server {name!r}",
                settings.locations.get(f"servers.{name}"),
                path=f"servers.{name}",
                hint="its host has to be the text app-config has for the plugin's connection.host",
            )
    return servers, by_plugin


def _base_identity(
    plugins: list[PluginDatabase], endpoints: Mapping[str, Endpoint]
) -> tuple[str, str | None, int | str] | None:
    """The server of the plugins that say nothing of their own about host and port: the base connection's."""
    for plugin in plugins:
        own = plugin.own_connection
        if not plugin.client_overridden and not any(own.get(key) for key in ("host", "port", "connectionString")):
            return endpoints[plugin.plugin_id].identity
    return None


def _configured_name(found: Endpoint, servers: Mapping[str, ServerSettings], *, base: bool) -> str | None:
    fallback = None
    for name, entry in sorted(servers.items()):
        if entry.host is None or entry.host != found.host:
            continue
        if entry.port is not None and entry.port == found.identity[2]:
            return name
        if entry.port is None:
            fallback = fallback or name
    if fallback is None and base and PRIMARY in servers and servers[PRIMARY].host is None:
        return PRIMARY
    return fallback


def _next_free(name: str, found: Endpoint, taken: Mapping[str, str]) -> str:
    candidates = [f"{name}_{found.identity[2]}", *(f"{name}_{number}" for number in range(2, len(taken) + 3))]
    return next(server_name(candidate) for candidate in candidates if server_name(candidate) not in taken)
