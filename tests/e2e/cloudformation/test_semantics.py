"""What each request means, on real servers with an administrator who is no superuser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
import pytest
from cfn_stage import OWNER

if TYPE_CHECKING:
    from cfn_stage import Cloud

REFUSED = (psycopg.Error, pymysql.MySQLError)


def use(cloud: Cloud, name: str, password: str = "secret", database: str = "", role: str = "") -> Any:
    """Make a table as the plugin and count its rows."""
    with cloud.target.session(role or f"backstage_{name}", password, database or f"plugin_{name}") as run:
        run("CREATE TABLE IF NOT EXISTS entity (id int)")
        run("INSERT INTO entity VALUES (1)")
        return run("SELECT count(*) FROM entity")[0][0]


def test_create_gives_a_plugin_what_it_needs_and_no_more(cloud: Cloud) -> None:
    answer = cloud.send("Create", cloud.plugin("catalog"))
    assert answer["Status"] == "SUCCESS", answer
    assert answer["PhysicalResourceId"] == f"{OWNER}/Catalog@localhost:{cloud.target.port}"
    assert answer["Data"]["Database"] == "plugin_catalog"
    assert answer["Data"]["Role"] == "backstage_catalog"
    cloud.must("Create", cloud.plugin("search"), logical_id="Search")
    assert use(cloud, "catalog") == 1
    with pytest.raises(REFUSED):
        use(cloud, "catalog", database="plugin_search")
    with pytest.raises(REFUSED), cloud.target.session("backstage_catalog", "secret", "plugin_catalog") as run:
        run("CREATE DATABASE more")
    assert cloud.target.databases == {"plugin_catalog", "plugin_search"}


def test_the_same_request_again_changes_nothing(cloud: Cloud) -> None:
    event = cloud.event("Create", cloud.plugin("catalog", OnDelete="Drop"))
    first = cloud.deliver(event)
    use(cloud, "catalog")
    assert cloud.deliver(event) == first
    assert use(cloud, "catalog") == 2
    marker = cloud.target.marker("database", "plugin_catalog")
    assert marker is not None
    assert marker["armed"] is True, "a repeated Create disarmed its own marker"


def test_a_foreign_database_is_refused_and_untouched(cloud: Cloud) -> None:
    owner = f' OWNER "{cloud.target.admin}"' if cloud.target.is_postgresql else ""
    cloud.target.rows(f"CREATE DATABASE plugin_catalog{owner}")
    reason = cloud.refused("Create", cloud.plugin("catalog"))
    assert "database 'plugin_catalog' already exists and is not ours: nothing was changed. Set Adopt: true" in reason
    assert not cloud.target.roles
    assert cloud.target.marker("database", "plugin_catalog") is None if cloud.target.is_postgresql else True


def test_a_foreign_role_is_refused_and_untouched(cloud: Cloud) -> None:
    password = "PASSWORD" if cloud.target.is_postgresql else "IDENTIFIED BY"
    cloud.target.rows(f"CREATE USER backstage_catalog {password} 'mine'")
    reason = cloud.refused("Create", cloud.plugin("catalog"))
    assert re.search(r"'backstage_catalog(@%)?' already exists and is not ours", reason)
    assert not cloud.target.databases
    with cloud.target.session("backstage_catalog", "mine", "postgres" if cloud.target.is_postgresql else None) as run:
        run("SELECT 1")


def test_adopt_takes_over_what_is_there(cloud: Cloud) -> None:
    owner = f' OWNER "{cloud.target.admin}"' if cloud.target.is_postgresql else ""
    cloud.target.rows(f"CREATE DATABASE plugin_catalog{owner}")
    properties = cloud.plugin("catalog", Adopt="true", OnDelete="Drop")
    physical_id = cloud.must("Create", properties)
    use(cloud, "catalog")
    # The stack's creation fails elsewhere: its Delete must not drop what was only taken over.
    cloud.must("Delete", properties, physical_id=physical_id)
    assert use(cloud, "catalog") == 2
    # Without Adopt the next attempt finds its own marker.
    assert cloud.must("Create", cloud.plugin("catalog")) == physical_id


def test_another_stack_is_refused(cloud: Cloud) -> None:
    cloud.must("Create", cloud.plugin("catalog", Owner="another/stack"))
    reason = cloud.refused("Create", cloud.plugin("catalog"))
    assert "belongs to another/stack" in reason


def test_delete_keeps_by_default_and_create_finds_it_again(cloud: Cloud) -> None:
    properties = cloud.plugin("catalog")
    physical_id = cloud.must("Create", properties)
    use(cloud, "catalog")
    cloud.must("Delete", properties, physical_id=physical_id)
    assert use(cloud, "catalog") == 2
    assert cloud.must("Create", cloud.plugin("catalog", "another")) == physical_id
    assert use(cloud, "catalog", "another") == 3


def test_delete_drops_with_both_locks_open(cloud: Cloud) -> None:
    before = cloud.plugin("catalog")
    physical_id = cloud.must("Create", before)
    use(cloud, "catalog")
    after = cloud.plugin("catalog", OnDelete="Drop")
    # CloudFormation would send these properties only after an Update; without it the marker is not armed.
    cloud.must("Delete", after, physical_id=physical_id)
    assert use(cloud, "catalog") == 2
    cloud.must("Update", after, old=before, physical_id=physical_id)
    event = cloud.event("Delete", after, physical_id=physical_id)
    assert cloud.deliver(event)["Status"] == "SUCCESS"
    assert not cloud.target.databases
    assert not cloud.target.roles
    assert cloud.deliver(event)["Status"] == "SUCCESS", "the repeated Delete of what is gone failed"


def test_delete_of_another_physical_id_never_drops(cloud: Cloud) -> None:
    """What CloudFormation cleans up after a change of Host: the old name of a server that is the same one."""
    old = cloud.plugin("catalog", OnDelete="Drop")
    physical_id = cloud.must("Create", old)
    use(cloud, "catalog")
    new = {**old, "Host": "127.0.0.1"}
    new_id = cloud.must("Update", new, old=old, physical_id=physical_id)
    assert new_id == physical_id.replace("localhost", "127.0.0.1")
    cloud.must("Delete", old, physical_id=physical_id)
    assert use(cloud, "catalog") == 2
    # The other way: the update is rolled back, and the new physical id is cleaned up.
    assert cloud.must("Update", old, old=new, physical_id=new_id) == physical_id
    cloud.must("Delete", new, physical_id=new_id)
    assert use(cloud, "catalog") == 3
    # A replacement that stays and is to be dropped needs one update in place first.
    cloud.must("Delete", old, physical_id=physical_id)
    assert use(cloud, "catalog") == 4
    cloud.must("Update", old, old={**old, "Revision": "0"}, physical_id=physical_id)
    cloud.must("Delete", old, physical_id=physical_id)
    assert not cloud.target.databases


def test_delete_of_what_was_never_made_does_nothing(cloud: Cloud) -> None:
    cloud.target.rows("CREATE DATABASE plugin_catalog")
    properties = cloud.plugin("catalog", OnDelete="Drop")
    answer = cloud.send("Create", properties)
    assert answer["PhysicalResourceId"] == f"not-created:{answer['RequestId']}"
    cloud.must("Delete", properties, physical_id=answer["PhysicalResourceId"])
    cloud.must("Delete", properties, physical_id="backstage-Catalog-1ABCDEF")
    assert cloud.target.databases == {"plugin_catalog"}


def test_a_rotated_password_replaces_the_old_one(cloud: Cloud) -> None:
    properties = cloud.plugin("catalog")
    physical_id = cloud.must("Create", properties)
    cloud.must("Update", cloud.plugin("catalog", "new", Revision="2"), old=properties, physical_id=physical_id)
    use(cloud, "catalog", "new")
    with pytest.raises(REFUSED):
        use(cloud, "catalog", "secret")


def test_renaming_the_role(cloud: Cloud) -> None:
    old = cloud.plugin("catalog")
    physical_id = cloud.must("Create", old)
    use(cloud, "catalog")
    new = cloud.plugin("catalog", Role="portal_catalog")
    assert cloud.must("Update", new, old=old, physical_id=physical_id) == physical_id
    assert use(cloud, "catalog", role="portal_catalog") == 2
    assert cloud.target.roles == {"portal_catalog"}
    cloud.secrets["secret-catalog"]["username"] = "backstage_catalog"
    cloud.must("Update", old, old=new, physical_id=physical_id)
    assert use(cloud, "catalog") == 3


def test_renaming_the_database_in_place(pg_cloud: Cloud) -> None:
    old = pg_cloud.plugin("catalog")
    physical_id = pg_cloud.must("Create", old)
    use(pg_cloud, "catalog")
    new = pg_cloud.plugin("catalog", Database="portal_catalog")
    assert pg_cloud.must("Update", new, old=old, physical_id=physical_id) == physical_id
    assert use(pg_cloud, "catalog", database="portal_catalog") == 2
    assert pg_cloud.target.databases == {"portal_catalog"}


def test_renaming_with_an_open_session_fails_unless_forced(pg_cloud: Cloud) -> None:
    old = pg_cloud.plugin("catalog")
    physical_id = pg_cloud.must("Create", old)
    use(pg_cloud, "catalog")
    new = pg_cloud.plugin("catalog", Database="portal_catalog")
    with pg_cloud.target.session("backstage_catalog", "secret", "plugin_catalog") as run:
        reason = pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
        assert "has 1 open sessions (55006): stop Backstage first, or set Force: true" in reason
        # The rollback.
        pg_cloud.must("Update", old, old=new, physical_id=physical_id)
        assert run("SELECT count(*) FROM entity")[0][0] == 1
        pg_cloud.must("Update", {**new, "Force": "true"}, old=old, physical_id=physical_id)
        with pytest.raises(psycopg.OperationalError):
            run("SELECT 1")
    assert use(pg_cloud, "catalog", database="portal_catalog") == 2


def test_renaming_onto_something_that_exists_is_refused(pg_cloud: Cloud) -> None:
    old = pg_cloud.plugin("catalog")
    physical_id = pg_cloud.must("Create", old)
    pg_cloud.must("Create", pg_cloud.plugin("search"), logical_id="Search")
    new = pg_cloud.plugin("catalog", Database="plugin_search", Adopt="true")
    assert "both exist" in pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
    assert pg_cloud.target.databases == {"plugin_catalog", "plugin_search"}


def test_mysql_cannot_rename_a_database(mysql_cloud: Cloud) -> None:
    old = mysql_cloud.plugin("catalog")
    physical_id = mysql_cloud.must("Create", old)
    new = mysql_cloud.plugin("catalog", Database="portal_catalog")
    assert "MySQL cannot rename a database" in mysql_cloud.refused("Update", new, old=old, physical_id=physical_id)
    mysql_cloud.must("Update", old, old=new, physical_id=physical_id)
    assert mysql_cloud.target.databases == {"plugin_catalog"}


def test_an_update_that_fails_half_way_is_rolled_back(pg_cloud: Cloud) -> None:
    """The database and the role are renamed in one transaction, which the server refuses at its end."""
    old = pg_cloud.plugin("catalog")
    physical_id = pg_cloud.must("Create", old)
    use(pg_cloud, "catalog")
    pg_cloud.target.rows("CREATE ROLE taken")
    new = pg_cloud.plugin("catalog", Database="portal_catalog", Role="taken")
    assert "'taken' already exists" in pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
    assert pg_cloud.target.databases == {"plugin_catalog"}
    pg_cloud.secrets["secret-catalog"]["username"] = "backstage_catalog"
    pg_cloud.must("Update", old, old=new, physical_id=physical_id)
    assert use(pg_cloud, "catalog") == 2


def test_the_way_back_does_not_mind_what_stood_in_the_way(cloud: Cloud) -> None:
    """A role and a database that the administrator may not touch: the update is refused, and the rollback is not."""
    old = cloud.plugin("catalog")
    physical_id = cloud.must("Create", old)
    use(cloud, "catalog")
    if cloud.target.is_postgresql:
        cloud.target.rows("CREATE ROLE taken SUPERUSER")
        cloud.target.rows("CREATE DATABASE taken OWNER taken")
        new = cloud.plugin("catalog", Database="taken", Role="taken")
    else:
        cloud.target.rows("CREATE USER taken; GRANT SELECT ON *.* TO taken")
        new = cloud.plugin("catalog", Role="taken")
    assert "already exists" in cloud.refused("Update", new, old=old, physical_id=physical_id)
    cloud.secrets["secret-catalog"]["username"] = "backstage_catalog"
    cloud.must("Update", old, old=new, physical_id=physical_id)
    assert use(cloud, "catalog") == 2


def test_properties_that_were_refused_do_not_stop_the_rollback(cloud: Cloud) -> None:
    old = cloud.plugin("catalog")
    physical_id = cloud.must("Create", old)
    new = {**old, "OnDelete": "Destroy", "Colour": "green"}
    reason = cloud.refused("Update", new, old=old, physical_id=physical_id)
    assert reason == ("(1) Colour is no property of Custom::PluginDatabase; (2) OnDelete is 'Destroy', not Retain or Drop")
    cloud.must("Update", old, old=new, physical_id=physical_id)


def test_every_wrong_property_is_named_at_once(cloud: Cloud) -> None:
    properties = cloud.target.properties(Database="x" * 65, Role="\0", OnDelete="Never", Port="no")
    reason = cloud.refused("Create", properties)
    for part in (
        "PluginId is missing",
        "SecretArn is missing",
        "longer than",
        "holds NUL",
        "OnDelete is 'Never'",
        "Port is 'no'",
    ):
        assert part in reason


def test_a_role_with_more_power_than_a_plugin_may_have_is_refused(cloud: Cloud) -> None:
    if cloud.target.is_postgresql:
        cloud.target.rows("CREATE ROLE backstage_catalog LOGIN CREATEDB")
    else:
        cloud.target.rows("CREATE USER backstage_catalog; GRANT SELECT ON *.* TO backstage_catalog")
    reason = cloud.refused("Create", cloud.plugin("catalog", Adopt="true"))
    assert "more than a plugin may" in reason
    assert "is the administrator of this server" in cloud.refused("Create", cloud.plugin("catalog", Role=cloud.target.admin))


def test_the_secret_has_to_be_of_the_role(cloud: Cloud) -> None:
    properties = cloud.plugin("catalog")
    cloud.secrets["secret-catalog"]["username"] = "somebody"
    assert "is of user 'somebody', and Role is 'backstage_catalog'" in cloud.refused("Create", properties)


# --- schema mode, groups, shared roles ---------------------------------------------------------------------------------


def shared_database(cloud: Cloud, **more: str) -> str:
    properties = cloud.target.properties(Database="backstage", **more)
    return cloud.must("Create", properties, resource_type="Custom::SharedDatabase", logical_id="Shared")


def test_schemas_of_a_shared_database(pg_cloud: Cloud) -> None:
    shared_id = shared_database(pg_cloud, OnDelete="Drop")
    shape = {"Database": "backstage", "DatabaseOf": "shared"}
    ids = {}
    for name in ("catalog", "search"):
        properties = pg_cloud.plugin(name, Schema=name, OnDelete="Drop", **shape)
        ids[name] = pg_cloud.must("Create", properties, logical_id=name)
    assert use(pg_cloud, "catalog", database="backstage") == 1
    with pg_cloud.target.session("backstage_catalog", "secret", "backstage") as run:
        assert run("SELECT schemaname FROM pg_tables WHERE tablename = 'entity'") == [("catalog",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run("CREATE TABLE search.entity (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run("CREATE TABLE public.entity (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run("CREATE SCHEMA more")
    # Rename the schema: the row survives, the search path follows.
    old = pg_cloud.plugin("catalog", Schema="catalog", OnDelete="Drop", **shape)
    new = pg_cloud.plugin("catalog", Schema="catalogue", OnDelete="Drop", **shape)
    pg_cloud.must("Update", new, old=old, physical_id=ids["catalog"], logical_id="catalog")
    assert use(pg_cloud, "catalog", database="backstage") == 2
    # The database stays while a plugin's schema is in it.
    shared = pg_cloud.target.properties(Database="backstage", OnDelete="Drop")
    kind = {"resource_type": "Custom::SharedDatabase", "logical_id": "Shared"}
    assert "schemas of other resources (catalogue, search)" in pg_cloud.refused(
        "Delete", shared, physical_id=shared_id, **kind
    )
    pg_cloud.must("Delete", new, physical_id=ids["catalog"], logical_id="catalog")
    assert pg_cloud.target.roles == {"backstage_search"}
    rows = pg_cloud.target.rows(
        "SELECT nspname FROM pg_namespace WHERE nspname IN ('catalog', 'catalogue', 'search')", "backstage"
    )
    assert rows == [["search"]]
    other = pg_cloud.plugin("search", Schema="search", OnDelete="Drop", **shape)
    pg_cloud.must("Delete", other, physical_id=ids["search"], logical_id="search")
    pg_cloud.must("Delete", shared, physical_id=shared_id, **kind)
    assert not pg_cloud.target.databases
    assert not pg_cloud.target.roles


def test_a_foreign_schema_is_refused(pg_cloud: Cloud) -> None:
    shared_database(pg_cloud)
    pg_cloud.target.rows(f'CREATE SCHEMA catalog AUTHORIZATION "{pg_cloud.target.admin}"', "backstage")
    properties = pg_cloud.plugin("catalog", Schema="catalog", Database="backstage", DatabaseOf="shared")
    assert "schema 'catalog' already exists and is not ours" in pg_cloud.refused("Create", properties)
    pg_cloud.must("Create", {**properties, "Adopt": "true"})
    pg_cloud.target.rows("CREATE SCHEMA search", "backstage")
    properties = pg_cloud.plugin("search", Schema="search", Database="backstage", DatabaseOf="shared", Adopt="true")
    assert "schema 'search' does not belong to the administrator" in pg_cloud.refused("Create", properties, logical_id="S")


def test_plugins_of_a_group_own_what_they_make_together(pg_cloud: Cloud) -> None:
    shared_id = shared_database(pg_cloud, Group="backstage_plugins")
    shape = {"Database": "backstage", "DatabaseOf": "shared", "Group": "backstage_plugins"}
    old = pg_cloud.plugin("catalog", **shape)
    physical_id = pg_cloud.must("Create", old, logical_id="catalog")
    pg_cloud.must("Create", pg_cloud.plugin("search", **shape), logical_id="search")
    assert use(pg_cloud, "catalog", database="backstage") == 1
    assert use(pg_cloud, "search", database="backstage") == 2
    assert pg_cloud.target.rows("SELECT tableowner FROM pg_tables WHERE tablename = 'entity'", "backstage") == [
        ["backstage_plugins"]
    ]
    # What a member made on its own is handed over.
    pg_cloud.target.rows("CREATE TABLE alone (id int); ALTER TABLE alone OWNER TO backstage_search", "backstage")
    again = pg_cloud.plugin("search", **shape)
    search_id = pg_cloud.must("Create", again, logical_id="search")
    assert pg_cloud.target.rows("SELECT tableowner FROM pg_tables WHERE tablename = 'alone'", "backstage") == [
        ["backstage_plugins"]
    ]
    # Rename database and group: first the shared resource, then the plugins, as CloudFormation does.
    kind = {"resource_type": "Custom::SharedDatabase", "logical_id": "Shared", "physical_id": shared_id}
    before = pg_cloud.target.properties(Database="backstage", Group="backstage_plugins")
    after = pg_cloud.target.properties(Database="portal", Group="portal_plugins")
    pg_cloud.must("Update", after, old=before, **kind)
    assert use(pg_cloud, "catalog", database="portal") == 3
    new = pg_cloud.plugin("catalog", Database="portal", DatabaseOf="shared", Group="portal_plugins")
    pg_cloud.must("Update", new, old=old, physical_id=physical_id, logical_id="catalog")
    # A rollback may bring the plugin back before the shared database.
    pg_cloud.must("Update", old, old=new, physical_id=physical_id, logical_id="catalog")
    pg_cloud.must("Update", before, old=after, **kind)
    assert use(pg_cloud, "catalog", database="backstage") == 4
    # Dropped: the members first.
    for name, number, logical in (("catalog", physical_id, "catalog"), ("search", search_id, "search")):
        plain, armed = pg_cloud.plugin(name, **shape), pg_cloud.plugin(name, OnDelete="Drop", **shape)
        pg_cloud.must("Update", armed, old=plain, physical_id=number, logical_id=logical)
        pg_cloud.must("Delete", armed, physical_id=number, logical_id=logical)
    armed = {**before, "OnDelete": "Drop"}
    pg_cloud.must("Update", armed, old=before, **kind)
    pg_cloud.must("Delete", armed, **kind)
    assert not pg_cloud.target.roles


def test_one_role_on_several_databases(cloud: Cloud) -> None:
    cloud.secrets["shared"] = {"username": "backstage", "password": "secret"}
    role = cloud.target.properties(Role="backstage", SecretArn="shared")
    kind = {"resource_type": "Custom::SharedRole", "logical_id": "Role"}
    role_id = cloud.must("Create", role, **kind)
    for name in ("catalog", "search"):
        properties = cloud.plugin(name, Role="backstage", RoleOf="shared", SecretArn="")
        cloud.must("Create", properties, logical_id=name)
        assert use(cloud, name, role="backstage") == 1
    # Both shared: only grants.
    cloud.must("Create", cloud.target.properties(Database="more"), resource_type="Custom::SharedDatabase", logical_id="More")
    both = cloud.plugin("more", Role="backstage", RoleOf="shared", SecretArn="", Database="more", DatabaseOf="shared")
    both_id = cloud.must("Create", both, logical_id="Both")
    assert use(cloud, "more", role="backstage", database="more") == 1
    # The role is renamed, then the plugins hear of it; in a rollback perhaps the other way round.
    cloud.secrets["shared"]["username"] = "portal"
    renamed = {**role, "Role": "portal"}
    cloud.must("Update", renamed, old=role, physical_id=role_id, **kind)
    cloud.must("Update", {**both, "Role": "portal"}, old=both, physical_id=both_id, logical_id="Both")
    cloud.must("Update", both, old={**both, "Role": "portal"}, physical_id=both_id, logical_id="Both")
    assert use(cloud, "more", role="portal", database="more") == 2
    cloud.must("Delete", {**both, "OnDelete": "Drop"}, physical_id=both_id, logical_id="Both")
    assert "does not exist: its own resource has to make it first" in cloud.refused(
        "Create", {**both, "Role": "nobody", "Database": "nothing"}, logical_id="Nobody"
    )


def test_iam_authentication(pg_cloud: Cloud) -> None:
    properties = pg_cloud.plugin("catalog", Auth="iam", SecretArn="")
    assert "has no role rds_iam" in pg_cloud.refused("Create", properties)
    admin = pg_cloud.target.admin
    pg_cloud.target.rows(f'CREATE ROLE rds_iam; GRANT rds_iam TO "{admin}" WITH ADMIN OPTION')
    physical_id = pg_cloud.must("Create", properties)
    member = "SELECT pg_has_role(oid, 'rds_iam', 'MEMBER'), rolpassword FROM pg_authid WHERE rolname = 'backstage_catalog'"
    assert pg_cloud.target.rows(member) == [[True, None]]
    pg_cloud.must("Update", properties, old={**properties, "Revision": "1"}, physical_id=physical_id)
    # Back to a password.
    pg_cloud.must("Update", pg_cloud.plugin("catalog"), old=properties, physical_id=physical_id)
    assert pg_cloud.target.rows(member)[0][0] is False
    use(pg_cloud, "catalog")


def test_the_shape_of_a_resource_cannot_change(pg_cloud: Cloud) -> None:
    old = pg_cloud.plugin("catalog")
    physical_id = pg_cloud.must("Create", old)
    shared_database(pg_cloud)
    new = pg_cloud.plugin("catalog", Database="backstage", DatabaseOf="shared", Schema="catalog")
    reason = pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
    assert "was made for a resource with (database role) of its own" in reason
    pg_cloud.must("Update", old, old=new, physical_id=physical_id)
    use(pg_cloud, "catalog")


def test_moving_to_another_shared_database_is_refused(pg_cloud: Cloud) -> None:
    shared_database(pg_cloud)
    more = pg_cloud.target.properties(Database="more")
    pg_cloud.must("Create", more, resource_type="Custom::SharedDatabase", logical_id="More")
    old = pg_cloud.plugin("catalog", Database="backstage", DatabaseOf="shared", Schema="catalog")
    physical_id = pg_cloud.must("Create", old)
    new = {**old, "Database": "more"}
    assert "both exist: it can only be renamed" in pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
    pg_cloud.must("Update", old, old=new, physical_id=physical_id)


def test_what_an_earlier_stack_left_is_in_nobodys_way(pg_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    pg_cloud.must("Create", pg_cloud.plugin("catalog"))
    monkeypatch.setattr("cfn_stage.STACK", "arn:aws:cloudformation:eu-central-1:123456789012:stack/backstage/another")
    old = pg_cloud.plugin("catalog", Database="portal_catalog")
    physical_id = pg_cloud.must("Create", old)
    new = pg_cloud.plugin("catalog")
    assert "both exist" in pg_cloud.refused("Update", new, old=old, physical_id=physical_id)
    pg_cloud.must("Update", old, old=new, physical_id=physical_id)


def test_moving_a_mysql_user_to_another_host(mysql_cloud: Cloud) -> None:
    old = mysql_cloud.plugin("catalog")
    physical_id = mysql_cloud.must("Create", old)
    new = {**old, "UserHost": "127.0.0.1"}
    mysql_cloud.must("Update", new, old=old, physical_id=physical_id)
    assert mysql_cloud.target.running.users == {("backstage_catalog", "127.0.0.1")}
    use(mysql_cloud, "catalog")


def test_tables_of_somebody_else_are_told_of(pg_cloud: Cloud, capsys: pytest.CaptureFixture[str]) -> None:
    admin = pg_cloud.target.admin
    pg_cloud.target.rows(f'CREATE DATABASE plugin_catalog OWNER "{admin}"')
    pg_cloud.target.rows("CREATE TABLE old (id int)", "plugin_catalog")
    pg_cloud.must("Create", pg_cloud.plugin("catalog", Adopt="true"))
    assert "table 'old' belongs to 'postgres', so the plugin cannot use it" in capsys.readouterr().out


def test_an_administrator_without_its_powers(pg_cloud: Cloud) -> None:
    pg_cloud.target.rows(f'ALTER ROLE "{pg_cloud.target.admin}" NOCREATEROLE NOCREATEDB')
    reason = pg_cloud.refused("Create", pg_cloud.plugin("catalog"))
    assert "needs CREATEROLE" in reason
    assert "needs CREATEDB" in reason


def test_databases_the_administrator_cannot_manage(pg_cloud: Cloud) -> None:
    pg_cloud.target.rows("CREATE DATABASE plugin_catalog")
    pg_cloud.target.rows("ALTER DATABASE plugin_catalog ALLOW_CONNECTIONS false")
    reason = pg_cloud.refused("Create", pg_cloud.plugin("catalog", Adopt="true"))
    assert "already exists and belongs to role 'postgres'" in reason
    assert "allows no connections" in reason


def test_a_group_that_can_log_in_is_no_group(pg_cloud: Cloud) -> None:
    pg_cloud.target.rows("CREATE ROLE backstage_plugins LOGIN")
    properties = pg_cloud.target.properties(Database="backstage", Group="backstage_plugins", Adopt="true")
    reason = pg_cloud.refused("Create", properties, resource_type="Custom::SharedDatabase")
    assert "can log in, but is to be the group" in reason


def test_a_server_that_wants_the_clear_password(pg_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a server refuses the verifier. Here the session does, and everything else is the real server's."""
    from plugin_databases.failures import SqlError
    from plugin_databases.pg8000_server import Pg8000Session

    run, seen = Pg8000Session.run, []

    def picky(self: Pg8000Session, sql: str) -> list[list[Any]]:
        if "SCRAM-SHA-256" in sql:
            run(self, "SELECT 1")
            raise SqlError("22023", "the password has to be clear")
        seen.append(sql)
        return run(self, sql)

    monkeypatch.setattr(Pg8000Session, "run", picky)
    pg_cloud.must("Create", pg_cloud.plugin("catalog", "it's \\ clear"))
    assert use(pg_cloud, "catalog", "it's \\ clear") == 1
    assert not any("ALTER ROLE" in sql and "clear" in sql for sql in seen), "a log of DDL would show it"


