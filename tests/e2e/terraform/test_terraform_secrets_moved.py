"""Secrets when plugins get users of their own, or share one: none is deleted, and what the store has opens the databases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from store_stand_ins import KubernetesStandIn, VaultStandIn, serving
from test_terraform_secrets import PLUGINS, StorePortal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

SHARED = "mode: shared"


@pytest.fixture(params=["kubernetes", "vault"])
def portal(
    request: pytest.FixtureRequest, mirror: Path, server: EmbeddedServer, program_path: str, tmp_path: Path
) -> Iterator[StorePortal]:
    store = str(request.param)
    if not (mirror / "registry.terraform.io" / "hashicorp" / store).is_dir():
        pytest.skip(f"the provider hashicorp/{store} is not in {mirror.name}")
    with serving(VaultStandIn() if store == "vault" else KubernetesStandIn()) as stand_in:
        made = StorePortal(tmp_path, mirror, server, program_path, store, stand_in)
        yield made
        made.terraform.clean()


def moved(portal: StorePortal, credentials: str) -> str:
    """The settings with the lines that the refusal asks for."""
    with pytest.raises(AssertionError, match="GR532") as refused:
        portal.generate(PLUGINS, portal.settings(credentials))
    lines = re.findall(r"`(\S+: \S+)` to plugins\.moved", str(refused.value))
    return portal.settings(credentials, f"plugins: {{moved: {{{', '.join(lines)}}}}}\n")


@pytest.mark.parametrize("first", ["", SHARED], ids=["each", "shared"])
def test_users_and_their_secrets(portal: StorePortal, first: str) -> None:
    portal.generate(PLUGINS, portal.settings(first))
    portal.apply()
    portal.check()
    before = {name: portal.planned(name) for name in PLUGINS}
    old = {names["secret"]: portal.password(name) for name, names in before.items()}

    portal.generate(PLUGINS, moved(portal, "" if first else SHARED))
    said = portal.apply()
    for name, names in before.items():
        now = portal.planned(name)["role"]
        portal.superuser(f'REASSIGN OWNED BY "{names["role"]}" TO "{now}"', database=names["database"])
    portal.check()
    assert portal.stand_in is not None
    assert {name: portal.stand_in.password(name) for name in old} == old, said
