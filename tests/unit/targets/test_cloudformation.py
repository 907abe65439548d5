"""The cloudformation target: what it writes for every shape of a plan."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from cloudformation_plans import context, files, in_stacks, on, render, shapes, with_iam
from terraform_plans import Wanted, make_plan, retired

from generator.clouds import server_logs
from generator.targets.base import Artifact
from generator.targets.cloudformation import FUNCTIONS, TARGET
from generator.targets.cloudformation.limits import BYTES, OUTPUTS, PARAMETERS, RESOURCES, count
from generator.targets.cloudformation.readback import Function, load_template
from generator.targets.cloudformation.shape import Shape, stack_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cloudformation_plans import Case

    from generator.planning.model import Plan

SHAPES = shapes()


@pytest.fixture(params=sorted(SHAPES))
def case(request: pytest.FixtureRequest) -> Case:
    return SHAPES[str(request.param)]


def templates(case: Case) -> dict[str, dict[str, Any]]:
    return {path: load_template(text) for path, text in files(case[0], **case[1]).items() if path.endswith(".yaml")}


# --- every shape ------------------------------------------------------------------------------------------------------


def expected(plan: Plan) -> set[tuple[str, ...]]:
    """What ``plan`` says has to exist."""
    found: set[tuple[str, ...]] = {("database", item.server, item.name) for item in plan.databases}
    found |= {("role", item.server, item.name) for item in plan.roles}
    found |= {("role", item.server, item.group) for item in plan.databases if item.group}
    found |= {("schema", item.server, item.database.name, item.schema) for item in plan.plugins if item.schema}
    return found


def test_the_functions_may_be_imported_beside() -> None:
    """A name of the target that is a package below it too would be that package from then on."""
    import generator.targets.cloudformation as target
    import generator.targets.cloudformation.functions.plugin_databases.scram  # noqa: F401

    assert [artifact.path for artifact in target.function_files() if artifact.path.endswith("/scram.py")]


def test_what_is_rendered_creates_what_is_planned(case: Case) -> None:
    assert TARGET.read_back(render(case[0], **case[1])) == expected(case[0])


def test_the_same_plan_gives_the_same_bytes(case: Case) -> None:
    assert render(case[0], **case[1]) == render(case[0], **case[1])


def test_files_are_clean(case: Case) -> None:
    artifacts = render(case[0], **case[1])
    assert [item.path for item in artifacts] == sorted(item.path for item in artifacts)
    for path, text in files(case[0], **case[1]).items():
        assert text.endswith("\n"), path
        assert not text.endswith("\n\n"), path
        assert "\r" not in text
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), path
        assert "\n\n\n" not in text, path


def references(value: Any) -> Iterator[str]:
    """Every logical id or parameter that ``value`` refers to."""
    if isinstance(value, Function):
        if value.name == "Ref":
            yield value.value
        elif value.name == "GetAtt":
            yield value.value.partition(".")[0]
        elif value.name == "Sub":
            text, given = (value.value, {}) if isinstance(value.value, str) else value.value
            yield from (name for name in re.findall(r"\$\{([^!}]+)\}", text) if name not in given)
            yield from references(given)
        elif value.name != "Condition":
            yield from references(value.value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_every_reference_leads_somewhere_and_every_parameter_is_used(case: Case) -> None:
    for path, template in templates(case).items():
        parts = [template[name] for name in ("Rules", "Conditions", "Resources", "Outputs") if name in template]
        used = {name for name in references(parts) if not name.startswith("AWS::")}
        assert used <= {*template["Parameters"], *template["Resources"]}, path
        assert set(template["Parameters"]) <= used, path


def test_nested_stacks_get_every_parameter_they_have(case: Case) -> None:
    found = templates(case)
    for stack in found["databases.yaml"]["Resources"].values():
        if stack["Type"] == "AWS::CloudFormation::Stack":
            assert set(stack["Properties"]["Parameters"]) == set(found[stack["Properties"]["TemplateURL"]]["Parameters"])
            assert {stack["DeletionPolicy"], stack["UpdateReplacePolicy"]} == {"Delete"}


def test_imports_are_exported(case: Case) -> None:
    found = templates(case)
    imported = set(re.findall(r'Fn::ImportValue": !Sub "\$\{\w+Stack\}-(\w+)"', files(case[0], **case[1])["databases.yaml"]))
    exported = {
        name
        for path, template in found.items()
        if path.startswith("server-")
        for name, output in template["Outputs"].items()
        if output["Export"]["Name"].value == f"${{AWS::StackName}}-{name}"
    }
    assert imported <= exported


def test_every_value_of_a_secret_is_a_property_of_what_uses_it(case: Case) -> None:
    """A change of the template makes a new password; what does not hear of it would keep the old one."""
    for template in templates(case).values():
        resources = template["Resources"]
        for properties in (resource["Properties"] for resource in resources.values()):
            if "SecretArn" in properties:
                secret = resources[properties["SecretArn"].value]["Properties"]["GenerateSecretString"]
                assert json.loads(secret["SecretStringTemplate"]) == {
                    "username": properties["Role"],
                    "passwordVersion": int(properties["PasswordVersion"]),
                }


def test_no_shape_holds_a_password_and_all_data_is_kept(case: Case) -> None:
    droppable = {"PluginCatalogSecret", "PluginCatalogDatabase"} if "allowDrop" in case[1] else set()
    for template in templates(case).values():
        assert "Transform" not in template
        for name, resource in template["Resources"].items():
            if resource["Type"].startswith("Custom::") or resource["Type"] == "AWS::SecretsManager::Secret":
                kept = "Retain" if resource["Type"].startswith("Custom::") else "RetainExceptOnCreate"
                assert resource["DeletionPolicy"] == ("Delete" if name in droppable else kept)
                # Another host makes another resource: what is on the old server stays there, droppable or not.
                assert resource["UpdateReplacePolicy"] == "Retain"
                assert resource["Properties"].get("OnDelete", "Retain") == (
                    "Drop" if name == "PluginCatalogDatabase" and droppable else "Retain"
                )
            if resource["Type"] == "AWS::SecretsManager::Secret":
                assert isinstance(resource["Properties"]["Name"], str)
                assert "SecretString" not in resource["Properties"]
    assert "resolve:" not in "".join(files(case[0], **case[1]).values())


def test_the_counts_are_never_too_small(case: Case) -> None:
    shape = Shape.of(context(*case))
    found = templates(case)
    for stack in shape.stacks:
        template = found[stack_file(stack)]
        resources, outputs = count(shape, stack)
        assert len(template["Resources"]) <= resources <= len(template["Resources"]) + 8
        assert len(template.get("Outputs", {})) <= outputs <= len(template.get("Outputs", {})) + 2


def test_nothing_to_provision_is_no_file() -> None:
    assert render(make_plan(servers=[])) == []
    assert render(make_plan(gone=[retired("old")], servers=[])) == []


# --- the common case --------------------------------------------------------------------------------------------------


def block(text: str, comment: str) -> str:
    """What stands below a comment of a template, up to the next one."""
    return re.split(r"\n\n", text.split(f"  # {comment}\n")[1])[0:1][0]


def test_a_plugin_is_one_secret_and_one_resource() -> None:
    text = files(make_plan(Wanted("auth"), Wanted("catalog")))["databases.yaml"]
    start = text.index("  # Plugin catalog.\n")
    assert text[start : text.index("\nOutputs:")] == (
        """\
  # Plugin catalog.
  PluginCatalogSecret:
    Type: AWS::SecretsManager::Secret
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    Properties:
      Name: backstage/production/database/catalog
      Description: "Password of the role backstage_catalog of Backstage."
      KmsKeyId: !GetAtt EncryptionKey.Arn
      GenerateSecretString:
        SecretStringTemplate: '{"passwordVersion": 1, "username": "backstage_catalog"}'
        GenerateStringKey: password
        PasswordLength: 32
        ExcludePunctuation: true
      Tags:
        - Key: greenroom-environment
          Value: production

  PluginCatalogDatabase:
    Type: Custom::PluginDatabase
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties:
      ServiceToken: !GetAtt ProviderFunction.Arn
      ServiceTimeout: 660
      Revision: !Ref Revision
      Engine: postgresql
      Host: !Ref PrimaryHost
      Port: !Ref PrimaryPort
      AdminSecretArn: !Ref PrimaryAdminSecretArn
      AdminDatabase: !Ref PrimaryAdminDatabase
      CaBundle: !Ref PrimaryCaBundle
      PluginId: catalog
      Database: backstage_plugin_catalog
      Role: backstage_catalog
      SecretArn: !Ref PluginCatalogSecret
      PasswordVersion: "1"
