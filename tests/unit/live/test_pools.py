"""Pools: what knex makes of the settings, and whether the servers have room."""

from __future__ import annotations

from typing import Any

import pytest

from generator.preflight.pool import Pool, read_pool
from generator.preflight.pools import check_limit, check_servers
from generator.preflight.probes import Address, PreflightTarget
from generator.preflight.results import Check, PreflightResult, Room


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, Pool(0, 10)),
        ({"max": 1}, Pool(0, 1)),
        ({"max": "10"}, Pool(error="Error: Tarn: opt.max must be an integer > 0")),
    ],
)
def test_the_pool_of_the_newest_backstage(settings: Any, expected: Pool) -> None:
    assert read_pool(settings) == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (None, Pool(2, 10)),
        ({}, Pool(2, 10)),
        ({"max": 20}, Pool(2, 20)),
        ({"min": 0, "max": 1}, Pool(0, 1)),
        ({"max": 1}, Pool(error="Error: Tarn: opt.max is smaller than opt.min")),
        ({"max": "10"}, Pool(error="Error: Tarn: opt.max must be an integer > 0")),
        ({"max": 1.5}, Pool(error="Error: Tarn: opt.max must be an integer > 0")),
        ({"max": True}, Pool(error="Error: Tarn: opt.max must be an integer > 0")),
        ({"min": -1}, Pool(error="Error: Tarn: opt.min must be an integer >= 0")),
        ({"min": None}, Pool(error="Error: Tarn: opt.min must be an integer >= 0")),
    ],
)
def test_what_knex_makes_of_a_pool(settings: Any, expected: Pool) -> None:
    assert read_pool(settings, 2) == expected


def test_room_for_the_role_and_the_database() -> None:
    assert check_limit(Room(100, 3, 1), Pool(), sharing=1, replicas=5) is None
    assert check_limit(Room(100, 3, 1, role=50), Pool(), sharing=1, replicas=5) is None
    found = check_limit(Room(100, 3, 1, role=49), Pool(), sharing=1, replicas=5)
    assert found is not None
    assert (found.status, found.detail) == (
        "warning",
        "the role takes 49 connections, and the pool may open 50 in 5 replicas",
    )
    found = check_limit(Room(100, 3, 1, database=9), Pool(), sharing=3, replicas=1)
    assert found is not None
    assert found.detail == "the database takes 9 connections, and the pool may open 10"


def server(plugins: int, room: Room | None, replicas: int = 1) -> Any:
    place = Address("db", 5432)
    targets = [
        PreflightTarget(plugin_id=f"p{number}", address=place, database=f"d{number}", role=f"r{number}")
        for number in range(plugins)
    ]
    results = {
        target.plugin_id: PreflightResult(
            plugin_id=target.plugin_id,
            engine="postgresql",
            server="db:5432",
            database="d",
            schema=None,
            user="u",
            checks=(Check("login", True, ""),),
            room=room,
        )
        for target in targets
    }
    (found,) = check_servers(targets, results, replicas)
    return found


@pytest.mark.parametrize(
    ("plugins", "replicas", "status"),
    [(9, 1, "ok"), (10, 1, "warning"), (9, 2, "warning"), (97, 1, "warning"), (98, 1, "failed"), (49, 2, "failed")],
)
def test_room_on_the_server(plugins: int, replicas: int, status: str) -> None:
    found = server(plugins, Room(100, 3, 7), replicas)
    assert (found.check.status, found.available, found.connections) == (status, 97, plugins * replicas * 10)


def test_without_a_session_the_limit_is_not_known() -> None:
    found = server(3, None)
    assert (found.check.status, found.available) == ("ok", None)
    assert found.check.detail == "3 plugins x pool.max x 1 replica = 30; the server's limit is not known"
