"""The ``sql`` target: a script for each server, and how to run it. For MySQL see :mod:`generator.targets.sql.mysql`.

A PostgreSQL server gets a psql script. It is idempotent, needs no superuser and holds no password. Databases and schemas
belong to the role that runs it: only an owner can take privileges from ``PUBLIC``, and no membership in a plugin's role is
needed to hand out schemas.
"""

from __future__ import annotations

import re
import shlex
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from generator.engines.postgresql import HAS_POWERS, IS_POWERFUL, SCRAM_VERIFIER
from generator.planning.access import access_of, place
from generator.planning.extensions import schema_of
from generator.planning.marks import MARK_BEFORE, STACK_MARK_BEFORE, mark
from generator.problems.paths import shown
from generator.settings.name_template import variable_part
from generator.targets.base import Artifact, Target
from generator.targets.places import places_left, without_used_places
from generator.targets.sql import mysql
from generator.targets.sql.check import check_plan
from generator.targets.sql.pairs import former_logins, locked, login_views, logins_here, renamed
from generator.targets.text import mysql as mysql_text
from generator.targets.text import postgresql as postgresql_text
from generator.targets.text.escaped import Escaped, comment
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from generator.planning.access import DatabaseAccess, SchemaAccess
    from generator.planning.model import Database, Plan, PluginPlan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import RenderContext

_ENGINE: Final = "postgresql"
_IDENTIFIER: Final = r'(?:U&)?"[^"]+"'
_OPTIONS: Final = "LOGIN|NOLOGIN|NOLOGIN NOINHERIT|ALLOW_CONNECTIONS false"
_CREATE: Final = re.compile(rf"  CREATE (ROLE|DATABASE|SCHEMA) ({_IDENTIFIER})(?: (?:{_OPTIONS}))?;", re.ASCII)
_OF_CLOUD: Final = re.compile(rf"-- Cloud SQL makes (ROLE) ({_IDENTIFIER}), because .*", re.ASCII)
_ENTER: Final = re.compile(rf"REVOKE ALL ON DATABASE ({_IDENTIFIER}) FROM PUBLIC;", re.ASCII)
_SERVER: Final = re.compile(r"\\set server '([A-Za-z0-9_.@/+ -]+)'", re.ASCII)


def _cell(value: object) -> Escaped:
    """A value as code in a cell of a Markdown table: nothing in it ends the code or the cell."""
    return Escaped(comment(value).replace("`", "'").replace("|", "¦"))


_FILTERS: Final = (*postgresql_text.FILTERS, *mysql_text.FILTERS, ("cell", _cell))


class SqlTarget(Target):
    """The target ``sql``."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what a script cannot carry (GR62x)."""
        check_plan(context.plan, diagnostics)

    def render(self, context: RenderContext) -> list[Artifact]:
        """``databases.sql`` (with several servers ``<server>.sql`` for each) and ``README.md``, sorted by path.

        A MySQL server's script comes with a shell script of the same name. No artifact at all when nothing has to exist.
        """
        plan = context.plan
        if not plan.servers:
            return []
        views, artifacts = [], []
        for server in plan.servers:
            file = f"{server.name}.sql" if len(plan.servers) > 1 else "databases.sql"
            if server.engine == mysql.ENGINE:
                views.append(mysql.script_view(plan, server.name, file))
                artifacts += mysql.script_artifacts(views[-1], _FILTERS)
            else:
                views.append(_script_view(plan, server.name, file))
                artifacts.append(Artifact(file, render_template("sql", "databases.sql.j2", views[-1], _FILTERS)))
        artifacts.append(Artifact("README.md", render_template("sql", "README.md.j2", _readme(plan, views), _FILTERS)))
        return sorted(artifacts, key=lambda artifact: artifact.path)

    def way(self, folder: Path, files: Collection[Path]) -> str:
        """The command of each server's script."""
        names = sorted(path for path in files if path.parent == folder and path.suffix in (".sql", ".sh"))
        shells = [path for path in names if path.suffix == ".sh"]
        # What a shell script of the same name feeds to its client.
        fed = [path for path in names if any(path.name.startswith(f"{shell.stem}.") for shell in shells)]
        commands = [f"sh {shlex.quote(shown(path))}" for path in shells]
        commands += [f"psql -X -f {shlex.quote(shown(path))}" for path in names if path not in fed]
        return " and ".join(commands)

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """What the scripts create, from their own statements. The group role of a shared database counts as a role.

        Raises:
            ValueError: a script does not say which server it is for, or a name cannot be read.
        """
        found: set[tuple[str, ...]] = set()
        for artifact in artifacts:
            if artifact.path.endswith(".sql"):
                is_mysql = mysql.is_script(artifact.text)
                found |= set(mysql.read_script(artifact.text)) if is_mysql else _read_script(artifact.text)
        return found


