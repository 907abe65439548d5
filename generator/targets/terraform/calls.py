"""The module calls: one for each plugin, and one for each database or role that more than one of them uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.access import acts_as, place
from generator.planning.access import owner as owner_of
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.hcl import FALSE, TRUE, Call, aligned, padded
from generator.targets.terraform.kinds import (
    BASE_ROLE,
    DATABASE,
    DATABASE_OF_ROLE,
    EXTENSIONS,
    GROUP_DATABASE,
    ROLE,
    SCHEMA,
    SCHEMA_OF_ROLE,
    SHARED_DATABASE,
    Kind,
)
from generator.targets.terraform.logins import as_role
from generator.targets.terraform.pair_kinds import LOGIN, OWNERS
from generator.targets.terraform.shape import base_role_label, database_label, extensions_label, role_label
from generator.targets.terraform.stores.variables import login_password
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.planning.model import Database, Login, PluginPlan, Role
    from generator.targets.terraform.hcl import Arguments
    from generator.targets.terraform.shape import Shape
    from generator.targets.terraform.stores.base import Store


def store_arguments(shape: Shape, store: Store, kind: Kind, role: Role, databases: Iterable[Escaped]) -> dict[str, Escaped]:
    """What a call of ``kind`` says about the password of ``role``, whose plugins use ``databases``."""
    if not kind.has_password:
        return {}
    arguments = dict(zip(store.argument_names, store.arguments(role), strict=True))
    if kind.waits(store):
        arguments["after"] = Escaped(f"[{', '.join(sorted(set(databases)))}]")
    version = shape.existing_secrets.get(place(role))
    return arguments if version is None else arguments | store.existing(role, version)


class Calls:
    """The calls of a plan. ``used`` are the kinds of modules they call."""

    def __init__(self, shape: Shape, store: Store) -> None:
        self.shape, self.store = shape, store
        self.used: set[Kind] = set()
        self._shared_roles = shape.shared_roles
        self._aliases = {name: identifier(alias) if alias else None for name, alias in shape.aliases.items()}
        self._names = {
            kind: padded([*kind.inputs, *(store.argument_names if kind.makes_role else ())]) for kind in (DATABASE, SCHEMA)
        }

    # --- plugins ------------------------------------------------------------------------------------------------------

    def kind(self, plugin: PluginPlan) -> Kind | None:
        """The module of ``plugin``; ``None`` when all it has belongs to others as well."""
        own_role = place(plugin.role) not in self._shared_roles
        if plugin.schema is not None:
            return SCHEMA if own_role else SCHEMA_OF_ROLE
        if not plugin.database.shared:
            return DATABASE if own_role else DATABASE_OF_ROLE
        return ROLE if own_role else None

    def plugins(self) -> list[Call]:
        """The calls of ``plugins.tf``."""
        return [self._plugin(plugin) for plugin in self.shape.plugins]

    def _plugin(self, plugin: PluginPlan) -> Call:
        kind = self.kind(plugin)
        if kind is None:
            where = f"{self._database_module(plugin.database)} and {self._role_module(plugin.role)}"
            return Call(label=None, comment=f"{plugin.plugin_id} has nothing of its own: see {where}.")
        if kind.makes_role:
            kind = self._logging_in(kind, plugin.role)
        self.used.add(kind)
        if kind is DATABASE and place(plugin.role) not in self.shape.existing_secrets:  # by far the most: 10,000 a second
            values = (string(plugin.plugin_id), string(plugin.database.name), string(plugin.role.name))
            arguments = list(zip(self._names[kind], values + self.store.arguments(plugin.role), strict=True))
        else:
            arguments = self._arguments(kind, plugin)
        return Call(
            label=identifier(plugin.label),
            comment="" if plugin.label == plugin.plugin_id else f"Plugin {plugin.plugin_id}.",
            module=Escaped(kind.folder),
            provider=self._aliases[plugin.server],
            arguments=arguments,
        )

    @staticmethod
    def _logging_in(kind: Kind, role: Role) -> Kind:
        """``kind``, or the one whose role cannot log in, because two logins act as it."""
        return kind if role.pair is None or role.own_login.may_log_in else OWNERS[kind]

    def _arguments(self, kind: Kind, plugin: PluginPlan) -> Arguments:
        role, database = plugin.role, plugin.database
        of_others = place(role) in self._shared_roles
        values = {
            "plugin_id": string(plugin.plugin_id),
            "database": self._reference(database) if database.shared else string(database.name),
            "role": self._grantee(role) if of_others else string(role.name),
        }
        if plugin.schema is not None:
            values["schema"] = string(plugin.schema)
        if "group" in kind.inputs:
            values["group"] = Escaped(f"{self._database_module(database)}.group")
        picked = {name: values[name] for name in kind.inputs if name in values}
        return aligned(picked | self._store_arguments(kind, role, [plugin]))

    def _grantee(self, role: Role) -> Escaped:
        """The role that gets the privileges: the one all plugins act as, where there is one."""
        if acting := acts_as(role):
            return Escaped(f"module.{base_role_label(role.server, acting)}.group")
        return Escaped(f"{self._role_module(role)}.role")

    def _store_arguments(self, kind: Kind, role: Role, users: list[PluginPlan]) -> dict[str, Escaped]:
        return store_arguments(self.shape, self.store, kind, role, [self._created(plugin) for plugin in users])

    def _created(self, plugin: PluginPlan) -> Escaped:
        """The database of ``plugin`` as soon as it is there, whatever may be granted on it later."""
        if not plugin.database.shared:
            return Escaped(f"module.{plugin.label}.database")
        return Escaped(f"{self._database_module(plugin.database)}.{'database' if plugin.database.group else 'created'}")

    # --- what several plugins share -----------------------------------------------------------------------------------

    def databases(self) -> list[Call]:
        """The calls of ``databases.tf``."""
        return [self._database(database) for database in self.shape.shared_databases]

    def _database(self, database: Database) -> Call:
        users = self.shape.users_of_database[place(database)]
        values = {"database": string(database.name)}
        kind = SHARED_DATABASE
        if database.group and acts_as(users[0].role) is None:
            kind = GROUP_DATABASE
            values["group_name"] = string(database.group)
        elif any(plugin.schema is None for plugin in users):
            kind = DATABASE_OF_ROLE
            values["role"] = self._grantee(users[0].role)
        self.used.add(kind)
        return Call(
            label=identifier(database_label(database.server, database.name)),
            comment=f"Used by {', '.join(database.plugins)}.",
            module=Escaped(kind.folder),
            provider=self._aliases[database.server],
            arguments=aligned(values),
        )

    def extensions(self) -> list[Call]:
        """The calls of ``extensions.tf``. The module of the plugin comes first: its schema has to be there."""
        return [self._extensions(plugin) for plugin in self.shape.plugins if plugin.extensions]

    def _extensions(self, plugin: PluginPlan) -> Call:
        self.used.add(EXTENSIONS)
        has_own = self.kind(plugin) not in (ROLE, None)
        values = {
            "database": Escaped(f"module.{identifier(plugin.label)}.database")
            if has_own
            else self._reference(plugin.database),
            "extensions": Escaped(f"[{', '.join(map(string, plugin.extensions))}]"),
            "schema": Escaped(f"module.{identifier(plugin.label)}.schema") if has_own else string("public"),
        }
        return Call(
            label=identifier(extensions_label(plugin.label)),
            comment=f"Plugin {plugin.plugin_id}.",
            module=Escaped(EXTENSIONS.folder),
            provider=self._aliases[plugin.server],
            arguments=aligned(values),
        )

    def roles(self) -> list[Call]:
        """The calls of ``roles.tf``."""
        acting = [self._base_role(server, name) for server, name in self.shape.base_roles]
        return [*acting, *(self._role(role) for role in self._shared_roles.values())]

    def _base_role(self, server: str, name: str) -> Call:
        self.used.add(BASE_ROLE)
        users = self.shape.base_roles[server, name]
        values = {"group_name": string(name)} | self._databases_of(users)
        return Call(
            label=identifier(base_role_label(server, name)),
            comment=f"`role` in app-config: every connection switches to it, and it owns what {self._ids(users)} make.",
            module=Escaped(BASE_ROLE.folder),
            provider=self._aliases[server],
            arguments=aligned(values),
        )

    @staticmethod
    def _ids(users: list[PluginPlan]) -> str:
        return ", ".join(plugin.plugin_id for plugin in users)

    def _databases_of(self, users: list[PluginPlan]) -> dict[str, Escaped]:
        """The databases in which ``users`` have schemas: whoever they act as has to be able to connect."""
        references = sorted({self._reference(plugin.database) for plugin in users if plugin.schema is not None})
        return {"databases": Escaped(f"[{', '.join(references)}]")} if references else {}

    def _role(self, role: Role) -> Call:
        kind = self._logging_in(ROLE, role)
        self.used.add(kind)
        users = self.shape.users_of_role[place(role)]
        values = {"role": string(role.name)} | self._databases_of(users)
        if acts_as(role):
            values["group"] = self._grantee(role)
        elif role.group:
            values["group"] = Escaped(f"{self._database_module(users[0].database)}.group")
        return Call(
            label=identifier(role_label(role.server, role.name)),
            comment=f"Used by {', '.join(role.plugins)}.",
            module=Escaped(kind.folder),
            provider=self._aliases[role.server],
            arguments=aligned(values | self._store_arguments(kind, role, users)),
        )

    # --- pairs --------------------------------------------------------------------------------------------------------

    def logins(self) -> list[Call]:
        """The calls of ``logins.tf``."""
        return [
            self._login(role, login, module) for role in self.shape.roles for login, module in self.shape.login_modules(role)
        ]

    def _login(self, role: Role, login: Login, module: str) -> Call:
        self.used.add(LOGIN)
        users = self.shape.users_of_role[place(role)]
        values = {"role": string(login.name), "login": TRUE if login.may_log_in else FALSE}
        state = "app-config names it" if login.is_live else "until it is retired" if login.may_log_in else "locked"
        if role.logins:
            owner = Escaped(f"module.{identifier(self.shape.role_module(role))}.role")
            databases = sorted({self._database_of(plugin) for plugin in users})
            acting = owner  # or the group at once: settings do not follow a role that is acted as
            if acts_as(role):
                acting = self._grantee(role)
            elif owner_of(users[0]) != role.name:
                acting = Escaped(f"{self._database_module(users[0].database)}.group")
            values |= {"owner": owner, "acts_as": acting, "databases": Escaped(f"[{', '.join(databases)}]")}
            if place(role) not in self._shared_roles and users[0].schema is not None:
                values["schema"] = string(users[0].schema)
        return Call(
            label=identifier(module),
            comment=f"Acts as {role.name}: {state}." if role.logins else f"Acted as {role.name} once: {state}.",
            module=Escaped(LOGIN.folder),
            provider=self._aliases[role.server],
            arguments=aligned(values | self._login_arguments(role, login, users)),
            after=self._granting(role, users),
        )

    def _granting(self, role: Role, users: list[PluginPlan]) -> tuple[Escaped, ...]:
        """The modules in which something is granted to ``role``, or to whom it acts as."""
        labels = {self.shape.role_module(role)}
        for plugin in users:
            labels |= {plugin.label} if self.kind(plugin) is not None else set()
            labels |= {database_label(*place(plugin.database))} if plugin.database.shared else set()
        if acting := acts_as(role):
            labels.add(base_role_label(role.server, acting))
        return tuple(Escaped(f"module.{identifier(label)}") for label in sorted(labels))

    def _database_of(self, plugin: PluginPlan) -> Escaped:
        """The database of ``plugin``."""
        if plugin.database.shared:
            return self._reference(plugin.database)
        return Escaped(f"module.{identifier(plugin.label)}.database")

    def _login_arguments(self, role: Role, login: Login, users: list[PluginPlan]) -> dict[str, Escaped]:
        found = store_arguments(self.shape, self.store, LOGIN, as_role(role, login), map(self._created, users))
        return found if self.store.makes_password else found | {"password": login_password(role, login)}

    def _logins_output(self, role: Role) -> Escaped | None:
        modules = self.shape.login_modules(role) if role.pair is not None else []
        fields = ", ".join(f"{login.letter} = module.{identifier(module)}" for login, module in modules)
        return Escaped(f"{{ {fields} }}") if fields else None

    def _database_module(self, database: Database) -> str:
        return f"module.{database_label(database.server, database.name)}"

    def _role_module(self, role: Role) -> str:
        return f"module.{role_label(role.server, role.name)}"

    def _reference(self, database: Database) -> Escaped:
        return Escaped(f"{self._database_module(database)}.database")

    # --- outputs ------------------------------------------------------------------------------------------------------

    def outputs(self) -> Arguments:
        """What each plugin has, by label: what its module says, and what the modules of shared things say."""
        return aligned({plugin.label: self._output(plugin) for plugin in self.shape.plugins})

    def _output(self, plugin: PluginPlan) -> Escaped:
        kind = self.kind(plugin)
        logins = self._logins_output(plugin.role)
        if kind in (DATABASE, SCHEMA) and not logins:
            return Escaped(f"module.{plugin.label}")
        missing = {} if kind in (DATABASE, SCHEMA) else {"plugin_id": string(plugin.plugin_id)}
        if place(plugin.role) in self._shared_roles:
            role = self._role_module(plugin.role)
            of_store = self.store.module_outputs if self._logging_in(ROLE, plugin.role) is ROLE else ()
            missing |= {name: Escaped(f"{role}.{name}") for name in ("role", *(out.name for out in of_store))}
        missing |= {"logins": logins} if logins else {}
        if kind in (ROLE, None):
            missing |= {"database": self._reference(plugin.database), "schema": string("public")}
        fields = ", ".join(f"{name} = {value}" for name, value in sorted(missing.items()))
        return Escaped(f"merge(module.{plugin.label}, {{ {fields} }})" if kind else f"{{ {fields} }}")
