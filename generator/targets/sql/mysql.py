"""The script of a MySQL or MariaDB server, and the shell script that hands it its passwords.

The SQL is idempotent, needs no ``SUPER`` and holds no password. The clients cannot read the environment, so a shell script
beside it writes one ``SET @NAME = …`` for each password in front of it, into the pipe to the client.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.engines.mysql import CHARACTER_SET, COLLATION, PRIVILEGES
from generator.planning.access import access_of
from generator.planning.marks import MARK_BEFORE, mark
from generator.targets.base import Artifact
from generator.targets.places import places_left, without_used_places
from generator.targets.text import mysql as mysql_text
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.planning.model import Database, Plan, Role
    from generator.targets.text.templates import Filters

ENGINE: Final = "mysql"
_COLUMNS: Final = {"CREATE TEMPORARY TABLES": "Create_tmp_table_priv"}
_SERVER: Final = re.compile(r"SET @greenroom_server = (.+);", re.ASCII)
_USER: Final = re.compile(r"SET @greenroom_account = (.+);", re.ASCII)
_PREPARED: Final = re.compile(r"SET @greenroom_sql = (_utf8mb4 X'[0-9A-F]*'); PREPARE .*", re.ASCII)
_DATABASE: Final = re.compile(r"CREATE DATABASE IF NOT EXISTS (`(?:[^`]|``)+`) CHARACTER SET .*", re.DOTALL)


def script_artifacts(view: dict[str, Any], filters: Filters) -> list[Artifact]:
    """The two files of one server."""
    return [
        Artifact(view["file"], render_template("sql", "mysql.sql.j2", view, filters)),
        Artifact(view["shell_file"], render_template("sql", "mysql.sh.j2", view, filters)),
    ]


def script_view(plan: Plan, server: str, file: str) -> dict[str, Any]:
    """Everything the templates print, finished."""
    access = access_of(plan)
    databases = [database for database in plan.databases if database.server == server]
    roles = [role for role in plan.roles if role.server == server]
    retired = {item.database for item in plan.retired if (item.server, item.engine) == (server, ENGINE)}
    places = places_left(plan, server, ENGINE)
    unused = places.keys() - {item.name for item in databases}
    hosts = {role.name: role.host for role in roles}
    count = f"{_count(len(databases), 'database')} and {_count(len(roles), 'user')}"
    return {
        "engine": ENGINE,
        "file": file,
        "shell_file": f"{file.removesuffix('.sql')}.sh",
        "server": server,
        "environment": plan.environment,
        "mark": mark(plan.environment),
        "mark_before": MARK_BEFORE,
        "roles": [
            _role_view(role, access.databases_of(role), {name for name in unused if role.name in places[name]})
            for role in roles
        ],
        "groups": [],
        "databases": [
            _database_view(database, access.accounts_of(database))
            | {
                "left": _left(database, places.get(database.name, set()), access.accounts_of(database), hosts),
                "mark": f"ALTER DATABASE {mysql_text.identifier(database.name)} COMMENT '{mark(plan.environment)}'",
            }
            for database in databases
        ],
        "retired": without_used_places(plan, server, ENGINE),
        "known_patterns": sorted(map(mysql_text.pattern, {item.name for item in databases} | retired)),
        "summary": f"{count} ready on server {server}",
    }


def _left(
    database: Database, roles: set[str], users: list[tuple[str, str]], hosts: Mapping[str, str]
) -> list[dict[str, str]]:
    """The users of plugins that used ``database`` and do not any more."""
    found = [(name, hosts.get(name, "%")) for name in sorted(roles - {user for user, _ in users})]
    pattern = mysql_text.identifier(mysql_text.pattern(database.name))
    return [
        {
            "name": name,
            "host": host,
            "revoke": f"REVOKE {', '.join(PRIVILEGES)} ON {pattern}.* FROM "
            f"{mysql_text.identifier(name)}@{mysql_text.identifier(host)}",
        }
        for name, host in found
    ]


def _role_view(role: Role, databases: list[str], left: set[str]) -> dict[str, Any]:
    """``left`` are databases that its plugins have left, and nobody else uses."""
    return {
        "name": role.name,
        "host": role.host,
        "env": role.delivery.env,
        "account": f"{mysql_text.identifier(role.name)}@{mysql_text.identifier(role.host)}",
        # As information_schema spells an account.
        "grantee": f"'{role.name}'@'{role.host}'",
        "require": "SSL" if role.requires_tls else "NONE",
        "has_no_tls": int(not role.requires_tls),
        "plugins": _plugin_list(role.plugins),
        "plugin_ids": ", ".join(role.plugins),
        "databases": databases,
        "patterns": [mysql_text.pattern(name) for name in sorted({*databases, *left})],
    }


def _database_view(database: Database, users: list[tuple[str, str]]) -> dict[str, Any]:
    name, pattern = mysql_text.identifier(database.name), mysql_text.pattern(database.name)
    accounts = [f"{mysql_text.identifier(user)}@{mysql_text.identifier(host)}" for user, host in users]
    return {
        "name": database.name,
        "pattern": pattern,
        "plugins": _plugin_list(database.plugins),
        "create": f"CREATE DATABASE IF NOT EXISTS {name} CHARACTER SET {CHARACTER_SET} COLLATE {COLLATION}",
        "grants": [
            f"GRANT {', '.join(PRIVILEGES)} ON {mysql_text.identifier(pattern)}.* TO {account}" for account in accounts
        ],
        "users": [{"name": user, "host": host} for user, host in users],
        "columns": [_column(privilege) for privilege in PRIVILEGES],
    }


def _column(privilege: str) -> str:
    """The column of ``mysql.db`` for ``privilege``."""
    return _COLUMNS.get(privilege, f"{privilege.capitalize().replace(' ', '_')}_priv")


def _plugin_list(plugins: tuple[str, ...]) -> str:
    return f"plugin{'s' if len(plugins) > 1 else ''} {', '.join(plugins)}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def is_script(text: str) -> bool:
    """Whether ``text`` is a script of this module's."""
    return "\nSET @greenroom_server = " in text


def read_script(text: str) -> Iterator[tuple[str, ...]]:
    """What a script creates, from its own statements.

    Raises:
        ValueError: a name cannot be read, or comes before the server's.
    """
    server = ""
    for line in text.split("\n"):
        if match := _SERVER.fullmatch(line):
            server = mysql_text.read_literal(match[1])
            continue
        if match := _USER.fullmatch(line):
            user, _, _ = mysql_text.read_literal(match[1]).rpartition("@")
            found = ("role", mysql_text.read_identifier(user))
        else:
            prepared = _PREPARED.fullmatch(line)
            match = _DATABASE.fullmatch(mysql_text.read_literal(prepared[1]) if prepared else line)
            if match is None:
                continue
            found = ("database", mysql_text.read_identifier(match[1]))
        if not server:
            raise ValueError("the script creates something before it names its server")
        yield found[0], server, found[1]
