"""The SQL script on real servers, run by an admin who is no superuser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD
from psycopg import sql
from sql_plans import Want, make_plan, passwords, write_scripts

from generator.demo.apply import apply_script
from generator.planning.model import Retired

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_stage import Stage

    from generator.planning.model import Plan

SIX = make_plan(*(Want(plugin=name) for name in ("app", "auth", "catalog", "scaffolder", "search", "tech-insights")))
TWO = make_plan(Want(plugin="catalog"), Want(plugin="search"))

_SNAPSHOT = {
    "databases": "SELECT datname, pg_get_userbyid(datdba), datacl::text FROM pg_database",
    "roles": "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, rolreplication, rolbypassrls"
    " FROM pg_roles",
    "members": "SELECT roleid::regrole::text, member::regrole::text, admin_option FROM pg_auth_members",
    "settings": "SELECT setdatabase, setrole::regrole::text, setconfig FROM pg_db_role_setting",
    "verifiers": "SELECT rolname, rolpassword FROM pg_authid",
}
_SNAPSHOT_IN_DATABASE = {
    "schemas": "SELECT nspname, pg_get_userbyid(nspowner), nspacl::text FROM pg_namespace",
    "owners": "SELECT relname, pg_get_userbyid(relowner) FROM pg_class WHERE relkind = 'r' AND oid >= 16384",
}


def snapshot(stage: Stage) -> dict[str, Any]:
    """Everything the script could change."""
    found: dict[str, Any] = {}
    with stage.superuser() as connection:
        for name, query in _SNAPSHOT.items():
            found[name] = sorted(map(str, connection.execute(query)))
    for database in sorted(stage.databases):
        with stage.superuser(database) as connection:
            for name, query in _SNAPSHOT_IN_DATABASE.items():
                found[f"{name} of {database}"] = sorted(map(str, connection.execute(query)))
    return found


def refused(stage: Stage, user: str, password: str, database: str) -> str:
    """The server's words when it refuses a connection."""
    with pytest.raises(psycopg.OperationalError) as caught:
        stage.connect(user, password, database).close()
    return str(caught.value)


def scram_verifiers(stage: Stage, plan: Plan) -> dict[str, str]:
    """The passwords of ``plan`` as PostgreSQL stores them."""
    with stage.superuser() as connection:
        found = {}
        for name, password in passwords(plan).items():
            connection.execute(sql.SQL("CREATE ROLE made_for_its_verifier PASSWORD {}").format(sql.Literal(password)))
            row = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'made_for_its_verifier'").fetchone()
            assert row is not None
            found[name] = row[0]
            connection.execute("DROP ROLE made_for_its_verifier")
    return found


def test_from_nothing_and_again(stage: Stage) -> None:
    first = stage.must_apply(SIX)
    assert "created database backstage_plugin_tech-insights" in first.stdout
    assert first.stdout.endswith("6 databases and 6 roles ready on server primary\n")
    assert first.stderr == ""
    assert stage.databases == {database.name for database in SIX.databases}
    assert stage.roles == {role.name for role in SIX.roles}
    second = stage.must_apply(SIX)
    assert (second.stdout, second.stderr) == ("6 databases and 6 roles ready on server primary\n", "")


def test_a_second_run_changes_nothing_at_all(stage: Stage) -> None:
    """With SCRAM verifiers even the stored passwords stay the same."""
    plan = make_plan(
        Want(plugin="catalog"),
        Want(plugin="left", database="both"),
        Want(plugin="right", database="both"),
        Want(plugin="one", database="schemas", schema="one"),
        Want(plugin="two", database="schemas", schema="two"),
    )
    verifiers = scram_verifiers(stage, plan)
    stage.must_apply(plan, verifiers)
    before = snapshot(stage)
    stage.must_apply(plan, verifiers)
    assert snapshot(stage) == before
    for plugin in plan.plugins:
        stage.as_plugin(plan, plugin.plugin_id).close()  # with the plain password


