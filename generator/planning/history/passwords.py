"""What an earlier run says about the password of a role: its version, and where the rotation of its logins stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.model import login_name
from generator.planning.pair import LETTERS, enter, is_unfinished, leave, new_pair

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
            hint=f"take the entry out; {_instead(role)}",
        )
    if role.pair is None:
        pair, version = (None, version) if past is None else _left(known, past, version)
    elif past is None or past.is_left:
        if past is not None and is_unfinished(known, past):
            name = role.plugins[0]
            diagnostics.error(
                "GR646",
                f"the logins that {name!r} had before may still log in, and would take turns again with other passwords",
                path="credentials.rotation",
                hint=f"set credentials.rotation to in-place, run `greenroom rotate --retire {name}`, apply it, and "
                "then set it to pair; if nothing was applied in between, restore the lock file from when it was pair",
            )
        version, pair = enter(version, past)
    else:
        pair = past
    return role._replace(password_version=version, pair=pair)


def _instead(role: Role) -> str:
    """What changes the password of ``role`` where its version is not to be raised by hand."""
    name = role.plugins[0]
    if role.pair is not None:
        return f"`greenroom rotate {name}` changes the password"
    return f"`greenroom rotate --retire {name}` and an apply end what was begun, and then it can be changed"


def _left(known: int, past: Pair, version: int) -> tuple[Pair, int]:
    made, pair = leave(known, past)
    return pair, max(made, version)


def _is_it(role: Role, item: LockedPlugin) -> bool:
    """Whether what the lock file says is about this role, and not about one that its plugin had elsewhere."""
    return item.role in (role.name, role.renamed_from)


def check_behind(
    present: Lock | None, earlier: Iterable[tuple[str, Lock]], applied: Location, diagnostics: Diagnostics
) -> None:
    """Report a lock file that is behind one in Git (GR658): its live login was retired since, so an apply would lock the
    login that is in use, or set a password that is.

    A rotation that was not retired yet may be taken back: the login from before still works, with the password that it had.
    """
    for origin, lock in earlier:
        for name, was in sorted(lock.plugins.items()):
            now = present.plugins.get(name) if present is not None else None
            if was.pair is None or was.pair.is_left or now is None or was.role != now.role:
                continue
            if now.password_version > was.pair.retired:
                continue
            diagnostics.error(
                "GR658",
                f"the lock file of {origin} has version {was.password_version} of the password of {name!r}, and this one "
                f"has {now.password_version}, which was retired: an apply would lock the login that is in use",
                applied,
                path=f"plugins.{name}.passwordVersion",
                hint=f"restore the lock file that was applied last ({origin}), and generate again",
            )


def check_free(plan: Plan, present: Mapping[str, LockedPlugin], diagnostics: Diagnostics) -> None:
    """Report roles and logins with a name that something has which is no longer planned, and still there: the role of a
    retired plugin and its logins (GR524), and the logins of a pair that a role had before (GR308).
    """
    planned = {plugin.plugin_id for plugin in plan.plugins}
    left: dict[tuple[str, str], str] = {}
    for name, item in present.items():
        if name not in planned and not item.dropped:
            left[item.server, item.role] = name
            left |= {(item.server, login_name(item.role, letter)): name for letter in LETTERS if item.pair is not None}
    in_place = {name for role in plan.roles if role.pair is None for name in role.plugins}
    former = {
        (item.server, login_name(item.role, letter)): item.role
        for name, item in present.items()
        if name in in_place and item.pair is not None
        for letter in LETTERS
    }
    for role in plan.roles:
        path = f"backend.database.plugin.{role.plugins[0]}.connection.user"
        hint = f"set {path} to another name"
        for login in role.logins:
            if (gone := left.get((role.server, login.name))) is not None:
                what = f"the login {login.name!r} of {role.plugins[0]!r}"
                diagnostics.error("GR524", f"{what} has a name that the retired plugin {gone!r} left", path=path, hint=hint)
        if (owner := former.get((role.server, role.name))) is not None:
            what = f"the role {role.name!r} of {role.plugins[0]!r} has the name of a login of {owner!r}"
            diagnostics.error("GR308", f"{what}, which is still there", path=path, hint=hint)
        if (gone := left.get((role.server, role.name))) is not None and present[gone].role != role.name:
            what = f"the role {role.name!r} of {role.plugins[0]!r} has the name of a login"
            diagnostics.error("GR524", f"{what} that the retired plugin {gone!r} left", path=path, hint=hint)
