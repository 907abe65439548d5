"""What the SQL script checks of roles that exist: nobody gets further than the plan says, before and after a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD
from psycopg import sql
from sql_plans import Want, make_plan, passwords, write_scripts
from test_sql_script import TWO, refused, stopped

from generator.demo.apply import apply_script
from generator.planning.model import Retired

if TYPE_CHECKING:
    from postgres_stage import Stage

    from generator.planning.model import Plan

ODD = make_plan(Want(plugin="catalog", role='My "Catalog"', env="ONE"), Want(plugin="search", role="Search's", env="TWO"))
SCHEMAS = make_plan(*(Want(plugin=name, database="backstage", schema=name) for name in ("one", "two")))
SHARED = make_plan(Want(plugin="left", database="both"), Want(plugin="right", database="both"), Want(plugin="other"))


def run(stage: Stage, *statements: str, database: str = "postgres") -> None:
    with stage.superuser(database) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize(
    ("plan", "statements", "problem"),
    [
        (
            TWO,
            ["GRANT pg_execute_server_program TO backstage_catalog"],
            "role backstage_catalog is a member of role pg_execute_server_program, which is more than a plugin may be: "
            "REVOKE pg_execute_server_program FROM backstage_catalog",
        ),
        (
            TWO,
            ["CREATE ROLE legacy", "GRANT pg_read_all_data TO legacy", "GRANT legacy TO backstage_search"],
            "role backstage_search is a member of role pg_read_all_data, which is more than a plugin may be: "
            "REVOKE legacy FROM backstage_search",
        ),
        (
            TWO,
            ["CREATE ROLE legacy CREATEROLE", "GRANT legacy TO backstage_search"],
            "role backstage_search is a member of role legacy, which is more than a plugin may be: "
            "REVOKE legacy FROM backstage_search",
        ),
        (
            TWO,
            ["GRANT backstage_search TO backstage_catalog"],
            "role backstage_catalog is a member of role backstage_search, which is another plugin's: "
            "REVOKE backstage_search FROM backstage_catalog",
        ),
        (
            SHARED,
            ["GRANT both_plugins TO backstage_other"],
            "role backstage_other is a member of role both_plugins, which is another plugin's: "
            "REVOKE both_plugins FROM backstage_other",
        ),
        (
            TWO,
            ["GRANT CONNECT ON DATABASE backstage_plugin_search TO backstage_catalog"],
            "role backstage_catalog may connect to database backstage_plugin_search, which is another plugin's: "
            "REVOKE ALL ON DATABASE backstage_plugin_search FROM backstage_catalog",
        ),
        (
            TWO,
            [
                "CREATE ROLE legacy",
                "GRANT CONNECT ON DATABASE backstage_plugin_search TO legacy",
                "GRANT legacy TO backstage_catalog",
            ],
            "role backstage_catalog may connect to database backstage_plugin_search, which is another plugin's: "
            "REVOKE legacy FROM backstage_catalog",
        ),
        (
            ODD,
            ['''GRANT "Search's" TO "My ""Catalog"""'''],
            '''role "My ""Catalog""" is a member of role "Search's", which is another plugin's: '''
            '''REVOKE "Search's" FROM "My ""Catalog"""''',
        ),
    ],
    ids=["program", "indirect", "creates roles", "plugin", "group", "connect", "legacy", "odd names"],
)
def test_a_role_that_reaches_too_far(stage: Stage, plan: Plan, statements: list[str], problem: str, version: int) -> None:
    """One cause is one problem, and the statement in it ends it."""
    stage.must_apply(plan)
    run(stage, *statements)
    message = stopped(stage, plan)
    (said,) = re.findall(r"^  - (.*)$", message, re.MULTILINE)
    statement, _, who = said.partition(": ")[2].partition(", as a superuser or as that role")
    assert not who
    assert said.startswith(problem)
    if version >= 16 and "REVOKE ALL" not in problem:  # the administrator, who made neither, cannot do it
        assert statement == f"{problem.partition(': ')[2]} GRANTED BY postgres"
    else:
        assert said == problem
    run(stage, statement)
    stage.must_apply(plan)


def test_a_role_that_exists_before_the_first_run(stage: Stage) -> None:
    run(stage, "CREATE ROLE backstage_catalog LOGIN", "GRANT pg_read_server_files TO backstage_catalog")
    assert "role backstage_catalog is a member of role pg_read_server_files" in stopped(stage, TWO)


def test_what_the_plan_itself_gives_is_no_problem(stage: Stage) -> None:
    """A group's members, a role of several plugins, a database that is open to all before the run."""
    several = make_plan(
        Want(plugin="one", database="first", role="both", env="BOTH"), Want(plugin="two", database="second", role="both")
    )
    for plan in (SHARED, SCHEMAS, several):
        with stage.connect(ADMIN, ADMIN_PASSWORD, "postgres") as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(plan.databases[0].name)))
        stage.must_apply(plan)
        assert stage.must_apply(plan).stderr == ""