def test_a_plugin_has_its_own_database_and_nothing_else(stage: Stage) -> None:
    stage.must_apply(SIX)
    for plugin in SIX.plugins:
        with stage.as_plugin(SIX, plugin.plugin_id) as connection:
            connection.execute("CREATE TABLE mine (id int); CREATE TEMPORARY TABLE temp (id int); DROP TABLE mine")
            connection.execute("CREATE SCHEMA further; DROP SCHEMA further")
            for statement in ("CREATE DATABASE x", "CREATE ROLE x", "ALTER SCHEMA public RENAME TO x"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(statement)
        for other in SIX.databases:
            if other.name != plugin.database.name:
                password = passwords(SIX)[plugin.role.delivery.env]
                assert f'permission denied for database "{other.name}"' in refused(
                    stage, plugin.role.name, password, other.name
                )
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE stranger LOGIN PASSWORD 'x'")
    assert "permission denied for database" in refused(stage, "stranger", "x", "backstage_plugin_catalog")
    # The admin owns the databases, so it has not locked itself out.
    stage.connect(ADMIN, ADMIN_PASSWORD, "backstage_plugin_catalog").close()


def test_a_wrong_password_is_refused(stage: Stage) -> None:
    stage.must_apply(TWO)
    role = TWO.roles[0]
    assert "password authentication failed" in refused(stage, role.name, "wrong", "backstage_plugin_catalog")
    assert "password authentication failed" in refused(stage, ADMIN, "wrong", "postgres")


def test_a_password_is_rotated_by_running_again(stage: Stage) -> None:
    stage.must_apply(TWO)
    role = TWO.roles[0]
    stage.must_apply(TWO, {**passwords(TWO), role.delivery.env: "another one"})
    stage.connect(role.name, "another one", "backstage_plugin_catalog").close()
    refused(stage, role.name, passwords(TWO)[role.delivery.env], "backstage_plugin_catalog")


@pytest.mark.parametrize("value", [None, "", " \t\n"], ids=["not set", "empty", "blank"])
def test_a_missing_password_stops_the_script_before_it_changes_anything(stage: Stage, value: str | None) -> None:
    before = snapshot(stage)
    env = passwords(TWO)
    del env["DB_BACKSTAGE_SEARCH_PASSWORD"]
    env["DB_BACKSTAGE_CATALOG_PASSWORD"] = "\n"
    if value is not None:
        env["DB_BACKSTAGE_SEARCH_PASSWORD"] = value
    result = stage.apply(TWO, env)
    assert result.returncode == 3
    assert "nothing was changed" in result.stderr
    assert "DB_BACKSTAGE_SEARCH_PASSWORD is not set or empty (the password of role backstage_search)" in result.stderr
    assert "DB_BACKSTAGE_CATALOG_PASSWORD" in result.stderr
    assert snapshot(stage) == before


def test_white_space_around_a_password_is_cut_off_as_backstage_does(stage: Stage) -> None:
    plan = make_plan(Want(plugin="catalog"), Want(plugin="search", file="/run/secrets/search"))
    env = {"DB_BACKSTAGE_CATALOG_PASSWORD": " \t in the middle \r\n", "DB_BACKSTAGE_SEARCH_PASSWORD": " from a file\n\n"}
    stage.must_apply(plan, env)
    stage.connect("backstage_catalog", "in the middle", "backstage_plugin_catalog").close()
    # Of a file only the end is cut.
    stage.connect("backstage_search", " from a file", "backstage_plugin_search").close()


@pytest.mark.parametrize(
    "password",
    [
        "it's",
        'dou"ble',
        "back\\slash",
        "$do$ $macro$ $$",
        ":'x' :\"y\" :z",
        "%I %L %s",
        "ünïcödé 💚",
        "a\nb",
        "\\! echo hacked",
    ],
)
def test_any_password_arrives_as_it_is(stage: Stage, password: str) -> None:
    plan = make_plan(Want(plugin="catalog"))
    stage.must_apply(plan, {"DB_BACKSTAGE_CATALOG_PASSWORD": password})
    stage.connect("backstage_catalog", password, "backstage_plugin_catalog").close()


def test_renames_keep_the_data(stage: Stage) -> None:
    old = make_plan(Want(plugin="catalog", database="old_db", role="old_role"))
    stage.must_apply(old)
    with stage.as_plugin(old, "catalog") as connection:
        connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
    new = make_plan(Want(plugin="catalog", database_was="old_db", role_was="old_role"))
    result = stage.must_apply(new)
    assert (
        "renamed database old_db to backstage_plugin_catalog\nrenamed role old_role to backstage_catalog\n" in result.stdout
    )
    assert "created" not in result.stdout
    assert (stage.databases, stage.roles) == ({"backstage_plugin_catalog"}, {"backstage_catalog"})
    with stage.as_plugin(new, "catalog") as connection:
        assert connection.execute("SELECT id FROM kept").fetchone() == (42,)
        connection.execute("ALTER TABLE kept ADD COLUMN more text")
    before = snapshot(stage)
    assert stage.must_apply(new).stdout == "1 database and 1 role ready on server primary\n"
    assert snapshot(stage)["databases"] == before["databases"]


def test_a_rename_of_something_that_was_never_there_creates_the_new_one(stage: Stage) -> None:
    stage.must_apply(make_plan(Want(plugin="catalog", database_was="never", role_was="never_either")))
    assert (stage.databases, stage.roles) == ({"backstage_plugin_catalog"}, {"backstage_catalog"})


def test_a_rename_is_refused_when_both_exist_or_the_old_one_is_in_use(stage: Stage) -> None:
    old = make_plan(Want(plugin="catalog", database="old_db"))
    new = make_plan(Want(plugin="catalog", database_was="old_db"))
    stage.must_apply(old)
    with stage.as_plugin(old, "catalog"):
        result = stage.apply(new)
        assert result.returncode == 3
        assert "database old_db is to be renamed and is in use: stop Backstage first" in result.stderr
    with stage.connect(ADMIN, ADMIN_PASSWORD, "postgres") as connection:
        connection.execute("CREATE DATABASE backstage_plugin_catalog")
    result = stage.apply(new)
    assert result.returncode == 3
    assert "database old_db is to be renamed to backstage_plugin_catalog, but both exist" in result.stderr
    assert stage.databases == {"old_db", "backstage_plugin_catalog"}


def test_schema_mode(stage: Stage, version: int) -> None:
    plan = make_plan(
        *(Want(plugin=name, database="backstage", schema=f"p-{name}") for name in ("auth", "catalog", "search"))
    )
    stage.must_apply(plan)
    assert stage.databases == {"backstage"}
    for plugin in plan.plugins:
        with stage.as_plugin(plan, plugin.plugin_id) as connection:
            assert connection.execute("SELECT current_schema()").fetchone() == (plugin.schema,)
            connection.execute("CREATE TABLE mine (id int); INSERT INTO mine VALUES (1); CREATE TEMPORARY TABLE t (id int)")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("CREATE SCHEMA more")
            if version >= 15:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute("CREATE TABLE public.not_here (id int)")
    for plugin in plan.plugins:
        with stage.as_plugin(plan, plugin.plugin_id) as connection:
            for other in plan.plugins:
                if other is not plugin:
                    for statement in ("SELECT * FROM {}.mine", "CREATE TABLE {}.x ()", "DROP TABLE {}.mine"):
                        with pytest.raises(psycopg.errors.InsufficientPrivilege):
                            connection.execute(sql.SQL(statement).format(sql.Identifier(other.schema or "")))
    assert stage.must_apply(plan).stdout == "1 database and 3 roles ready on server primary\n"


def test_a_renamed_schema_keeps_its_data(stage: Stage) -> None:
    old = make_plan(Want(plugin="catalog", database="backstage", schema="old"))
    stage.must_apply(old)
    with stage.as_plugin(old, "catalog") as connection:
        connection.execute("CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)")
    new = make_plan(Want(plugin="catalog", database="backstage", schema="new", schema_was="old"))
    assert "renamed schema old to new" in stage.must_apply(new).stdout
    with stage.as_plugin(new, "catalog") as connection:
        assert connection.execute("SELECT id FROM kept").fetchone() == (42,)
    assert "schema" not in stage.must_apply(new).stdout


def test_a_schema_that_the_plugins_role_owns_already_is_left_to_it(stage: Stage) -> None:
    plan = make_plan(Want(plugin="catalog", database="backstage", schema="catalog"))
    stage.must_apply(plan)
    with stage.superuser("backstage") as connection:
        connection.execute('ALTER SCHEMA catalog OWNER TO "backstage_catalog"')
    result = stage.must_apply(plan)
    assert result.stderr == ""
    with stage.as_plugin(plan, "catalog") as connection:
        connection.execute("CREATE TABLE mine (id int)")


def test_plugins_that_share_a_database_share_what_they_make(stage: Stage) -> None:
    plan = make_plan(Want(plugin="left", database="both"), Want(plugin="right", database="both"), Want(plugin="other"))
    stage.must_apply(plan)
    with stage.as_plugin(plan, "left") as left, stage.as_plugin(plan, "right") as right:
        left.execute("CREATE TABLE ours (id int); INSERT INTO ours VALUES (1)")
        right.execute("INSERT INTO ours VALUES (2); ALTER TABLE ours ADD COLUMN more text")
        assert left.execute("SELECT count(*), max(id) FROM ours").fetchone() == (2, 2)
        assert left.execute("SELECT session_user::text, current_user::text").fetchone() == ("backstage_left", "both_plugins")
        right.execute("DROP TABLE ours")
    assert "permission denied for database" in refused(
        stage, "backstage_other", passwords(plan)["DB_BACKSTAGE_OTHER_PASSWORD"], "both"
    )
    with stage.superuser() as connection:
        assert connection.execute("SELECT rolcanlogin FROM pg_roles WHERE rolname = 'both_plugins'").fetchone() == (False,)


def test_tables_made_before_a_database_was_shared_are_handed_over(stage: Stage) -> None:
    alone = make_plan(Want(plugin="left", database="both"))
    stage.must_apply(alone)
    with stage.as_plugin(alone, "left") as connection:
        connection.execute("CREATE TABLE kept (id serial PRIMARY KEY); INSERT INTO kept VALUES (DEFAULT)")
    shared = make_plan(Want(plugin="left", database="both"), Want(plugin="right", database="both"))
    stage.must_apply(shared)
    for plugin_id in ("left", "right"):
        with stage.as_plugin(shared, plugin_id) as connection:
            connection.execute("INSERT INTO kept VALUES (DEFAULT); ALTER TABLE kept ADD COLUMN IF NOT EXISTS more text")
    with stage.superuser() as connection:
        # The admin was a member only for as long as it took.
        query = "SELECT pg_has_role(%s, rolname, 'USAGE') FROM pg_roles WHERE rolname IN ('both_plugins', 'backstage_left')"
        assert connection.execute(query, [ADMIN]).fetchall() == [(False,), (False,)]


def test_one_role_for_several_plugins(stage: Stage) -> None:
    plan = make_plan(
        Want(plugin="one", database="shared", role="both", env="BOTH"),
        Want(plugin="two", database="shared", role="both", env="BOTH"),
        Want(plugin="s1", database="schemas", schema="s1", role="in_schemas", env="IN_SCHEMAS"),
        Want(plugin="s2", database="schemas", schema="s2", role="in_schemas", env="IN_SCHEMAS"),
    )
    stage.must_apply(plan)
    assert stage.roles == {"both", "in_schemas"}
    with stage.as_plugin(plan, "one") as connection:
        connection.execute("CREATE TABLE mine (id int)")
    with stage.as_plugin(plan, "s1") as connection:
        connection.execute("CREATE TABLE s1.mine (id int); CREATE TABLE s2.mine (id int)")


def test_several_servers_are_several_scripts(stage: Stage, tmp_path: Path) -> None:
    plan = make_plan(Want(plugin="catalog"), Want(plugin="search", server="reporting"))
    folder = tmp_path / "several"
    folder.mkdir()
    paths = write_scripts(plan, folder)
    assert {name: path.name for name, path in paths.items()} == {"primary": "primary.sql", "reporting": "reporting.sql"}
    connection = {"host": stage.server.host, "port": stage.server.port, "user": ADMIN, "password": ADMIN_PASSWORD}
    result = apply_script(paths["reporting"], **connection, env=passwords(plan), psql=stage.psql)  # type: ignore[arg-type]
    assert result.ok, result.stderr
    assert stage.databases == {"backstage_plugin_search"}


def test_a_retired_plugin_is_left_alone(stage: Stage) -> None:
    stage.must_apply(TWO)
    before = snapshot(stage)
    retired = Retired(
        plugin_id="search\n\\! echo hacked",
        label="search",
        server="primary",
        engine="postgresql",
        database="backstage_plugin_search",
        schema=None,
        role="backstage_search",
    )
    result = stage.must_apply(make_plan(Want(plugin="catalog"), retired=(retired,)))
    assert "hacked" not in result.stdout
    assert {**snapshot(stage), "verifiers": None} == {**before, "verifiers": None}


# --- what the script refuses ------------------------------------------------------------------------------------------


def stopped(stage: Stage, plan: Plan, **how: Any) -> str:
    """The script stops and nothing has changed; its message."""
    before = snapshot(stage)
    result = stage.apply(plan, **how)
    assert result.returncode == 3, result.stdout
    assert "nothing was changed" in result.stderr
    assert snapshot(stage) == before
    return result.stderr


@pytest.mark.parametrize("power", ["SUPERUSER", "CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS"])
def test_a_role_that_is_more_than_a_plugins_role_is_not_taken_over(stage: Stage, power: str) -> None:
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE backstage_catalog LOGIN {}").format(sql.SQL(power)))
    assert "role backstage_catalog is more than a plugin may be" in stopped(stage, TWO)


def test_the_admin_itself_cannot_be_a_plugins_role(stage: Stage) -> None:
    plan = make_plan(Want(plugin="catalog", role=ADMIN, env="X"))
    assert f'role "{ADMIN}" is more than a plugin may be' in stopped(stage, plan)


def test_somebody_elses_database_is_not_touched(stage: Stage) -> None:
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE somebody")
        connection.execute("CREATE DATABASE backstage_plugin_catalog OWNER somebody")
    assert "database backstage_plugin_catalog belongs to role somebody" in stopped(stage, TWO)


def test_an_admin_without_the_privileges_is_told_so(stage: Stage) -> None:
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE weak LOGIN PASSWORD {}").format(sql.Literal(ADMIN_PASSWORD)))
    message = stopped(stage, TWO, user="weak")
    assert "role weak, which runs this script, needs CREATEDB" in message
    assert "role weak, which runs this script, needs CREATEROLE" in message


def test_another_admins_roles_need_the_admin_option(stage: Stage, version: int) -> None:
    if version < 16:
        pytest.skip("before PostgreSQL 16 a CREATEROLE admin may change every role")
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE backstage_catalog LOGIN")
    assert f'role backstage_catalog exists and role "{ADMIN}" has no ADMIN option on it' in stopped(stage, TWO)


def test_a_group_that_can_log_in_is_refused(stage: Stage) -> None:
    plan = make_plan(Want(plugin="left", database="both"), Want(plugin="right", database="both"))
    with stage.superuser() as connection:
        connection.execute("CREATE ROLE both_plugins LOGIN")
    assert "role both_plugins exists and can log in" in stopped(stage, plan)


def test_a_schema_public_that_refuses_the_grant_stops_the_script(stage: Stage) -> None:
    """A server may hand out a `public` that the database's owner has no say in; GRANT then only warns."""
    stage.must_apply(TWO)
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute(
            "ALTER SCHEMA public OWNER TO postgres; REVOKE ALL ON SCHEMA public FROM backstage_catalog, PUBLIC"
        )
    result = stage.apply(TWO)
    assert result.returncode == 3
    assert (
        'database "backstage_plugin_catalog": role "backstage_catalog" may not create tables in schema "public",'
        ' which belongs to role "postgres"' in result.stderr
    )


def test_tables_that_are_in_the_way_are_told_of(stage: Stage) -> None:
    with stage.connect(ADMIN, ADMIN_PASSWORD, "postgres") as connection:
        connection.execute("CREATE DATABASE backstage_plugin_catalog")
    with stage.connect(ADMIN, ADMIN_PASSWORD, "backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE knex_migrations (id int)")
    result = stage.must_apply(TWO)
    assert 'role "backstage_catalog" does not own tables that are already there: knex_migrations' in result.stderr


def test_the_servers_log_holds_no_password(stage: Stage) -> None:
    """Not even where DDL and every failing statement are logged, and setting a password fails."""
    secrets = {name: f"{name}-very-secret" for name in passwords(TWO)}
    with stage.superuser() as connection:
        connection.execute("ALTER SYSTEM SET log_statement = 'ddl'")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute(sql.SQL("CREATE ROLE weak LOGIN PASSWORD {}").format(sql.Literal(ADMIN_PASSWORD)))
    try:
        stage.must_apply(TWO, secrets)
        (script,) = stage.folder.glob("script-1/databases.sql")
        text = script.read_text()
        begin, end = text.index("-- 2. Checks"), text.index("-- 4. Roles")
        script.write_text(text[:begin] + text[end:])  # without the checks the script runs into the server's refusal
        result = apply_script(
            script,
            host=stage.server.host,
            port=stage.server.port,
            user="weak",
            password=ADMIN_PASSWORD,
            env=secrets,
            psql=stage.psql,
        )
        log = (stage.server.folder / "log").read_text()
    finally:
        with stage.superuser() as connection:
            connection.execute("ALTER SYSTEM RESET log_statement")
            connection.execute("SELECT pg_reload_conf()")
    assert 'ERROR:  role "backstage_catalog": ' in result.stderr
    assert 'CREATE ROLE "backstage_catalog" LOGIN' in log, "the log does not show DDL, so this proves nothing"
    assert 'ERROR:  role "backstage_catalog": ' in log, "the log does not show the failure, so this proves nothing"
    assert "very-secret" not in log + result.stdout + result.stderr


def test_a_database_that_allows_no_connections_stops_the_script(stage: Stage) -> None:
    stage.must_apply(TWO)
    with stage.superuser() as connection:
        connection.execute("ALTER DATABASE backstage_plugin_search ALLOW_CONNECTIONS false")
    result = stage.apply(TWO)
    assert result.returncode == 3
    assert "nothing was changed:\n  - database backstage_plugin_search allows no connections\n" in result.stderr
