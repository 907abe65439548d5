"""The module calls for MySQL and MariaDB, see :mod:`generator.targets.terraform.calls`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.planning.access import place
from generator.targets.terraform.calls import store_arguments
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.hcl import FALSE, Call, aligned
from generator.targets.terraform.mysql_kinds import DATABASE, DATABASE_OF_USER, SHARED_DATABASE, USER
from generator.targets.terraform.shape import database_label, role_label
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Database, PluginPlan, Role
    from generator.targets.terraform.hcl import Arguments
    from generator.targets.terraform.kinds import Kind
    from generator.targets.terraform.shape import Shape
    from generator.targets.terraform.stores.base import Store

_ENGINE: Final = Escaped("mysql")
_ANYWHERE: Final = "%"


class MysqlCalls:
    """The calls of a plan for its MySQL servers. ``used`` are the kinds of modules they call."""

    def __init__(self, shape: Shape, store: Store) -> None:
        self.shape, self.store = shape, store
        self.used: set[Kind] = set()
        self._shared_roles = shape.shared_roles

    def _call(self, kind: Kind, label: str, server: str, arguments: Arguments, comment: str) -> Call:
        self.used.add(kind)
        alias = self.shape.aliases[server]
        return Call(
            label=identifier(label),
            comment=comment,
            module=Escaped(kind.folder),
            provider=identifier(alias) if alias else None,
            engine=_ENGINE,
            arguments=arguments,
        )

    def kind(self, plugin: PluginPlan) -> Kind | None:
        """The module of ``plugin``; ``None`` when all it has belongs to others as well."""
        own_role = place(plugin.role) not in self._shared_roles
        if not plugin.database.shared:
            return DATABASE if own_role else DATABASE_OF_USER
        return USER if own_role else None

    def plugins(self) -> list[Call]:
        """The calls of ``plugins.tf``."""
        return [self._plugin(plugin) for plugin in self.shape.plugins]

    def _plugin(self, plugin: PluginPlan) -> Call:
        kind = self.kind(plugin)
        if kind is None:
            where = f"{self._database_module(plugin.database)} and {self._role_module(plugin.role)}"
            return Call(label=None, comment=f"{plugin.plugin_id} has nothing of its own: see {where}.")
        role, database = plugin.role, plugin.database
        values = {
            "plugin_id": string(plugin.plugin_id),
            "database": string(database.name),
            "databases": Escaped(f"[{self._reference(database)}]"),
            "role": string(role.name) if kind.makes_role else Escaped(f"{self._role_module(role)}.role"),
        }
        comment = "" if plugin.label == plugin.plugin_id else f"Plugin {plugin.plugin_id}."
        return self._call(kind, plugin.label, plugin.server, self._arguments(kind, values, role, [plugin]), comment)

    def _arguments(self, kind: Kind, values: dict[str, Escaped], role: Role, users: list[PluginPlan]) -> Arguments:
        """``values`` the module knows, what is out of the ordinary about the user, and what the store needs."""
        if role.host != _ANYWHERE:
            values["host"] = string(role.host)
        if not role.requires_tls:
            values["require_tls"] = FALSE
        picked = {name: values[name] for name in kind.inputs if name in values}
        databases = [self._created(plugin) for plugin in users]
        return aligned(picked | store_arguments(self.shape, self.store, kind, role, databases))

    def _created(self, plugin: PluginPlan) -> Escaped:
        """The database of ``plugin``."""
        shared = plugin.database.shared
        return self._reference(plugin.database) if shared else Escaped(f"module.{plugin.label}.database")

    # --- what several plugins share -----------------------------------------------------------------------------------

    def databases(self) -> list[Call]:
        """The calls of ``databases.tf``."""
        return [
            self._call(
                SHARED_DATABASE,
                database_label(database.server, database.name),
                database.server,
                aligned({"database": string(database.name)}),
                f"Used by {', '.join(database.plugins)}.",
            )
            for database in self.shape.shared_databases
        ]

    def roles(self) -> list[Call]:
        """The calls of ``roles.tf``."""
        return [self._role(role) for role in self._shared_roles.values()]

    def _role(self, role: Role) -> Call:
        users = self.shape.users_of_role[place(role)]
        shared = sorted({self._reference(plugin.database) for plugin in users if plugin.database.shared})
        values = {"role": string(role.name)}
        if shared:
            values["databases"] = Escaped(f"[{', '.join(shared)}]")
        comment = f"Used by {', '.join(role.plugins)}."
        return self._call(
            USER, role_label(role.server, role.name), role.server, self._arguments(USER, values, role, users), comment
        )

    def _database_module(self, database: Database) -> str:
        return f"module.{database_label(database.server, database.name)}"

    def _role_module(self, role: Role) -> str:
        return f"module.{role_label(role.server, role.name)}"

    def _reference(self, database: Database) -> Escaped:
        return Escaped(f"{self._database_module(database)}.database")

    # --- outputs ------------------------------------------------------------------------------------------------------

    def outputs(self) -> list[tuple[str, Escaped]]:
        """What each plugin has, by label."""
        return [(plugin.label, self._output(plugin)) for plugin in self.shape.plugins]

    def _output(self, plugin: PluginPlan) -> Escaped:
        kind = self.kind(plugin)
        if kind is DATABASE:
            return Escaped(f"module.{plugin.label}")
        missing = {"plugin_id": string(plugin.plugin_id)}
        if place(plugin.role) in self._shared_roles:
            role = self._role_module(plugin.role)
            names = ("role", *(out.name for out in self.store.module_outputs))
            missing |= {name: Escaped(f"{role}.{name}") for name in names}
        if kind in (USER, None):
            missing["database"] = self._reference(plugin.database)
        fields = ", ".join(f"{name} = {value}" for name, value in sorted(missing.items()))
        return Escaped(f"merge(module.{plugin.label}, {{ {fields} }})" if kind else f"{{ {fields} }}")
