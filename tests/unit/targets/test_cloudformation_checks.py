"""What the cloudformation target refuses, before it renders anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cloudformation_plans import context, in_stacks, on, shapes, with_iam
from terraform_plans import Wanted, make_plan, retired, server

from generator.backstage.database.resolved import PluginDatabase
from generator.problems.diagnostic import Diagnostics, Location, Severity
from generator.targets.cloudformation import TARGET

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostic


def problems(
    plan: Plan, folder: Path | None = None, written: dict[str, Location] | None = None, **options: Any
) -> list[Diagnostic]:
    """What the target has to say about ``plan``, but for the note on where passwords live."""
    diagnostics = Diagnostics()
    made = context(plan, options)._replace(written=written or {})
    TARGET.check(made if folder is None else made._replace(folder=folder), diagnostics)
    return [item for item in diagnostics if item.severity is not Severity.INFO]


@pytest.mark.parametrize("name", sorted(shapes()))
def test_what_can_be_carried_is_not_refused(name: str) -> None:
    plan, options = shapes()[name]
    assert problems(plan, **options) == []


def test_nothing_is_wrong_with_nothing() -> None:
    assert problems(make_plan(servers=[on("google-cloudsql")])) == []


@pytest.mark.parametrize("kind", ["google-cloudsql", "azure-flexible", "mainframe"])
def test_servers_of_other_clouds(kind: str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[on(kind)]))
    assert (problem.code, problem.path) == ("GR672", "servers.primary.kind")
    assert "aws-aurora, aws-rds, existing" in problem.hint


def test_sign_in_of_another_cloud() -> None:
    plan = with_iam(make_plan(Wanted("catalog")))
    azure = plan._replace(roles=tuple(role._replace(iam="azure") for role in plan.roles))
    (problem,) = problems(azure)
    assert (problem.code, problem.path) == ("GR672", "credentials.iam")


@pytest.mark.parametrize(("kind", "engine"), [("existing", "mysql"), ("aws-aurora", "mysql"), ("aws-rds", "postgresql")])
def test_servers_without_the_data_api(kind: str, engine: str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[on(kind, engine)]), dataApi=True)
    assert (problem.code, problem.path) == ("GR670", "targets.cloudformation.dataApi")


@pytest.mark.parametrize("store", ["aws-ssm", "vault", "kubernetes", "google-secretmanager", "azure-keyvault"])
def test_other_stores(store: str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), store=store))
    assert (problem.code, problem.severity) == ("GR671", Severity.ERROR)
    assert problems(with_iam(make_plan(Wanted("catalog"), store=store))) == []


def test_a_store_that_nobody_chose_is_noted_and_one_that_somebody_chose_is_refused() -> None:
    plan = make_plan(Wanted("catalog"))
    diagnostics = Diagnostics()
    TARGET.check(context(plan), diagnostics)
    (note,) = diagnostics
    assert (note.code, note.severity) == ("GR671", Severity.INFO)
    place = Location("greenroom.yaml", 3, 10)
    (problem,) = problems(plan, written={"credentials.store": place})
    assert (problem.code, problem.severity, problem.location) == ("GR671", Severity.ERROR, place)


@pytest.mark.parametrize("host", ["/var/run/postgresql", "a b", 'a"b', "a\\b", "ä", "x" * 256])
def test_hosts(host: str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[server(host=host)]))
    assert (problem.code, problem.path) == ("GR673", "backend.database.connection.host")


@pytest.mark.parametrize("port", [0, 65536, "x", -1])
def test_ports(port: int | str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"), servers=[server(port=port)]))
    assert (problem.code, problem.path) == ("GR673", "backend.database.connection.port")


@pytest.mark.parametrize("name", ["{{resolve:ssm:x}}", "a{{resolve:secretsmanager:x:SecretString}}", "a\0b", "\ud800"])
def test_texts_no_template_can_hold(name: str) -> None:
    plan = make_plan(
        Wanted(name, database="d", role="r"),
        Wanted("x", database=name, role="s"),
        Wanted("y", database="e", role=name),
        Wanted("z", database="f", role="t", schema=name),
    )._replace(tags=(("team", name),))
    plan = plan._replace(roles=tuple(role._replace(secret_name="s") for role in plan.roles))
    found = problems(plan)
    assert {problem.code for problem in found} == {"GR674", "GR679"}
    whats = ("plugin id", "database name", "role name", "schema name", "tag")
    assert all(any(f"the {what} " in problem.summary for problem in found) for what in whats)


def test_a_text_is_located() -> None:
    plan = make_plan(Wanted("catalog", database="{{resolve:x"))
    place = Location("app-config.yaml", 7, 9)
    source = PluginDatabase(plugin_id="catalog", sources={"connection.database": place})
    (problem,) = problems(plan._replace(plugins=tuple(item._replace(source=source) for item in plan.plugins)))
    assert problem.location == place
    assert problem.path == "backend.database.plugin.catalog.connection.database"


@pytest.mark.parametrize(("name", "code"), [("a b", "GR675"), ("ä", "GR675"), ("x" * 513, "GR675"), ("db-search", "GR676")])
def test_secret_names(name: str, code: str) -> None:
    plan = make_plan(Wanted("catalog"))
    roles = tuple(role._replace(secret_name=name) for role in plan.roles)
    (problem,) = problems(plan._replace(roles=roles))
    assert problem.code == code
    assert problem.severity is (Severity.ERROR if code == "GR675" else Severity.WARNING)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("", "x"),
        ("aws:x", "y"),
        ("AWS:x", "y"),
        ("k" * 129, ""),
        ("k", "v" * 257),
        ("k", "a & b"),
        ("greenroom-environment", "x"),
    ],
)
def test_tags_that_aws_refuses(key: str, value: str) -> None:
    (problem,) = problems(make_plan(Wanted("catalog"))._replace(tags=((key, value),)))
    assert (problem.code, problem.path) == ("GR679", f"tags.{key}")


def test_more_tags_than_aws_takes() -> None:
    plan = make_plan(Wanted("catalog"))
    assert problems(plan._replace(tags=tuple((f"key-{number}", "x") for number in range(49)))) == []
    (problem,) = problems(plan._replace(tags=tuple((f"key-{number}", "x") for number in range(50))))
    assert (problem.code, problem.path) == ("GR679", "tags")


def test_drops_of_what_is_not_there_or_not_the_plugins_alone() -> None:
    plan = make_plan(Wanted("a", database="both"), Wanted("b", database="both"))
    found = problems(plan, allowDrop=["gone", "a"])
    assert [(problem.code, problem.severity) for problem in found] == [("GR680", Severity.WARNING)] * 2


def test_a_resource_that_would_change_its_shape() -> None:
    """Unless the plugin was out of the stack in between, or never in one, or goes to another server."""
    left = retired("catalog")._replace(plugin_id="catalog (backstage_catalog@primary/x)", stack=1)
    in_schema = Wanted("catalog", database="portal", schema="catalog")

    def codes(wanted: Wanted, **gone: Any) -> list[str]:
        return [problem.code for problem in problems(make_plan(wanted)._replace(retired=(left._replace(**gone),)))]

    assert codes(in_schema) == ["GR685"]
    assert codes(Wanted("catalog"), shared=True) == ["GR685"]
    assert codes(Wanted("catalog"), common=True) == ["GR685"]
    assert codes(Wanted("catalog"), engine="mysql", server="other") == ["GR685"]
    for gone in ({"returned": True}, {"stack": None}, {"dropped": True}, {"server": "other"}, {"plugin_id": "search"}):
        assert codes(in_schema, **gone) == []


def test_more_resources_than_a_template_holds() -> None:
    plan = make_plan(*[Wanted(f"p{number:03}") for number in range(260)])
    resources, outputs = problems(plan)
    assert (resources.code, outputs.code) == ("GR677", "GR677")
    assert "databases.yaml would have 531 resources, and CloudFormation takes 500" in resources.summary + outputs.summary
    assert problems(in_stacks(plan, 160)) == []


def test_more_bytes_than_a_template_holds() -> None:
    """Names of the greatest length there is, in characters that YAML and JSON spell out."""
    wanted = [Wanted(f"p{number:03}", database=f"{number:03}" + "\u2028" * 20, role=f"{number:03}") for number in range(160)]
    plan = make_plan(*wanted)
    assert problems(plan) == []
    tags = tuple((f"key-{number:02}", "x" * 250) for number in range(20))
    (problem,) = problems(plan._replace(tags=tags))
    assert problem.code == "GR677"
    assert "bytes, and CloudFormation takes 1,000,000" in problem.summary


def test_more_parameters_than_a_template_holds() -> None:
    names = [f"server_{number:02}" for number in range(25)]
    plan = make_plan(*[Wanted(name.replace("_", "-"), server=name) for name in names])
    (problem,) = problems(plan)
    assert "parameters" in problem.summary


def test_every_problem_at_once() -> None:
    plan = make_plan(Wanted("catalog", database="{{resolve:x"), store="vault", servers=[server(port=0)])
    assert [problem.code for problem in problems(plan)] == ["GR671", "GR673", "GR674"]


# --- files of parameters ----------------------------------------------------------------------------------------------

GOOD = {
    "PrimaryHost": "db.example.com",
    "PrimaryPort": "5432",
    "PrimaryAdminSecretArn": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin-Ab12Cd",
    "PrimarySecurityGroupId": "sg-0123456789abcdef0",
    "VpcId": "vpc-0123456789abcdef0",
    "SubnetIds": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
}


def checked(folder: Path, text: str, *, template: str = "databases.yaml", **options: Any) -> list[Diagnostic]:
    (folder / "p.json").write_text(text)
    return problems(make_plan(Wanted("catalog")), folder, parameters={template: "p.json"}, **options)


def entries(values: dict[str, Any]) -> str:
    return json.dumps([{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()], indent=1)


def test_good_files(tmp_path: Path) -> None:
    assert checked(tmp_path, entries(GOOD)) == []
    assert checked(tmp_path, json.dumps({"Parameters": GOOD})) == []


def test_a_file_of_a_created_server(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(entries({"VpcId": "vpc-0123456789abcdef0", "BackupRetentionDays": "3"}))
    plan = make_plan(Wanted("catalog"), servers=[on("aws-rds")])
    found = problems(plan, tmp_path, parameters={"server-primary.yaml": "s.json"})
    assert [(item.code, item.summary.split(":")[0]) for item in found] == [
        ("GR682", "server-primary.yaml needs a value for BackstageSecurityGroupId"),
        ("GR682", "server-primary.yaml needs a value for SubnetIds"),
        ("GR684", "the value of BackupRetentionDays cannot be"),
    ]


def test_a_value_that_is_missing(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, entries({key: value for key, value in GOOD.items() if key != "PrimaryHost"}))
    assert problem.code == "GR682"
    assert problem.summary == (
        "databases.yaml needs a value for PrimaryHost: Host of the PostgreSQL server primary. "
        "app-config says ${POSTGRES_HOST}."
    )
    assert str(problem.location) == str(tmp_path / "p.json")


def test_a_parameter_that_does_not_exist(tmp_path: Path) -> None:
    (problem,) = checked(tmp_path, entries(GOOD | {"PrimaryHots": "x"}))
    assert (problem.code, problem.hint) == ("GR683", "did you mean PrimaryHost?")
    assert problem.location
    assert problem.location.line > 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PrimaryHost", "a b"),
        ("PrimaryPort", "0"),
        ("PrimaryPort", "65536"),
        ("PrimaryPort", "x"),
        ("PrimaryAdminSecretArn", "arn:aws:secretsmanager:eu-central-1:111122223333:secret:admin"),
        ("PrimaryCaBundle", "http://example.com"),
        ("VpcId", "subnet-0123456789abcdef0"),
        ("SubnetIds", "subnet-0123456789abcdef0,x"),
        ("PrimarySecurityGroupId", "x"),
        ("LogRetentionDays", "7"),
        ("Revision", ""),
        ("Revision", None),
        ("Revision", ["x"]),
    ],
)
def test_values_that_cannot_be(tmp_path: Path, name: str, value: Any) -> None:
    (problem,) = checked(tmp_path, entries(GOOD | {name: value}))
    assert problem.code == "GR684"
    assert problem.summary.startswith(f"the value of {name} cannot be: it ")
    assert problem.location
    assert problem.location.line > 1


@pytest.mark.parametrize("text", ["{", "5", "[5]", '[{"a": 1}]', '{"Parameters": 5}', ""])
def test_files_that_are_none(tmp_path: Path, text: str) -> None:
    assert {problem.code for problem in checked(tmp_path, text)} == {"GR681"}


def test_a_file_that_is_not_there_and_a_template_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems(make_plan(Wanted("catalog")), tmp_path, parameters={"databases.yaml": "no.json"})
    assert problem.code == "GR681"
    (problem,) = checked(tmp_path, entries(GOOD), template="database.yaml")
    assert (problem.code, problem.hint) == ("GR681", "one of databases.yaml")
