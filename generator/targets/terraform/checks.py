"""What Terraform cannot carry, found before anything is rendered."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from generator.planning.access import place
from generator.targets.terraform.escaping import is_identifier, text_problem
from generator.targets.terraform.names import CLOUD_ROLES, NAMES
from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.shape import ENGINE, MYSQL, Shape, base_role_label, database_label, role_label
from generator.targets.terraform.stores import STORES, store_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics, Location

_LABEL_KEY: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_LABEL_VALUE: Final = re.compile(r"[a-z0-9_-]{0,63}", re.ASCII)
_WHY: Final = {
    ENGINE: {
        "database": "the provider puts it into its connection URL as it is",
        "role": "the provider joins role names into the ids it keeps in state",
        "schema": "the provider splits ids at dots and a role's search_path at commas",
    },
    MYSQL: {
        "database": "the provider puts it between the quotes of a grant as it is",
        "role": "the provider puts it between the quotes of a grant as it is, and splits ids at @",
    },
}
_SOURCES: Final = {
    "database": ("connection.database", "databaseName", "prefix"),
    "role": ("connection.user", "databaseName"),
    "schema": ("schemaName", "pluginDivisionMode"),
}
_PATHS: Final = {"database": "connection.database", "role": "connection.user"}


def check_plan(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report every item the ``terraform`` target has to refuse: GR610 to GR618, GR662."""
    shapes = [Shape(plan, engine) for engine in (ENGINE, MYSQL)]
    _check_servers(plan, diagnostics)
    for shape in shapes:
        _check_names(shape, diagnostics)
    _check_texts(plan, diagnostics)
    _check_labels(shapes, diagnostics)
    store = store_of(plan)
    if store is None and plan.credentials == "iam":
        diagnostics.error(
            "GR640",
            f"plugins sign in with several clouds ({', '.join(sorted({str(role.iam) for role in plan.roles}))})",
            path="credentials.mode",
            hint="generate for the servers of each cloud apart (--plugin, --out)",
        )
    elif store is None:
        diagnostics.error(
            "GR612",
            f"the terraform target cannot keep passwords in {plan.store!r}",
            path="credentials.store",
            hint=f"one of {', '.join(sorted(STORES))}",
        )
    elif plan.plugins:
        store.check(plan, diagnostics)
    has_labels = store is not None and store.has_labels
    if has_labels or any(KINDS[server.kind].has_labels for server in plan.servers if server.kind in KINDS):
        _check_labels_of_google(plan, diagnostics)


def _check_labels_of_google(plan: Plan, diagnostics: Diagnostics) -> None:
    """GR662: a tag that Google, which calls it a label, would refuse."""
    for key, value in plan.tags:
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            diagnostics.error(
                "GR662",
                f"the tag {key[:80]!r} with the value {value[:80]!r} cannot be a label in Google Cloud",
                path=f"tags.{key}",
                hint="up to 63 lower-case letters, digits, dashes and underscores; the key starts with a letter",
            )


def _check_servers(plan: Plan, diagnostics: Diagnostics) -> None:
    for server in plan.servers:
        if not is_identifier(server.name):
            diagnostics.error(
                "GR613",
                f"the server name {server.name!r} cannot be a part of the name of a Terraform variable",
                path=f"servers.{server.name}",
                hint="a letter or underscore first, then letters, digits, dashes and underscores",
            )
        kind = KINDS.get(server.kind)
        if kind is None:
            diagnostics.error(
                "GR613",
                f"the terraform target does not know the kind {server.kind!r} of server {server.name!r}",
                path=f"servers.{server.name}.kind",
                hint=f"one of {', '.join(sorted(KINDS))}",
            )
        else:
            kind.check(server, diagnostics)


def _check_names(shape: Shape, diagnostics: Diagnostics) -> None:
    seen: set[tuple[str, str]] = set()
    for kind, name, plugin in _names(shape.plugins):
        names = CLOUD_ROLES if kind == "role" and plugin.role.iam else NAMES[shape.engine]
        if (kind, name) in seen or re.fullmatch(names.pattern, name, re.ASCII):
            continue
        seen.add((kind, name))
        own_key = f".{_PATHS[kind]}" if kind in _PATHS else ""
        diagnostics.error(
            "GR611",
            f"Terraform cannot manage the {kind} name {name[:80]!r} of plugin {plugin.plugin_id!r}: "
            f"{_WHY[shape.engine][kind]}",
            _location([plugin], *_SOURCES[kind]),
            path=f"backend.database.plugin.{plugin.plugin_id}{own_key}",
            hint=f"{names.allowed}; or leave the target terraform out (--target)",
        )


def _names(plugins: list[PluginPlan]) -> Iterator[tuple[str, str, PluginPlan]]:
    for plugin in plugins:
        yield "database", plugin.database.name, plugin
        yield "role", plugin.role.name, plugin
        if plugin.schema is not None:
            yield "schema", plugin.schema, plugin
        for group in sorted({plugin.database.group, plugin.role.group} - {None}, key=str):
            yield "role", str(group), plugin


def _check_texts(plan: Plan, diagnostics: Diagnostics) -> None:
    for plugin in plan.plugins:
        problem = text_problem(plugin.plugin_id) or text_problem(plugin.role.secret_name)
        if problem:
            diagnostics.error(
                "GR618",
                f"no Terraform string can hold the id or the secret name of plugin {plugin.plugin_id!r}: it {problem}",
                path="backend.database.plugin",
                hint="rename the plugin",
            )
    for server in plan.servers:
        for value in (server.host, server.port):
            if isinstance(value, str) and (problem := text_problem(value)):
                diagnostics.error(
                    "GR618",
                    f"no Terraform string can hold the host or port of server {server.name!r}: it {problem}",
                    path="backend.database.connection",
                    hint="correct the value",
                )


def _check_labels(shapes: list[Shape], diagnostics: Diagnostics) -> None:
    """GR614: two things with the same module name. The planner keeps the plugins apart, this the rest."""
    owners: dict[str, list[str]] = defaultdict(list)
    planned = {plugin.plugin_id for shape in shapes for plugin in shape.plugins}
    for shape in shapes:
        for plugin in shape.plugins:
            if not is_identifier(plugin.label):
                diagnostics.error("GR614", f"{plugin.label!r} (plugin {plugin.plugin_id!r}) cannot be the name of a module")
            owners[plugin.label].append(f"the plugin {plugin.plugin_id!r}")
        for owner, label in sorted({(gone.owner, gone.label) for gone in shape.retired}):
            if owner not in planned:
                owners[label].append(f"the retired plugin {owner!r}")
        for database in shape.shared_databases:
            owners[database_label(*place(database))].append(f"the shared database {database.name!r}")
        for server, name in shape.base_roles:
            owners[base_role_label(server, name)].append(f"the role {name!r} that plugins act as")
        for role in shape.shared_roles.values():
            owners[role_label(*place(role))].append(f"the shared role {role.name!r}")
        for role in shape.roles:
            for login, module in shape.login_modules(role):
                owners[module].append(f"the login {login.name!r}")
    for label, things in owners.items():
        if len(things) > 1:
            diagnostics.error(
                "GR614",
                f"{' and '.join(things)} would both be the Terraform module {label!r}",
                path="backend.database.plugin",
                hint="rename one of them",
            )


def _location(plugins: list[PluginPlan], *keys: str) -> Location | None:
    for plugin in plugins:
        if plugin.source is not None:
            for key in keys:
                if key in plugin.source.sources:
                    return plugin.source.sources[key]
    return None
