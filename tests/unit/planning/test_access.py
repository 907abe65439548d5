"""Who may do what where, as it follows from a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from generator.planning.access import Occupant, access_of, acts_as, databases_of_others, owner, schemas_of_others
from generator.planning.pair import new_pair
from generator.run import steps
from generator.run.steps import Request

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan

CONNECTION = {"host": "db.internal", "user": "portal", "password": "${P}", "ssl": True}


def planned(folder: Path, database: dict[str, Any], *plugins: str, settings: dict[str, Any] | None = None) -> Plan:
    """The plan for ``plugins`` with ``database`` in app-config."""
    whole = {"client": "pg", **database, "connection": {**CONNECTION, **database.get("connection", {})}}
    (folder / "app-config.yaml").write_text(yaml.safe_dump({"backend": {"database": whole}}))
    (folder / "greenroom.yaml").write_text(yaml.safe_dump(settings or {"version": 1}))
    project = steps.load(Request(root=folder, plugins=plugins))
    return steps.plan_afresh(project, steps.resolve(project))


def test_a_database_of_its_own(tmp_path: Path) -> None:
    plan = planned(tmp_path, {}, "auth", "catalog")
    found = access_of(plan).database(plan.databases[0])
    assert found == ("backstage_auth", (), (), ("backstage_auth",), (), ())
    assert [owner(plugin) for plugin in plan.plugins] == ["backstage_auth", "backstage_catalog"]
    assert not access_of(plan).groups
    assert not access_of(plan).shared_roles


def test_a_shared_database_belongs_to_a_group(tmp_path: Path) -> None:
    both = {name: {"connection": {"database": "both"}} for name in ("auth", "catalog")}
    plan = planned(tmp_path, {"plugin": both}, "auth", "catalog", "search")
    access = access_of(plan)
    (shared,) = access.shared_databases
    users = ("backstage_auth", "backstage_catalog")
    assert shared.group is not None
    assert access.database(shared)[:4] == (shared.group, users, (*users, shared.group), (*users, shared.group))
    assert [owner(plugin) for plugin in plan.plugins] == [shared.group, shared.group, "backstage_search"]
    assert access.groups == {("primary", shared.group)}
    # Nobody's connections switch to it: the roles do, once they are in.
    assert {acts_as(role) for role in plan.roles} == {None}


def test_schemas_and_their_search_paths(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"pluginDivisionMode": "schema", "connection": {"database": "portal"}}, "auth", "catalog")
    access = access_of(plan)
    found = access.database(plan.databases[0])
    assert (found.owner, found.members, found.connecting) == (None, (), ("backstage_auth", "backstage_catalog"))
    assert [(item.name, item.owner, item.is_search_path) for item in found.schemas] == [
        ("auth", "backstage_auth", True),
        ("catalog", "backstage_catalog", True),
    ]
    assert access.schemas == {("primary", "portal", "auth"), ("primary", "portal", "catalog")}


def test_one_role_for_all_has_no_search_path(tmp_path: Path) -> None:
    database = {"pluginDivisionMode": "schema", "connection": {"database": "portal"}}
    plan = planned(tmp_path, database, "auth", "catalog", settings={"credentials": {"mode": "shared"}})
    found = access_of(plan).database(plan.databases[0])
    assert [(item.owner, item.is_search_path) for item in found.schemas] == [("portal", False)] * 2
    assert list(access_of(plan).shared_roles) == [("primary", "portal")]


def test_what_a_role_must_not_reach() -> None:
    here = [
        Occupant("a", "one", None, "ra"),
        Occupant("b", "two", None, "rb"),
        Occupant("c", "three", "s1", "rc"),
        Occupant("d", "three", "s2", "ra"),
    ]
    assert databases_of_others(here, here[1]) == ["three", "one"]
    assert databases_of_others(here, here[0]) == ["two"]
    assert schemas_of_others(here, here[2]) == ["s2"]
    assert schemas_of_others(here, here[0]) == []


def test_logins_of_a_pair_connect_and_act_as_their_owner(tmp_path: Path) -> None:
    config = {"plugin": {name: {"connection": {"database": "both"}} for name in ("auth", "catalog")}}
    plan = planned(tmp_path, config, "auth", "catalog")
    roles = {role.name: role._replace(pair=new_pair(1)) for role in plan.roles}
    plugins = tuple(plugin._replace(role=roles[plugin.role.name]) for plugin in plan.plugins)
    access = access_of(plan._replace(roles=tuple(roles.values()), plugins=plugins))
    here = access.database(plan.databases[0])
    assert here.members == ("backstage_auth", "backstage_catalog")
    assert here.logins_of("backstage_auth") == ("backstage_auth_a", "backstage_auth_b")
    assert [(login.acts_as, login.may_log_in) for login in here.logins[:2]] == [
        (("backstage_auth", "both_plugins"), True),
        (("backstage_auth", "both_plugins"), False),
    ]
    assert {name for _, name in access.roles} >= {
        "backstage_auth",
        "backstage_auth_a",
        "backstage_catalog_b",
        "both_plugins",
    }
