"""What each plugin has in a template, and what several of them share: finished blocks for the templates to print."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from generator.planning.access import place
from generator.targets.cloudformation.escaping import secret_template, text
from generator.targets.cloudformation.shape import ROOT, Shape, shared_id
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import Database, PluginPlan, Role

Properties = list[tuple[Escaped, Escaped]]

_RETAIN, _DELETE = Escaped("Retain"), Escaped("Delete")
#: A secret whose first deployment is rolled back must go, or its name would be taken at the next one.
_KEEP_SECRET = Escaped("RetainExceptOnCreate")
_ROLE_KINDS = {"postgresql": "role", "mysql": "user"}


class Secret(NamedTuple):
    """A generated password.

    ``template`` is what the secret holds besides. A change of it makes a new password, so nothing is in there that can
    change for other reasons than the role itself.
    """

    id: Escaped
    policy: Escaped
    name: Escaped
    description: Escaped
    template: Escaped


class Custom(NamedTuple):
    """A custom resource: what the functions make."""

    id: Escaped
    policy: Escaped
    type: Escaped
    properties: Properties


class Block(NamedTuple):
    """What stands together below one comment: all of a plugin, or of something several plugins use."""

    comment: str
    secret: Secret | None
    custom: Custom


class Resources:
    """The blocks of one template, ``stack``."""

    def __init__(self, shape: Shape, stack: int) -> None:
        self.shape, self.stack = shape, stack
        self.is_root = stack == ROOT
        self.connections = shape.root_connections if self.is_root else shape.nested_connections
        token = "!GetAtt ProviderFunction.Arn" if self.is_root else "!Ref ServiceToken"
        self._always = [
            (Escaped("ServiceToken"), Escaped(token)),
            (Escaped("ServiceTimeout"), Escaped("660")),
            (Escaped("Revision"), Escaped("!Ref Revision")),
        ]
        self._servers = {
            name: [
                (Escaped("Engine"), Escaped(connection.engine)),
                *((Escaped(name), value) for name, value in connection.reference.items()),
            ]
            for name, connection in self.connections.items()
        }

    def blocks(self) -> Iterator[Block]:
        """First what is shared (all of it in the first template), then the plugins, sorted."""
        if self.is_root:
            for database in self.shape.shared_databases:
                yield Block(
                    f"Database {database.name}, used by {_ids(database.plugins)}.", None, self._shared_database(database)
                )
            for role in self.shape.shared_roles.values():
                secret = self._secret(role, shared_id(role, "Secret"), _KEEP_SECRET)
                comment = f"{_role_kind(self, role)} {role.name}, used by {_ids(role.plugins)}."
                yield Block(comment, secret, self._shared_role(role))
        for plugin in self.shape.stacks.get(self.stack, ()):
            yield self._plugin(plugin)

    def shared_by(self, plugins: list[PluginPlan]) -> list[Escaped]:
        """The logical ids of what ``plugins`` use and others do too: it has to be there before them."""
        databases = {place(plugin.database): plugin.database for plugin in plugins if plugin.database.shared}
        roles = {place(plugin.role): plugin.role for plugin in plugins if place(plugin.role) in self.shape.shared_roles}
        made = [shared_id(item, "Database") for item in databases.values()]
        return sorted([*made, *(shared_id(item, "Role") for item in roles.values())])

    # --- one plugin ---------------------------------------------------------------------------------------------------

    def _plugin(self, plugin: PluginPlan) -> Block:
        role, database = plugin.role, plugin.database
        own_role = place(role) not in self.shape.shared_roles
        droppable = plugin.plugin_id in self.shape.droppable
        policy = _DELETE if droppable else _RETAIN
        secret_id = self.shape.logical_id(plugin.plugin_id, "Secret")
        secret = self._secret(role, secret_id, _DELETE if droppable else _KEEP_SECRET) if own_role else None
        logical = self.shape.logical_id(plugin.plugin_id, "Database")
        values: list[tuple[str, Escaped]] = [("PluginId", text(plugin.plugin_id))]
        if database.shared:
            values += [("Database", self._shared(database, "Database")), ("DatabaseOf", Escaped("shared"))]
            if database.group:
                values.append(("Group", self._shared(database, "Group")))
        else:
            values.append(("Database", text(database.name)))
        if plugin.schema is not None:
            values.append(("Schema", text(plugin.schema)))
        if own_role:
            values += self._login(role, secret_id)
        else:
            values += [("Role", self._shared(role, "Role")), ("RoleOf", Escaped("shared"))]
            values += self._user_host(role)
        made = [("database", plugin.server, database.name)] if not database.shared else []
        if own_role:
            made.append(("role", plugin.server, role.name))
        adopts = self.shape.adopts(
            *made, *([("schema", plugin.server, database.name, plugin.schema)] if plugin.schema is not None else [])
        )
        custom = self._custom("PluginDatabase", logical, plugin.server, values, policy, adopts=adopts)
        return Block(f"Plugin {plugin.plugin_id}.", secret, custom)

    def _login(self, role: Role, secret: Escaped) -> list[tuple[str, Escaped]]:
        found = [("Role", text(role.name)), *self._user_host(role), *self._tls(role)]
        if role.iam:
            return [*found, ("Auth", Escaped("iam"))]
        version = Escaped(f'"{role.password_version}"')
        return [*found, ("SecretArn", Escaped(f"!Ref {secret}")), ("PasswordVersion", version)]

    def _user_host(self, role: Role) -> list[tuple[str, Escaped]]:
        is_mysql = self.connections[role.server].engine == "mysql"
        return [("UserHost", text(role.host))] if is_mysql and role.host != "%" else []

    def _tls(self, role: Role) -> list[tuple[str, Escaped]]:
        """The functions refuse a MySQL user without TLS unless they are told otherwise."""
        is_mysql = self.connections[role.server].engine == "mysql"
        return [("RequireTls", Escaped('"false"'))] if is_mysql and not role.requires_tls else []

    def _shared(self, item: Database | Role, what: str) -> Escaped:
        """A name of something shared: in the first template by its resource, which orders the two, elsewhere as it is."""
        if self.is_root:
            return Escaped(f"!GetAtt {shared_id(item, 'Role' if what == 'Role' else 'Database')}.{what}")
        group = getattr(item, "group", None)
        return text(group if what == "Group" and group is not None else item.name)

    # --- what several plugins share -----------------------------------------------------------------------------------

    def _shared_database(self, database: Database) -> Custom:
        values = [("Database", text(database.name))]
        if database.group:
            values.append(("Group", text(database.group)))
        adopts = self.shape.adopts(
            ("database", database.server, database.name), ("role", database.server, database.group or "")
        )
        logical = shared_id(database, "Database")
        return self._custom("SharedDatabase", logical, database.server, values, _RETAIN, adopts=adopts)

    def _shared_role(self, role: Role) -> Custom:
        logical, values = shared_id(role, "Role"), self._login(role, shared_id(role, "Secret"))
        adopts = self.shape.adopts(("role", role.server, role.name))
        return self._custom("SharedRole", logical, role.server, values, _RETAIN, adopts=adopts)

    # --- both ---------------------------------------------------------------------------------------------------------

    def _secret(self, role: Role, logical: Escaped, policy: Escaped) -> Secret | None:
        if role.iam:
            return None
        return Secret(
            id=logical,
            policy=policy,
            name=text(role.secret_name),
            description=text(f"Password of the {_role_kind(self, role).lower()} {role.name} of Backstage."),
            template=secret_template({"username": role.name, "passwordVersion": role.password_version}),
        )

    def _custom(
        self,
        kind: str,
        logical: Escaped,
        server: str,
        values: list[tuple[str, Escaped]],
        policy: Escaped,
        *,
        adopts: bool,
    ) -> Custom:
        properties = [*self._always, *self._servers[server], *((Escaped(name), value) for name, value in values)]
        if not self.is_root:
            properties.append((Escaped("Owner"), Escaped(f'!Sub "${{OwnerPrefix}}/{logical}"')))
        if adopts:
            properties.append((Escaped("Adopt"), Escaped('"true"')))
        if policy is _DELETE:
            properties.append((Escaped("OnDelete"), Escaped("Drop")))
        return Custom(id=logical, policy=policy, type=Escaped(f"Custom::{kind}"), properties=properties)


def _role_kind(resources: Resources, role: Role) -> str:
    return _ROLE_KINDS[resources.connections[role.server].engine].capitalize()


def _ids(plugins: tuple[str, ...]) -> str:
    return f"plugin{'s' if len(plugins) > 1 else ''} {', '.join(plugins)}"
