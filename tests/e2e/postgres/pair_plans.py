"""Plans with pairs of logins, and passwords that tell what was rotated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.pair import new_pair

if TYPE_CHECKING:
    from generator.planning.model import Login, Plan, Role
    from generator.planning.pair import Pair


def paired(plan: Plan, version: int = 1, pair: Pair | None = None) -> Plan:
    """``plan`` with a pair for every role, at one point of a rotation."""
    roles = {
        (role.server, role.name): role._replace(password_version=version, pair=pair or new_pair(version))
        for role in plan.roles
    }
    plugins = tuple(item._replace(role=roles[item.server, item.role.name]) for item in plan.plugins)
    return plan._replace(roles=tuple(roles.values()), plugins=plugins)


def password(login: Login) -> str:
    """The password of one version of a login."""
    return f"{login.name}, number {login.version}"


def live_passwords(plan: Plan) -> dict[str, str]:
    """What the environment has to have for a run: the live passwords alone."""
    return {role.live.delivery.env: password(role.live) for role in plan.roles}


def logins(role: Role) -> dict[str, Login]:
    """Everybody who may be a login of ``role``, by name."""
    return {login.name: login for login in (role.own_login, *role.logins)}
