"""What the script of a PostgreSQL server says about pairs of logins, as finished data for the templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.planning.access import DatabaseAccess
    from generator.planning.model import Login, Role


def login_views(role: Role) -> list[dict[str, Any]]:
    """The logins of ``role``; ``env`` is the variable with the password of the one that gets it in this run.

    That is the live one: a password that running instances may use is not touched.
    """
    return [
        {
            "name": login.name,
            "renamed_from": login.renamed_from,
            "is_live": login.is_live,
            "may_log_in": login.may_log_in,
            "env": login.delivery.env if login.is_live else None,
            "iam": None,
            "from_file": login.delivery.file is not None,
            "plugin_ids": ", ".join(role.plugins),
            "owner": role.name,
            "locks_owner": _boolean(role.has_pair and not role.own_login.may_log_in),
            "had_none": _boolean(login.version == 0),
        }
        for login in role.logins
    ]


def _boolean(value: bool) -> Escaped:
    return Escaped("true" if value else "false")


def locked(roles: Sequence[Role]) -> list[dict[str, Any]]:
    """Who may not log in, in the order of ``roles``. ``was_login_of``: the role that a login of a former pair acted as."""
    return list(_locked(roles))


def _locked(roles: Sequence[Role]) -> Iterator[dict[str, Any]]:
    for role in roles:
        present: Sequence[Login] = (role.own_login, *role.logins)
        yield from ({"name": item.name, "was_login_of": None} for item in present if not item.may_log_in)
        if not role.logins:
            yield from ({"name": name, "was_login_of": role.name} for name in role.login_names)


def former_logins(roles: Sequence[Role], access: DatabaseAccess) -> set[str]:
    """The logins of pairs that roles of this database had before, and have no more."""
    return {name for role in roles if role.name in access.roles and not role.logins for name in role.login_names}


def logins_here(access: DatabaseAccess) -> list[dict[str, Any]]:
    """The logins that connect to a database, each with the roles it may act as there."""
    return [{"name": item.name, "owner": item.owner, "acts_as": item.acts_as} for item in access.logins]


def renamed(roles: Sequence[Role]) -> list[dict[str, Any]]:
    """The roles to rename, each with its logins, which act as it by name."""
    return [
        {
            "old": role.renamed_from,
            "new": role.name,
            "logins": [{"old": login.renamed_from, "new": login.name} for login in role.logins],
        }
        for role in roles
        if role.renamed_from
    ]
