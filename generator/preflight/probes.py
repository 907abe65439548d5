"""What preflight looks at: one target for each plugin, with the credentials Backstage itself would use."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError
from generator.backstage.database.connection_string import parse_pg
from generator.backstage.rbac import adapter_connection, adapter_problem
from generator.engines import ENGINES
from generator.planning.access import Occupant, access_of
from generator.preflight.mysql import mysql_connection
from generator.preflight.pairs import TargetPair, target_pair
from generator.preflight.pool import Pool
from generator.preflight.postgresql import libpq
from generator.preflight.postgresql.libpq import Address, ConnectionSettingError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.planning.model import Plan, PluginPlan
    from generator.preflight.base_settings import BaseSettings
    from generator.preflight.unset import Unset


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensure:
    """What Backstage creates itself at start: a database, a schema, or both, and the connection it does that with.

    For PostgreSQL that is the base connection, whatever the plugin's own is; for MySQL the plugin's.
    """

    connection: Mapping[str, Any] = field(repr=False)
    set_role: str | None = None
    database: str | None = None
    schema: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapter:
    """The second connection of the RBAC backend, and the schema of its table. With ``problem`` set it throws that."""

    connection: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    schema: str = "public"
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightTarget:
    """One plugin to prove.

    ``connection`` is what Backstage hands to the driver, password included, and ``environment`` the variables the driver
    would see. ``database``, ``role`` and ``schema`` are what the plan says. ``occupants`` are all plugins on the same
    server, sorted, this one included; ``retired`` are databases there that plugins had before.
    ``pair`` are the two logins of the role, which then owns everything and does not log in.
    ``made_for`` is the environment of the plan, ``extensions`` are those the plugin's migrations create. ``user_host`` is
    where a MySQL user may come from,
    ``search_path_problem`` is what knex throws for the search path,
    ``skip_migrations`` whether something else than Backstage migrates,
    ``shares_user`` whether all plugins of the server log in with this user on purpose. ``missing`` are variables of the
    password without a value; ``told`` are the checks whose failure follows from other such variables, which is told for all
    plugins at once. With ``error`` set there is nothing to connect with, and the text says why.
    """

    plugin_id: str
    engine: str = "postgresql"
    connection: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)
    address: Address | None = None
    database: str
    role: str
    schema: str | None = None
    search_path: tuple[str, ...] | None = None
    search_path_problem: str = ""
    set_role: str | None = None
    user_host: str = "%"
    skip_migrations: bool = False
    shares_user: bool = False
    ensure: Ensure | None = None
    adapter: Adapter | None = None
    pair: TargetPair | None = None
    pool: Pool = field(default_factory=Pool)
    occupants: tuple[Occupant, ...] = ()
    retired: frozenset[str] = frozenset()
    made_for: str = ""
    extensions: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    told: frozenset[str] = frozenset()
    error: str | None = None
    backstage: str = ""

    @property
    def user(self) -> str | None:
        """The user the driver logs in as."""
        find = mysql_connection.user_of if self.engine == "mysql" else libpq.user_of
        return find(self.connection, self.environment)

    @property
    def login(self) -> str:
        """Who is to log in, by the plan: the role, or the live login of its pair."""
        return self.pair.live if self.pair is not None else self.role

    @property
    def works_as(self) -> str:
        """Whose the tables are that a session makes: what a plugin needs in a database is granted to this role."""
        return self.set_role or (self.pair.acts_as if self.pair is not None else self.user or self.role)

    @property
    def names(self) -> tuple[str, ...]:
        """Every role that logs in for the plugin or is logged in as, the user of the connection first."""
        return tuple(dict.fromkeys((self.user or self.role, *(self.pair.names if self.pair is not None else ()))))

    @property
    def connects_to(self) -> str | None:
        """The database the driver connects to."""
        find = mysql_connection.database_of if self.engine == "mysql" else libpq.database_of
        return find(self.connection, self.environment)

    @property
    def occupant(self) -> Occupant:
        """What the plugin itself has."""
        return Occupant(self.plugin_id, self.database, self.schema, self.role)

    @property
    def sharing(self) -> int:
        """How many plugins of the plan log in with this target's role."""
        return sum(item.role == self.role for item in self.occupants) or 1


def targets_from_map(
    resolved: PluginDatabaseMap,
    plan: Plan,
    environment: Mapping[str, str] | None = None,
    base: BaseSettings | None = None,
    unset: Unset | None = None,
    known: Collection[tuple[str, str]] = (),
    guessed: Collection[str] = (),
) -> list[PreflightTarget]:
    """A target for each plugin of ``plan`` on a database server, sorted by plugin id.

    Args:
        resolved: the input with the fragment, resolved as Backstage does (``--placeholders backstage``) in the environment
            of the run. A secret that is not there has fallen back to the base connection by then, as in Backstage.
        plan: what was generated: the names to expect, and what belongs to other plugins.
        environment: the variables of the run, with those of ``--env-file``.
        base: what is set for all plugins; without it nothing is known of pools and of what Backstage creates itself.
        unset: the variables of app-config that have no value.
        known: server and name of the databases that plugins had before, as the lock file says.
        guessed: plugins with a pair of logins of which no lock file says where its rotation stands.
    """
    variables = dict(environment or {})
    engines = {server.name: server.engine for server in plan.servers}
    plugins = sorted(plan.plugins, key=lambda item: item.plugin_id)
    occupants = {server: access_of(plan).occupants(server) for server in engines}
    left: dict[str, set[str]] = defaultdict(set)
    for server, database in (*known, *((gone.server, gone.database) for gone in plan.retired)):
        left[server].add(database)
    found = [
        _target(plugin, engines[plugin.server], resolved, occupants[plugin.server], variables, base, plan, unset)
        for plugin in plugins
    ]
    return [
        replace(
            target,
            retired=frozenset(left[plugin.server]),
            pair=target_pair(plugin, variables, guessed=plugin.plugin_id in guessed),
        )
        for target, plugin in zip(found, plugins, strict=True)
    ]


