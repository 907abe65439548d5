"""Both engines of a plan side by side: one root module has the plugins of all its servers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.planning.access import place
from generator.targets.terraform.calls import Calls
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.guard import guard_view
from generator.targets.terraform.imports import imports_view, secret_imports
from generator.targets.terraform.kinds import POSTGRESQL
from generator.targets.terraform.logins import logins_of, with_passwords
from generator.targets.terraform.mysql_calls import MysqlCalls
from generator.targets.terraform.mysql_imports import mysql_grant_imports, mysql_imports
from generator.targets.terraform.mysql_kinds import MYSQL as MYSQL_PROVIDER
from generator.targets.terraform.retired import retired_view
from generator.targets.terraform.shape import (
    ENGINE,
    MYSQL,
    Shape,
    moved_databases,
    moved_extensions,
    moved_logins,
    moved_plugins,
    moved_roles,
)
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Role
    from generator.targets.terraform.hcl import Arguments, Call, RequiredProvider
    from generator.targets.terraform.kinds import Kind
    from generator.targets.terraform.stores.base import Store

_PROVIDERS = {ENGINE: POSTGRESQL, MYSQL: MYSQL_PROVIDER}
#: What the modules of a plugin make on a server, in whatever way it is there.
_MADE = {
    ENGINE: (
        "postgresql_database.plugin",
        "postgresql_grant.database",
        "postgresql_grant.public",
        "postgresql_grant.schema",
        "postgresql_role.plugin",
        "postgresql_schema.plugin",
    ),
    MYSQL: ("mysql_database.plugin", "mysql_grant.plugin", "mysql_user.plugin"),
}


class Engines:
    """The calls for every engine of a plan. Call ``used`` last."""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._store = store
        self._shapes = {engine: Shape(plan, engine) for engine in (ENGINE, MYSQL)}
        self._calls: list[Calls | MysqlCalls] = [
            Calls(self._shapes[ENGINE], store),
            MysqlCalls(self._shapes[MYSQL], store),
        ]

    def shape(self, engine: str) -> Shape:
        """The part of the plan that is of ``engine``."""
        return self._shapes[engine]

    @property
    def used(self) -> set[Kind]:
        """The kinds of modules that are called."""
        return {kind for calls in self._calls for kind in calls.used}

    @property
    def providers(self) -> list[RequiredProvider]:
        """The providers of the servers there are, or were: Terraform needs one to let go of what it made."""
        return [_PROVIDERS[engine] for engine, shape in self._shapes.items() if shape.plugins or shape.retired]

    def plugins(self) -> list[Call]:
        """The calls of ``plugins.tf``, sorted by plugin id."""
        found = [
            (plugin.plugin_id, call)
            for calls in self._calls
            for plugin, call in zip(calls.shape.plugins, calls.plugins(), strict=True)
        ]
        return [call for _, call in sorted(found, key=lambda pair: pair[0])]

    def databases(self) -> list[Call]:
        """The calls of ``databases.tf``."""
        return [call for calls in self._calls for call in calls.databases()]

    def roles(self) -> list[Call]:
        """The calls of ``roles.tf``."""
        return [call for calls in self._calls for call in calls.roles()]

    def logins(self) -> list[Call]:
        """The calls of ``logins.tf``; only PostgreSQL has pairs of them."""
        return [call for calls in self._calls if isinstance(calls, Calls) for call in calls.logins()]

    def moved_logins(self) -> list[tuple[Escaped, Escaped]]:
        """Old and new address of every login whose role is in a module of another label now."""
        return moved_logins(self._shapes[ENGINE])

    def extensions(self) -> list[Call]:
        """The calls of ``extensions.tf``; only PostgreSQL has any."""
        return [call for calls in self._calls if isinstance(calls, Calls) for call in calls.extensions()]

    def moved_extensions(self) -> list[tuple[Escaped, Escaped]]:
        """Old and new address of the extensions of every plugin that has another id now."""
        return moved_extensions(self._shapes[ENGINE])

    def outputs(self) -> Arguments:
        """What each plugin has, by label. Not aligned: a new plugin with a long name changes no other line."""
        found = {name.strip(): value for calls in self._calls for name, value in calls.outputs()}
        return [(Escaped(name), found[name]) for name in sorted(found)]

    def moved_plugins(self) -> list[tuple[Escaped, Escaped]]:
        """Old and new address of every plugin that has another id now."""
        return [move for shape in self._shapes.values() for move in moved_plugins(shape)]

    def tests(self) -> dict[str, Any]:
        """What ``plan.tftest.hcl.j2`` prints: that each plugin gets what is planned for it."""
        by_label = {plugin.label: plugin for shape in self._shapes.values() for plugin in shape.plugins}
        asserts = []
        for label, plugin in sorted(by_label.items()):
            wanted = {"database": plugin.database.name, "role": plugin.role.name}
            if plugin.server in self._shapes[ENGINE].servers:
                wanted["schema"] = plugin.schema or "public"
            found = f"output.plugins[{string(label)}]"
            condition = " && ".join(f"{found}.{name} == {string(value)}" for name, value in wanted.items())
            asserts.append((Escaped(condition), string(f"{label} does not get what greenroom planned for it.")))
            for login in logins_of(plugin.role):
                condition = f"{found}.logins.{login.letter}.role == {string(login.name)}"
                asserts.append((Escaped(condition), string(f"{label} does not get its login {login.letter}.")))
        return {"labels": Escaped(", ".join(map(string, sorted(by_label)))), "asserts": asserts}

    def guard(self) -> dict[str, Any]:
        """What ``guard.tf.j2`` prints."""
        return guard_view(list(self._shapes.values()))

    def moved_databases(self) -> list[tuple[Escaped, Escaped]]:
        """Old and new address of every shared database that was renamed."""
        return [move for shape in self._shapes.values() for move in moved_databases(shape)]

    def moved_roles(self) -> list[tuple[Escaped, Escaped]]:
        """Old and new address of every shared role that was renamed."""
        return [move for shape in self._shapes.values() for move in moved_roles(shape)]

    def retired(self) -> dict[str, Any]:
        """What ``retired.tf.j2`` prints."""
        called = {plugin.label for calls in self._calls for plugin in calls.shape.plugins if calls.kind(plugin) is not None}
        views = [retired_view(shape, called) for shape in self._shapes.values()]
        gone = [item for view in views for item in view["retired"]]
        return {
            "providers": [item for view in views for item in view["providers"]],
            "retired": sorted(gone, key=lambda item: str(item["label"])),
            "left": [item for view in views for item in view["left"]],
        }

    def imports(self) -> dict[str, Any] | None:
        """What ``imports.tf.j2`` prints; ``None`` when nothing is there already."""
        view = imports_view(self._shapes[ENGINE])
        view["imports"] = sorted(view["imports"] + mysql_imports(self._shapes[MYSQL]))
        view["grants"] = mysql_grant_imports(self._shapes[MYSQL])
        view["has_secrets"] = self.takes_over
        view["secrets"] = [item for shape in self._shapes.values() for item in secret_imports(shape, self._store)]
        return view if view["imports"] or view["has_secrets"] else None

    @property
    def takes_over(self) -> bool:
        """Whether the store has a secret of a role already."""
        return self._store.makes_password and any(shape.existing_secrets for shape in self._shapes.values())

    @property
    def kept(self) -> list[Role]:
        """The roles that keep the password the store has already."""
        return [
            role
            for shape in self._shapes.values()
            for role in with_passwords(shape.roles)
            if shape.existing_secrets.get(place(role)) == role.password_version
        ]

    def strangers(self, kind: Kind) -> tuple[str, ...]:
        """What modules of ``kind`` may find in a plugin's state because it was on the other engine before."""
        engine_of = {plugin.plugin_id: engine for engine, shape in self._shapes.items() for plugin in shape.plugins}
        before = {
            gone.engine
            for shape in self._shapes.values()
            for gone in shape.retired
            if engine_of.get(gone.owner, gone.engine) != gone.engine
        }
        return tuple(address for engine in sorted(before) for address in _MADE[engine] if kind.provider.name != engine)

    def readme(self) -> dict[str, Any]:
        """Which engines there are, and a plugin of each whose role is its own, to show how an import looks."""
        return {engine: self._example(shape) for engine, shape in self._shapes.items()}

    @staticmethod
    def _example(shape: Shape) -> dict[str, Any] | None:
        if not shape.plugins and not shape.retired:
            return None
        own = next((plugin for plugin in shape.plugins if place(plugin.role) not in shape.shared_roles), None)
        if own is None:
            return {"example": None}
        names = {"role": string(own.role.name), "account": string(f"{own.role.name}@{own.role.host}")}
        return {"example": {"label": identifier(own.label), **names}}
