"""Pairs of logins on a server: where their rotation stands there, compared with the plan, and what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.adopt.assessment import Standing
from generator.adopt.runners import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from generator.adopt.state import FoundRole, ServerState
    from generator.planning.history import Lock
    from generator.planning.model import Plan, Role, Server
    from generator.problems.diagnostic import Diagnostics

_PG16: Final = 160000
_RESTORE: Final = "restore the greenroom.lock.json that was applied last, and generate again"


def check_pairs(
    server: Server, plan: Plan, state: ServerState, previous: Lock | None, diagnostics: Diagnostics
) -> tuple[Standing, ...]:
    """Where the rotation of each pair on ``server`` stands, and what is wrong with it: GR754, GR755 and GR756."""
    found = []
    for role in plan.roles:
        if role.server == server.name and role.has_pair:
            standing = _standing(role, state)
            found.append(standing)
            _report(role, standing, state, previous, diagnostics)
            for fault, statement in _faults(role, state):
                diagnostics.warning(
                    "GR756",
                    f"on server {server.name!r} {fault}",
                    path=f"servers.{server.name}",
                    backstage="fails in its migrations, or makes tables that the other login may not use",
                    hint=f"as the administrator: {statement}",
                )
    return tuple(found)


def _standing(role: Role, state: ServerState) -> Standing:
    everybody = (role.name, *role.login_names)
    here = tuple(name for name in everybody if name in state.roles and state.roles[name].can_log_in)
    planned = tuple(item.name for item in (role.own_login, *role.logins) if item.may_log_in)
    live = role.live.name
    if not any(name in state.roles for name in everybody):
        word = "not there"
    elif set(here) == set(planned):
        word = "in step"
    elif live in here:
        word = "ahead" if set(here) < set(planned) else "not applied"
    else:
        word = "would be cut off" if set(here) - set(planned) else "not applied"
    return Standing(role.name, live, here, planned, word)


def _report(role: Role, standing: Standing, state: ServerState, previous: Lock | None, diagnostics: Diagnostics) -> None:
    name, path = role.plugins[0], f"servers.{role.server}"
    begin = f"the rotation of {', '.join(role.plugins)} on server {role.server!r}"
    here = f"there {_list(standing.here)} may log in"
    if standing.state == "not applied":
        diagnostics.warning(
            "GR754",
            f"{begin} is behind what was generated: {here}, and by the lock file {_list(standing.planned)}",
            path=path,
            hint="apply what greenroom generated; what is locked then has to be out of use",
        )
    elif standing.state == "ahead":
        diagnostics.warning(
            "GR754",
            f"{begin} is ahead of the lock file: {here}, and by the lock file {_list(standing.planned)}",
            path=path,
            hint=f"{_RESTORE}; where nobody uses the other one, `greenroom rotate --retire {name}` writes that down",
        )
    elif standing.state == "would be cut off":
        cut = [item for item in standing.here if item not in standing.planned]
        diagnostics.warning(
            "GR755",
            f"an apply would lock {_list(cut)} on server {role.server!r}, which {', '.join(role.plugins)} may be using: "
            f"{standing.live}, which is live by this plan, cannot log in there yet",
            path=path,
            backstage="fails at its next new connection once that is applied",
            hint=_way_out(role, cut, state, previous),
        )


def _way_out(role: Role, cut: Sequence[str], state: ServerState, previous: Lock | None) -> str:
    """What helps a server that is somewhere else than the plan."""
    name = role.plugins[0]
    if previous is not None and name in previous.present:
        return _RESTORE
    if role.name in cut and not any(login in state.roles for login in role.login_names):
        return (
            "`greenroom adopt --write` lists the role: the next `greenroom generate` lets it go on until the first "
            "`greenroom rotate --retire`"
        )
    version = role.password_version + 1
    return (
        f"{_RESTORE}; if there is none any more: set `credentials: {{passwordVersions: {{{name}: {version}}}}}` before the "
        f"first generate, so that {cut[-1]} is the live one"
    )


def _faults(role: Role, state: ServerState) -> Iterator[tuple[str, str]]:
    """What the logins that are there lack, with the statement that gives it."""
    owner = quoted(role.name)
    for login in role.login_names:
        there = state.roles.get(login)
        if there is None or role.name not in state.roles:
            continue
        user = quoted(login)
        if role.name not in there.member_of:
            options = " WITH INHERIT FALSE, SET TRUE" if state.version >= _PG16 else ""
            yield f"{login!r} is no member of {role.name!r}, whose login it is", f"GRANT {owner} TO {user}{options}"
        elif role.name in there.inherits:
            yield (
                f"{login!r} inherits what {role.name!r} may do: if its setting is lost, its tables are not the owner's",
                f"REVOKE INHERIT OPTION FOR {owner} FROM {user}"
                if state.version >= _PG16
                else f"ALTER ROLE {user} NOINHERIT",
            )
        if _acts_as(there) != role.name:
            yield (
                f"{login!r} does not act as {role.name!r}: it has lost that setting, or another one",
                f"ALTER ROLE {user} SET role = {_literal(role.name)}",
            )


def _acts_as(role: FoundRole) -> str | None:
    return next((line.removeprefix("role=") for line in role.settings if line.startswith("role=")), None)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list(names: Sequence[str]) -> str:
    return " and ".join(names) if names else "nobody"
