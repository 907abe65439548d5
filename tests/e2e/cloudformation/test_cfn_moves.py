"""A plugin leaves a place (plugins.moved) in a stack: what it had stays, and the page's way gets through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cfn_portal import Portal

if TYPE_CHECKING:
    from cfn_stage import Target

PLACE = "backstage_search@primary/backstage_plugin_search"


def test_another_server(portal: Portal, pg15: Target) -> None:
    """In one deployment; the old server is not touched."""
    if portal.target.label != "pg18":
        pytest.skip("from PostgreSQL 18 to 15 is enough")
    pg15.clear()
    portal.must_deploy()
    assert portal.rows("search") == 1
    password = portal.password("search")
    host: dict[str, Any] = {"host": pg15.host, "port": pg15.port}
    portal.database = {"plugin": {"search": {"connection": {**host, "ssl": {"ca": pg15.ca}}}}}
    plugins = {"include": portal.plugins, "discover": False, "moved": {"search": PLACE}}
    portal.settings = {"servers": {"primary": {}, "other": host}, "plugins": plugins}
    portal.parameters = {
        "OtherAdminSecretArn": Portal(portal.folder, pg15, portal.cloud).admin_secret(),
        "OtherCaBundle": pg15.ca,
        "OtherSecurityGroupId": "sg-0123456789abcdef1",
    }
    portal.must_deploy()
    assert portal.password("search") == password
    assert pg15.databases == {"backstage_plugin_search"}
    with pg15.session("backstage_search", password, "backstage_plugin_search") as run:
        run("CREATE TABLE entity (id int)")
    assert portal.target.databases == {"backstage_plugin_catalog", "backstage_plugin_search"}
    assert portal.rows("search") == 2
    pg15.clear()


def test_from_a_database_to_a_schema(portal: Portal) -> None:
    if not portal.target.is_postgresql:
        pytest.skip("MySQL has no schema mode")
    portal.must_deploy()
    assert portal.rows("search") == 1
    connection = {
        "host": portal.target.host,
        "port": portal.target.port,
        "database": "portal",
        "ssl": {"ca": portal.target.ca},
    }
    connection |= {"user": "${DB_USER}", "password": "${DB_PASSWORD}"}
    plugins = {"include": portal.plugins, "discover": False}
    moved = {name: f"backstage_{name}@primary/backstage_plugin_{name}" for name in portal.plugins}
    portal.database = {"pluginDivisionMode": "schema", "connection": connection}
    portal.settings = {"plugins": {**plugins, "moved": moved}}
    assert portal.deploy() == "UPDATE_ROLLBACK_COMPLETE"
    assert "stay or go together with the resource" in portal.reasons()
    assert portal.rows("search") == 2
    lock = portal.folder / "infra" / "greenroom.lock.json"
    print(list(portal.folder.rglob("greenroom.lock.json")))
    raise AssertionError


def test_two_steps(portal: Portal) -> None:
    if not portal.target.is_postgresql:
        pytest.skip("MySQL has no schema mode")
    portal.plugins = ["catalog", "search"]
    portal.must_deploy()
    assert portal.rows("search") == 1
    connection = {
        "host": portal.target.host,
        "port": portal.target.port,
        "database": "portal",
        "ssl": {"ca": portal.target.ca},
    }
    connection |= {"user": "${DB_USER}", "password": "${DB_PASSWORD}"}
    every = portal.plugins
    portal.settings = {"plugins": {"include": ["other"], "discover": False}}
    portal.plugins = ["other"]
    portal.must_deploy()
    portal.plugins = [*every, "other"]
    moved = {name: f"backstage_{name}@primary/backstage_plugin_{name}" for name in portal.plugins}
    portal.database = {"pluginDivisionMode": "schema", "connection": connection}
    portal.settings = {"plugins": {"include": [*every], "discover": False, "moved": moved}}
    print(portal.deploy(take_over=True), portal.reasons())
    print((portal.folder / "infra" / "cloudformation" / "databases.yaml").read_text()[-6000:])
    raise AssertionError
