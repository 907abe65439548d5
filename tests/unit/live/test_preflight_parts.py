"""What preflight decides without a server: targets, order, results as data, a missing driver."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "targets"))
from sql_plans import Want, make_plan

from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
from generator.documents.values import ConfigMap
from generator.planning.model import Plan, Server
from generator.preflight.base_settings import BaseSettings
from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.isolation import other_databases, other_schemas
from generator.preflight.preflight import run_preflight
from generator.preflight.probes import targets_from_map
from generator.preflight.results import Check, PreflightReport, PreflightResult
from generator.problems.diagnostic import GreenroomError


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


def test_what_a_token_is_fetched_with_is_not_in_the_drivers_connection() -> None:
    plan = make_plan(Want(plugin="a"))
    found = {"a": resolved(plan)["a"]._replace(cloud="rds")}
    settings = ConfigMap({"connection": ConfigMap({"region": "eu-west-1"})})
    (target,) = targets_from_map(found, plan, base=BaseSettings(database=settings))
    assert (target.connection["type"], target.connection["region"]) == ("rds", "eu-west-1")


def test_a_plugin_on_another_engine_than_planned_is_an_error() -> None:
    plan = make_plan(Want(plugin="a"))
    plan = plan._replace(servers=(Server(name="primary", kind="existing", engine="mysql", host=None, port=None),))
    (found,) = targets_from_map(resolved(plan), plan)
    assert (found.engine, found.error) == (
        "mysql",
        "the input puts this plugin on pg, and a MySQL database was generated for it",
    )


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


def result(*checks: Check) -> PreflightResult:
    return PreflightResult(
        plugin_id="catalog",
        engine="postgresql",
        server="db:5432",
        database="d",
        schema=None,
        user="u",
        checks=checks,
        seconds=0.12345,
    )


FINE = Check("login", True, "fine")
DENIED = Check("create table", False, "denied", code="GR715", hint="h", backstage="b")
OPEN = Check("isolated", False, "open", stops=False, code="GR719", hint="h", backstage="starts")
SOON = Check("password expiry", True, "soon", warning=True, stops=False, code="GR730", hint="h", backstage="b")


def test_results_as_data() -> None:
    good, bad = result(FINE), result(FINE, DENIED)
    assert (good.ready, good.starts, good.diagnostics()) == (True, True, [])
    assert (bad.ready, bad.starts, bad.code) == (False, False, "GR715")
    assert not result().ready, "nothing was looked at"
    assert bad.to_json() == {
        "ready": False,
        "backstageStarts": False,
        "engine": "postgresql",
        "server": "db:5432",
        "database": "d",
        "schema": None,
        "user": "u",
        "checks": [
            {"name": "login", "status": "ok", "detail": "fine"},
            {
                "name": "create table",
                "status": "failed",
                "detail": "denied",
                "code": "GR715",
                "backstage": "b",
                "hint": "h",
                "stopsBackstage": True,
            },
        ],
        "seconds": 0.123,
    }
    report = PreflightReport((bad,))
    assert (report.ready, list(report.to_json()["plugins"])) == (False, ["catalog"])
    (problem,) = report.diagnostics()
    assert problem.render() == (
        "error[GR715] backend.database.plugin.catalog: plugin 'catalog': create table: denied\n    Backstage: b\n    help: h"
    )


def test_what_does_not_stop_backstage_is_not_ready_all_the_same() -> None:
    found = result(FINE, OPEN)
    assert (found.ready, found.starts) == (False, True)
    assert found.to_json()["checks"][1]["stopsBackstage"] is False


def test_a_warning_is_ready_and_said() -> None:
    found = result(FINE, SOON)
    assert (found.ready, found.starts, found.code) == (True, True, "")
    assert [str(item.severity) for item in found.diagnostics()] == ["warning"]


def test_no_targets_is_an_empty_report() -> None:
    assert run_preflight([]).results == ()


def test_a_missing_driver_is_one_error_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    plan = make_plan(Want(plugin="a"))
    for action in (load_psycopg, lambda: run_preflight(targets_from_map(resolved(plan), plan))):
        with pytest.raises(GreenroomError) as caught:
            action()
        (problem,) = caught.value.diagnostics
        assert (problem.code, problem.hint) == ("GR704", "pip install 'psycopg[binary]'")
