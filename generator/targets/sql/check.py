"""What a script cannot carry, found before anything is rendered."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from generator.targets.text import mysql as mysql_text
from generator.targets.text.postgresql import is_variable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.planning.model import Database, Plan, PluginPlan, Role
    from generator.problems.diagnostic import Diagnostics, Location

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*", re.ASCII)


def check_plan(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report every plan item that the ``sql`` target has to refuse: GR621 to GR626."""
    _check_servers(plan, diagnostics)
    _check_variables(plan, diagnostics)
    _check_names(plan, diagnostics)
    _check_renames(plan, diagnostics)
    _check_roles_of_schemas(plan, diagnostics)


def _check_servers(plan: Plan, diagnostics: Diagnostics) -> None:
    for server in plan.servers:
        if not _FILE_NAME.fullmatch(server.name):
            diagnostics.error(
                "GR624",
                f"the server name {server.name!r} cannot be the name of a file",
                hint="use letters, digits, dashes and underscores in the names below `servers`",
            )


def _check_variables(plan: Plan, diagnostics: Diagnostics) -> None:
    engines = {server.name: server.engine for server in plan.servers}
    seen: dict[tuple[str, str], Role] = {}
    for role in plan.roles:
        on_mysql = engines.get(role.server) == "mysql"
        if on_mysql and (other := seen.setdefault((role.server, role.delivery.env.lower()), role)) is not role:
            diagnostics.error(
                "GR626",
                f"{other.delivery.env!r} and {role.delivery.env!r} are one variable to MySQL, where case does not count "
                f"(passwords of users {other.name!r} and {role.name!r})",
                _place([plugin for plugin in plan.plugins if plugin.role is role]),
                path="credentials.delivery.env",
                hint="rename one of the plugins, or generate for them apart",
            )
        if not (mysql_text.is_variable if on_mysql else is_variable)(role.live.delivery.env):
            diagnostics.error(
                "GR621",
                f"{role.live.delivery.env!r} cannot be the name of an environment variable (password of role {role.name!r})",
                _place([plugin for plugin in plan.plugins if plugin.role is role]),
                path="credentials.delivery.env",
                hint="letters, digits and underscores, no digit first" + (", at most 64 of them" if on_mysql else ""),
            )


def _check_names(plan: Plan, diagnostics: Diagnostics) -> None:
    for kind, name, plugins in _names(plan):
        if name is not None and (not name or "\0" in name or not _is_unicode(name)):
            diagnostics.error(
                "GR622",
                f"{name!r} cannot be the name of a {kind}: a server takes no empty name, no NUL and no half character",
                _place(plugins),
                hint="choose another name",
            )


def _check_renames(plan: Plan, diagnostics: Diagnostics) -> None:
    """A rename needs the old name free of other meanings: otherwise a second run could not tell what was done."""
    kinds: dict[str, Iterable[Database | Role]] = {"database": plan.databases, "role": plan.roles}
    for kind, items in kinds.items():
        wanted = {(item.server, item.name) for item in items}
        for item in items:
            if item.renamed_from and (item.server, item.renamed_from) in wanted:
                _report_rename(kind, item.renamed_from, item.name, [], diagnostics)
    schemas: dict[tuple[str, str], set[str]] = defaultdict(set)
    for plugin in plan.plugins:
        if plugin.schema is not None:
            schemas[plugin.server, plugin.database.name].add(plugin.schema)
    for plugin in plan.plugins:
        old = plugin.schema_renamed_from
        if plugin.schema and old and old in schemas[plugin.server, plugin.database.name]:
            _report_rename("schema", old, plugin.schema, [plugin], diagnostics)


def _report_rename(kind: str, old: str, new: str, plugins: list[PluginPlan], diagnostics: Diagnostics) -> None:
    diagnostics.error(
        "GR623",
        f"the {kind} {old!r} is to be renamed to {new!r}, and at the same time {old!r} is wanted for something else",
        _place(plugins),
        hint="do it in two steps: generate and apply the rename first",
    )


def _check_roles_of_schemas(plan: Plan, diagnostics: Diagnostics) -> None:
    owner: dict[tuple[str, str, str], PluginPlan] = {}
    for plugin in plan.plugins:
        if plugin.schema is None:
            continue
        first = owner.setdefault((plugin.server, plugin.database.name, plugin.schema), plugin)
        if first.role.name != plugin.role.name:
            diagnostics.error(
                "GR625",
                f"the plugins {first.plugin_id!r} and {plugin.plugin_id!r} have different users and the same schema "
                f"{plugin.schema!r}",
                _place([plugin]),
                hint="give both the same connection.user, or schemas of their own",
            )


def _names(plan: Plan) -> Iterator[tuple[str, str | None, list[PluginPlan]]]:
    for database in plan.databases:
        yield "database", database.name, []
        yield "database", database.renamed_from, []
        yield "role", database.group, []
    for role in plan.roles:
        yield "role", role.name, []
        yield "role", role.renamed_from, []
        yield from (("role", login.name, []) for login in role.logins)
    for plugin in plan.plugins:
        yield "schema", plugin.schema, [plugin]
        yield "schema", plugin.schema_renamed_from, [plugin]


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _place(plugins: list[PluginPlan]) -> Location | None:
    for plugin in plugins:
        if plugin.source is not None:
            for key in ("connection.database", "databaseName", "connection.user", "client"):
                if key in plugin.source.sources:
                    return plugin.source.sources[key]
    return None
