"""What stands in the way of a pair of logins: a server or a sign-in without one, and names that meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.engines import POSTGRESQL
from generator.engines.names import length
from generator.planning.places import config_key, source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.planning.model import Database, Role
    from generator.planning.names import Names
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings

_KEY = "credentials.rotation"


def wants_pair(sharing: Sequence[Names], settings: Settings) -> bool:
    """Whether the role of these plugins gets a pair of logins."""
    first = sharing[0]
    return settings.rotation == "pair" and first.server.engine == "postgresql" and first.sign_in.iam is None


def check_pairs(
    roles: Mapping[tuple[str, str], Role],
    databases: Mapping[tuple[str, str], Database],
    named: Sequence[Names],
    settings: Settings,
    diagnostics: Diagnostics,
) -> None:
    """Report pairs where there is no password (GR644) or no second login (GR558), and names of logins that are too long
    (GR305) or taken (GR308).
    """
    if settings.rotation != "pair":
        return
    place = settings.locations.get(_KEY)
    if settings.credentials_mode == "iam":
        diagnostics.error(
            "GR644",
            "credentials.rotation is pair, and credentials.mode is iam: there is no password to rotate",
            place,
            path=_KEY,
            hint="remove credentials.rotation",
        )
        return
    mysql = sorted({names.server.name for names in named if names.server.engine == "mysql"})
    if mysql:
        diagnostics.warning(
            "GR558",
            f"credentials.rotation is pair, and on {'servers' if len(mysql) > 1 else 'server'} {', '.join(mysql)} passwords "
            "still change in place: MySQL and MariaDB have no role that owns what a user creates",
            place,
            path=_KEY,
            hint="rotate there by hand: MySQL keeps the old password beside the new one with ALTER USER … IDENTIFIED BY … "
            "RETAIN CURRENT PASSWORD; docs/rotation.md has the steps. Then end this warning with an entry under `ignore`",
        )
    _check_names(roles, databases, named, diagnostics)


def _check_names(
    roles: Mapping[tuple[str, str], Role],
    databases: Mapping[tuple[str, str], Database],
    named: Sequence[Names],
    diagnostics: Diagnostics,
) -> None:
    first = {names.plugin.plugin_id: names.plugin for names in reversed(named)}
    taken = {where: f"the role of plugin {role.plugins[0]!r}" for where, role in roles.items()}
    taken |= {(item.server, item.group): f"the group of database {item.name!r}" for item in databases.values() if item.group}
    for role in roles.values():
        plugin = first[role.plugins[0]]
        location, path = source(plugin, "connection.user", "client"), config_key(plugin, "connection.user")
        for login in role.logins:
            size = length(login.name, engine="postgresql")
            if size > POSTGRESQL.role_limit:
                diagnostics.error(
                    "GR305",
                    f"the role {role.name!r} of plugin {role.plugins[0]!r} has logins of {size} bytes ({login.name!r}), and "
                    f"a name has at most {POSTGRESQL.role_limit}",
                    location,
                    path=path,
                    hint=f"set {path} to a name of at most {POSTGRESQL.role_limit - 2} bytes",
                )
                break
            other = taken.setdefault((role.server, login.name), f"a login of {role.name!r}")
            if other != f"a login of {role.name!r}":
                diagnostics.error(
                    "GR308",
                    f"the login {login.name!r} of role {role.name!r} has the name of {other}",
                    location,
                    path=path,
                    hint=f"set {path}, or that of the other plugin, to a name of its own",
                )
