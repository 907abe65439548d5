"""What the terraform target refuses, before it renders anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from terraform_plans import Wanted, make_plan, on_mysql, retired, server, shapes

from generator.backstage.database.resolved import PluginDatabase
from generator.problems.diagnostic import Diagnostics, Location, Severity
from generator.targets.base import RenderContext
from generator.targets.terraform import TARGET

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostic


def problems(plan: Plan) -> list[Diagnostic]:
    """What the target has to say about ``plan``."""
    diagnostics = Diagnostics()
    TARGET.check(RenderContext(plan=plan, resolved={}), diagnostics)
    return list(diagnostics)


@pytest.mark.parametrize("name", sorted(name for name in shapes() if name != "odd ids"))
def test_what_can_be_carried_is_not_refused(name: str) -> None:
    assert problems(shapes()[name]) == []


def test_names_on_mysql() -> None:
    plan = make_plan(Wanted("catalog", database="x" * 64), Wanted("auth", database="a`b"), servers=on_mysql())
    (problem,) = problems(plan)
    assert (problem.code, problem.severity) == ("GR611", Severity.ERROR)
    assert "'a`b' of plugin 'auth': the provider puts it between the quotes of a grant as it is" in problem.summary
    assert problem.hint.startswith("1 to 64 letters")


@pytest.mark.parametrize("name", ["a b", "a.b", "a?b", "ä", "x" * 64, 'a"b', "a/b", "${x}"])
def test_names(name: str) -> None:
    plan = make_plan(Wanted("catalog", database=name), Wanted("auth", role=name), Wanted("x", database="b", schema=name))
    found = problems(plan)
    assert {problem.code for problem in found} == {"GR611"}
    assert [
        kind for kind in ("database", "role", "schema") if any(f"the {kind} name" in item.summary for item in found)
    ] == [
        "database",
        "role",
        "schema",
    ]
    assert all("63 letters" in problem.hint for problem in found)


def test_a_name_is_located_and_explained() -> None:
    plan = make_plan(Wanted("catalog", database="a.b"))
    place = Location("app-config.yaml", 7, 9)
    source = PluginDatabase(plugin_id="catalog", sources={"connection.database": place})
    (problem,) = problems(plan._replace(plugins=tuple(item._replace(source=source) for item in plan.plugins)))
    assert problem.location == place
    assert problem.path == "backend.database.plugin.catalog.connection.database"
    assert "connection URL" in problem.summary


def test_a_group_of_a_name_that_is_too_long() -> None:
    name = "x" * 60
    found = problems(make_plan(Wanted("a", database=name), Wanted("b", database=name)))
    assert [problem.code for problem in found] == ["GR611"]


def test_an_unknown_store() -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), store="a drawer"))
    assert problem.code == "GR612"
    assert problem.hint.startswith("one of aws-secretsmanager, aws-ssm, azure-keyvault")


def test_an_unknown_kind_of_server() -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[server()._replace(kind="mainframe")]))
    assert (problem.code, "existing" in problem.hint) == ("GR613", True)


def test_a_server_name_that_is_no_identifier() -> None:
    (problem,) = problems(make_plan(Wanted("catalog", server="a b"), servers=[server("a b")]))
    assert problem.code == "GR613"


@pytest.mark.parametrize(
    "wanted",
    [
        [Wanted("database_both"), Wanted("a", database="both", schema="a")],
        [Wanted("role_both"), Wanted("a", role="both"), Wanted("b", role="both")],
        [
            Wanted("a", database="b_c", schema="a", server="x"),
            Wanted("b", database="c", schema="b", server="x_b"),
        ],
    ],
)
def test_two_modules_of_one_name(wanted: list[Wanted]) -> None:
    found = problems(make_plan(*wanted))
    assert [problem.code for problem in found] == ["GR614"]


def test_a_retired_plugin_keeps_its_module_name() -> None:
    plan = make_plan(Wanted("catalog"), gone=[retired("old")._replace(label="catalog")])
    assert [problem.code for problem in problems(plan)] == ["GR614"]


@pytest.mark.parametrize(("name", "code"), [("a b", "GR615"), ("ä", "GR615"), ("x" * 513, "GR615"), ("db-search", "GR616")])
def test_secret_names_in_aws(name: str, code: str) -> None:
    plan = make_plan(Wanted("catalog"), store="aws-secretsmanager")
    roles = tuple(role._replace(secret_name=name) for role in plan.roles)
    (problem,) = problems(plan._replace(roles=roles))
    assert problem.code == code
    assert problem.severity is (Severity.ERROR if code == "GR615" else Severity.WARNING)
    assert problems(plan._replace(roles=roles, store="variables")) == []


@pytest.mark.parametrize("port", [0, 65536, "x", "5432x", -1])
def test_ports(port: int | str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[server(port=port)]))
    assert problem.code == "GR617"


def test_texts_no_terraform_string_can_hold() -> None:
    found = problems(make_plan(Wanted("a\0b", database="x", role="y"), servers=[server(host="h\0st", port=1)]))
    assert {problem.code for problem in found} == {"GR618"}
    assert len(found) == 2


def test_every_problem_at_once() -> None:
    plan = make_plan(Wanted("catalog", database="a.b", role="c d"), store="no store", servers=[server(port=0)])
    assert [problem.code for problem in problems(plan)] == ["GR611", "GR611", "GR612", "GR617"]
