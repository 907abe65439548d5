"""What preflight looks at: one target for each plugin, with the credentials Backstage itself would use."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from generator.live.libpq import Address, ConnectionSettingError, address, database_of, user_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.model import Plan, PluginDatabaseMap, PluginPlan

#: Values of ``connection.type`` that fetch a token instead of a password.
TOKEN_TYPES = ("azure", "cloudsql", "rds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """What one plugin has on a server: something the others must not reach."""

    plugin_id: str
    database: str
    schema: str | None
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightTarget:
    """One plugin to prove.

    ``connection`` is what Backstage hands to the driver, password included, and ``environment`` the variables the driver
    would see. ``database``, ``role`` and ``schema`` are what the plan says. ``occupants`` are all plugins on the same
    server, sorted, this one included. ``missing`` are variables of the fragment without a value. With ``error`` set there
    is nothing to connect with, and the text says why.
    """

    plugin_id: str
    connection: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    address: Address | None = None
    database: str
    role: str
    schema: str | None = None
    search_path: tuple[str, ...] | None = None
    set_role: str | None = None
    ensures_databases: bool = False
    occupants: tuple[Occupant, ...] = ()
    missing: tuple[str, ...] = ()
    error: str | None = None
    backstage: str = ""

    @property
    def user(self) -> str | None:
        """The user the driver logs in as."""
        return user_of(self.connection, self.environment)

    @property
    def connects_to(self) -> str | None:
        """The database the driver connects to."""
        return database_of(self.connection, self.environment)


def targets_from_map(
    resolved: PluginDatabaseMap, plan: Plan, environment: Mapping[str, str] | None = None
) -> list[PreflightTarget]:
    """A target for each PostgreSQL plugin of ``plan``, sorted by plugin id.

    Args:
        resolved: the input with the fragment, resolved as Backstage does (``--placeholders backstage``) in the environment
            of the run. A secret that is not there has fallen back to the base connection by then, as in Backstage.
        plan: what was generated: the names to expect, and what belongs to other plugins.
        environment: the variables of the run, with those of ``--env-file``.
    """
    variables = dict(environment or {})
    servers = {server.name for server in plan.servers if server.engine == "postgresql"}
    plugins = sorted((plugin for plugin in plan.plugins if plugin.server in servers), key=lambda item: item.plugin_id)
    occupants = {
        server: tuple(
            Occupant(plugin_id=plugin.plugin_id, database=plugin.database.name, schema=plugin.schema, role=plugin.role.name)
            for plugin in plugins
            if plugin.server == server
        )
        for server in servers
    }
    return [_target(plugin, resolved, occupants[plugin.server], variables) for plugin in plugins]


def _target(
    plugin: PluginPlan, resolved: PluginDatabaseMap, occupants: tuple[Occupant, ...], environment: dict[str, str]
) -> PreflightTarget:
    found = resolved.get(plugin.plugin_id)
    connection = found.connection if found is not None and isinstance(found.connection, dict) else {}
    error = backstage = ""
    place = None
    if found is None:
        error = "the input no longer has this plugin"
    elif found.error:
        error = backstage = found.error
    elif found.engine != "postgresql":
        error = f"the input puts this plugin on {found.client}, and a PostgreSQL database was generated for it"
    else:
        try:
            place = address(connection, environment)
        except ConnectionSettingError as problem:
            error = str(problem)
    variable = plugin.role.delivery.env
    waits_for_variable = plugin.role.delivery.file is None and not environment.get(variable, "").strip()
    return PreflightTarget(
        plugin_id=plugin.plugin_id,
        connection=MappingProxyType(dict(connection)),
        environment=environment,
        address=place,
        database=plugin.database.name,
        role=plugin.role.name,
        schema=plugin.schema,
        search_path=found.search_path if found else None,
        set_role=found.set_role if found else None,
        ensures_databases=bool(found and found.ensure_exists),
        occupants=occupants,
        missing=(variable,) if waits_for_variable else (),
        error=error or None,
        backstage=backstage,
    )
