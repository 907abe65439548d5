"""The pool preflight counts with is the pool the real DatabaseManager gives to knex."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from backstage_packages import LINES
from truth import State, backstage, two_plugins, version_of

from generator.preflight.base_settings import read_base
from generator.preflight.probes import targets_from_map
from generator.run import steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("truth-servers")]

SETTINGS: list[dict[str, Any]] = [
    {},
    {"pool": {"max": 4}},
    {"knexConfig": {"pool": {"max": 5}}},
    {"pool": {"max": 4, "min": 1}, "knexConfig": {"pool": {"max": 5}}},
    {"knexConfig": {"pool": {"min": 0, "max": 5}}, "plugin": {"catalog": {"knexConfig": {"pool": {"max": 7}}}}},
    {"plugin": {"catalog": {"knexConfig": {"pool": {"max": 3}}}}},
    {"plugin": {"search": {"knexConfig": {"pool": {"max": 3}}}}},
    {"plugin": {"catalog": {"pool": {"max": 3}}}},
    {"knexConfig": {"pool": {"max": 1}}},
    {"knexConfig": {"pool": {"max": "10"}}},
    {"knexConfig": {"pool": {"min": -1}}},
]


@pytest.mark.parametrize("client", ["pg", "mysql2"])
@pytest.mark.parametrize("line", LINES)
def test_pools(line: str, client: str, backend_of: Callable[[str], Path], tmp_path: Path) -> None:
    packages = backend_of(line)
    connection = {"host": "127.0.0.1", "port": 1, "user": "nobody", "password": "nothing"}  # nobody is there
    states = [
        State(f"{client} {number}", two_plugins("pools"), {"client": client, "connection": connection, **settings})
        for number, settings in enumerate(SETTINGS)
    ]
    theirs = backstage(packages, [_without_ensure(state) for state in states])
    for state in states:
        path = tmp_path / "app-config.yaml"
        path.write_text(state.text)
        (tmp_path / "greenroom.yaml").write_text(f"version: 1\nbackstage: {{backendDefaults: {version_of(packages)}}}\n")
        project = steps.load(
            steps.Request(root=tmp_path, config=[str(path)], plugins=["catalog"], placeholders="backstage", environ={})
        )
        resolved = steps.resolve(project)
        engine = "mysql" if client == "mysql2" else "postgresql"
        plan = two_plugins("pools", engine=engine)
        target = targets_from_map(resolved, plan, {}, read_base(project))[0]
        found = theirs[state.name]
        if target.pool.error:
            assert found["error"] == target.pool.error, state.settings
        else:
            assert (found["min"], found["max"]) == (target.pool.min, target.pool.max), state.settings


def _without_ensure(state: State) -> State:
    return State(state.name, state.plan, {**state.settings, "ensureExists": False})