"""
    )


def test_a_new_plugin_adds_its_block_and_its_output_and_changes_nothing() -> None:
    before = files(make_plan(Wanted("auth"), Wanted("catalog")))
    after = files(make_plan(Wanted("auth"), Wanted("badges"), Wanted("catalog")))
    old, new = before.pop("databases.yaml").splitlines(), after.pop("databases.yaml").splitlines()
    start = new.index("  # Plugin badges.")
    end = new.index("  # Plugin catalog.")
    output = new.index("  PluginBadgesSecretArn:")
    assert [*new[:start], *new[end:output], *new[output + 3 :]] == old
    before.pop("README.md"), after.pop("README.md")  # it counts them
    assert before == after


def test_a_plugin_that_is_gone_is_gone_from_the_template_alone() -> None:
    plan = make_plan(Wanted("auth"), gone=[retired("catalog")])
    assert files(plan) == files(make_plan(Wanted("auth")))


def test_a_rename_is_another_value_under_the_same_id() -> None:
    old = load_template(files(make_plan(Wanted("catalog")))["databases.yaml"])["Resources"]
    renamed = make_plan(Wanted("catalog", database="portal"), renamed={"portal": "backstage_plugin_catalog"})
    new = load_template(files(renamed)["databases.yaml"])["Resources"]
    assert old.keys() == new.keys()
    changed = {name for name in old if old[name] != new[name]}
    assert changed == {"PluginCatalogDatabase"}  # the password stays what it is
    assert new["PluginCatalogDatabase"]["Properties"]["Database"] == "portal"


def test_a_new_password_version_changes_the_secret_and_tells_the_function() -> None:
    old = load_template(files(make_plan(Wanted("catalog")))["databases.yaml"])["Resources"]
    new = load_template(files(make_plan(Wanted("catalog"), password_version=2))["databases.yaml"])["Resources"]
    assert '"passwordVersion": 2' in str(new["PluginCatalogSecret"]["Properties"]["GenerateSecretString"])
    assert new["PluginCatalogDatabase"]["Properties"]["PasswordVersion"] == "2"
    assert {name for name in old if old[name] != new[name]} == {"PluginCatalogDatabase", "PluginCatalogSecret"}


def test_what_is_adopted_says_so_and_nothing_else_does() -> None:
    plan, options = SHAPES["adopted"]
    resources = load_template(files(plan, **options)["databases.yaml"])["Resources"]
    adopting = {name for name, resource in resources.items() if "Adopt" in resource["Properties"]}
    assert adopting == {"PluginAuthDatabase", "PluginCatalogDatabase"}
    assert resources["PluginAuthDatabase"]["Properties"]["Adopt"] == "true"


def test_a_role_stays_shared_when_the_other_plugins_are_retired() -> None:
    shared = make_plan(Wanted("auth", role="r"), Wanted("search", role="r"))
    alone = make_plan(Wanted("auth", role="r"), gone=[retired("search", role="r")])
    for plan in (shared, alone):
        resources = load_template(files(plan)["databases.yaml"])["Resources"]
        assert resources["PluginAuthDatabase"]["Properties"]["RoleOf"] == "shared"
        assert resources["SharedRRole"]["Properties"]["Role"] == "r"


def test_one_role_for_all_plugins() -> None:
    plan = make_plan(Wanted("auth", role="backstage"))
    common = plan.roles[0]._replace(is_common=True)
    plan = plan._replace(roles=(common,), plugins=tuple(item._replace(role=common) for item in plan.plugins))
    resources = load_template(files(plan)["databases.yaml"])["Resources"]
    assert "SharedBackstageRole" in resources
    assert "SharedBackstageSecret" in resources
    assert "PluginAuthSecret" not in resources


def test_without_passwords_there_is_no_secret_and_a_policy() -> None:
    resources = load_template(files(with_iam(make_plan(Wanted("auth"), Wanted("catalog"))))["databases.yaml"])["Resources"]
    assert not [name for name, resource in resources.items() if resource["Type"] == "AWS::SecretsManager::Secret"]
    assert resources["PluginAuthDatabase"]["Properties"]["Auth"] == "iam"
    (statement,) = resources["BackstageSignIn"]["Properties"]["PolicyDocument"]["Statement"]
    assert [item.value[0].rpartition("/")[2] for item in statement["Resource"]] == ["backstage_auth", "backstage_catalog"]
    statements = resources["ProviderRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    assert "SecretsOfPlugins" not in {item["Sid"] for item in statements}


def test_a_policy_for_many_roles_names_what_they_begin_with() -> None:
    plan = with_iam(make_plan(*[Wanted(f"plugin-{number:03}") for number in range(80)]))
    (statement,) = load_template(files(plan)["databases.yaml"])["Resources"]["BackstageSignIn"]["Properties"][
        "PolicyDocument"
    ]["Statement"]
    (arn,) = statement["Resource"]
    assert arn.value[0].endswith("/backstage_plugin-0*")


def test_the_data_api_needs_no_vpc() -> None:
    plan, options = SHAPES["data API"]
    template = load_template(files(plan, **options)["databases.yaml"])
    kinds = {resource["Type"] for resource in template["Resources"].values()}
    assert not {kind for kind in kinds if kind.startswith("AWS::EC2::")}
    assert "SqlFunction" not in template["Resources"]
    assert not {"VpcId", "SubnetIds", "PrimaryCaBundle"} & set(template["Parameters"])
    assert template["Resources"]["PluginAuthDatabase"]["Properties"]["ClusterArn"] == Function("Ref", "PrimaryClusterArn")
    assert "Environment" not in template["Resources"]["ProviderFunction"]["Properties"]


def test_the_functions_may_read_the_plugins_secrets_and_no_others() -> None:
    resources = load_template(files(make_plan(Wanted("auth"), Wanted("catalog")))["databases.yaml"])["Resources"]
    statements = {
        item["Sid"]: item for item in resources["ProviderRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    }
    assert statements["SecretsOfPlugins"]["Resource"].value.endswith(":secret:backstage/production/database/*")
    assert statements["SecretsOfPlugins"]["Condition"] == {
        "StringEquals": {"aws:ResourceTag/greenroom-environment": "production"}
    }
    assert statements["SecretsOfAdministrators"]["Resource"] == [Function("Ref", "PrimaryAdminSecretArn")]
    actions = {
        action
        for item in statements.values()
        for action in ([item["Action"]] if isinstance(item["Action"], str) else item["Action"])
    }
    assert actions == {
        "kms:Decrypt",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "secretsmanager:GetSecretValue",
    }


def test_the_functions_are_copied_as_they_are() -> None:
    written = {item.path: item.text for item in render(make_plan(Wanted("auth"))) if item.path.startswith("functions/")}
    assert "functions/requirements.txt" in written or not FUNCTIONS.is_dir()
    for path, text in written.items():
        assert text.encode() == (FUNCTIONS.parent / path).read_bytes()
    assert not [path for path in written if "__pycache__" in path]


def test_the_example_of_parameters_has_them_all_and_would_do() -> None:
    from generator.targets.cloudformation.templates import root_parameters

    for plan, options in SHAPES.values():
        shape = Shape.of(context(plan, options))
        entries = json.loads(files(plan, **options)["parameters.example.json"])
        values = {entry["ParameterKey"]: entry["ParameterValue"] for entry in entries}
        assert values.keys() == {str(item.name) for item in root_parameters(shape)}
        assert [item.problem(values[item.name]) for item in root_parameters(shape) if item.problem(values[item.name])] == []


# --- sizes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("plugins", "stacks", "resources"), [(10, 1, 30), (200, 2, 331), (1000, 7, 336)])
def test_sizes(plugins: int, stacks: int, resources: int) -> None:
    plan = in_stacks(make_plan(*[Wanted(f"plugin-{number:04}") for number in range(plugins)]), 160)
    found = {path: text for path, text in files(plan).items() if path.endswith(".yaml")}
    assert len(found) == stacks
    parsed = {path: load_template(text) for path, text in found.items()}
    assert len(parsed["databases.yaml"]["Resources"]) == resources
    for path, template in parsed.items():
        assert len(template["Resources"]) <= RESOURCES * 0.9
        assert len(template["Outputs"]) <= OUTPUTS * 0.9
        assert len(template["Parameters"]) <= PARAMETERS
        assert len(found[path].encode()) <= BYTES / 2


def test_a_nested_stack_says_whose_its_databases_are_by_the_first_one() -> None:
    plan, options = SHAPES["several stacks"]
    nested = load_template(files(plan, **options)["databases-2.yaml"])
    owners = [item["Properties"]["Owner"].value for item in nested["Resources"].values() if "Owner" in item["Properties"]]
    assert owners
    assert all(re.fullmatch(r"\$\{OwnerPrefix\}/Plugin\w+Database", owner) for owner in owners)
    root = load_template(files(plan, **options)["databases.yaml"])["Resources"]
    assert root["Databases2"]["Properties"]["Parameters"]["OwnerPrefix"].value == (
        "${AWS::AccountId}/${AWS::Region}/${AWS::StackName}"
    )
    assert "SharedGroupDatabase" in root["Databases2"]["DependsOn"]


# --- servers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["postgresql", "mysql"])
@pytest.mark.parametrize("kind", ["aws-rds", "aws-aurora"])
def test_a_created_server_is_hardened(kind: str, engine: str) -> None:
    template = load_template(files(make_plan(Wanted("a"), servers=[on(kind, engine)]))["server-primary.yaml"])
    resources = template["Resources"]
    main = resources["Instance" if kind == "aws-rds" else "Cluster"]
    assert main["DeletionPolicy"] == "Snapshot"
    properties = main["Properties"]
    assert properties["StorageEncrypted"] is True
    assert properties["ManageMasterUserPassword"] is True
    assert "MasterUserPassword" not in properties
    assert properties["EnableIAMDatabaseAuthentication"] is True
    assert properties["CopyTagsToSnapshot"] is True
    settings = resources["ParameterGroup"]["Properties"]["Parameters"]
    if engine == "postgresql":
        assert settings["rds.force_ssl"] == "1"
        # Nothing that a role's password, or a verifier of it, is set with gets into the log.
        assert settings.items() >= server_logs.POSTGRESQL.items()
    else:  # what a cluster calls ON an instance calls 1
        assert settings["require_secure_transport"] == ("1" if kind == "aws-rds" else "ON")
        assert settings["log_output"] == "FILE"
        if kind == "aws-aurora":
            assert settings["server_audit_events"] == "CONNECT"
    assert resources["EncryptionKey"]["DeletionPolicy"] == "Retain"
    assert template["Parameters"]["DeletionProtection"]["Default"] == "true"
    admin = template["Parameters"]["AdminUser"]
    assert re.fullmatch(admin["AllowedPattern"], admin["Default"])
    assert not re.fullmatch(admin["AllowedPattern"], "postgres")
    for instance in (item for item in resources.values() if item["Type"] == "AWS::RDS::DBInstance"):
        assert instance["Properties"]["PubliclyAccessible"] is False
        assert instance["Properties"]["MonitoringInterval"] == 60
        assert instance["Properties"]["EnablePerformanceInsights"] is True


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("10.0.8.0/24", True),
        ("127.0.0.1/32", True),
        ("255.255.255.255/0", True),
        ("10.0.8/24", False),
        ("10.0.8.0/33", False),
        ("10.0.8.0/99", False),
        ("10.0.256.0/24", False),
        ("010.0.8.0/24", False),
        ("10.0.8.0", False),
    ],
)
def test_a_range_of_addresses(text: str, good: bool) -> None:
    parameters = load_template(files(make_plan(Wanted("a")))["databases.yaml"])["Parameters"]
    assert bool(re.fullmatch(parameters["PrimaryCidr"]["AllowedPattern"], text)) is good


# --- reading back -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "- a",
        "a: 1\na: 2",
        "Metadata: {}\nResources: {X: {Type: 'Custom::PluginDatabase'}}",
        "Metadata: {Greenroom: {Servers: {}}}\nResources: {X: {Type: 'Custom::PluginDatabase', Properties: "
        "{Host: !Ref XHost}}}",
        "Metadata: {Greenroom: {Servers: {X: x}}}\nResources: {X: {Type: 'Custom::PluginDatabase', Properties: "
        "{Host: !Ref XHost, Database: [], Role: r}}}",
    ],
)
def test_what_cannot_be_read_back_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"it is|is there twice|cannot be understood"):
        TARGET.read_back([Artifact("databases.yaml", text)])
