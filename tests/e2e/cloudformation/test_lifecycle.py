"""The life of a stack: templates that greenroom generates, run by MiniStack with the functions as they are deployed.

``Revision`` stays what it is, except where a test is about it: so a resource is told what changes for itself only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cfn_portal import REFUSED

if TYPE_CHECKING:
    from pathlib import Path

    from cfn_portal import Portal


def change_by_hand(portal: Portal, plugin: str) -> None:
    """Another password for the plugin's role, until CloudFormation tells the function about the plugin again."""
    password = "PASSWORD" if portal.target.is_postgresql else "IDENTIFIED BY"
    portal.target.rows(f"ALTER USER backstage_{plugin} {password} 'by hand'")
    portal.must_be_out(plugin)


def rotate(portal: Portal, **versions: int) -> None:
    portal.settings = {**portal.settings, "credentials": {"passwordVersions": versions}}


def make_foreign(portal: Portal, plugin: str) -> None:
    """A database of somebody else, where the plugin's would be."""
    portal.target.rows(f"CREATE DATABASE {portal.name(plugin)}")


def test_create_and_add(portal: Portal, oracle_dir: Path) -> None:
    portal.must_deploy()
    assert portal.rows("catalog") == 1
    assert portal.rows("search") == 1
    portal.must_be_ready()
    # Plugin A cannot connect to plugin B's.
    with pytest.raises(REFUSED):
        portal.rows("catalog", "backstage_plugin_search")
    # A new plugin is nothing to the others.
    change_by_hand(portal, "search")
    password = portal.password("catalog")
    portal.plugins = ["auth", *portal.plugins]
    portal.must_deploy()
    assert portal.rows("auth") == 1
    assert portal.rows("catalog") == 2
    assert portal.password("catalog") == password
    portal.must_be_out("search")
    # What was changed by hand is fixed by another revision.
    portal.revision = 2
    portal.must_deploy()
    assert portal.rows("search") == 2
    assert portal.password("catalog") == password
    # Preflight agrees, and the real Backstage opens every database with the fragment.
    portal.must_be_ready()
    opened = portal.open_with_backstage(oracle_dir)
    expected = {name: {"database": portal.name(name), "rows": 1} for name in portal.plugins}
    assert {name: {key: found.get(key) for key in ("database", "rows")} for name, found in opened.items()} == expected


def test_rename(portal: Portal) -> None:
    if not portal.target.is_postgresql:
        pytest.skip("MySQL cannot rename a database")
    portal.must_deploy()
    assert portal.rows("catalog") == 1
    password = portal.password("catalog")
    # With an open session: rolled back, and everybody goes on.
    portal.databases = {"catalog": "portal_catalog"}
    with portal.session("catalog", "backstage_plugin_catalog"):
        assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
    assert "open sessions (55006)" in portal.reasons()
    assert portal.rows("catalog", "backstage_plugin_catalog") == 2
    # Without: the rows are still there.
    portal.must_deploy()
    assert portal.rows("catalog") == 3
    assert "backstage_plugin_catalog" not in portal.target.databases
    assert portal.password("catalog") == password


def test_a_plugin_with_another_id(portal: Portal) -> None:
    """``plugins.renamed``: the same resource, so nothing is created or left behind; the others hear nothing of it."""
    if not portal.target.is_postgresql:
        pytest.skip("MySQL cannot rename a database")
    portal.must_deploy()
    assert portal.rows("search") == 1
    change_by_hand(portal, "catalog")
    portal.settings = {"plugins": {"include": ["catalog", "tech-radar"], "renamed": {"search": "tech-radar"}}}
    portal.plugins = ["catalog", "tech-radar"]
    portal.must_deploy()
    assert portal.rows("tech-radar") == 2
    assert "backstage_plugin_search" not in portal.target.databases
    portal.must_be_out("catalog")


def test_rotate(portal: Portal) -> None:
    portal.must_deploy()
    before, other = portal.password("catalog"), portal.password("search")
    change_by_hand(portal, "search")
    rotate(portal, catalog=2)
    portal.must_deploy()
    assert portal.password("catalog") != before
    assert portal.rows("catalog") == 1
    with pytest.raises(REFUSED), portal.target.session("backstage_catalog", before, portal.name("catalog")):
        pass
    assert portal.password("search") == other
    portal.must_be_out("search")  # nobody told the function about it


def test_a_wrong_parameter_is_rolled_back_and_touches_no_password(portal: Portal) -> None:
    portal.must_deploy()
    passwords = {name: portal.password(name) for name in portal.plugins}
    portal.parameters = {"PrimaryCaBundle": "system"}
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
    assert "cannot be verified" in portal.reasons()
    assert {name: portal.password(name) for name in portal.plugins} == passwords
    assert [portal.rows(name) for name in portal.plugins] == [1, 1]


