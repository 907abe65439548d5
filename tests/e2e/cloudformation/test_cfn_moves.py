"""A plugin leaves a place (plugins.moved) in a stack: what it had stays, and the page's way gets through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from cfn_portal import Portal

if TYPE_CHECKING:
    from cfn_stage import Target

PLACE = "backstage_search@primary/backstage_plugin_search"


@pytest.mark.on_both_servers
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
    """Refused in one deployment; in two, the first of which retires, everything that was there stays."""
    if not portal.target.is_postgresql:
        pytest.skip("MySQL has no schema mode")
    portal.must_deploy()
    assert portal.rows("search") == 1
    connection = {"host": portal.target.host, "port": portal.target.port, "ssl": {"ca": portal.target.ca}}
    connection |= {"user": "${DB_USER}", "password": "${DB_PASSWORD}", "database": "portal"}
    plugins = {"include": portal.plugins, "discover": False}
    moved = {name: f"backstage_{name}@primary/backstage_plugin_{name}" for name in portal.plugins}
    schemas = {"pluginDivisionMode": "schema", "connection": connection}
    portal.database, portal.settings = schemas, {"plugins": {**plugins, "moved": moved}}
    with pytest.raises(AssertionError, match="GR685"):
        portal.generate()

    portal.database, portal.settings = {}, {"plugins": {"include": ["other"], "discover": False}}
    portal.must_deploy()
    portal.database, portal.settings = schemas, {"plugins": {**plugins, "moved": moved}}
    portal.must_deploy(take_over=True)
    with portal.session("search", "portal") as run:
        run("CREATE TABLE search.entity (id int)")
        with pytest.raises(psycopg.Error):
            run("CREATE TABLE catalog.entity (id int)")
    with portal.target.session("backstage_search", portal.password("search"), "backstage_plugin_search") as run:
        assert run("SELECT count(*) FROM entity") == [(1,)]


def test_from_a_user_for_each_to_one(portal: Portal) -> None:
    """In two deployments as well. The tables stay where they are."""
    portal.must_deploy()
    assert portal.rows("search") == 1
    plugins = {"include": portal.plugins, "discover": False}
    moved = {name: f"backstage_{name}@primary/backstage_plugin_{name}" for name in portal.plugins}
    shared = {"credentials": {"mode": "shared"}, "plugins": {**plugins, "moved": moved}}
    portal.settings = shared
    with pytest.raises(AssertionError, match="GR685"):
        portal.generate()

    portal.settings = {"plugins": {"include": ["other"], "discover": False}}
    portal.must_deploy()
    portal.settings = shared
    portal.must_deploy(take_over=True)
    if portal.target.is_postgresql:
        portal.target.rows("REASSIGN OWNED BY backstage_search TO backstage", "backstage_plugin_search")
    client = portal.cloud.client("secretsmanager")
    secret = json.loads(client.get_secret_value(SecretId="backstage/production/database")["SecretString"])
    with portal.target.session(secret["username"], secret["password"], "backstage_plugin_search") as run:
        run("INSERT INTO entity VALUES (2)")
        assert int(run("SELECT count(*) FROM entity")[0][0]) == 2
