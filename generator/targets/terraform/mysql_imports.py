"""``import`` blocks for what a MySQL server has already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.access import place
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.imports import Import
from generator.targets.terraform.shape import database_label, role_label
from generator.targets.text.escaped import Escaped
from generator.targets.text.mysql import pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import PluginPlan, Role
    from generator.settings.model import Adopted
    from generator.targets.terraform.shape import Shape


def mysql_imports(shape: Shape) -> list[Import]:
    """The blocks for databases and users that are both planned and there already, sorted by address."""
    return sorted({item for entry in _entries(shape) for item in _entry(shape, entry)})


def mysql_grant_imports(shape: Shape) -> list[Import]:
    """The blocks for what users have in databases, where both are there already: the provider makes no grant twice."""
    found = set()
    for entry in _entries(shape):
        for plugin in shape.plugins:
            if plugin.server == entry.server and plugin.database.name in entry.databases and plugin.role.name in entry.roles:
                found.add(_grant(shape, plugin))
    return sorted(found)


def _entries(shape: Shape) -> list[Adopted]:
    return [entry for entry in shape.plan.adopted if entry.server in shape.servers]


def _entry(shape: Shape, entry: Adopted) -> Iterator[Import]:
    for plugin in shape.plugins:
        if plugin.server != entry.server:
            continue
        if plugin.database.name in entry.databases:
            database = plugin.database
            module = database_label(*place(database)) if database.shared else plugin.label
            yield Import(_address(module, "mysql_database.plugin"), string(database.name))
        if plugin.role.name in entry.roles:
            yield Import(_address(_user(shape, plugin), "mysql_user.plugin"), string(_account(plugin.role)))


def _grant(shape: Shape, plugin: PluginPlan) -> Import:
    name = plugin.database.name
    # The provider splits this id at every @.
    found = string(f"{_account(plugin.role)}@{pattern(name)}@*")
    if plugin.database.shared:
        return Import(_address(_user(shape, plugin), f"mysql_grant.shared[{string(name)}]"), found)
    return Import(_address(plugin.label, "mysql_grant.plugin"), found)


def _user(shape: Shape, plugin: PluginPlan) -> str:
    """The module that makes the plugin's user."""
    shared = place(plugin.role) in shape.shared_roles
    return role_label(plugin.server, plugin.role.name) if shared else plugin.label


def _account(role: Role) -> str:
    return f"{role.name}@{role.host}"


def _address(module: str, resource: str) -> Escaped:
    return Escaped(f"module.{identifier(module)}.{resource}")