def test_dropping_a_database_in_use(pg_cloud: Cloud) -> None:
    properties = pg_cloud.plugin("catalog", OnDelete="Drop")
    physical_id = pg_cloud.must("Create", properties)
    with pg_cloud.target.session("backstage_catalog", "secret", "plugin_catalog"):
        assert "55006" in pg_cloud.refused("Delete", properties, physical_id=physical_id)
        pg_cloud.must("Delete", {**properties, "Force": "true"}, physical_id=physical_id)
    assert not pg_cloud.target.databases


def test_a_shared_role_is_dropped_last(cloud: Cloud) -> None:
    cloud.secrets["shared"] = {"username": "backstage", "password": "secret"}
    role = cloud.target.properties(Role="backstage", SecretArn="shared", OnDelete="Drop")
    kind = {"resource_type": "Custom::SharedRole", "logical_id": "Role"}
    role_id = cloud.must("Create", role, **kind)
    plugin = cloud.plugin("catalog", Role="backstage", RoleOf="shared", SecretArn="", OnDelete="Drop")
    plugin_id = cloud.must("Create", plugin)
    cloud.must("Delete", plugin, physical_id=plugin_id)
    cloud.must("Delete", role, physical_id=role_id, **kind)
    assert not cloud.target.roles
    assert not cloud.target.databases


