"""The SQL script for every way plugins can sign in, on real servers. Clouds are stand-ins: a role, nothing more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD
from sql_plans import passwords, write_scripts
from terraform_plans import Wanted, signed_in
from test_sql_script import refused, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_stage import Stage

PLAIN = (Wanted("auth"), Wanted("tech-insights"))
SCHEMAS = tuple(Wanted(name, database="portal", schema=name) for name in ("auth", "catalog"))


def test_one_role_for_all(stage: Stage) -> None:
    plan = signed_in(*PLAIN, common="backstage")
    stage.must_apply(plan)
    assert stage.roles == {"backstage"}
    for plugin in plan.plugins:
        with stage.as_plugin(plan, plugin.plugin_id) as connection:
            connection.execute("CREATE TABLE made (id int)")
    before = snapshot(stage)
    stage.must_apply(plan)
    assert {name: value for name, value in snapshot(stage).items() if name != "verifiers"} == {
        name: value for name, value in before.items() if name != "verifiers"
    }


def test_one_database_and_one_user(stage: Stage) -> None:
    """What companies hand out: no CREATEROLE, no CREATEDB; the role that runs the script is the plugins' own."""
    plan = signed_in(*SCHEMAS, common="app user")
    with stage.superuser() as connection:
        connection.execute(f'CREATE ROLE "app user" LOGIN PASSWORD $${ADMIN_PASSWORD}$$')
        connection.execute('CREATE DATABASE portal OWNER "app user"')
    for _ in range(2):
        result = stage.apply(plan, {role.delivery.env: ADMIN_PASSWORD for role in plan.roles}, user="app user")
        assert result.ok, result.stderr
    # With another password it would not get into the databases any more, half-way.
    result = stage.apply(plan, {role.delivery.env: "another password" for role in plan.roles}, user="app user")
    assert result.ok, result.stderr
    assert 'role "app user" runs this script: its password stays as it is' in result.stderr
    for plugin in plan.plugins:
        with stage.connect("app user", ADMIN_PASSWORD, "portal") as connection:
            connection.execute(f'CREATE TABLE "{plugin.schema}".made (id int)')
    other = signed_in(*PLAIN, common="backstage")
    message = stage.apply(other, user="app user").stderr
    assert "needs CREATEROLE; where there is one user only: credentials.mode: shared" in message
    assert "needs CREATEDB; where there is one database only: pluginDivisionMode: schema" in message
    assert '"app user" TO "app user"' not in message


@pytest.mark.parametrize("wanted", [PLAIN, SCHEMAS], ids=["databases", "schemas"])
def test_the_base_role_owns_what_plugins_make(stage: Stage, wanted: tuple[Wanted, ...]) -> None:
    plan = signed_in(*wanted, common="backstage", acts_as="the owner")
    stage.must_apply(plan)
    stage.must_apply(plan)
    for plugin in plan.plugins:
        with stage.as_plugin(plan, plugin.plugin_id) as connection:
            connection.execute('SET ROLE "the owner"')  # as Backstage does on every connection
            connection.execute(f'SET search_path TO "{plugin.schema or "public"}"')
            connection.execute("CREATE TABLE made (id int)")
            connection.execute("CREATE TEMPORARY TABLE passing (id int)")
            owner = connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'made'").fetchone()
            assert owner == ("the owner",)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE ROLE more")
            if plugin.schema is not None:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("CREATE TABLE public.made (id int)")


def test_roles_that_aws_signs_in(stage: Stage) -> None:
    plan = signed_in(*PLAIN, iam="rds")
    assert "this server has no role rds_iam" in stage.apply(plan, {}).stderr
    assert stage.roles == set()
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE rds_iam")
        connection.execute(f'GRANT rds_iam TO "{ADMIN}" WITH ADMIN OPTION')
        connection.execute("CREATE ROLE backstage_auth LOGIN PASSWORD 'from before'")
        connection.execute(f'GRANT backstage_auth TO "{ADMIN}" WITH ADMIN OPTION')
    stage.must_apply(plan, {})
    with stage.superuser() as connection:
        members = connection.execute(
            "SELECT rolname, rolpassword FROM pg_auth_members JOIN pg_authid ON pg_authid.oid = member "
            "WHERE roleid = 'rds_iam'::regrole AND rolname LIKE 'backstage%' ORDER BY 1"
        ).fetchall()
        assert members == [("backstage_auth", None), ("backstage_tech-insights", None)]
        connection.execute("ALTER ROLE backstage_auth PASSWORD 'as good as a token'")
    with stage.connect("backstage_auth", "as good as a token", "backstage_plugin_auth") as connection:
        connection.execute("CREATE TABLE made (id int)")
    assert "permission denied" in refused(stage, "backstage_auth", "as good as a token", "backstage_plugin_tech-insights")


def test_the_role_that_google_makes(stage: Stage) -> None:
    role = "backstage@my-project.iam"
    plan = signed_in(*PLAIN, iam="cloudsql", common=role)
    said = stage.apply(plan, {}).stderr
    assert f'role "{role}" does not exist: Cloud SQL makes it (gcloud sql users create {role} ' in said
    assert stage.databases == set()
    with stage.superuser() as connection:
        connection.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD 'as good as a token'")
    stage.must_apply(plan, {})
    with stage.connect(role, "as good as a token", "backstage_plugin_auth") as connection:
        connection.execute("CREATE TABLE made (id int)")


def test_roles_with_a_label(stage: Stage, tmp_path: Path) -> None:
    """There is no label provider of Azure's here: the script comes as far as asking it."""
    plan = signed_in(*PLAIN, iam="azure")
    said = stage.apply(plan, {}).stderr
    assert "environment variable ENTRA_OBJECT_ID_BACKSTAGE_AUTH is not set or empty (the Entra object id of role" in said
    assert stage.roles == set()
    ids = {f"ENTRA_OBJECT_ID_{name}": "0" * 8 for name in ("BACKSTAGE_AUTH", "BACKSTAGE_TECH_INSIGHTS")}
    assert 'security label provider "pgaadauth" is not loaded' in stage.apply(plan, ids).stderr
    (script,) = write_scripts(plan, tmp_path).values()
    text = script.read_text()
    assert text.count(":label;") == 2
    assert not any(name in text for name in passwords(plan))
