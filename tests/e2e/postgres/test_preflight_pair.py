"""Preflight and pairs of logins on real servers: what is lost is said, and the statement of the hint ends it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from pair_plans import live_passwords, paired, password
from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage
from sql_plans import Want, make_plan, passwords
from test_preflight import failed, verdicts

from generator.planning.pair import Pair

if TYPE_CHECKING:
    from generator.planning.model import Login, Plan
    from generator.preflight.results import Check, PreflightResult

TWO = make_plan(*(Want(plugin=name) for name in ("catalog", "search")))
SCHEMAS = make_plan(*(Want(plugin=name, database="portal", schema=name) for name in ("catalog", "search")))
SHARED = make_plan(Want(plugin="catalog", database="both"), Want(plugin="search", database="both"))
ODD = make_plan(Want(plugin="catalog", role='My "Cat"\'s é\\', database='My "Data"', env="ONE"), Want(plugin="search"))
A, B, OWNER = "backstage_catalog_a", "backstage_catalog_b", "backstage_catalog"
CHECKS = ["reachable", "tls", "login", "database", "as planned", "owner", "pair", "search path", "restricted"]


def made(stage: Stage, plan: Plan = TWO, version: int = 1, pair: Pair | None = None) -> Plan:
    """A pair of which both logins have had a password, at one point of a rotation."""
    now = paired(plan, version, pair)
    for earlier in range(max(1, version - 1), version + 1):
        then = paired(plan, earlier, Pair(0) if earlier < version else now.roles[0].pair)
        stage.must_apply(then, live_passwords(then))
    return now


def look(stage: Stage, plan: Plan, plugin: str = "catalog", **more: Any) -> PreflightResult:
    """Preflight as the command does it: app-config names the live login."""
    logins: dict[str, Login] = {item.plugin_id: item.role.live for item in plan.plugins}
    logins |= more.pop("logins", {})
    env = {**live_passwords(plan), **more.pop("env", {})}
    return verdicts(stage, plan, env, logins=logins, **more)[plugin]


def check(result: PreflightResult, name: str) -> Check:
    return next(item for item in result.checks if item.name == name)


def follow(stage: Stage, plan: Plan, found: Check, superuser: bool = False) -> None:
    """Say the statements of a hint, as the administrator who made the roles."""
    statements = re.findall(r"(?:ALTER ROLE|GRANT|REVOKE|ALTER TABLE) [^;]+", found.hint)
    assert statements, found.hint
    database = plan.plugins[0].database.name
    with stage.superuser(database) if superuser else stage.connect(stage.admin, ADMIN_PASSWORD, database) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def run(stage: Stage, plan: Plan, *statements: str) -> None:
    with stage.superuser(plan.plugins[0].database.name) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@pytest.mark.parametrize("plan", [TWO, SCHEMAS, SHARED, ODD], ids=["databases", "schemas", "shared", "names"])
def test_a_pair_is_ready_at_every_point_of_a_rotation(stage: Stage, plan: Plan) -> None:
    for version, pair in ((1, Pair(0)), (2, Pair(0)), (2, Pair(1)), (3, Pair(1)), (3, Pair(2))):
        now = paired(plan, version, pair)
        stage.must_apply(now, live_passwords(now))
        role = now.plugins[0].role
        other = next(item for item in role.logins if not item.is_live)
        result = look(stage, now, env={other.delivery.env: password(other)} if other.version else {})
        assert result.ready, failed(result)
        assert not [item.name for item in result.checks if item.status == "warning"]
        group = now.plugins[0].database.group or role.name
        assert check(result, "owner").detail == f"{role.live.name} acts as {group}, which owns what is created"
        assert check(result, "as planned").detail.endswith(f"user {role.live.name}")
        assert ("other login" in {item.name for item in result.checks}) == other.may_log_in


def test_the_owner_may_log_in_until_the_first_retirement(stage: Stage) -> None:
    stage.must_apply(TWO)
    moving = paired(TWO, 1, Pair(0, owner_logs_in=True))
    stage.must_apply(moving, live_passwords(moving))
    result = look(stage, moving)
    assert result.ready
    assert not [item for item in result.checks if item.status == "warning"]
    # An instance with the fragment from before goes on, and that is all that is wrong with it.
    own = moving.plugins[0].role.own_login
    before = look(stage, moving, logins={"catalog": own}, env={own.delivery.env: passwords(TWO)[own.delivery.env]})
    assert failed(before) == {"as planned": f"user {OWNER} instead of {A}"}
    assert before.starts
    result = look(stage, paired(TWO, 1, Pair(0)))
    assert result.ready
    warning = check(result, "pair")
    assert (warning.status, warning.code) == ("warning", "GR736")
    assert warning.detail == f"{OWNER} may log in itself, and a session that acts as it may set its password"
    follow(stage, moving, warning)
    assert check(look(stage, paired(TWO, 1, Pair(0))), "pair").status == "ok"


LOST = {
    "default": f"ALTER ROLE {A} RESET role",
    "another": f"ALTER ROLE {A} SET role = backstage_search",
    "nobody": f"ALTER ROLE {A} SET role = nobody_of_this_name",
    "in database": f"ALTER ROLE {A} IN DATABASE backstage_plugin_catalog SET role = {A}",
    "membership": f'SET ROLE "{ADMIN}"; REVOKE {OWNER} FROM {A}; RESET ROLE',
}


@pytest.mark.parametrize("name", LOST)
def test_who_does_not_act_as_the_owner_is_not_ready(stage: Stage, name: str) -> None:
    plan = made(stage)
    run(stage, plan, LOST[name])
    result = look(stage, plan)
    assert list(failed(result)) == ["owner"]
    found = check(result, "owner")
    assert found.code == "GR735"
    assert found.detail.startswith(f"a session of {A} is {A}, not {OWNER}: ")
    assert found.stops
    assert "error: create table … - permission denied for schema public" in found.backstage
    follow(stage, plan, found)
    assert look(stage, plan).ready


def test_with_inherit_everything_seems_to_work_and_is_not_ready(stage: Stage, version: int) -> None:
    plan = made(stage)
    inherit = f"GRANT {OWNER} TO {A} WITH INHERIT TRUE" if version >= 16 else f"ALTER ROLE {A} INHERIT"
    with_admin = [f'SET ROLE "{stage.admin}"', inherit, "RESET ROLE"]
    run(stage, plan, *with_admin)
    result = look(stage, plan)
    assert list(failed(result)) == ["pair"]
    assert f"{A} inherits what {OWNER} may do" in check(result, "pair").detail
    run(stage, plan, f"ALTER ROLE {A} RESET role")
    result = look(stage, plan)
    assert list(failed(result)) == ["owner", "pair"]
    found = check(result, "owner")
    assert not found.stops
    assert found.backstage == f"starts; its new tables belong to {A}, and after the next rotation: must be owner of table …"
    with stage.connect(A, password(plan.roles[0].live), "backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE mine (id int)")
    result = look(stage, plan)
    assert list(failed(result)) == ["owner", "pair", "existing tables"] or "existing tables" in {
        item.name for item in result.checks if item.status != "ok"
    }
    for name in ("owner", "pair"):
        follow(stage, plan, check(result, name))
    tables = check(look(stage, plan), "existing tables")
    assert f'ALTER TABLE "public"."mine" OWNER TO "{OWNER}"' in tables.hint
    follow(stage, plan, tables, superuser=True)
    result = look(stage, plan)
    assert result.ready
    assert not [item.name for item in result.checks if item.status == "warning"]


OTHER = {
    "default": (f"ALTER ROLE {B} RESET role", f"{B} has lost its role default, and has to act as {OWNER}"),
    "membership": (f'SET ROLE "{ADMIN}"; REVOKE {OWNER} FROM {B}; RESET ROLE', f"{B} is no member of {OWNER}"),
    "connect": (
        f"REVOKE CONNECT ON DATABASE backstage_plugin_catalog FROM {B}",
        f"{B} may not connect to backstage_plugin_catalog",
    ),
}


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("name", OTHER)
def test_the_other_login_is_looked_at(stage: Stage, name: str, locked: bool) -> None:
    """While it is locked it is a matter of the next rotation; while instances run with it, of today."""
    plan = made(stage, TWO, 3, Pair(2 if locked else 1))
    statement, detail = OTHER[name]
    run(stage, plan, statement)
    result = look(stage, plan)
    found = check(result, "pair")
    assert (found.detail, found.status) == (detail, "warning" if locked else "failed")
    assert result.ready is locked
    assert result.starts
    follow(stage, plan, found)
    assert check(look(stage, plan), "pair").status == "ok"


def test_what_is_set_for_the_owner_is_set_for_both(stage: Stage) -> None:
    plan = made(stage)
    run(
        stage,
        plan,
        f"ALTER ROLE {OWNER} SET statement_timeout = '7s'",
        f'ALTER ROLE {OWNER} IN DATABASE backstage_plugin_catalog SET search_path = public, "$user"',
        f"ALTER ROLE {OWNER} SET application_name = 'o''clock'",
    )
    result = look(stage, plan)
    found = check(result, "pair")
    assert result.ready
    assert found.status == "warning"
    for login in (A, B):
        assert f"statement_timeout = 7s is set for {OWNER}, and not for {login}" in found.detail
    follow(stage, plan, found, superuser=True)
    assert check(look(stage, plan), "pair").status == "ok"
    with stage.connect(A, password(plan.roles[0].live), "backstage_plugin_catalog") as connection:
        row = connection.execute("SELECT current_setting('search_path'), current_setting('statement_timeout')").fetchone()
        assert row == ('public, "$user"', "7s")


REACH = {
    "member": (f"GRANT backstage_search TO {B}", "pair", f"{B} is a member of backstage_search as well"),
    "admin": (f"GRANT {OWNER} TO {A} WITH ADMIN OPTION", "pair", f"{A} may hand on {OWNER} (WITH ADMIN OPTION)"),
    "connect": (
        f"GRANT CONNECT ON DATABASE backstage_plugin_search TO {B}",
        "isolated",
        "may connect to database backstage_plugin_search",
    ),
    "owner": (
        f"GRANT CONNECT ON DATABASE backstage_plugin_search TO {OWNER}",
        "isolated",
        "may connect to database backstage_plugin_search",
    ),
}


@pytest.mark.parametrize("name", REACH)
def test_two_logins_reach_nothing_more_than_one_did(stage: Stage, name: str) -> None:
    plan = made(stage)
    statement, where, detail = REACH[name]
    run(stage, plan, statement)
    result = look(stage, plan)
    assert failed(result) == {where: detail} or detail in failed(result)[where]
    follow(stage, plan, check(result, where), superuser=True)
    assert look(stage, plan).ready


def test_a_locked_live_login(stage: Stage) -> None:
    plan = made(stage, TWO, 2, Pair(1))
    old = paired(TWO, 1)
    result = look(
        stage,
        plan,
        logins={"catalog": old.plugins[0].role.live},
        env={old.plugins[0].role.live.delivery.env: password(old.plugins[0].role.live)},
    )
    found = check(result, "login")
    assert found.detail == f'role "{A}" is not permitted to log in'
    assert "databases.sql" not in found.hint
    assert "`greenroom rotate --check` says which login is live" in found.hint
    # Done: the fragment that the lock file speaks of.
    assert look(stage, plan).ready
    run(stage, plan, f"ALTER ROLE {B} NOLOGIN")
    result = look(stage, plan)
    follow(stage, plan, check(result, "login"))
    assert look(stage, plan).ready


def test_the_lock_file_and_the_server_disagree_about_the_other_login(stage: Stage) -> None:
    plan = made(stage, TWO, 2, Pair(0))
    retired = paired(TWO, 2, Pair(1))
    result = look(stage, retired)
    found = check(result, "pair")
    assert result.ready
    assert found.detail == f"{A} may log in, and by the lock file it is locked"
    follow(stage, plan, found)
    assert check(look(stage, retired), "pair").status == "ok"
    result = look(stage, plan)
    found = check(result, "pair")
    assert result.ready
    assert found.detail == f"{A} is locked, and by the lock file instances that run with it go on"
    follow(stage, plan, found)
    assert check(look(stage, plan), "pair").status == "ok"


def test_the_password_of_the_other_login_where_it_is_at_hand(stage: Stage) -> None:
    plan = made(stage, TWO, 2, Pair(0))
    other = plan.plugins[0].role.logins[0]
    result = look(stage, plan, env={other.delivery.env: "not this one"})
    found = check(result, "other login")
    assert (found.status, found.code) == ("warning", "GR737")
    assert found.detail == f'{A}: password authentication failed for user "{A}"'
    assert found.hint.startswith(f"{other.delivery.env} is not its password")
    result = look(stage, plan, env={other.delivery.env: password(other)})
    assert check(result, "other login").detail == f"{A} may log in, and acts as {OWNER}"


def test_hints_about_tables_name_the_owner(stage: Stage) -> None:
    plan = made(stage)
    run(
        stage,
        plan,
        f"REVOKE CREATE ON SCHEMA public FROM {OWNER}",
        f"REVOKE TEMPORARY ON DATABASE backstage_plugin_catalog FROM {OWNER}",
    )
    result = look(stage, plan)
    assert list(failed(result)) == ["create table", "temporary table"]
    for name in ("create table", "temporary table"):
        follow(stage, plan, check(result, name), superuser=True)
    assert look(stage, plan).ready
