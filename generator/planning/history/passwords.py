"""What an earlier run says about the password of a role: its version, and where the rotation of its logins stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.pair import enter, is_unfinished, leave, new_pair

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from generator.planning.history.record import Lock, LockedPlugin
    from generator.planning.model import Plan, Role
    from generator.planning.pair import Pair
    from generator.problems.diagnostic import Diagnostics, Location


def with_past(role: Role, before: Sequence[LockedPlugin], diagnostics: Diagnostics) -> Role:
    """``role`` with the password version of what its plugins had ``before``, and with the pair that follows from it.

    A role that gets a pair, or loses it, goes on logging in as it did until a person retires that. A version that the
    settings raise where logins take turns, or while they still do, is an error (GR645): it would change a password in use.
    """
    same = [item for item in before if not item.dropped and item.server == role.server and _is_it(role, item)]
    known = max([item.password_version for item in before], default=0)
    version = max(role.password_version, known)
    if not same:
        pair = role.pair and new_pair(version, owner_logs_in=role.pair.owner_logs_in)
        return role._replace(password_version=version, pair=pair)
    pairs = [item.pair for item in same if item.pair is not None]
    past = max(pairs, key=lambda pair: pair.retired, default=None)
    raised = role.password_version > known
    if raised and (role.pair is not None or (past is not None and is_unfinished(known, past))):
        diagnostics.error(
            "GR645",
            f"credentials.passwordVersions raises the version of {role.plugins[0]!r} to {role.password_version}, and "
            "credentials.rotation is or was pair: running instances would lose their password",
            path="credentials.passwordVersions",
            hint=f"take the entry out; `greenroom rotate {role.plugins[0]}` changes the password, and `greenroom rotate "
            "--status` says what a rotation waits for",
        )
    if role.pair is None:
        pair, version = (None, version) if past is None else _left(known, past, version)
    elif past is None or past.is_left:
        version, pair = enter(version, past)
    else:
        pair = past
    return role._replace(password_version=version, pair=pair)


def _left(known: int, past: Pair, version: int) -> tuple[Pair, int]:
    made, pair = leave(known, past)
    return pair, max(made, version)


def _is_it(role: Role, item: LockedPlugin) -> bool:
    """Whether what the lock file says is about this role, and not about one that its plugin had elsewhere."""
    return item.role in (role.name, role.renamed_from)


def check_behind(
    present: Lock | None, earlier: Iterable[tuple[str, Lock]], applied: Location, diagnostics: Diagnostics
) -> None:
    """Report a lock file that is more than one rotation behind one in Git (GR658): a password in use would be set anew.

    One rotation may be taken back: the login from before has the password that it had.
    """
    for origin, lock in earlier:
        for name, was in sorted(lock.plugins.items()):
            now = present.plugins.get(name) if present is not None else None
            if was.pair is None or now is None or was.role != now.role or now.password_version >= was.password_version - 1:
                continue
            diagnostics.error(
                "GR658",
                f"the lock file of {origin} has version {was.password_version} of the password of {name!r}, and this one "
                f"has {now.password_version}: a login that instances may use would get another password",
                applied,
                path=f"plugins.{name}.passwordVersion",
                hint=f'restore the lock file that was applied last, or set "passwordVersion" of {name} to '
                f"{was.password_version} in it, and generate again",
            )


def check_free(plan: Plan, present: Mapping[str, LockedPlugin], diagnostics: Diagnostics) -> None:
    """Report logins that have the name of a role which a retired plugin left (GR524)."""
    planned = {plugin.plugin_id for plugin in plan.plugins}
    left = {(item.server, item.role): name for name, item in present.items() if name not in planned}
    for role in plan.roles:
        for login in role.logins:
            if (gone := left.get((role.server, login.name))) is not None:
                diagnostics.error(
                    "GR524",
                    f"the login {login.name!r} of {role.plugins[0]!r} has the name of the role that the retired plugin "
                    f"{gone!r} left",
                    path=f"backend.database.plugin.{role.plugins[0]}.connection.user",
                    hint=f"set backend.database.plugin.{role.plugins[0]}.connection.user to another name",
                )
