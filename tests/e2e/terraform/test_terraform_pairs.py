"""A role that two logins act as, on real servers: rotations one after the other, and the way there and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pairs import PAIR, login_fails, retire, rotate, take
from portal import Portal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

DATABASE = "backstage_plugin_catalog"
ROWS = "SELECT tableowner, (SELECT count(*) FROM kept) FROM pg_tables WHERE tablename = 'kept'"


@pytest.fixture
def portal(mirror: Path, server: EmbeddedServer, program: str, backstage_dir: Path, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path, mirror, server, program, backstage_dir)
    yield made
    made.terraform.clean()


def changes(said: str) -> tuple[int, int, int]:
    """What an apply did: added, changed, destroyed."""
    found = re.search(r"Resources: .*?(\d+) added, (\d+) changed, (\d+) destroyed", said)
    assert found, said
    return int(found[1]), int(found[2]), int(found[3])


def step(portal: Portal, how: object, *plugins: str) -> tuple[int, int, int]:
    take(portal, how)  # type: ignore[arg-type]
    portal.generate(list(plugins), PAIR)
    return changes(portal.apply())


def test_two_rotations(portal: Portal) -> None:
    portal.generate(["auth", "catalog"], PAIR)
    assert changes(portal.apply()) == (6 + 2 * 10, 0, 0)
    first = portal.terraform.passwords["catalog.a"]
    with portal.terraform.connect("backstage_catalog_a", first, DATABASE) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    assert "not permitted to log in" in login_fails(portal, "backstage_catalog", first, DATABASE)
    assert login_fails(portal, "backstage_catalog_b", first, DATABASE)

    for number, (old, new) in enumerate((("a", "b"), ("b", "a")), start=2):
        before = dict(portal.terraform.passwords)
        portal.terraform.passwords[f"catalog.{new}"] = f"number-{number}-of-catalog"
        portal.terraform.passwords[f"auth.{new}"] = f"number-{number}-of-auth"
        assert step(portal, rotate, "auth", "catalog") == (0, 2, 0)
        # Both log in, and each with the password it had.
        for letter in (old, new):
            password = portal.terraform.passwords[f"catalog.{letter}"]
            with portal.terraform.connect(f"backstage_catalog_{letter}", password, DATABASE) as connection:
                connection.execute(f"INSERT INTO kept VALUES ({number})")
                connection.execute(f"CREATE TABLE made_{number}_{letter} (value int)")
        assert portal.terraform.passwords[f"catalog.{old}"] == before[f"catalog.{old}"]
        portal.works(["auth", "catalog"], isolated=False)
        assert step(portal, retire, "auth", "catalog") == (0, 2, 0)
        assert "not permitted to log in" in login_fails(
            portal, f"backstage_catalog_{old}", before[f"catalog.{old}"], DATABASE
        )
        assert not login_fails(portal, f"backstage_catalog_{new}", portal.terraform.passwords[f"catalog.{new}"], DATABASE)
    assert portal.terraform.query(ROWS, database=DATABASE) == [("backstage_catalog", 5)]
    owners = portal.terraform.query(
        "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'", database=DATABASE
    )
    assert owners == [("backstage_catalog",)]