def test_a_role_that_is_renamed_onto_another_one(cloud: Cloud) -> None:
    """Two shared roles: a plugin cannot go from one to the other, and the way back works."""
    for name in ("one", "two"):
        cloud.secrets[name] = {"username": name, "password": "secret"}
        role = cloud.target.properties(Role=name, SecretArn=name)
        cloud.must("Create", role, resource_type="Custom::SharedRole", logical_id=name)
    old = cloud.plugin("catalog", Role="one", RoleOf="shared", SecretArn="")
    physical_id = cloud.must("Create", old)
    new = {**old, "Role": "two"}
    assert "both exist: it can only be renamed" in cloud.refused("Update", new, old=old, physical_id=physical_id)
    cloud.must("Update", old, old=new, physical_id=physical_id)
    missing = {**old, "Database": "nothing", "DatabaseOf": "shared", "Role": "nobody"}
    reason = cloud.refused("Create", missing, logical_id="Missing")
    assert "'nothing' does not exist" in reason
    assert "nobody" in reason


def test_the_lock_of_the_server_is_waited_for(cloud: Cloud) -> None:
    import threading

    from plugin_databases import mysql, postgresql

    target = cloud.target
    database = "postgres" if target.is_postgresql else ""
    with target.session(target.admin, target.admin_password, database or None) as run:
        if target.is_postgresql:
            run(f"SELECT pg_advisory_lock({postgresql._LOCK})")
            release = f"SELECT pg_advisory_unlock({postgresql._LOCK})"
        else:
            run(f"SELECT GET_LOCK('{mysql._LOCK}', 0)")
            release = f"SELECT RELEASE_LOCK('{mysql._LOCK}')"
        timer = threading.Timer(1.5, lambda: run(release))
        timer.start()
        cloud.must("Create", cloud.plugin("catalog"))
        timer.join()
