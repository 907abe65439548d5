"""The plan held against what is on a server: what is taken over, what is missing, and what stands in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.adopt.as_found import as_found, as_planned
from generator.adopt.assessment import Assessment, Repair, Standing, Stranger
from generator.adopt.findings import (
    check_administrator,
    check_databases,
    check_definers,
    check_marks,
    check_passwords,
    check_roles,
    check_timeouts,
    check_users,
    hand_overs,
)
from generator.adopt.likeness import likely_plugin
from generator.adopt.names import keep_names
from generator.adopt.pairs import check_pairs
from generator.adopt.runners import runner, script_runner
from generator.planning.access import access_of
from generator.planning.marks import stranger
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.adopt.state import FoundDatabase, ServerState
    from generator.planning.history import Lock
    from generator.planning.model import Plan, PluginPlan, Server
    from generator.problems.diagnostic import Diagnostics


def assess(
    wanted: Plan,
    server: Server,
    state: ServerState,
    diagnostics: Diagnostics,
    *,
    secrets: Mapping[str, int] | None = None,
    previous: Lock | None = None,
    freed: Collection[str] = (),
) -> Assessment:
    """Compare what ``wanted`` is to be on ``server`` with ``state``.

    ``secrets`` are roles whose secret the store has, with the version of the password in it; of each role that is there
    when it is ``None``. ``previous`` is the lock file, which knows what everything was called before; ``freed`` are names
    that nothing here has any more (``plugins.renamesApplied``). Everything that would go wrong at the first apply, or
    silently not work, is a warning in ``diagnostics`` (GR76x).
    """
    plan = as_found(wanted, server.name, _without_strangers(state, wanted.environment, freed), previous)
    plugins = [plugin for plugin in plan.plugins if plugin.server == server.name]
    databases = [item for item in plan.databases if item.server == server.name]
    found = {item.name: state.databases[item.name] for item in databases if item.name in state.databases}
    users = [item for item in plan.roles if item.server == server.name]
    access = access_of(plan)
    # A group owns what its members make: that of a shared database, or the role all of them act as.
    roles = {name for where, name in access.roles if where == server.name}
    schemas = {(base, name) for where, base, name in access.schemas if where == server.name}
    there = {(base, name) for base, name in schemas if base in found and name in found[base].schemas}
    unplanned = [item for name, item in state.databases.items() if name not in found]
    present = sorted(roles & state.roles.keys())
    if secrets is None:
        secrets = {item.name: item.password_version for item in users if item.iam is None}
    kept = tuple((name, secrets[name]) for name in present if name in secrets)
    repairs: list[Repair] = []
    standings: tuple[Standing, ...] = ()
    if state.engine == "postgresql":
        check_administrator(server, state, diagnostics)
        check_marks(server, plan, found, state, present, _other_names(plan, wanted, server.name), diagnostics)
        check_roles(server, plan, state, present, repairs, diagnostics)
        standings = check_pairs(server, plan, state, previous, diagnostics)
        check_timeouts(server, plugins, found, state, present, repairs, diagnostics)
        check_databases(server, found, state, there, repairs, diagnostics)
    else:
        check_users(server, state, present, diagnostics)
        check_definers(server, plugins, found, diagnostics)
    handed = hand_overs(plan, server, plugins, found, state, diagnostics)
    # The owner of a pair keeps the password it has, if any: its live login is who gets one.
    passwords = {item.live.name for item in users if item.iam is None and item.name not in dict(kept)} & {*present}
    check_passwords(server, plan.store, sorted(passwords - dict(kept).keys()), diagnostics)
    return Assessment(
        server=server.name,
        engine=state.engine,
        administrator=state.administrator.name,
        adopted=Adopted(server.name, tuple(sorted(found)), tuple(sorted(there)), tuple(present), kept),
        missing=Adopted(
            server.name,
            tuple(item.name for item in databases if item.name not in found),
            tuple(sorted(schemas - there)),
            tuple(sorted(roles - state.roles.keys())),
        ),
        strangers=tuple(_stranger(item, plugins) for item in unplanned),
        keep=keep_names(plugins, state, unplanned),
        repairs=tuple(repairs),
        runners=(
            script_runner(state, repairs, found),
            runner(state, [owner for item in handed for owner in item.owners]).sentence,
        ),
        hand_overs=tuple(as_planned(item, wanted, plan) for item in handed),
        standings=standings,
    )


def _without_strangers(state: ServerState, environment: str, freed: Collection[str]) -> ServerState:
    """``state`` without what has a name that is free by now, and was made for another environment: it is nobody's past."""

    def counts(name: str, comment: str | None) -> bool:
        return name not in freed or stranger(comment, environment) is None

    return state._replace(
        databases={name: item for name, item in state.databases.items() if counts(name, item.comment)},
        roles={name: item for name, item in state.roles.items() if counts(name, item.comment)},
    )


def _other_names(plan: Plan, wanted: Plan, server: str) -> dict[tuple[str, str], str]:
    """Kind and name of what ``plan`` found on the server under another name than it has in ``wanted``: that name."""
    databases = zip(plan.databases, wanted.databases, strict=True)
    roles = zip(plan.roles, wanted.roles, strict=True)
    found = {("database", old.name): new.name for old, new in databases if old.server == server}
    found |= {("role", old.name): new.name for old, new in roles if old.server == server}
    return {(kind, old): new for (kind, old), new in found.items() if old != new}


def _stranger(database: FoundDatabase, plugins: list[PluginPlan]) -> Stranger:
    return Stranger(database.name, database.owner, likely_plugin(database, [plugin.plugin_id for plugin in plugins]))