def _readme(plan: Plan, views: list[dict[str, Any]]) -> dict[str, Any]:
    """What ``README.md.j2`` prints: a part for each engine."""
    scripts = [
        {
            "engine": view["engine"],
            "file": view["file"],
            "shell_file": view.get("shell_file", ""),
            "server": view["server"],
            "databases": len(view["databases"]),
            "roles": len(view["roles"]) + len(view["groups"]) + len(view.get("logins", ())),
        }
        for view in views
    ]
    engines = {
        engine: {
            "scripts": [script for script in scripts if script["engine"] == engine],
            "roles": [
                role
                for view in views
                if view["engine"] == engine
                for role in (*view["roles"], *view.get("logins", ()))
                if role["env"]
            ],
        }
        for engine in sorted({view["engine"] for view in views}, reverse=True)
    }
    clouds = sorted({cloud for view in views for cloud in view.get("clouds", ())})
    has_pairs = any(role.has_pair for role in plan.roles)
    return {"environment": plan.environment, "engines": engines, "clouds": clouds, "has_pairs": has_pairs}


def _read_script(text: str) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    server = database = ""
    for line in text.split("\n"):
        if match := _SERVER.fullmatch(line):
            server = match[1]
        elif match := _ENTER.fullmatch(line):
            database = postgresql_text.read_identifier(match[1])
        elif match := _CREATE.fullmatch(line) or _OF_CLOUD.fullmatch(line):
            if not server:
                raise ValueError("the script creates something before it names its server")
            name = postgresql_text.read_identifier(match[2])
            kind = match[1].lower()
            found.add((kind, server, database, name) if kind == "schema" else (kind, server, name))
    return found


def _script_view(plan: Plan, server: str, file: str) -> dict[str, Any]:
    """Everything ``databases.sql.j2`` prints, finished."""
    access = access_of(plan)
    databases = [database for database in plan.databases if database.server == server]
    roles = [role for role in plan.roles if role.server == server]
    groups = sorted(name for where, name in access.groups if where == server)
    views = [_role_view(role) for role in roles]
    logins = [view for role in roles for view in login_views(role)]
    with_value = [view for view in (*views, *logins) if view["env"]]
    places = places_left(plan, server, _ENGINE)
    gone_here = [gone for gone in plan.retired if gone.server == server and not gone.dropped]
    return {
        "engine": _ENGINE,
        "file": file,
        "server": server,
        "environment": plan.environment,
        "mark": mark(plan.environment),
        "mark_before": MARK_BEFORE,
        "stack_mark_before": STACK_MARK_BEFORE,
        # Cloud SQL makes its roles itself, and lets nobody comment on them.
        "marked": sorted(
            {*groups, *(role.name for role in roles if role.iam != "cloudsql"), *(login["name"] for login in logins)}
        ),
        "roles": views,
        "logins": logins,
        "locked": locked(roles),
        "checked": [view for view in (*views, *logins) if view["iam"] != "cloudsql"],
        "made_by_cloud": [view for view in views if view["iam"] == "cloudsql"],
        "has_passwords": any(role.iam is None for role in roles),
        "variables": sorted({view["env"] for view in with_value}),
        "files": sorted({view["env"] for view in with_value if view["from_file"]}),
        "verifier_pattern": Escaped(f"'{SCRAM_VERIFIER}'"),
        "extensions": sorted({name for plugin in plan.plugins if plugin.server == server for name in plugin.extensions}),
        "has_powers": Escaped(HAS_POWERS),
        "is_powerful": Escaped(IS_POWERFUL),
        "clouds": sorted({role.iam for role in roles if role.iam is not None}),
        "groups": groups,
        "databases": [
            _database_view(
                database,
                access.database(database),
                places.get(database.name, set()) | former_logins(roles, access.database(database)),
                {name for gone in gone_here if gone.database == database.name for name in (gone.role, *gone.login_names)},
            )
            | {"extensions": _extension_views(access.users_of_database.get(place(database), []))}
            for database in databases
        ],
        "uses": _uses(plan, server),
        # Also what was dropped: elsewhere it may still be there.
        "known": sorted({(item.database, item.schema) for item in plan.retired if item.server == server}, key=str),
        "renamed_databases": [(item.renamed_from, item.name) for item in databases if item.renamed_from],
        "renamed_roles": renamed(roles),
        "retired": without_used_places(plan, server, _ENGINE),
        "summary": f"{_count(len(databases), 'database')} and "
        f"{_count(len(roles) + len(groups) + len(logins), 'role')} ready on server",
    }


