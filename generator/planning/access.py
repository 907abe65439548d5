"""Who may do what where: owners, grants, memberships and search paths, and what belongs to one plugin alone.

A plan says which names there are. What follows from it on a server is derived here and nowhere else: every target prints
this, and preflight and adopt compare a server with it.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.planning.model import Database, Plan, PluginPlan, Role

Place = tuple[str, str]
"""A server's name, and the name of a database or role on it."""


def place(item: Database | Role) -> Place:
    """Where a database or role is."""
    return item.server, item.name


def acts_as(role: Role) -> str | None:
    """The role that every connection of ``role`` switches to, because app-config says so (``role``)."""
    return role.group if role.is_common else None


def owner(plugin: PluginPlan) -> str:
    """The role that owns what ``plugin`` makes, whoever logs in: its own, or the group of those it shares with.

    A login of a pair acts as it when a session begins: settings do not follow a role that is acted as.
    """
    return plugin.role.group or plugin.database.group or plugin.role.name


class SchemaAccess(NamedTuple):
    """A schema of schema mode. ``owner`` may create in it; ``is_search_path``: it is what ``role`` finds by itself."""

    name: str
    renamed_from: str | None
    role: str
    owner: str
    is_search_path: bool
    plugins: tuple[str, ...]


class LoginAccess(NamedTuple):
    """One login of a pair: a member of ``owner`` that inherits nothing (NOINHERIT) and acts as it by a setting of its own
    (``ALTER ROLE login SET role = owner``), so that all it creates belongs to ``owner``.

    It is granted nothing but that membership and CONNECT, which a server checks before it looks at settings. It needs what
    is set for the owner, because settings do not follow ``SET ROLE``. ``may_log_in`` is false for the one that is locked.
    ``acts_as`` are the roles it may turn into in a database: the owner, and the group of those that share it.
    """

    name: str
    owner: str
    may_log_in: bool
    renamed_from: str | None
    acts_as: tuple[str, ...] = ()


class DatabaseAccess(NamedTuple):
    """Who may do what in a database of PostgreSQL.

    ``owner`` makes tables in ``public``; ``None`` where every plugin has a schema. ``members`` act as the owner, where that
    is a group. ``connecting`` may connect, besides the owner. ``roles`` are all that work here, the group among them.
    ``logins`` act as one of them, and get CONNECT alone; in a database with a group each of them has the group as its
    ``role`` there (``IN DATABASE``), as the role it belongs to has.
    """

    owner: str | None
    members: tuple[str, ...]
    connecting: tuple[str, ...]
    roles: tuple[str, ...]
    schemas: tuple[SchemaAccess, ...]
    logins: tuple[LoginAccess, ...] = ()

    def logins_of(self, role: str) -> tuple[str, ...]:
        """The names of the logins that act as ``role``: what is set for it here has to be set for them."""
        return tuple(login.name for login in self.logins if login.owner == role)


class Occupant(NamedTuple):
    """What one plugin has on a server: the database, the schema in it, and the role."""

    plugin_id: str
    database: str
    schema: str | None
    role: str


