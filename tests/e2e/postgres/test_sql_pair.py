"""Pairs of logins on real servers: rotation after rotation, everything belongs to the owner, and the live login works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pair_plans import live_passwords, logins, paired, password
from postgres_stage import ADMIN_PASSWORD
from sql_plans import Want, context, make_plan, write_scripts
from test_sql_script import TWO, refused, snapshot, stopped

from generator.demo.apply import apply_script
from generator.planning.pair import Pair, enter, leave, retire, rotate
from generator.targets.sql import TARGET

if TYPE_CHECKING:
    from postgres_stage import Stage

    from generator.planning.model import Login, Plan

ONE = make_plan(Want(plugin="catalog"))
SCHEMAS = make_plan(*(Want(plugin=name, database="backstage", schema=name) for name in ("one", "two")))
SHARED = make_plan(Want(plugin="left", database="both"), Want(plugin="right", database="both"), Want(plugin="other"))
ODD = make_plan(
    Want(plugin="catalog", role='My "Cat" é\\', database='My "Data"', env="ONE"),
    Want(plugin="search", role="Search's", env="TWO", schema="Some schema", database="d"),
)

OWNERS = """
SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE oid >= 16384
UNION SELECT pg_get_userbyid(typowner) FROM pg_type WHERE oid >= 16384
UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE oid >= 16384
"""


def as_login(stage: Stage, login: Login, database: str) -> psycopg.Connection[Any]:
    return stage.connect(login.name, password(login), database)


def work(stage: Stage, plan: Plan, table: str) -> None:
    """What a plugin does: migrations of its own, and of what the login before made."""
    for plugin in plan.plugins:
        with as_login(stage, plugin.role.live, plugin.database.name) as connection:
            connection.execute(f"CREATE TABLE {plugin.plugin_id}_{table} (id serial PRIMARY KEY)")
            query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND pg_get_userbyid(relowner) = current_user"
            for (name,) in connection.execute(query).fetchall():
                connection.execute(f"ALTER TABLE {name} ADD COLUMN {plugin.plugin_id}_{table} int")
                connection.execute(f"INSERT INTO {name} ({plugin.plugin_id}_{table}) VALUES (1)")


def apply(stage: Stage, plan: Plan) -> str:
    """Apply, and apply again: the second time nothing changes but the salt of the live passwords."""
    result = stage.must_apply(plan, live_passwords(plan))
    verifiers = "verifiers"
    before = snapshot(stage)
    again = stage.must_apply(plan, live_passwords(plan))
    after = snapshot(stage)
    live = {repr(role.live.name)[1:-1] for role in plan.roles}
    untouched = [[line for line in found[verifiers] if not any(name in line for name in live)] for found in (before, after)]
    assert untouched[0] == untouched[1]
    assert {**before, verifiers: None} == {**after, verifiers: None}
    assert "created" not in again.stdout
    assert "locked" not in again.stdout
    return result.stdout


def check_logins(stage: Stage, plan: Plan) -> None:
    """Who may log in can, with the password of its version; nobody else can."""
    for plugin in plan.plugins:
        for login in logins(plugin.role).values():
            if login.may_log_in:
                with as_login(stage, login, plugin.database.name) as connection:
                    row = connection.execute("SELECT current_user, session_user").fetchone()
                    owner = plugin.database.group or plugin.role.name
                    assert row == (owner, login.name)
            else:
                words = refused(stage, login.name, password(login), plugin.database.name)
                # One that never had a password fails before that is looked at.
                assert "is not permitted to log in" in words or "password authentication failed" in words


def check_owners(stage: Stage, plan: Plan) -> None:
    for database in plan.databases:
        users = {item.role.name for item in plan.plugins if item.database == database}
        with stage.superuser(database.name) as connection:
            assert {row[0] for row in connection.execute(OWNERS)} == ({database.group} if database.group else users)


@pytest.mark.parametrize("plan", [TWO, SCHEMAS, SHARED, ODD], ids=["databases", "schemas", "shared", "names"])
def test_rotation_after_rotation(stage: Stage, plan: Plan) -> None:
    version, pair = 1, Pair(0)
    for number, change in enumerate((None, rotate, retire, rotate, retire)):
        if change is not None:
            version, pair = change(version, pair)
        now = paired(plan, version, pair)
        output = apply(stage, now)
        check_logins(stage, now)
        work(stage, now, f"t{number}")
        check_owners(stage, now)
        assert ("locked role" in output) == (change is retire)


def test_the_other_login_is_not_touched(stage: Stage) -> None:
    stage.must_apply(paired(TWO), live_passwords(paired(TWO)))
    query = "SELECT rolpassword, rolcanlogin FROM pg_authid WHERE rolname = 'backstage_catalog_a'"
    with stage.superuser() as connection:
        before = connection.execute(query).fetchone()
        # It has another password than anybody knows here, and running instances have it.
        second = paired(TWO, 2, Pair(0))
        stage.must_apply(second, {**live_passwords(second), "DB_BACKSTAGE_CATALOG_PASSWORD_A": "another one"})
        assert connection.execute(query).fetchone() == before


def reach(stage: Stage, user: str, database: str) -> dict[str, Any]:
    """What a user may do by itself: where it may connect, whom it may act as, and what it may do in a database."""
    with stage.superuser(database) as connection:
        one = {
            "connect": "SELECT datname FROM pg_database WHERE has_database_privilege(%(user)s, oid, 'CONNECT')"
            " AND datname LIKE 'backstage%%'",
            "member": "SELECT rolname FROM pg_roles WHERE pg_has_role(%(user)s, oid, 'MEMBER')",
            "databases": "SELECT datname FROM pg_database WHERE has_database_privilege(%(user)s, oid, 'CREATE')",
            "schemas": "SELECT nspname FROM pg_namespace WHERE has_schema_privilege(%(user)s, oid, 'CREATE')",
            "tables": "SELECT relname FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
            " AND has_table_privilege(%(user)s, oid, 'SELECT')",
        }
        return {
            name: sorted(row[0] for row in connection.execute(query, {"user": user}).fetchall())
            for name, query in one.items()
        }


def test_two_logins_reach_nothing_more_than_the_role_did(stage: Stage) -> None:
    stage.must_apply(TWO)
    with stage.as_plugin(TWO, "catalog") as connection:
        connection.execute("CREATE TABLE entities (id int)")
    before = {name: reach(stage, name, "backstage_plugin_catalog") for name in ("backstage_catalog", "backstage_search")}
    moving = paired(TWO, 1, Pair(0, owner_logs_in=True))
    stage.must_apply(moving, live_passwords(moving))
    assert {name: reach(stage, name, "backstage_plugin_catalog") for name in before} == before
    for role in moving.roles:
        for login in role.logins:
            found = reach(stage, login.name, "backstage_plugin_catalog")
            assert found["connect"] == before[role.name]["connect"]
            assert found["member"] == sorted([role.name, login.name])
            # By itself it is nothing: a lost setting is loud.
            assert (found["databases"], found["schemas"], found["tables"]) == ([], [], [])
    login = moving.plugins[0].role.live
    with as_login(stage, login, "backstage_plugin_catalog") as connection:
        connection.execute("SET ROLE NONE")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT FROM entities")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("ALTER ROLE backstage_catalog_b PASSWORD 'mine'")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE backstage_search")
    assert "permission denied" in refused(stage, login.name, password(login), "backstage_plugin_search")


def test_an_installation_moves_to_the_pair_and_back_without_losing_a_row(stage: Stage) -> None:
    stage.must_apply(ONE, {"DB_BACKSTAGE_CATALOG_PASSWORD": "the first"})
    with stage.connect("backstage_catalog", "the first", "backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE entities (id int)")
        connection.execute("INSERT INTO entities SELECT generate_series(1, 1000)")
        version, pair = enter(1, None)
        for change in (None, retire, rotate, retire, leave, retire, enter, retire):
            if change is not None:
                version, pair = change(version, pair)
            plan = paired(ONE, version, pair)
            apply(stage, plan)
            (role,) = plan.roles
            with as_login(stage, role.live, "backstage_plugin_catalog") as running:
                found = running.execute("SELECT count(*), current_user FROM entities").fetchone()
                assert found == (1000, "backstage_catalog")
            for other in role.leaving:  # goes on, in new connections too
                word = "the first" if change is None else password(other)
                stage.connect(other.name, word, "backstage_plugin_catalog").close()
            may = {role.live.name, *(item.name for item in role.leaving)}
            with stage.superuser() as superuser:
                query = "SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'backstage%'"
                assert {row[0] for row in superuser.execute(query)} == may
        # A session that was open all the time is still there.
        assert connection.execute("SELECT count(*) FROM entities").fetchone() == (1000,)
    check_owners(stage, ONE)


def test_what_a_former_login_had_is_taken_back(stage: Stage) -> None:
    plan = paired(ONE, 2, Pair(1))
    stage.must_apply(plan, live_passwords(plan))
    left = paired(ONE, *retire(*leave(2, Pair(1))))
    stage.must_apply(left, live_passwords(left))
    for name in ("backstage_catalog_a", "backstage_catalog_b"):
        found = reach(stage, name, "backstage_plugin_catalog")
        assert (found["connect"], found["member"]) == ([], [name])


@pytest.mark.parametrize("step", ["rotate", "retire", "move"])
def test_killed_anywhere_the_live_login_works(stage: Stage, step: str) -> None:
    """What runs has the login from before; what is rolled out later has the one of the step, once that is complete."""
    plans = {
        "rotate": (paired(ONE, 1), paired(ONE, 2, Pair(0))),
        "retire": (paired(ONE, 2, Pair(0)), paired(ONE, 2, Pair(1))),
        "move": (paired(ONE, *leave(2, Pair(1))), paired(ONE, *retire(*leave(2, Pair(1))))),
    }
    before, after = plans[step]
    stage.must_apply(before, live_passwords(before))
    (path,) = write_scripts(after, stage.folder).values()
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert lines
    for end in range(60, len(lines), 25):
        path.write_text("".join(lines[:end]), encoding="utf-8")
        apply_script(
            path,
            host=stage.server.host,
            port=stage.server.port,
            user=stage.admin,
            password=ADMIN_PASSWORD,
            env=live_passwords(after),
            psql=stage.psql,
            timeout=120,
        )
        as_login(stage, before.roles[0].live, "backstage_plugin_catalog").close()
    stage.must_apply(after, live_passwords(after))
    check_logins(stage, after)


def test_a_renamed_role_is_what_its_logins_act_as(stage: Stage) -> None:
    before = paired(ONE)
    stage.must_apply(before, live_passwords(before))
    work(stage, before, "first")
    after = paired(make_plan(Want(plugin="catalog", role="entities", role_was="backstage_catalog", env="E")))
    output = apply(stage, after)
    assert "renamed role backstage_catalog to entities" in output
    work(stage, after, "second")
    check_owners(stage, after)
    assert stage.roles == {"entities", "entities_a", "entities_b"}


def test_settings_of_the_owner_are_those_of_its_logins(stage: Stage) -> None:
    plan = paired(ONE)
    stage.must_apply(plan, live_passwords(plan))
    with stage.superuser() as connection:
        connection.execute("ALTER ROLE backstage_catalog SET statement_timeout = '7s'")
        place = "ALTER ROLE backstage_catalog IN DATABASE backstage_plugin_catalog"
        connection.execute(f'{place} SET search_path = public, "$user"')
    stage.must_apply(plan, live_passwords(plan))
    with as_login(stage, plan.roles[0].live, "backstage_plugin_catalog") as running:
        assert running.execute("SHOW statement_timeout").fetchone() == ("7s",)
        assert running.execute("SHOW search_path").fetchone() == ('public, "$user"',)


@pytest.mark.parametrize(
    ("statements", "problem"),
    [
        (
            ["ALTER ROLE backstage_catalog_a RESET role", "SET ROLE backstage_catalog_a", "CREATE TABLE mine (id int)"],
            "login backstage_catalog_a owns something in database backstage_plugin_catalog: it acts as role "
            "backstage_catalog, which is to own what it creates. There, as a superuser: REASSIGN OWNED BY "
            "backstage_catalog_a TO backstage_catalog",
        ),
        (
            ["CREATE TABLE other (id int)", "GRANT SELECT ON other TO backstage_catalog_b"],
            "login backstage_catalog_b has privileges of its own in database backstage_plugin_catalog",
        ),
        (
            ["GRANT backstage_search TO backstage_catalog_a"],
            "role backstage_catalog_a is a member of role backstage_search, which is another plugin's: "
            "REVOKE backstage_search FROM backstage_catalog_a",
        ),
        (
            ["GRANT backstage_catalog_a TO backstage_search_a"],
            "role backstage_search_a is a member of role backstage_catalog_a, which is another plugin's: "
            "REVOKE backstage_catalog_a FROM backstage_search_a",
        ),
        (
            ["GRANT pg_read_all_data TO backstage_catalog_b"],
            "role backstage_catalog_b is a member of role pg_read_all_data, which is more than a plugin may be: "
            "REVOKE pg_read_all_data FROM backstage_catalog_b",
        ),
        (
            ["GRANT CONNECT ON DATABASE backstage_plugin_search TO backstage_catalog_a"],
            "role backstage_catalog_a may connect to database backstage_plugin_search, which is another plugin's: "
            "REVOKE ALL ON DATABASE backstage_plugin_search FROM backstage_catalog_a",
        ),
        (
            ["GRANT backstage_catalog TO backstage_catalog_a WITH ADMIN OPTION"],
            "login backstage_catalog_a is a member of role backstage_catalog WITH ADMIN OPTION, and could hand it on: "
            "REVOKE ADMIN OPTION FOR backstage_catalog FROM backstage_catalog_a",
        ),
    ],
)
def test_a_login_that_is_more_than_its_owner_stops_the_script(stage: Stage, statements: list[str], problem: str) -> None:
    plan = paired(TWO)
    stage.must_apply(plan, live_passwords(plan))
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO backstage_catalog_a")
        for statement in statements:
            connection.execute(statement)
        connection.execute("RESET ROLE")
        connection.execute("REVOKE CREATE ON SCHEMA public FROM backstage_catalog_a")
    assert problem in stopped(stage, plan, env=live_passwords(plan))


def test_a_role_that_running_instances_use_is_not_locked_by_a_lost_lock_file(stage: Stage) -> None:
    stage.must_apply(ONE)
    plan = paired(ONE)
    told = stopped(stage, plan, env=live_passwords(plan))
    assert "role backstage_catalog can log in and has no login that acts as it" in told
    with stage.superuser() as connection:
        connection.execute("ALTER ROLE backstage_catalog NOLOGIN")
    stage.must_apply(plan, live_passwords(plan))


def test_a_login_that_running_instances_use_is_not_locked_by_a_lost_lock_file(stage: Stage) -> None:
    for plan in (paired(ONE), paired(ONE, 2, Pair(0)), paired(ONE, 2, Pair(1))):
        stage.must_apply(plan, live_passwords(plan))
    told = stopped(stage, paired(ONE), env=live_passwords(paired(ONE)))
    assert "login backstage_catalog_b can log in, and greenroom.lock.json says that it never had a password" in told


def test_the_role_that_runs_the_script_owns_no_pair(stage: Stage) -> None:
    plan = paired(make_plan(Want(plugin="catalog", role=stage.admin, env="X")))
    told = stopped(stage, plan, env=live_passwords(plan))
    assert 'role "greenroom admin" runs this script, and is to own what its logins create' in told


def test_sessions_of_a_locked_login_are_told_of(stage: Stage) -> None:
    second = paired(ONE, 2, Pair(0))
    first = paired(ONE)
    stage.must_apply(first, live_passwords(first))
    with as_login(stage, first.roles[0].live, "backstage_plugin_catalog") as open_session:
        stage.must_apply(second, live_passwords(second))
        third = paired(ONE, 2, Pair(1))
        result = stage.must_apply(third, live_passwords(third))
        assert 'role "backstage_catalog_a" is locked, and 1 session(s) of it are still open' in result.stderr
        assert open_session.execute("SELECT 1").fetchone() == (1,)
        hint = result.stderr.partition("To end them now: ")[2].partition("\n")[0]
        with stage.connect(stage.admin, ADMIN_PASSWORD, "postgres") as admin:
            for statement in hint.split("; "):
                admin.execute(statement)
        with pytest.raises(psycopg.Error):
            open_session.execute("SELECT 1")
        assert "are still open" not in stage.must_apply(third, live_passwords(third)).stderr


def test_what_the_script_creates_is_read_back() -> None:
    for plan in (TWO, SCHEMAS, SHARED, ODD):
        with_pairs = paired(plan)
        assert TARGET.read_back(TARGET.render(context(with_pairs))) == TARGET.creates(with_pairs)