@pytest.mark.parametrize(("foreign", "way_out"), [("auth", "back"), ("auth", "on"), ("techdocs", "back")])
def test_a_rollback_while_passwords_change(portal: Portal, foreign: str, way_out: str) -> None:
    """The update fails at ``auth``, before the function heard of the others' passwords, or at ``techdocs``, after that."""
    portal.must_deploy()
    plugins = portal.plugins
    assert [portal.rows(name) for name in plugins] == [1, 1]
    make_foreign(portal, foreign)
    portal.plugins = [*plugins, foreign]
    rotate(portal, catalog=2, search=2)
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
    assert f"'backstage_plugin_{foreign}' already exists" in portal.reasons()
    assert f"backstage_{foreign}" not in portal.target.roles, "the foreign database got a role"
    if foreign == "auth":
        # CloudFormation made each password twice and told no role: what the README says about another Revision.
        for name in plugins:
            portal.must_be_out(name)
    else:
        assert [portal.rows(name) for name in plugins] == [2, 2]
    if way_out == "back":
        portal.plugins = plugins
        rotate(portal)
    else:
        portal.target.rows(f"DROP DATABASE backstage_plugin_{foreign}")
    portal.revision = 2
    portal.must_deploy()
    rows = 2 if foreign == "auth" else 3
    assert [portal.rows(name) for name in plugins] == [rows, rows]
    if way_out == "on":
        assert portal.rows(foreign) == 1


def test_adopt(portal: Portal) -> None:
    portal.must_deploy()
    make_foreign(portal, "techdocs")
    if portal.target.is_postgresql:
        portal.target.rows(f'ALTER DATABASE backstage_plugin_techdocs OWNER TO "{portal.target.admin}"')
    portal.plugins = [*portal.plugins, "techdocs"]
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE", portal.reasons()
    assert "Adopt" in portal.reasons()
    # The owner agrees.
    portal.settings["adopt"] = {"primary": {"databases": ["backstage_plugin_techdocs"]}}
    portal.must_deploy()
    assert portal.rows("techdocs") == 1


def test_remove_and_come_back(portal: Portal) -> None:
    portal.must_deploy()
    assert portal.rows("search") == 1
    portal.plugins.remove("search")
    portal.must_deploy()
    assert portal.rows("search") == 2
    assert "backstage/production/database/search" in portal.secrets - portal.own_secrets()
    portal.plugins.append("search")
    portal.must_deploy(take_over=True)
    assert portal.rows("search") == 3
    assert "backstage/production/database/search" in portal.own_secrets()


def test_drop(portal: Portal) -> None:
    """Gone, once both locks are open."""
    portal.plugins = ["auth", "catalog"]
    portal.must_deploy()
    assert portal.rows("auth") == 1
    portal.cloudformation = {"allowDrop": ["auth"]}
    portal.must_deploy()
    assert portal.rows("auth") == 2
    portal.plugins.remove("auth")
    portal.cloudformation = {}
    portal.must_deploy()
    assert portal.target.databases == {"backstage_plugin_catalog"}
    assert portal.target.roles == {"backstage_catalog"}
    assert portal.secrets == {"backstage/production/database/catalog"}
    assert portal.rows("catalog") == 1


def test_delete_and_create_again(portal: Portal) -> None:
    portal.must_deploy()
    rows = portal.rows("catalog")
    assert portal.delete() == "DELETE_COMPLETE"
    assert portal.target.databases == {portal.name(name) for name in portal.plugins}
    assert portal.rows("catalog") == rows + 1
    portal.must_deploy(take_over=True)
    assert portal.rows("catalog") == rows + 2


def test_a_creation_that_fails_can_be_repeated(portal: Portal) -> None:
    make_foreign(portal, "techdocs")
    portal.plugins = [*portal.plugins, "techdocs"]
    assert portal.deploy() == "ROLLBACK_COMPLETE", portal.reasons()
    assert "'backstage_plugin_techdocs' already exists" in portal.reasons()
    # Neither secrets nor a key stay, and what was made before is there to be found again.
    assert portal.kept() == {"Custom::PluginDatabase"}
    assert not portal.secrets
    assert portal.target.databases == {portal.name(name) for name in portal.plugins}
    assert portal.delete() == "DELETE_COMPLETE"
    portal.target.rows("DROP DATABASE backstage_plugin_techdocs")
    portal.must_deploy()
    assert [portal.rows(name) for name in portal.plugins] == [1, 1, 1]
