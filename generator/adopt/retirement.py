"""Whether a server is where the lock file is, and whether what is to be locked there is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.adopt.connection import admin_connection
from generator.adopt.server import report_unreadable
from generator.problems.diagnostic import Diagnostic, GreenroomError, Severity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.adopt.connection import AdminOptions
    from generator.adopt.logins import FoundLogins
    from generator.planning.model import Plan, Role, Server
    from generator.problems.diagnostic import Diagnostics

_MOST = 10
_EMPTY = "the pools of instances that pause are empty, so this proves nothing: make sure that all of them have the fragment"


def say_offline(roles: Sequence[Role], diagnostics: Diagnostics) -> None:
    """Warn that nobody has looked whether the logins are in use (GR654)."""
    diagnostics.warning(
        "GR654",
        f"no server was asked whether {_names(roles)} {'are' if _count(roles) > 1 else 'is'} in use",
        backstage="fails at its next new connection once this is applied, on an instance with the fragment from before",
        hint="apply it when every instance runs with the present fragment; without --offline open sessions are looked for",
    )


def check_server(
    plan: Plan,
    server: Server,
    roles: Sequence[Role],
    options: AdminOptions,
    environ: Mapping[str, str],
    timeout: int,
    diagnostics: Diagnostics,
    without_asking: str,
) -> None:
    """Report what of ``roles`` on ``server`` is in use (GR652), or not where the lock file is (GR656), and what is missing
    to ask the server (GR770, GR771). That there is no session is said, and that it proves nothing (GR654).

    ``without_asking`` is the command that takes the step without a look at the server.
    """
    connection = admin_connection(plan, server, options, environ, diagnostics)
    if connection is None:
        return
    found = _read(server, roles, connection, environ, timeout, diagnostics)
    if found is None:
        return
    problems = False
    for role in roles:
        problems |= _check_live(role, found, diagnostics)
    leaving = {login.name for role in roles for login in role.leaving}
    sessions = [session for session in found.sessions if session.login in leaving]
    if sessions:
        more = f" and {len(sessions) - _MOST} more" if len(sessions) > _MOST else ""
        diagnostics.error(
            "GR652",
            f"{len(sessions)} session{'s' if len(sessions) > 1 else ''} of what is to be locked "
            f"{'are' if len(sessions) > 1 else 'is'} open on server {server.name!r}: "
            f"{', '.join(map(str, sessions[:_MOST]))}{more}",
            backstage="fails at its next new connection on such an instance, once the login is locked",
            hint="restart these instances with the present fragment, and run this again; where the password has leaked: "
            f"`{without_asking}`, which does not ask",
        )
    elif not problems:
        diagnostics.add(
            Diagnostic("GR654", Severity.INFO, f"server {server.name!r} has no open session of {_names(roles)}", hint=_EMPTY)
        )


def _read(
    server: Server,
    roles: Sequence[Role],
    connection: dict[str, Any],
    environ: Mapping[str, str],
    timeout: int,
    diagnostics: Diagnostics,
) -> FoundLogins | None:
    from generator.adopt.logins import read_logins
    from generator.preflight.postgresql.libpq import parameters
    from generator.preflight.private_files import PrivateFiles

    names = {login.name for role in roles for login in (role.live, *role.leaving)}
    try:
        with PrivateFiles() as files:
            return read_logins(parameters(connection, environ, files), names, timeout)
    except GreenroomError:
        raise
    except Exception as error:
        report_unreadable(server, error, "rotate --retire", diagnostics)
        return None


def _check_live(role: Role, found: FoundLogins, diagnostics: Diagnostics) -> bool:
    """Whether the live login is not able to be the only one, which is then reported."""
    live = role.live
    if not found.can_log_in.get(live.name, False):
        what = "cannot log in" if live.name in found.can_log_in else "does not exist"
    elif live.letter and found.acts_as.get(live.name) != role.name:
        what = f"does not act as {role.name!r}"
    else:
        return False
    diagnostics.error(
        "GR656",
        f"the login {live.name!r}, which is to be the only one of {', '.join(role.plugins)}, {what} on server "
        f"{role.server!r}",
        hint="apply what `greenroom rotate` (or `greenroom generate`) wrote, and roll it out; or restore the "
        "greenroom.lock.json that was applied last",
    )
    return True


def _names(roles: Sequence[Role]) -> str:
    return ", ".join(login.name for role in roles for login in role.leaving)


def _count(roles: Sequence[Role]) -> int:
    return sum(len(role.leaving) for role in roles)
