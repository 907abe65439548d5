"""Pairs of logins as preflight sees them: who is live, who is the other one, and what the lock file says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from generator.planning.access import owner, place
from generator.planning.model import login_name
from generator.planning.pair import LETTERS, new_pair

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.history import Lock
    from generator.planning.model import Delivery, Login, Plan, PluginPlan, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPair:
    """The two logins of a plugin's role. ``owner`` is that role, and ``acts_as`` who their sessions are in the plugin's
    database: the owner, or the group of a shared database.

    ``live`` is the login that app-config has to name, ``other`` the one that takes turns with it. ``variable`` and
    ``other_variable`` say where their passwords come from. ``other_may_log_in`` and ``owner_may_log_in`` are what the lock
    file says, ``None`` without one. ``other_password`` is the other's, where it is at hand.
    """

    owner: str
    acts_as: str
    live: str
    other: str
    variable: str
    other_variable: str = ""
    other_may_log_in: bool | None = None
    owner_may_log_in: bool | None = None
    other_password: str | None = field(default=None, repr=False)

    @property
    def logins(self) -> tuple[str, str]:
        """Both."""
        return self.live, self.other

    @property
    def names(self) -> tuple[str, str, str]:
        """Both logins and their owner: what any of them may do, the plugin may do."""
        return self.live, self.other, self.owner


class WithPairs(NamedTuple):
    """A plan whose roles own everything and have their logins. ``guessed`` are plugins of which no lock file says more than
    the settings do: that they have a pair, and not where its rotation stands."""

    plan: Plan
    guessed: frozenset[str]


def with_pairs(plan: Plan, lock: Lock | None, resolved: PluginDatabaseMap, *, wants: bool) -> WithPairs:
    """``plan``, in which the login that app-config names is made what it is: one of the pair of the role that owns all.

    Args:
        plan: made of app-config with its fragment, in which each plugin's user is its live login.
        wants: whether the settings ask for pairs.
    """
    found: dict[tuple[str, str], Role] = {}
    guessed: set[str] = set()
    for role in plan.roles:
        first = role.plugins[0]
        known = lock.plugins.get(first) if lock is not None else None
        if known is not None:
            names = (known.role, *(login_name(known.role, letter) for letter in LETTERS))
            if known.pair is not None and role.name in names:
                found[place(role)] = role._replace(name=known.role, password_version=known.password_version, pair=known.pair)
        elif wants and role.iam is None and (guess := _guess(role, _user(resolved, first))) is not None:
            found[place(role)] = guess
            guessed.update(role.plugins)
    plugins = tuple(item._replace(role=found.get(place(item.role), item.role)) for item in plan.plugins)
    roles = tuple(found.get(place(role), role) for role in plan.roles)
    return WithPairs(plan._replace(plugins=plugins, roles=roles), frozenset(guessed))


def _user(resolved: PluginDatabaseMap, plugin_id: str) -> str:
    found = resolved.get(plugin_id)
    connection = found.connection if found is not None and isinstance(found.connection, dict) else {}
    return str(connection.get("user", ""))


def _guess(role: Role, user: str) -> Role | None:
    """``role`` with a pair whose live login is ``user``, where that has the name of one."""
    for version, letter in enumerate(LETTERS, 1):
        owner = role.name if role.is_common else role.name.removesuffix(f"_{letter}")
        if user == login_name(owner, letter):
            return role._replace(name=owner, password_version=version, pair=new_pair(version))
    return None


def target_pair(plugin: PluginPlan, environment: Mapping[str, str], *, guessed: bool) -> TargetPair | None:
    """The pair of ``plugin``; ``None`` where its role logs in by itself."""
    role = plugin.role
    if not role.has_pair:
        return None
    live = role.live
    other = next(login for login in role.logins if not login.is_live)
    return TargetPair(
        owner=role.name,
        acts_as=owner(plugin),
        live=live.name,
        other=other.name,
        variable=_place_of(live),
        other_variable=_place_of(other),
        other_may_log_in=None if guessed else other.may_log_in,
        owner_may_log_in=None if guessed else role.own_login.may_log_in,
        other_password=_password(other.delivery, environment),
    )


def _place_of(login: Login) -> str:
    return login.delivery.file or login.delivery.env


def _password(delivery: Delivery, environment: Mapping[str, str]) -> str | None:
    """A password that is at hand, from where app-config would take it."""
    if delivery.file is None:
        return environment.get(delivery.env, "").strip() or None
    path = Path(delivery.file)
    try:
        return path.read_text(encoding="utf-8").strip() or None if path.is_absolute() else None
    except (OSError, UnicodeDecodeError):
        return None
