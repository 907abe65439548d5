"""What is on the server already: ``import`` blocks for it, and the proof that the administrator may work with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.clouds import sign_in
from generator.planning.access import place
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.hcl import aligned
from generator.targets.terraform.logins import as_role
from generator.targets.terraform.shape import base_role_label, database_label
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import Role
    from generator.settings.model import Adopted
    from generator.targets.terraform.shape import Shape
    from generator.targets.terraform.stores.base import Store


class Import(NamedTuple):
    """An ``import`` block: the address of the resource, and the id of what is there."""

    address: Escaped
    id: Escaped


class SecretImport(NamedTuple):
    """An ``import`` block for a secret, and the data source for its id: ``lookup``, ``label``, and the secret's ``name``."""

    address: Escaped
    id: Escaped
    lookup: Escaped | None
    label: Escaped
    name: Escaped | None


class Owned(NamedTuple):
    """A database that is taken over, the output that has its owner, and the variable with the administrator."""

    name: str
    owner: Escaped
    administrator: Escaped
    message: Escaped


def imports(shape: Shape) -> list[Import]:
    """The blocks for all that is both planned and there already, sorted by address."""
    found = {item for entry in shape.plan.adopted for item in _entry(shape, entry)}
    return sorted(found)


def adopted_databases(shape: Shape) -> list[Owned]:
    """The databases that are taken over, sorted by module."""
    found = {}
    for entry in shape.plan.adopted:
        for name, module in _databases(shape, entry):
            message = (
                f"The database {name} does not belong to the administrator, and grants of anybody else do nothing. As its "
                f"owner or as a superuser: ALTER DATABASE ... OWNER TO the administrator."
            )
            found[module] = Owned(
                name=name,
                owner=Escaped(f"module.{identifier(module)}.owner"),
                administrator=Escaped(f"var.{entry.server}_admin_user"),
                message=string(message),
            )
    return [found[module] for module in sorted(found)]


def imports_view(shape: Shape) -> dict[str, Any]:
    """What ``imports.tf.j2`` prints."""
    databases = adopted_databases(shape)
    owners = aligned((str(string(item.name)), item.owner) for item in databases)
    return {"imports": imports(shape), "databases": databases, "owners": owners}


def _entry(shape: Shape, entry: Adopted) -> Iterator[Import]:
    for name, module in _databases(shape, entry):
        yield Import(_address(module, "postgresql_database.plugin"), _there(entry, "database", name))
    for name in entry.roles:
        yield from _role(shape, entry, name)
    wanted = set(entry.schemas)
    for plugin in shape.plugins:
        names = (plugin.database.name, plugin.schema or "")
        if plugin.server == entry.server and names in wanted:
            yield Import(_address(plugin.label, "postgresql_schema.plugin"), _there(entry, "schema", *names))


def _there(entry: Adopted, kind: str, *names: str) -> Escaped:
    """What the provider imports a thing by: what the server calls it until the apply renames it."""
    return string(".".join(entry.there(kind, *names)))


def _databases(shape: Shape, entry: Adopted) -> Iterator[tuple[str, str]]:
    """Name and module of each planned database of ``entry``."""
    wanted = set(entry.databases)
    for database in shape.plan.databases:
        if database.server != entry.server or database.server not in shape.servers or database.name not in wanted:
            continue
        if database.shared:
            yield database.name, database_label(*place(database))
        else:
            yield database.name, shape.users_of_database[place(database)][0].label


def _role(shape: Shape, entry: Adopted, name: str) -> Iterator[Import]:
    server, there = entry.server, _there(entry, "role", name)
    if (server, name) in shape.base_roles:
        yield Import(_address(base_role_label(server, name), "postgresql_role.group"), there)
    for database in shape.shared_databases:
        if database.server == server and database.group == name and (server, name) not in shape.base_roles:
            yield Import(_address(database_label(*place(database)), "postgresql_role.group"), there)
    users = shape.users_of_role.get((server, name))
    if users:
        yield _login(users[0].role, shape.role_module(users[0].role), there)
    for role in shape.roles:
        for login, module in shape.login_modules(role) if role.server == server else ():
            if login.name == name:
                yield Import(_address(module, "postgresql_role.plugin"), there)


def secret_imports(shape: Shape, store: Store) -> list[SecretImport]:
    """The blocks for what the store has already and can be imported, sorted by address."""
    found = []
    modules = {place(role): (role, shape.role_module(role)) for role in shape.roles if place(role) in shape.existing_secrets}
    for role in shape.roles:
        modules |= {(role.server, login.name): (as_role(role, login), module) for login, module in shape.login_modules(role)}
    for where in shape.existing_secrets:
        role, module = modules[where]
        left = store.left(role, identifier(module))
        if left is not None:
            found.append(SecretImport(_address(module, left.resource), left.id, left.lookup, identifier(module), left.name))
    return sorted(found, key=lambda item: item.address)


def _login(role: Role, module: str, there: Escaped) -> Import:
    if not sign_in(role.iam).makes_users:
        return Import(_address(module, "postgresql_role.plugin"), there)
    project, instance = (f'${{element(split(":", var.{role.server}_instance), {index})}}' for index in (-2, -1))
    return Import(_address(module, "google_sql_user.plugin"), Escaped(f'"{project}/{instance}/{string(role.name)[1:-1]}"'))


def _address(module: str, resource: str) -> Escaped:
    return Escaped(f"module.{identifier(module)}.{resource}")