def _uses(plan: Plan, server: str) -> list[dict[str, Any]]:
    """Which role works where, and where it did before a rename: what a role has elsewhere is looked at before a change."""
    found = {
        (
            item.role.name,
            item.role.renamed_from,
            item.database.name,
            item.database.renamed_from,
            item.schema,
            item.schema_renamed_from,
        )
        for item in plan.plugins
        if item.server == server
    }
    keys = ("role", "old_role", "database", "old_database", "schema", "old_schema")
    return [dict(zip(keys, use, strict=True)) for use in sorted(found, key=str)]


def _role_view(role: Role) -> dict[str, Any]:
    return {
        "name": role.name,
        "renamed_from": role.renamed_from,
        # What the environment has to say about the role: its password, or who signs in as it.
        "env": None
        if role.has_pair
        else {None: role.delivery.env, "azure": f"ENTRA_OBJECT_ID_{variable_part(role.name)}"}.get(role.iam),
        "iam": role.iam,
        "is_owner": role.has_pair,
        "owner_logs_in": role.own_login.may_log_in,
        "logins": login_views(role),
        "from_file": role.delivery.file is not None,
        "plugins": _plugin_list(role.plugins),
        "plugin_ids": ", ".join(role.plugins),
    }


def _database_view(database: Database, access: DatabaseAccess, left: set[str], retired: set[str]) -> dict[str, Any]:
    """One database: ``owner`` makes tables in ``public``, ``members`` act as it, ``schemas`` are made for schema mode.

    ``left`` are the roles of plugins that worked here and do elsewhere now, ``retired`` those of plugins that are retired.
    """
    return {
        "name": database.name,
        "renamed_from": database.renamed_from,
        "is_plain": postgresql_text.is_plain_database(database.name),
        "plugins": _plugin_list(database.plugins),
        "owner": access.owner,
        "group": database.group,
        "members": access.members,
        "connecting": access.connecting,
        "logins": logins_here(access),
        "users": sorted({*access.roles, *retired, *(login.name for login in access.logins)}),
        "schemas": [_schema_view(schema) for schema in access.schemas],
        "left": sorted(left - {*access.roles, *(login.name for login in access.logins)}),
    }


def _extension_views(plugins: list[PluginPlan]) -> list[dict[str, Any]]:
    """The extensions of a database: each is there once, in one schema."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for plugin in plugins:
        for name in plugin.extensions:
            found[name, schema_of(plugin)].append(plugin.plugin_id)
    return [
        {"name": name, "schema": schema, "plugins": _plugin_list(tuple(ids))}
        for (name, schema), ids in sorted(found.items())
    ]


def _schema_view(schema: SchemaAccess) -> dict[str, Any]:
    return {
        "name": schema.name,
        "renamed_from": schema.renamed_from,
        "role": schema.owner,
        "sets_search_path": schema.is_search_path,
        "plugins": _plugin_list(schema.plugins),
    }


def _plugin_list(plugins: tuple[str, ...]) -> str:
    return f"plugin{'s' if len(plugins) > 1 else ''} {', '.join(plugins)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


TARGET: Final = SqlTarget()
