"""Which CloudFormation stack a plugin belongs to: one, for good."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plans import make_plan, plugin

from generator.planning.history import Lock, assign_stacks, read_lock, reconcile, write_lock
from generator.problems.diagnostic import Diagnostics
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from generator.planning.model import Plan


STACK_PLUGINS = TARGETS["cloudformation"].stack_plugins or 0


def run(ids: Iterable[str], previous: Lock | None, *, wanted: bool = True) -> Plan:
    """What a run plans for the plugins ``ids``."""
    plan = reconcile(make_plan(*map(plugin, ids)), previous, Diagnostics(), resolved={})
    return assign_stacks(plan, previous, size=STACK_PLUGINS if wanted else None)


def remembered(plan: Plan, previous: Lock | None, folder: Path) -> Lock:
    """The lock file that ``plan`` leaves, read back."""
    path = folder / "greenroom.lock.json"
    path.write_bytes(write_lock(plan, {}, previous=previous))
    diagnostics = Diagnostics()
    lock = read_lock(path, diagnostics)
    assert lock is not None, list(diagnostics)
    return lock


def stacks(plan: Plan) -> dict[str, int | None]:
    return {item.plugin_id: item.stack for item in plan.plugins}


def names(start: int, end: int) -> list[str]:
    return [f"p{number:04}" for number in range(start, end)]


def test_the_first_stack_takes_what_fits_and_the_rest_follows() -> None:
    found = Counter(stacks(run(names(0, 2 * STACK_PLUGINS + 10), None)).values())
    assert found == {1: STACK_PLUGINS, 2: STACK_PLUGINS, 3: 10}


def test_nobody_asked_for_cloudformation() -> None:
    assert set(stacks(run(names(0, 3), None, wanted=False)).values()) == {None}


def test_a_later_run_without_cloudformation_forgets_nothing(tmp_path: Path) -> None:
    first = run(["a", "b"], None)
    lock = remembered(first, None, tmp_path)
    second = run(["a", "b", "c"], lock, wanted=False)
    assert stacks(second) == {"a": 1, "b": 1, "c": None}
    lock = remembered(second, lock, tmp_path)
    assert stacks(run(["a", "b", "c"], lock)) == {"a": 1, "b": 1, "c": 1}


def test_a_plugin_that_comes_back_goes_where_it_was(tmp_path: Path) -> None:
    everything = names(0, STACK_PLUGINS + 1)
    lock = remembered(run(everything, None), None, tmp_path)
    assert lock.plugins[everything[-1]].stack == 2
    without = run(everything[:-1], lock)
    lock = remembered(without, lock, tmp_path)
    assert lock.retired[everything[-1]].stack == 2
    # Another one goes, and its place in the first stack stays free for it: a new plugin does not get it.
    lock = remembered(run([*everything[1:-1], "x"], lock), lock, tmp_path)
    assert lock.plugins["x"].stack == 2
    found = stacks(run([*everything, "x"], lock))
    assert (found[everything[0]], found[everything[-1]]) == (1, 2)
    assert Counter(found.values()) == {1: STACK_PLUGINS, 2: 2}


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32), rounds=st.integers(1, 5))
def test_nobody_ever_moves(seed: int, rounds: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("lock")
    chance = random.Random(seed)
    everything = names(0, 3 * STACK_PLUGINS)
    lock: Lock | None = None
    known: dict[str, int | None] = {}
    for _ in range(rounds):
        plan = run(sorted(chance.sample(everything, chance.randint(1, len(everything)))), lock)
        for name, stack in stacks(plan).items():
            assert known.setdefault(name, stack) == stack
        lock = remembered(plan, lock, folder)


@pytest.mark.parametrize("stack", [0, -1, "1", True, 1.5])
def test_no_stack_at_all(stack: Any, tmp_path: Path) -> None:
    document = json.loads(write_lock(run(["a"], None), {}, previous=None))
    document["plugins"]["a"]["stack"] = stack
    (tmp_path / "greenroom.lock.json").write_text(json.dumps(document))
    diagnostics = Diagnostics()
    assert read_lock(tmp_path / "greenroom.lock.json", diagnostics) is None
    (problem,) = diagnostics
    assert (problem.code, problem.path, problem.summary) == (
        "GR512",
        "plugins.a.stack",
        "`stack` is not a whole number from 1",
    )