def _target(
    plugin: PluginPlan,
    engine: str,
    resolved: PluginDatabaseMap,
    occupants: tuple[Occupant, ...],
    environment: dict[str, str],
    base: BaseSettings | None,
    plan: Plan,
    unset: Unset | None,
) -> PreflightTarget:
    found = resolved.get(plugin.plugin_id)
    connection = found.connection if found is not None and isinstance(found.connection, dict) else {}
    error = backstage = ""
    place = None
    if found is None:
        error = "the input no longer has this plugin"
    elif found.error:
        error = backstage = found.error
    elif found.engine != engine:
        error = f"the input puts this plugin on {found.client}, and a {ENGINES[engine].title} database was generated for it"
    else:
        try:
            if engine == "postgresql":
                connection = _spelled_out(connection)
            connection = {**connection, **_sign_in(found, base)}
            find = mysql_connection.address if engine == "mysql" else libpq.address
            place = find(connection, environment)
        except ConnectionSettingError as problem:
            error = str(problem)
        except ConfigError as problem:
            error = "connection.connectionString cannot be parsed"
            backstage = problem.message
    delivery = plugin.role.live.delivery
    waits = delivery.file is None and plugin.role.iam is None and not environment.get(delivery.env, "").strip()
    missing: tuple[str, ...] = (delivery.env,) if waits else ()
    told: frozenset[str] = frozenset()
    if unset is not None:
        empty = missing if delivery.env in environment else ()  # set, to nothing
        missing = tuple(dict.fromkeys(item.variable for item in unset.password(plugin.plugin_id))) or empty
        told = frozenset().union(*unset.consequences(plugin.plugin_id).values())
    return PreflightTarget(
        plugin_id=plugin.plugin_id,
        engine=engine,
        connection=MappingProxyType(dict(connection)),
        environment=environment,
        address=place,
        database=plugin.database.name,
        role=plugin.role.name,
        schema=plugin.schema,
        search_path=found.search_path if found else None,
        search_path_problem=_search_path_problem(found, base),
        set_role=found.set_role if found else None,
        user_host=plugin.role.host,
        shares_user=plugin.role.is_common,
        skip_migrations=bool(found and found.skip_migrations),
        ensure=_ensure(found, base) if found is not None and not error else None,
        adapter=_adapter(found, base) if base is not None and plan.base_login == plugin.plugin_id else None,
        pool=base.pool_of(plugin.plugin_id, engine) if base is not None else Pool(),
        occupants=occupants,
        made_for=plan.environment,
        extensions=plugin.extensions,
        missing=missing,
        told=told,
        error=error or None,
        backstage=backstage,
    )


def _sign_in(found: PluginDatabase, base: BaseSettings | None) -> dict[str, Any]:
    """What the token of a cloud is fetched with, which Backstage does not hand to the driver."""
    if found.cloud is None:
        return {}
    database = base.database if base is not None else {}
    plugins = database.get("plugin")
    own = plugins.get(found.plugin_id) if isinstance(plugins, dict) else None
    places = [item.get("connection") for item in (own, database) if isinstance(item, dict)]
    regions = [place["region"] for place in places if isinstance(place, dict) and place.get("region")]
    return {"type": found.cloud, **({"region": regions[0]} if regions else {})}


def _spelled_out(connection: Mapping[str, Any]) -> dict[str, Any]:
    """A ``connectionString`` inside the object wins over what stands beside it: node-postgres reads it at login.

    Raises:
        ConfigError: it cannot be parsed.
    """
    text = connection.get("connectionString")
    return {**connection, **parse_pg(text)} if isinstance(text, str) and text else dict(connection)


def _adapter(found: PluginDatabase | None, base: BaseSettings) -> Adapter | None:
    """How the RBAC backend connects."""
    if found is None or found.error:
        return None
    problem = adapter_problem(base.database)
    if problem is not None:
        return Adapter(problem=problem.message, hint=problem.hint)
    if base.database.get("client") == "better-sqlite3":
        return None  # it goes by the base client: its policies are in a file, or in memory
    name = found.connection.get("database") if isinstance(found.connection, dict) else None
    path = found.search_path or ("public",)
    return Adapter(connection=adapter_connection(base.connection, name), schema=path[0])


def _search_path_problem(found: PluginDatabase | None, base: BaseSettings | None) -> str:
    if found is None or base is None or found.engine != "postgresql":
        return ""
    return base.search_path_problem(found.plugin_id, found.schema_name)


def _ensure(found: PluginDatabase, base: BaseSettings | None) -> Ensure | None:
    """What Backstage's connector creates before it hands out the plugin's client."""
    database = str(found.database_name) if found.database_name and found.ensure_exists else None
    if found.engine == "mysql":
        return Ensure(connection=found.connection, database=database) if database else None
    schema = found.schema_name if found.schema_name and (found.ensure_schema_exists or found.ensure_exists) else None
    if not database and not schema:
        return None
    connection: Mapping[str, Any] = base.connection if base is not None else {}
    with contextlib.suppress(ConfigError):
        connection = _spelled_out(connection)
    return Ensure(
        connection=connection, set_role=base.set_role if base is not None else None, database=database, schema=schema
    )
