"""A year of production with the real provider: eight plugins, and everything that happens to a portal, in random order.

After every step each row is there, and each plugin gets to its own with the login of today; or the step was refused before
anything changed. ``make year SEEDS=50`` plays fifty years; ``make test`` one short one.

| variable | |
|---|---|
| ``GREENROOM_YEAR_SEEDS`` | how many years, each with a seed of its own (default 1) |
| ``GREENROOM_YEAR_FIRST`` | the first seed (default 1) |
| ``GREENROOM_YEAR_CHANGES`` | how many changes in each (default 8; a whole year has 30) |
| ``GREENROOM_YEAR_KINDS`` | which kinds of them (``KINDS`` of ``year_changes``), separated by commas (default: the usual) |
| ``GREENROOM_YEAR_SERVERS`` | which PostgreSQL, separated by commas (default 18) |
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

import pytest
from store_stand_ins import VaultStandIn, serving
from terraform_workspace import ADMIN, ADMIN_PASSWORD
from year_changes import FIRST, deck
from year_checks import everybody_works, everything_is_there
from year_pipeline import deliver
from year_world import Settings, World

from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

SEEDS = int(os.environ.get("GREENROOM_YEAR_SEEDS", "1"))
FROM = int(os.environ.get("GREENROOM_YEAR_FIRST", "1"))
CHANGES = int(os.environ.get("GREENROOM_YEAR_CHANGES", "8"))
KINDS = os.environ.get("GREENROOM_YEAR_KINDS", "")
SERVERS = os.environ.get("GREENROOM_YEAR_SERVERS", "18").split(",")


@pytest.fixture(params=SERVERS, ids=lambda version: f"pg{version}")
def own_server(request: pytest.FixtureRequest, mirror: Path, binaries: Callable[[str], Path]) -> Iterator[EmbeddedServer]:
    """A server of its own for each year: what is left of a loss is in nobody's way."""
    with embedded_server(binaries(request.param), settings={"fsync": "off", "max_connections": "100"}) as running:
        running.create_admin(ADMIN, ADMIN_PASSWORD)
        yield running


@pytest.mark.parametrize("seed", range(FROM, FROM + SEEDS), ids=lambda seed: f"seed{seed}")
def test_a_year_of_production(
    seed: int, own_server: EmbeddedServer, mirror: Path, program_path: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    choose = random.Random(seed)
    version = request.node.callspec.params["own_server"]
    with serving(VaultStandIn()) as vault:
        assert isinstance(vault, VaultStandIn)
        if not (mirror / "registry.terraform.io" / "hashicorp" / "vault").is_dir():
            pytest.skip(f"the provider hashicorp/vault is not in {mirror.name}")
        world = World(tmp_path, mirror, own_server, program_path, vault)
        try:
            _play(world, choose)
        except BaseException:
            kinds = f" KINDS={KINDS}" if KINDS else ""
            command = f"make year SEEDS=1 FIRST={seed} CHANGES={CHANGES} SERVERS={version}{kinds}"
            print("\n".join([f"again: {command}", "the year so far:", *world.diary]))
            raise
        print("\n".join(world.diary))


def _play(world: World, choose: random.Random) -> None:
    world.write(Settings(plugins=list(FIRST)))
    world.repository.commit("a portal")
    first = deliver(world, "the first databases", world.repository.head)
    assert first.applied, world.diary
    world.applied.append(world.repository.head)
    everybody_works(world)
    refused = 0
    for number, change in enumerate(deck(CHANGES, choose, KINDS), start=1):
        world.note(f"{number}. {change.__name__} …")
        restore = world.memory()
        what, outcome = change(world, choose)
        if not outcome.applied:
            restore()
            refused += 1
        verdict = f"applied ({outcome.by})" if outcome.applied else f"refused by {outcome.by}"
        world.note(f"{number}. {what}: {verdict.replace(' ()', '')}")
        everything_is_there(world)
        everybody_works(world)
        if world.repository.head != world.applied[-1]:
            world.applied.append(world.repository.head)
    # A year in which nothing happens proves nothing.
    assert refused <= CHANGES / 2, f"{refused} of {CHANGES} changes were refused"