@pytest.mark.parametrize("whom", ["backstage_one", "PUBLIC", "legacy"])
def test_a_schema_that_another_plugin_may_use(stage: Stage, whom: str) -> None:
    stage.must_apply(SCHEMAS)
    run(stage, "CREATE ROLE legacy", "GRANT legacy TO backstage_one")
    run(stage, f"GRANT USAGE ON SCHEMA two TO {whom}", database="backstage")
    result = stage.apply(SCHEMAS)
    assert result.returncode == 3
    assert 'database "backstage": role backstage_one may use schema "two", which is another plugin\'s' in result.stderr
    run(stage, f"REVOKE ALL ON SCHEMA two FROM {whom}", database="backstage")
    assert stage.must_apply(SCHEMAS).stderr == ""


def test_a_stranger_who_may_connect_is_told_of(stage: Stage) -> None:
    stage.must_apply(TWO)
    run(stage, "CREATE ROLE backup", "GRANT CONNECT ON DATABASE backstage_plugin_search TO backup")
    result = stage.must_apply(TWO)
    (line,) = result.stderr.splitlines()
    assert line.endswith('database "backstage_plugin_search": role "backup", which is no plugin\'s here, may connect')


def test_a_retired_plugin_is_no_stranger(stage: Stage) -> None:
    stage.must_apply(SCHEMAS)
    gone = Retired("two", "two", "primary", "postgresql", "backstage", "two", "backstage_two")
    plan = make_plan(Want(plugin="one", database="backstage", schema="one"), retired=(gone,))
    assert stage.must_apply(plan).stderr == ""


def test_a_new_database_is_closed_from_its_first_moment(stage: Stage) -> None:
    """A run that ends at any statement between CREATE DATABASE and the grants; the next one completes it."""
    run(stage, "CREATE ROLE stranger LOGIN PASSWORD 'x'")
    folder = stage.folder / "cut"
    folder.mkdir()
    (script,) = write_scripts(TWO, folder).values()
    text = script.read_text()
    begin = text.index('CREATE DATABASE "backstage_plugin_catalog"')
    end = text.index('\\connect "backstage_plugin_catalog"')
    lines = text[begin:end].splitlines()
    assert len(lines) > 6
    for count in range(1, len(lines) + 1):
        depth = sum({"\\if": 1, "\\endif": -1}.get(line.split()[0], 0) for line in lines[:count]) + 1
        script.write_text("\n".join([text[:begin] + "\n".join(lines[:count]), *["\\endif"] * depth, ""]))
        server = stage.server
        result = apply_script(
            script,
            host=server.host,
            port=server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=passwords(TWO),
            psql=stage.psql,
        )
        assert result.ok, result.stderr
        message = refused(stage, "stranger", "x", "backstage_plugin_catalog")
        assert "is not currently accepting connections" in message or "permission denied for database" in message
        stage.must_apply(TWO)
        stage.as_plugin(TWO, "catalog").close()
        run(stage, "DROP DATABASE backstage_plugin_catalog", "DROP DATABASE backstage_plugin_search")


def test_an_administrator_who_may_make_no_temporary_table(stage: Stage) -> None:
    run(stage, "REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC")
    try:
        message = stopped(stage, TWO)
    finally:
        run(stage, "GRANT TEMPORARY ON DATABASE postgres TO PUBLIC")
    assert f'role "{ADMIN}", which runs this script, needs TEMPORARY on database postgres' in message


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("SCRAM-SHA-256:abc==:def=", "begins like a SCRAM verifier and is none"),
        ("SCRAM-SHA-256$4096:c2FsdA==$c2hvcnQ=:c2hvcnQ=", "begins like a SCRAM verifier and is none"),
        ("cafe\u0301", "has characters that PostgreSQL and its drivers do not agree about"),
        ("\ufb01ve characters", "has characters that PostgreSQL and its drivers do not agree about"),
        ("a\u00a0b", "has characters that PostgreSQL and its drivers do not agree about"),
        ("soft\u00adhyphen", "has characters that PostgreSQL and its drivers do not agree about"),
        ("latin1 \udce9", "is not UTF-8"),
    ],
)
def test_a_password_that_nobody_could_log_in_with(stage: Stage, value: str, problem: str) -> None:
    message = stopped(stage, TWO, env={**passwords(TWO), "DB_BACKSTAGE_CATALOG_PASSWORD": value})
    (line,) = re.findall(r"^  - (.*)$", message, re.MULTILINE)
    assert line.startswith(f"environment variable DB_BACKSTAGE_CATALOG_PASSWORD {problem}")
    assert line.endswith("(the password of role backstage_catalog)")


def test_the_iterations_are_the_servers(stage: Stage, version: int) -> None:
    if version < 16:
        pytest.skip("before PostgreSQL 16 the iterations are always 4096")
    run(stage, f'ALTER ROLE "{ADMIN}" SET scram_iterations = 5000')
    stage.must_apply(TWO)
    with stage.superuser() as connection:
        rows = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname LIKE 'backstage%'").fetchall()
    assert [verifier.split(":")[0] for (verifier,) in rows] == ["SCRAM-SHA-256$5000"] * 2
    stage.as_plugin(TWO, "catalog").close()
