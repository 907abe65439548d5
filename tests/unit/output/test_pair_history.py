"""Pairs of logins and the lock file: a role that gets one, loses it, is renamed, retired, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import jsonschema
import pytest
from plans import Wanted, make_plan, plugin

from generator.package_data import data_folder
from generator.planning.history import Lock, reconcile, write_lock
from generator.planning.history.file import parse_lock
from generator.planning.pair import Pair, new_pair
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from generator.planning.model import Plan

SCHEMA = json.loads((data_folder("schemas") / "lock.schema.json").read_text())


def planned(*wanted: Wanted, pairs: bool, version: int = 1) -> Plan:
    plan = make_plan(*wanted)
    roles = {
        (role.server, role.name): role._replace(password_version=version, pair=new_pair(version) if pairs else None)
        for role in plan.roles
    }
    plugins = tuple(item._replace(role=roles[item.server, item.role.name]) for item in plan.plugins)
    return plan._replace(roles=tuple(roles.values()), plugins=plugins)


def lock_of(plan: Plan, previous: Lock | None = None) -> Lock:
    diagnostics = Diagnostics()
    content = write_lock(plan, {}, previous=previous)
    jsonschema.validate(json.loads(content), SCHEMA)
    lock = parse_lock(content, "greenroom.lock.json", diagnostics)
    assert lock, [item.render() for item in diagnostics]
    return lock


def after(plan: Plan, previous: Lock) -> Plan:
    diagnostics = Diagnostics()
    found = reconcile(plan, previous, diagnostics, resolved={})
    assert not diagnostics.has_errors, [item.render() for item in diagnostics]
    return found


def test_a_fresh_pair_and_what_is_written_of_it() -> None:
    plan = planned(plugin("catalog"), pairs=True)
    lock = lock_of(plan)
    assert lock.plugins["catalog"].pair == Pair(0)
    assert after(planned(plugin("catalog"), pairs=True), lock).roles == plan.roles


def test_without_a_pair_the_lock_file_says_nothing_of_it() -> None:
    assert b"pair" not in write_lock(planned(plugin("catalog"), pairs=False), {}, previous=None)


def test_a_role_that_has_logged_in_gets_a_pair_and_goes_on() -> None:
    before = lock_of(planned(plugin("catalog"), pairs=False, version=3))
    (role,) = after(planned(plugin("catalog"), pairs=True), before).roles
    assert (role.password_version, role.pair) == (3, Pair(2, owner_logs_in=True))
    assert role.live.name == "backstage_catalog_a"
    # And again, until a person retires it.
    again = after(planned(plugin("catalog"), pairs=True), lock_of(after(planned(plugin("catalog"), pairs=True), before)))
    assert again.roles == (role,)


def test_and_goes_back() -> None:
    first = lock_of(planned(plugin("catalog"), pairs=True, version=2))
    plan = after(planned(plugin("catalog"), pairs=False), first)
    (role,) = plan.roles
    assert (role.password_version, role.pair) == (3, Pair(1, until=2))
    assert role.live.name == "backstage_catalog"
    assert after(planned(plugin("catalog"), pairs=False), lock_of(plan, first)).roles == (role,)


def test_a_renamed_role_renames_its_logins() -> None:
    lock = lock_of(planned(plugin("catalog"), pairs=True))
    (role,) = after(planned(plugin("catalog", role="entities"), pairs=True), lock).roles
    assert [(login.name, login.renamed_from) for login in role.logins] == [
        ("entities_a", "backstage_catalog_a"),
        ("entities_b", "backstage_catalog_b"),
    ]


def test_a_retired_plugin_is_known_to_have_had_logins_and_finds_them_again() -> None:
    first = lock_of(planned(plugin("auth"), plugin("catalog"), pairs=True, version=2))
    gone = after(planned(plugin("auth"), pairs=True), first)
    assert gone.retired[0].login_names == ("backstage_catalog_a", "backstage_catalog_b")
    back = after(planned(plugin("auth"), plugin("catalog"), pairs=True), lock_of(gone, first))
    assert [role.pair for role in back.roles] == [Pair(1), Pair(1)]
    assert [role.password_version for role in back.roles] == [2, 2]


@pytest.mark.parametrize("pairs", [True, False])
def test_no_version_is_raised_by_hand_while_logins_take_turns(pairs: bool) -> None:
    lock = lock_of(planned(plugin("catalog"), pairs=True))
    lock = lock_of(after(planned(plugin("catalog"), pairs=pairs), lock), lock)
    diagnostics = Diagnostics()
    reconcile(planned(plugin("catalog"), pairs=pairs, version=5), lock, diagnostics, resolved={})
    assert [item.code for item in diagnostics] == ["GR645"]


def test_a_login_never_has_the_name_of_what_a_retired_plugin_left() -> None:
    lock = lock_of(planned(plugin("catalog_a"), plugin("catalog"), pairs=False))
    diagnostics = Diagnostics()
    reconcile(planned(plugin("catalog"), pairs=True), lock, diagnostics, resolved={})
    assert [item.code for item in diagnostics] == ["GR524"]


@pytest.mark.parametrize(
    ("pair", "what"),
    [
        ({"retired": 1}, "`retired` is no whole number from 0 to 0"),
        ({"retired": -1}, "`retired` is no whole number from 0 to 0"),
        ({"retired": True}, "`retired` is no whole number from 0 to 0"),
        ({}, "`retired` is no whole number from 0 to 0"),
        ({"retired": 0, "until": 2}, "`until` is greater than `passwordVersion`, 1"),
        ({"retired": 0, "ownerLogsIn": 1}, "`ownerLogsIn` is neither true nor false"),
        ({"retired": 0, "until": 1, "ownerLogsIn": True}, "`ownerLogsIn` and `until` exclude each other"),
        ({"retired": 0, "more": 1}, "`more` is not a key of a lock file"),
        ([], "`pair` is not an object"),
    ],
)
def test_a_pair_that_would_lock_the_live_login_is_refused(pair: object, what: str) -> None:
    document = json.loads(write_lock(planned(plugin("catalog"), pairs=True), {}, previous=None))
    document["plugins"]["catalog"]["pair"] = pair
    diagnostics = Diagnostics()
    assert parse_lock(json.dumps(document).encode(), "greenroom.lock.json", diagnostics) is None
    assert [(item.code, item.summary) for item in diagnostics] == [("GR512", what)]
