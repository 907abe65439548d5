"""More plugins than one template holds: the rest are nested stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cfn_portal import REFUSED

if TYPE_CHECKING:
    from cfn_portal import Portal


def test_the_life_of_nested_stacks(large_portal: Portal) -> None:
    portal = large_portal
    portal.stack_plugins = 2
    portal.plugins = ["catalog", "events", "kubernetes", "search", "techdocs"]
    portal.must_deploy()
    files = {path.name for path in (portal.folder / "infra" / "cloudformation").glob("databases*.yaml")}
    assert files == {"databases.yaml", "databases-2.yaml", "databases-3.yaml"}
    assert [portal.rows(name) for name in portal.plugins] == [1] * 5
    with pytest.raises(REFUSED):
        portal.rows("catalog", "backstage_plugin_techdocs")
    portal.must_be_ready()
    # One more, first in the alphabet: nobody moves, and nobody else hears of it.
    before = {name: portal.target.marker("database", portal.name(name)) for name in portal.plugins}
    portal.plugins = ["auth", *portal.plugins]
    portal.must_deploy()
    assert portal.rows("auth") == 1
    assert {name: portal.target.marker("database", portal.name(name)) for name in before} == before
    # An update of a nested stack that fails: rolled back, and everybody goes on.
    portal.databases = {"techdocs": "portal_techdocs"}
    with portal.session("techdocs", "backstage_plugin_techdocs"):
        assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
    assert "open sessions (55006)" in portal.reasons()
    assert portal.rows("techdocs", "backstage_plugin_techdocs") == 2
    portal.must_deploy()
    assert portal.rows("techdocs") == 3
    # Rotated in a nested stack.
    password = portal.password("search")
    portal.settings = {"credentials": {"passwordVersions": {"search": 2}}}
    portal.must_deploy()
    assert portal.password("search") != password
    assert portal.rows("search") == 2
    # Removed: kept; and gone, once both locks are open.
    portal.cloudformation = {"allowDrop": ["kubernetes"]}
    portal.must_deploy()
    portal.plugins = ["auth", "catalog", "search", "techdocs"]
    portal.cloudformation = {}
    portal.must_deploy()
    assert "backstage_plugin_kubernetes" not in portal.target.databases
    assert portal.rows("events") == 2
    # The stack is deleted, and made anew: everything is found again.
    assert portal.delete() == "DELETE_COMPLETE"
    assert {portal.name(name) for name in portal.plugins} < portal.target.databases
    portal.must_deploy(take_over=True)
    assert [portal.rows(name) for name in portal.plugins] == [2, 2, 3, 4]


@pytest.mark.slow
def test_two_hundred_plugins(large_portal: Portal) -> None:
    large_portal.plugins = [f"plugin-{number:03}" for number in range(200)]
    large_portal.must_deploy()
    assert (large_portal.folder / "infra" / "cloudformation" / "databases-2.yaml").exists()
    assert large_portal.target.databases == {f"backstage_plugin_plugin-{number:03}" for number in range(200)}
    assert large_portal.rows("plugin-000") == 1
    assert large_portal.rows("plugin-199") == 1
    with pytest.raises(REFUSED):
        large_portal.rows("plugin-000", "backstage_plugin_plugin-199")
    # One more: nobody moves.
    large_portal.plugins.append("a-new-one")
    large_portal.must_deploy()
    assert large_portal.rows("a-new-one") == 1
    assert large_portal.rows("plugin-000") == 2
