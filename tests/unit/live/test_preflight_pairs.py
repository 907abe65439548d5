"""Whose login a fragment names: the lock file says it, else the setting and the login's name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "targets"))
from sql_plans import Want, make_plan

from generator.backstage.database.resolved import PluginDatabase
from generator.planning.history import Lock
from generator.planning.history.record import LockedPlugin
from generator.planning.pair import Pair
from generator.preflight.pairs import target_pair, with_pairs

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.preflight.pairs import TargetPair


def looked_at(role: str, user: str, lock: Lock | None, *, wants: bool = True, common: bool = False) -> TargetPair | None:
    """The pair of catalog, whose plan calls its role ``role`` while app-config logs in as ``user``."""
    plan: Plan = make_plan(Want(plugin="catalog", role=role))
    (one,) = plan.roles
    one = one._replace(is_common=common)
    plan = plan._replace(roles=(one,), plugins=tuple(item._replace(role=one) for item in plan.plugins))
    resolved = {"catalog": PluginDatabase(plugin_id="catalog", client="pg", connection={"user": user})}
    found, guessed = with_pairs(plan, lock, resolved, wants=wants)
    return target_pair(found.plugins[0], {}, guessed="catalog" in guessed)


def locked(version: int, pair: Pair | None) -> Lock:
    names: dict[str, Any] = {"database": "d", "schema": None, "role": "backstage_catalog"}
    return Lock(
        {
            "catalog": LockedPlugin(
                "catalog", "primary", "postgresql", **names, password_version=version, shared=False, pair=pair
            )
        }
    )


@pytest.mark.parametrize("role", ["backstage_catalog", "backstage_catalog_a", "backstage_catalog_b"])
def test_the_lock_file_says_who_is_live(role: str) -> None:
    found = looked_at(role, role, locked(2, Pair(0)))
    assert found is not None
    assert (found.owner, found.live, found.other) == ("backstage_catalog", "backstage_catalog_b", "backstage_catalog_a")
    assert (found.other_may_log_in, found.owner_may_log_in) == (True, False)


@pytest.mark.parametrize("lock", [locked(1, None), locked(3, Pair(2, until=2))])
def test_a_role_that_logs_in_by_itself_has_no_pair(lock: Lock) -> None:
    assert looked_at("backstage_catalog", "backstage_catalog", lock) is None


@pytest.mark.parametrize(
    ("role", "user", "common"),
    [("backstage_catalog_b", "backstage_catalog_b", False), ("backstage", "backstage_b", True)],
)
def test_without_a_lock_file_the_name_of_the_login_says_whose_it_is(role: str, user: str, common: bool) -> None:
    found = looked_at(role, user, None, common=common)
    assert found is not None
    assert found.live == user
    assert found.owner == user.removesuffix("_b")
    assert (found.other_may_log_in, found.owner_may_log_in) == (None, None)
    assert looked_at(role, user, None, wants=False, common=common) is None


def test_another_name_is_no_login() -> None:
    assert looked_at("portal", "portal", None) is None
