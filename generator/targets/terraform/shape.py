"""Which module of the configuration owns what: the addresses everything in Terraform's state hangs on.

An address never changes while the thing it stands for is there, or Terraform would destroy the one and create the other.
So an address depends on a plugin's label, or on a server and a name, and on nothing else: not on how many servers there
are, not on who else shares. What is renamed under such an address gets a ``moved`` block.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeVar

from generator.planning.access import Place, access_of, place
from generator.planning.naming import label
from generator.targets.terraform.escaping import identifier
from generator.targets.terraform.logins import login_label, logins_of, with_passwords
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from generator.planning.access import Access
    from generator.planning.model import Database, Login, Plan, PluginPlan, Retired, Role

T = TypeVar("T")

ENGINE: Final = "postgresql"
MYSQL: Final = "mysql"
PRIMARY: Final = "primary"


def _shared_label(kind: str, server: str, name: str) -> str:
    return label(f"{kind}_{name}" if server == PRIMARY else f"{kind}_{server}_{name}")


def database_label(server: str, name: str) -> str:
    """The module of a database that is not the database of exactly one plugin."""
    return _shared_label("database", server, name)


def role_label(server: str, name: str) -> str:
    """The module of a role that several plugins use."""
    return _shared_label("role", server, name)


def base_role_label(server: str, name: str) -> str:
    """The module of a role that all plugins of a server act as."""
    return _shared_label("acting", server, name)


def extensions_label(plugin_label: str) -> str:
    """The module of the extensions of a plugin."""
    return label(f"extensions_{plugin_label}")


@dataclass(frozen=True)
class Shape:
    """One engine's part of a plan, and who owns what in it."""

    plan: Plan
    engine: str = ENGINE

    @cached_property
    def servers(self) -> frozenset[str]:
        """The names of the engine's servers."""
        return frozenset(server.name for server in self.plan.servers if server.engine == self.engine)

    @cached_property
    def plugins(self) -> list[PluginPlan]:
        """The plugins on these servers."""
        return [plugin for plugin in self.plan.plugins if plugin.server in self.servers]

    @cached_property
    def access(self) -> Access:
        """Who may do what where: of all servers of the plan."""
        return access_of(self.plan)

    @cached_property
    def users_of_database(self) -> dict[Place, list[PluginPlan]]:
        """The plugins of each database."""
        return self._here(self.access.users_of_database)

    @cached_property
    def users_of_role(self) -> dict[Place, list[PluginPlan]]:
        """The plugins of each role."""
        return self._here(self.access.users_of_role)

    def _here(self, items: dict[Place, T]) -> dict[Place, T]:
        return {where: item for where, item in items.items() if where[0] in self.servers}

    @cached_property
    def roles(self) -> list[Role]:
        """The login roles."""
        return [role for role in self.plan.roles if role.server in self.servers]

    @cached_property
    def existing_secrets(self) -> dict[Place, int]:
        """The roles and logins whose secret the store has already, with the version of the password in it."""
        listed = {(entry.server, name): version for entry in self.plan.adopted for name, version in entry.secrets}
        return {place(role): listed[place(role)] for role in with_passwords(self.roles) if place(role) in listed}

    @cached_property
    def retired(self) -> list[Retired]:
        """The plugins that were on such a server once."""
        return [gone for gone in self.plan.retired if gone.engine == self.engine]

    @cached_property
    def shared_databases(self) -> list[Database]:
        """The databases with a module of their own."""
        return [item for item in self.access.shared_databases if item.server in self.servers]

    @cached_property
    def shared_roles(self) -> dict[Place, Role]:
        """The roles with a module of their own."""
        return self._here(self.access.shared_roles)

    def role_module(self, role: Role) -> str:
        """The label of the module that makes ``role``."""
        where = place(role)
        return role_label(*where) if where in self.shared_roles else self.users_of_role[where][0].label

    def login_modules(self, role: Role) -> list[tuple[Login, str]]:
        """The logins of the pair of ``role``, each with the label of its module."""
        logins = logins_of(role)
        owner = self.role_module(role) if logins else ""
        return [(login, login_label(owner, login.letter)) for login in logins]

    @cached_property
    def base_roles(self) -> dict[Place, list[PluginPlan]]:
        """The roles that all plugins of a server act as once they are connected, with these plugins."""
        return self._here(self.access.acting_roles)

    @cached_property
    def aliases(self) -> dict[str, str | None]:
        """The provider alias of each server: none for ``primary``, and none for a server that is alone."""
        return {name: None if name == PRIMARY or len(self.servers) == 1 else name for name in self.servers}


def moved_plugins(shape: Shape) -> list[tuple[Escaped, Escaped]]:
    """Old and new address of every plugin that has another id now, one step after the other."""
    return [
        (Escaped(f"module.{identifier(old)}"), Escaped(f"module.{identifier(new)}"))
        for plugin in shape.plugins
        for old, new in _steps(shape, plugin)
    ]


def moved_extensions(shape: Shape) -> list[tuple[Escaped, Escaped]]:
    """Old and new address of the extensions of every plugin that has another id now."""
    return [
        (Escaped(f"module.{identifier(extensions_label(old))}"), Escaped(f"module.{identifier(extensions_label(new))}"))
        for plugin in shape.plugins
        if plugin.extensions
        for old, new in _steps(shape, plugin)
    ]


def moved_logins(shape: Shape) -> list[tuple[Escaped, Escaped]]:
    """Old and new address of every login whose role is in a module of another label now."""
    owners = [(plugin.role, *step) for plugin in shape.plugins for step in _steps(shape, plugin)]
    owners = [item for item in owners if place(item[0]) not in shape.shared_roles]
    for role in shape.shared_roles.values():
        if role.renamed_from is not None:
            owners.append((role, role_label(role.server, role.renamed_from), role_label(*place(role))))
    return [
        (Escaped(f"module.{identifier(old)}"), Escaped(f"module.{identifier(new)}"))
        for role, before, now in owners
        for login in logins_of(role)
        if (old := login_label(before, login.letter)) != (new := login_label(now, login.letter))
    ]


def _steps(shape: Shape, plugin: PluginPlan) -> list[tuple[str, str]]:
    """The labels that a plugin had, each with the next one."""
    taken = {other.label for other in shape.plan.plugins}
    # An id that came back is where it came back: there are no two moves from one address, and none in a circle.
    labels = list(reversed(dict.fromkeys(reversed([*map(label, plugin.former_ids), plugin.label]))))
    # An id that another plugin has now: its rename was applied everywhere, and nothing is to be moved from there.
    return list(pairwise(name for name in labels if name == plugin.label or name not in taken))


def moved_databases(shape: Shape) -> list[tuple[Escaped, Escaped]]:
    """Old and new address of every shared database that was renamed."""
    return _moved((item.server, item.renamed_from, item.name, database_label) for item in shape.shared_databases)


def moved_roles(shape: Shape) -> list[tuple[Escaped, Escaped]]:
    """Old and new address of every shared role that was renamed."""
    return _moved((item.server, item.renamed_from, item.name, role_label) for item in shape.shared_roles.values())


def _moved(items: Iterable[tuple[str, str | None, str, Callable[[str, str], str]]]) -> list[tuple[Escaped, Escaped]]:
    return [
        (Escaped(f"module.{identifier(address(server, old))}"), Escaped(f"module.{identifier(address(server, new))}"))
        for server, old, new, address in items
        if old is not None and address(server, old) != address(server, new)
    ]
