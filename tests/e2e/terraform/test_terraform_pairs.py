"""A role that two logins act as, on real servers: rotations one after the other, and the way there and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from pairs import PAIR, catalog, login_fails, retire, rotate, take
from portal import Portal
from terraform_workspace import ADMIN, ADMIN_PASSWORD

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.pair import Pair

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


def step(portal: Portal, how: Callable[[int, Pair], tuple[int, Pair]], *plugins: str) -> tuple[int, int, int]:
    take(portal, how)
    portal.generate(list(plugins), PAIR)
    return changes(portal.apply())


def test_two_rotations(portal: Portal) -> None:
    portal.generate(["auth", "catalog"], PAIR)
    assert changes(portal.apply()) == (24, 0, 0)
    first = portal.terraform.passwords["catalog.a"]
    with portal.terraform.connect("backstage_catalog_a", first, DATABASE) as connection:
        connection.execute("CREATE TABLE kept (value int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    assert login_fails(portal, "backstage_catalog", first, DATABASE)
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


def test_one_role_gets_a_pair_and_goes_back(portal: Portal) -> None:
    plugins = ["catalog"]
    portal.generate(plugins)
    portal.apply()
    single = portal.terraform.passwords["catalog"]
    portal.keep("catalog", portal.works(plugins))

    # Two logins more; nothing is changed, and who runs goes on.
    portal.generate(plugins, PAIR)
    assert changes(portal.apply()) == (6, 0, 0)
    assert not login_fails(portal, "backstage_catalog", single, DATABASE)
    found = portal.works(plugins, isolated=False)["catalog"]
    assert (found["user"], found["rows"]) == ("backstage_catalog_a", [42])
    first = portal.terraform.passwords["catalog.a"]
    assert step(portal, retire, *plugins) == (0, 1, 0)
    assert "not permitted to log in" in login_fails(portal, "backstage_catalog", single, DATABASE)
    assert not login_fails(portal, "backstage_catalog_a", first, DATABASE)

    # Other names: the login acts as its owner by name.
    renamed = "credentials: {rotation: pair, roleName: 'bs_{plugin}'}\n"
    portal.generate(plugins, renamed, prefix="portal_")
    portal.apply()
    with portal.terraform.connect("bs_catalog_a", first, "portal_catalog") as connection:
        assert connection.execute("SELECT current_user, value FROM kept").fetchall() == [("bs_catalog", 42)]

    # Retired and back: nothing is made anew, and nobody is left out.
    assert "retired" in portal.generate(["auth"], renamed, prefix="portal_")
    portal.apply()
    portal.generate(["auth", "catalog"], renamed, prefix="portal_")
    assert "4 imported" in portal.apply()
    assert portal.works(["auth", "catalog"], isolated=False)["catalog"]["rows"] == [42]

    # And back to one role.
    back = renamed.replace("pair", "in-place")
    portal.generate(["auth", "catalog"], back, prefix="portal_")
    portal.terraform.passwords["catalog"] = "single-again"
    portal.apply()
    assert not login_fails(portal, "bs_catalog_a", portal.terraform.passwords["catalog.a"], "portal_catalog")
    take(portal, retire)
    portal.generate(["auth", "catalog"], back, prefix="portal_")
    portal.apply()
    assert "not permitted to log in" in login_fails(portal, "bs_catalog_a", first, "portal_catalog")
    assert portal.works(["auth", "catalog"])["catalog"]["rows"] == [42]
    members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'bs_catalog'::regrole AND member::regrole::text ~ '^bs_'"
    assert portal.terraform.query(members) == [(0,)]


def test_the_script_makes_the_same(portal: Portal) -> None:
    portal.generate(["auth", "catalog"], PAIR)
    portal.apply()
    by_terraform = catalog(portal)
    portal.terraform.clean()
    folder = portal.folder / "script"
    done = portal.greenroom("generate", "--target", "sql", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    script = folder / "sql" / "databases.sql"
    result = apply_script(
        script,
        host=portal.server.host,
        port=portal.server.port,
        user=ADMIN,
        password=ADMIN_PASSWORD,
        env=dict.fromkeys(re.findall(r"greenroom_name=(\w+);", script.read_text()), "a password"),
        psql=find_psql(embedded_binaries()),
    )
    assert result.ok, f"{result.stdout}\n{result.stderr}"
    assert catalog(portal) == by_terraform