class Access:
    """What follows from ``plan``. Everything is in the plan's order, and worked out when it is asked for."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    # --- who uses what ------------------------------------------------------------------------------------------------

    @cached_property
    def users_of_database(self) -> dict[Place, list[PluginPlan]]:
        """The plugins of each database."""
        found: dict[Place, list[PluginPlan]] = defaultdict(list)
        for plugin in self.plan.plugins:
            found[plugin.server, plugin.database.name].append(plugin)
        return found

    @cached_property
    def users_of_role(self) -> dict[Place, list[PluginPlan]]:
        """The plugins of each role."""
        found: dict[Place, list[PluginPlan]] = defaultdict(list)
        for plugin in self.plan.plugins:
            found[plugin.server, plugin.role.name].append(plugin)
        return found

    def occupants(self, server: str) -> tuple[Occupant, ...]:
        """What each plugin on ``server`` has, sorted by plugin id."""
        found = [
            Occupant(plugin.plugin_id, plugin.database.name, plugin.schema, plugin.role.name)
            for plugin in self.plan.plugins
            if plugin.server == server
        ]
        return tuple(sorted(found, key=lambda item: item.plugin_id))

    # --- what there is ------------------------------------------------------------------------------------------------

    @cached_property
    def groups(self) -> frozenset[Place]:
        """The roles that nobody logs in as: they own what their members make."""
        found = {(item.server, item.group) for item in self.plan.databases if item.group}
        return frozenset(found | {(item.server, item.group) for item in self.plan.roles if item.group})

    @cached_property
    def roles(self) -> frozenset[Place]:
        """Every role, the groups and the logins of pairs among them."""
        return self.groups | {place(role) for role in self.plan.roles} | self.logins.keys()

    @cached_property
    def logins(self) -> dict[Place, LoginAccess]:
        """The logins of all pairs."""
        return {
            (role.server, login.name): LoginAccess(login.name, role.name, login.may_log_in, login.renamed_from, (role.name,))
            for role in self.plan.roles
            for login in role.logins
        }

    @cached_property
    def schemas(self) -> frozenset[tuple[str, str, str]]:
        """Server, database and name of every schema that is made."""
        return frozenset(
            (item.server, item.database.name, item.schema) for item in self.plan.plugins if item.schema is not None
        )

    # --- what is nobody's alone -----------------------------------------------------------------------------------------

    @cached_property
    def shared_databases(self) -> list[Database]:
        """The databases that are not the database of exactly one plugin."""
        return [database for database in self.plan.databases if database.shared]

    @cached_property
    def shared_roles(self) -> dict[Place, Role]:
        """The roles that more than one plugin uses, or used, or that are to be those of all plugins of a server.

        A role whose other plugins are all retired stays what it is: nothing takes over what another module or resource made.
        """
        roles = self.plan.roles
        if not self.plan.retired and all(len(role.plugins) == 1 and not role.is_common for role in roles):
            return {}
        engines = {server.name: server.engine for server in self.plan.servers}
        users = {place(role): set(role.plugins) for role in roles}
        for gone in self.plan.retired:
            if (gone.server, gone.role) in users and engines.get(gone.server) == gone.engine:
                users[gone.server, gone.role].add(gone.owner)
        return {place(role): role for role in roles if role.is_common or len(users[place(role)]) > 1}

    @cached_property
    def acting_roles(self) -> dict[Place, list[PluginPlan]]:
        """The roles that all plugins of a server act as once they are connected, with these plugins."""
        found: dict[Place, list[PluginPlan]] = defaultdict(list)
        for plugin in self.plan.plugins:
            if (name := acts_as(plugin.role)) is not None:
                found[plugin.server, name].append(plugin)
        return found

    # --- PostgreSQL -----------------------------------------------------------------------------------------------------

    def database(self, database: Database) -> DatabaseAccess:
        """Who may do what in ``database``."""
        plugins = self.users_of_database.get(place(database), [])
        group = {database.group} if database.group else set()
        users = sorted({plugin.role.name for plugin in plugins if plugin.schema is None})
        in_schemas = {plugin.role.name for plugin in plugins if plugin.schema is not None}
        everybody = {*users, *in_schemas}
        roles = {plugin.role.name: plugin.role for plugin in plugins}
        return DatabaseAccess(
            owner=(database.group or users[0]) if users else None,
            members=tuple(sorted(everybody)) if group else (),
            connecting=tuple(sorted(everybody | group if group else in_schemas)),
            roles=tuple(sorted(everybody | group)),
            schemas=self._schemas(plugins),
            logins=tuple(
                self.logins[role.server, login.name]._replace(acts_as=(name, *sorted(group)))
                for name, role in sorted(roles.items())
                for login in role.logins
            ),
        )

    @staticmethod
    def _schemas(plugins: list[PluginPlan]) -> tuple[SchemaAccess, ...]:
        sharing: dict[str, list[PluginPlan]] = defaultdict(list)
        of_role: dict[str, set[str]] = defaultdict(set)
        for plugin in plugins:
            if plugin.schema is not None:
                sharing[plugin.schema].append(plugin)
                of_role[plugin.role.name].add(plugin.schema)
        return tuple(
            SchemaAccess(
                name=name,
                renamed_from=sharing[name][0].schema_renamed_from,
                role=(role := sharing[name][0].role).name,
                owner=role.group or role.name,
                # A role with several schemas has no single search path; Backstage sets the path of each connection itself.
                is_search_path=len(of_role[role.name]) == 1 and role.group is None,
                plugins=tuple(plugin.plugin_id for plugin in sharing[name]),
            )
            for name in sorted(sharing)
        )

    # --- MySQL ----------------------------------------------------------------------------------------------------------

    def databases_of(self, role: Role) -> list[str]:
        """The databases in which a user of MySQL has its privileges, sorted."""
        return sorted({plugin.database.name for plugin in self.users_of_role.get(place(role), ())})

    def accounts_of(self, database: Database) -> list[tuple[str, str]]:
        """User and host of everybody who has privileges on a database of MySQL, sorted."""
        return sorted({(item.role.name, item.role.host) for item in self.users_of_database.get(place(database), ())})


_last: list[Access] = []


def access_of(plan: Plan) -> Access:
    """What follows from ``plan``: worked out once, however many targets ask."""
    if not _last or _last[0].plan is not plan:
        _last[:] = [Access(plan)]
    return _last[0]


def databases_of_others(occupants: Sequence[Occupant], own: Occupant) -> list[str]:
    """The databases among ``occupants`` that the role of ``own`` must not enter, in the order to try them.

    The order begins behind the plugin itself, so that in a run over all plugins every database is tried by somebody.
    """
    mine = {item.database for item in occupants if item.role == own.role} | {own.database}
    return list(dict.fromkeys(item.database for item in _behind(occupants, own) if item.database not in mine))


def schemas_of_others(occupants: Sequence[Occupant], own: Occupant) -> list[str]:
    """The schemas in the same database that the role of ``own`` must not use, in the order to try them."""
    if own.schema is None:
        return []
    here = [item for item in _behind(occupants, own) if item.database == own.database and item.schema is not None]
    mine = {item.schema for item in here if item.role == own.role}
    return list(dict.fromkeys(item.schema for item in here if item.schema is not None and item.schema not in mine))


def _behind(occupants: Sequence[Occupant], own: Occupant) -> list[Occupant]:
    start = next((number for number, item in enumerate(occupants) if item.plugin_id == own.plugin_id), -1) + 1
    return [*occupants[start:], *occupants[:start]]
