"""What preflight decides without a server: targets, order, results as data, a missing driver."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "targets"))
from sql_plans import Want, make_plan

from generator.diagnostics import GreenroomError
from generator.live.driver import load_psycopg
from generator.live.isolation import other_databases, other_schemas
from generator.live.preflight import Check, PreflightReport, PreflightResult, run_preflight
from generator.live.targets import targets_from_map
from generator.model import Plan, PluginDatabase, PluginDatabaseMap, Server


def resolved(plan: Plan) -> PluginDatabaseMap:
    return {
        item.plugin_id: PluginDatabase(
            plugin_id=item.plugin_id,
            client="pg",
            connection={"host": "db", "user": item.role.name, "password": "hidden", "database": item.database.name},
            ensure_exists=False,
        )
        for item in plan.plugins
    }


def test_targets_are_the_plugins_of_the_plan() -> None:
    plan = make_plan(Want(plugin="b"), Want(plugin="a"), Want(plugin="c", server="other", file="/run/c"))
    found = targets_from_map(resolved(plan), plan, {"DB_BACKSTAGE_A_PASSWORD": "x", "DB_BACKSTAGE_B_PASSWORD": " "})
    assert [(item.plugin_id, item.missing, len(item.occupants)) for item in found] == [
        ("a", (), 2),
        ("b", ("DB_BACKSTAGE_B_PASSWORD",), 2),
        ("c", (), 1),
    ]
    assert str(found[0].address) == "db:5432"
    assert "hidden" not in repr(found)


def test_plugins_of_other_engines_are_no_targets() -> None:
    plan = make_plan(Want(plugin="a"))
    plan = plan._replace(servers=(Server(name="primary", kind="existing", engine="mysql", host=None, port=None),))
    assert targets_from_map(resolved(plan), plan) == []


def test_every_database_is_tried_by_somebody() -> None:
    plan = make_plan(*(Want(plugin=f"p{number}") for number in range(5)))
    found = targets_from_map(resolved(plan), plan)
    assert [other_databases(item)[0] for item in found] == [f"backstage_plugin_p{number}" for number in (1, 2, 3, 4, 0)]
    assert {len(other_databases(item)) for item in found} == {4}


def test_what_is_shared_on_purpose_is_not_the_others() -> None:
    plan = make_plan(
        Want(plugin="left", database="both"),
        Want(plugin="right", database="both"),
        Want(plugin="one", role="same", env="SAME"),
        Want(plugin="two", role="same", env="SAME"),
        Want(plugin="s1", database="schemas", schema="s1"),
        Want(plugin="s2", database="schemas", schema="s2"),
    )
    found = {item.plugin_id: item for item in targets_from_map(resolved(plan), plan)}
    assert "both" not in other_databases(found["left"])
    assert "backstage_plugin_two" not in other_databases(found["one"])
    assert other_schemas(found["s1"]) == ["s2"]
    assert other_schemas(found["left"]) == []


def result(*checks: Check, **fields: str) -> PreflightResult:
    return PreflightResult(
        plugin_id="catalog", server="db:5432", database="d", schema=None, user="u", checks=checks, seconds=0.12345, **fields
    )


def test_results_as_data() -> None:
    good = result(Check("connect", True, "fine"))
    bad = result(
        Check("connect", True, "fine"), Check("create table", False, "denied"), code="GR715", hint="h", backstage="b"
    )
    assert good.ready
    assert good.diagnostic() is None
    assert not bad.ready
    assert not result().ready, "nothing was looked at"
    assert bad.to_json() == {
        "ready": False,
        "server": "db:5432",
        "database": "d",
        "schema": None,
        "user": "u",
        "checks": [
            {"name": "connect", "ok": True, "detail": "fine"},
            {"name": "create table", "ok": False, "detail": "denied"},
        ],
        "code": "GR715",
        "backstage": "b",
        "hint": "h",
        "seconds": 0.123,
    }
    report = PreflightReport((bad,))
    assert (report.ready, list(report.to_json()["plugins"])) == (False, ["catalog"])
    (problem,) = report.diagnostics()
    assert problem.render() == (
        "error[GR715] backend.database.plugin.catalog: plugin 'catalog' is not ready: create table: denied\n"
        "    Backstage: b\n"
        "    help: h"
    )


def test_no_targets_is_an_empty_report() -> None:
    assert run_preflight([]).results == ()


def test_a_missing_driver_is_one_error_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    for action in (load_psycopg, lambda: run_preflight(targets_from_map({}, make_plan(Want(plugin="a"))))):
        with pytest.raises(GreenroomError) as caught:
            action()
        (problem,) = caught.value.diagnostics
        assert (problem.code, problem.hint) == ("GR704", "pip install 'greenroom[live]'")
