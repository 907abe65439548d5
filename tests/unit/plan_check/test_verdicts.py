"""What plan-check says of a plan, for everything that can happen to one of greenroom's objects, and to a user's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from plan_documents import calls, change, document

from generator.plan_check.ownership import is_source
from generator.plan_check.resources import GUARD, MODULE_NAMES, PROTECTED
from generator.plan_check.verdict import Report, judge_plan
from generator.targets.terraform import kinds, mysql_kinds

TEMPLATES = Path(__file__).resolve().parents[3] / "templates" / "terraform"
DATABASE = "module.search.postgresql_database.plugin"
STAYS = change("module.auth.postgresql_database.plugin", "no-op", name="backstage_plugin_auth")
DELETES = change(DATABASE, "delete", name="backstage_plugin_search")


def judge(*changes: dict[str, Any], allow: tuple[str, ...] = (), **more: Any) -> Report:
    """The verdict on a plan in which one plugin stays as it is, and ``changes`` happen."""
    more["called"] = calls("auth") | more.get("called", {})
    return judge_plan(document(STAYS, *changes, **more), "tfplan.json", allow)


def codes(report: Report) -> list[str]:
    return [finding.code for finding in report.findings] + [item.code for item in report.diagnostics]


# --- what may happen --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("actions", [("no-op",), ("create",), ("update",), ("forget",), ("read",), ("create", "forget")])
def test_what_may_happen(actions: tuple[str, ...]) -> None:
    report = judge(change(DATABASE, *actions, name="backstage_plugin_search"), called=calls("search"))
    assert report.verdict == "fine"
    assert report.sentence == "tfplan.json: looked at 2 databases: none is deleted or replaced"


def test_a_rename_in_place_an_import_and_new_grants() -> None:
    renamed = change(DATABASE, "update", name="old", after={"name": "new"})
    adopted = change("module.search.postgresql_role.plugin", "update", name="x", importing={"id": "x"})
    grant = change("module.search.postgresql_grant.public", "delete", "create", before={"database": "old"})
    report = judge(renamed, adopted, grant, called=calls("search"))
    assert (report.verdict, report.looked) == ("fine", {"database": 2, "role": 1})


def test_what_terraform_lets_go_of_is_said() -> None:
    report = judge(change(DATABASE, "forget", name="backstage_plugin_search"))
    assert report.released == [(DATABASE, "database", "backstage_plugin_search")]


@pytest.mark.parametrize("kind", ["google_secret_manager_secret_version", "aws_secretsmanager_secret_version"])
def test_a_rotation_is_no_loss(kind: str) -> None:
    """Google cannot change a version: each new password is a new one, and the old one goes when the new one is there."""
    address = f"module.auth.{kind}.plugin"
    report = judge(change(address, "create", "delete", before={}, replace_paths=[["secret_data_wo_version"]]))
    assert report.verdict == "fine"
    assert report.sentence == (
        "tfplan.json: looked at 1 database and 1 secret version: no other is deleted or replaced; "
        "a new version takes the place of 1 secret version"
    )
    assert judge(change(address, "delete", before={}, deposed="abc")).verdict == "fine"
    assert codes(judge(change(address, "delete", "create", before={}))) == ["GR911"]
    assert codes(judge(change(address, "delete", before={}))) == ["GR910"]


# --- what may not -----------------------------------------------------------------------------------------------------


def _address(kind: str, name: str) -> str:
    return f"module.search.{kind}.{name}" if name in MODULE_NAMES else f"{kind}.{name}"


EVERY = [(item.type, name) for item in PROTECTED.values() if item is not GUARD for name in item.names]


@pytest.mark.parametrize(("kind", "name"), EVERY)
@pytest.mark.parametrize(
    ("actions", "code", "action"),
    [
        (("delete",), "GR910", "delete"),
        (("delete", "create"), "GR911", "replace"),
        (("create", "delete"), "GR912", "createThenDelete"),
    ],
)
def test_every_loss_is_found(kind: str, name: str, actions: tuple[str, ...], code: str, action: str) -> None:
    report = judge(change(_address(kind, name), *actions, before={}))
    if PROTECTED[kind].rotates and code == "GR912":
        assert report.verdict == "fine"
        return
    assert report.verdict == "refused"
    ((finding),) = report.findings
    assert (finding.code, finding.action, finding.address) == (code, action, _address(kind, name))


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_a_deposed_object_is_one_too(kind: str, name: str) -> None:
    report = judge(change(_address(kind, name), "delete", before={}, deposed="8a1c"))
    assert report.verdict == ("fine" if PROTECTED[kind].rotates else "refused")


def test_the_names_of_what_is_lost() -> None:
    report = judge(
        DELETES,
        change("module.search.postgresql_schema.plugin", "delete", before={"database": "portal", "name": "search"}),
        change(
            "module.search.kubernetes_secret_v1.plugin", "delete", before={"metadata": [{"name": "s", "namespace": "n"}]}
        ),
        change("module.search.mysql_user.plugin", "delete", before={"user": "u", "host": "%"}),
        change("module.acting_owner.postgresql_role.group", "delete", name="owner"),
        change("aws_db_instance.database", "delete", before={"identifier": "portal-db"}),
    )
    assert [(finding.plugin, finding.module, finding.noun, finding.name) for finding in report.findings] == [
        (None, None, "server", "portal-db"),
        (None, "module.acting_owner", "role", "owner"),
        ("search", "module.search", "secret", "s"),
        ("search", "module.search", "role", "u"),
        ("search", "module.search", "database", "backstage_plugin_search"),
        ("search", "module.search", "schema", "portal.search"),
    ]


def test_a_plugin_by_its_own_id() -> None:
    """A label is not always the id: the configuration has it, and the state has what the last apply knew."""
    address = "module.tech_insights.postgresql_database.plugin"
    called = calls("tech_insights")
    called["tech_insights"]["expressions"]["plugin_id"]["constant_value"] = "tech.insights"
    (finding,) = judge(change(address, "delete", "create", name="x"), called=called).findings
    assert finding.plugin == "tech.insights"
    plan = document(STAYS, change(address, "delete", name="x"), called=calls("auth"))
    plan["prior_state"]["values"]["outputs"] = {"plugins": {"value": {"tech_insights": {"plugin_id": "tech.insights"}}}}
    (finding,) = judge_plan(plan, "x").findings
    assert finding.plugin == "tech.insights"


def test_what_is_secret_is_not_shown() -> None:
    for marked in (True, {"name": True}):
        report = judge(change(DATABASE, "delete", name="hunter2", before_sensitive=marked))
        assert "hunter2" not in str(report.to_json())
        assert report.findings[0].summary == "the plan deletes the database of plugin 'search'"


def test_the_same_object_under_another_address() -> None:
    deleted = change(DATABASE, "delete", name="shared")
    for other in (
        change("module.finder.postgresql_database.plugin", "no-op", name="shared", importing={"id": "shared"}),
        change("module.finder.postgresql_database.plugin", "create", after={"name": "shared"}),
        change("module.finder.postgresql_database.plugin", "forget", name="shared"),
    ):
        (finding,) = judge(deleted, other, called=calls("finder")).findings
        assert (finding.code, finding.also) == ("GR913", "module.finder.postgresql_database.plugin")


def test_a_users_own_that_is_also_ours() -> None:
    """Somebody hands a database of their own file over to greenroom, and forgets that the file still owns it."""
    mine = change("postgresql_database.mine", "delete", name="backstage_plugin_auth")
    (finding,) = judge(mine).findings
    assert finding.code == "GR913"
    assert finding.hint == "let Terraform forget it instead of deleting it: `terraform state rm 'postgresql_database.mine'`"
    # Schemas of one name in two databases are two schemas.
    own = {"database": "a", "name": "public"}
    ours = change("module.auth.postgresql_schema.plugin", "no-op", before={"database": "b", "name": "public"})
    assert judge(ours, change("postgresql_schema.mine", "delete", before=own)).verdict == "fine"


# --- whose it is ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "postgresql_database.plugin",  # not in a module
        "postgresql_database.reporting",
        "module.search.postgresql_database.mine",  # no name of ours
        'module.search["a"].postgresql_database.plugin',  # greenroom calls no module more than once
        "module.search.aws_db_instance.this",
        "terraform_data.kept",  # no key
        "terraform_data.mine",
        "data.postgresql_schemas.plugin",
    ],
)
def test_a_users_own_resources(address: str) -> None:
    gone = change(address.removeprefix("data."), "delete", name="x")
    if address.startswith("data."):
        gone["mode"] = "data"
    assert judge(gone).verdict == "fine"


def test_a_users_own_module() -> None:
    own = calls("search", source="../modules/database")
    gone = change(DATABASE, "delete", "create", name="x")
    assert judge(gone, called=own).verdict == "fine"
    # A copy of ours under a label that the guard knows is ours all the same.
    guard = change('terraform_data.kept["search"]', "no-op")
    assert codes(judge(gone, guard, called=own)) == ["GR911"]


def test_whoever_calls_the_generated_configuration_as_a_module() -> None:
    inner = {"databases": {"source": "./infra/terraform/databases", "module": {"module_calls": calls("search")}}}
    gone = change("module.databases.module.search.postgresql_database.plugin", "delete", "create", name="x")
    assert codes(judge(gone, called=inner)) == ["GR911"]
    inner["databases"]["module"] = {}
    (finding,) = judge(change(gone["address"], "delete", name="x"), called=inner).findings
    assert "does not know plugin 'search'" in finding.hint
    keyed = gone["address"].replace("module.databases", 'module.databases["a.module.x"]')
    assert codes(judge(change(keyed, "delete", name="x"))) == ["GR910"]


def test_what_was_ours_before_it_was_moved() -> None:
    moved = change("postgresql_database.mine", "delete", name="x", previous_address=DATABASE)
    assert codes(judge(moved)) == ["GR910"]
    assert (
        judge(change("postgresql_database.mine", "delete", name="x", previous_address="postgresql_database.y")).findings
        == []
    )


def test_a_server_is_not_in_the_configuration_of_the_databases() -> None:
    """Where the guard is, a server of that name is the user's."""
    server = change("aws_db_instance.database", "delete", before={"identifier": "x"})
    guard = change('terraform_data.kept["auth"]', "no-op")
    assert codes(judge(server)) == ["GR910"]
    assert judge(server, guard).verdict == "fine"


# --- the guard --------------------------------------------------------------------------------------------------------


def test_a_guard_that_goes() -> None:
    guard = change('terraform_data.kept["auth"]', "delete", action_reason="delete_because_no_resource_config")
    (finding,) = judge(guard).findings
    assert (finding.code, finding.plugin, finding.module) == ("GR914", "auth", "module.auth")
    assert "restore guard.tf" in finding.hint
    (finding,) = judge(change('terraform_data.kept["search"]', "delete")).findings
    assert "does not know plugin 'search'" in finding.hint
    nested = {"inner": {"source": "./databases", "module": {"module_calls": calls("auth")}}}
    (finding,) = judge(change('module.inner.terraform_data.kept["auth"]', "delete"), called=nested).findings
    assert (finding.plugin, finding.module) == ("auth", "module.inner.module.auth")


# --- what to do -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "called", "hint"),
    [
        (DELETES, {}, "rebase on the branch that does; or run `greenroom generate --base REF`"),
        (DELETES, calls("search", resources=(("postgresql_database", "plugin"),)), "is it a plan of `terraform destroy`?"),
        (DELETES, calls("search"), "the passwords have another store, say"),
        (change("aws_db_instance.database", "delete", before={}), {}, "is it a plan of `terraform destroy`?"),
        (
            change(DATABASE, "delete", "create", name="x", action_reason="replace_because_tainted"),
            calls("search"),
            "`terraform untaint 'module.search.postgresql_database.plugin'`",
        ),
        (
            change(DATABASE, "delete", "create", name="x", action_reason="replace_by_request"),
            calls("search"),
            "plan again without -replace",
        ),
        (
            change(DATABASE, "delete", "create", name="x", replace_paths=[["encoding"], ["template"]]),
            calls("search"),
            "a new value of `encoding`, `template` replaces it, and what it holds is lost: take the change back",
        ),
        (
            change("module.search.aws_secretsmanager_secret.plugin", "create", "delete", name="x", replace_paths=[["name"]]),
            calls("search"),
            "Accept it with --allow when whatever reads the old one reads the new one from then on",
        ),
        (
            change("module.search.aws_ssm_parameter.plugin", "delete", "create", name="x"),
            calls("search"),
            "Backstage finds neither",
        ),
    ],
)
def test_what_to_do(item: dict[str, Any], called: dict[str, Any], hint: str) -> None:
    (finding,) = judge(item, called=called).findings
    assert hint in finding.hint


# --- --allow ----------------------------------------------------------------------------------------------------------


def test_what_is_accepted() -> None:
    role = change("module.search.postgresql_role.plugin", "delete", name="backstage_search")
    report = judge(DELETES, role, allow=(DATABASE,))
    assert report.verdict == "refused"
    assert [finding.allowed for finding in report.findings] == [True, False]
    assert report.sentence == (
        "tfplan.json: do not apply this plan: it would delete or replace 1 object (1 accepted with --allow)"
    )
    report = judge(DELETES, role, allow=(DATABASE, role["address"]))
    assert report.verdict == "fine"
    assert report.sentence == (
        "tfplan.json: looked at 2 databases and 1 role: no other is deleted or replaced (2 accepted with --allow)"
    )


@pytest.mark.parametrize(
    "address", ["module.search", DATABASE.upper(), f" {DATABASE}", "module.auth.postgresql_database.plugin"]
)
def test_an_allowance_for_nothing_is_an_error(address: str) -> None:
    report = judge(allow=(address,))
    assert (report.verdict, codes(report)) == ("unknown", ["GR909"])
    assert judge(DELETES, allow=(address,)).verdict == "refused"


# --- no verdict -------------------------------------------------------------------------------------------------------


def test_a_plan_of_something_else() -> None:
    report = judge_plan(document(change("aws_s3_bucket.logs", "delete"), called=calls("vpc", source="../vpc")), "x")
    assert (report.verdict, codes(report), report.looked) == ("unknown", ["GR908"], {})
    assert codes(judge_plan(document(), "x")) == ["GR908"]


def test_a_plan_that_terraform_gave_up_on() -> None:
    assert codes(judge(errored=True, complete=False, applyable=False)) == ["GR906"]
    report = judge(DELETES, errored=True, complete=False)
    assert (report.verdict, codes(report)) == ("refused", ["GR910", "GR906"])


@pytest.mark.parametrize(
    "more",
    [
        {"complete": False},
        {"deferred_changes": [{"reason": "provider_config_unknown", "resource_change": DELETES | {"address": "x.y"}}]},
        {"prior": (DATABASE,)},  # in the state, and the plan says nothing about it
        {"prior": ('terraform_data.kept["search"]',)},
        {"called": calls("search")},  # in the configuration, and the plan says nothing about it
    ],
)
def test_a_part_of_a_plan(more: dict[str, Any]) -> None:
    report = judge(**more)
    assert "GR907" in codes(report)
    assert report.verdict != "fine"


def test_a_plan_that_only_refreshes() -> None:
    plan = document(called=calls("auth"), prior=("module.auth.postgresql_database.plugin",))
    del plan["resource_changes"]
    report = judge_plan(plan, "x")
    assert codes(report) == ["GR907"]
    (problem,) = report.diagnostics
    assert "it says nothing about module.auth.postgresql_database.plugin and module.auth" in problem.summary


def test_what_is_deferred_is_looked_at_too() -> None:
    assert "GR910" in codes(judge(deferred_changes=[{"reason": "x", "resource_change": DELETES}]))


def test_the_state_of_a_moved_object_is_not_missing() -> None:
    moved = change("module.finder.postgresql_database.plugin", "no-op", name="x", previous_address=DATABASE)
    assert judge(moved, called=calls("finder"), prior=(DATABASE,)).verdict == "fine"


@pytest.mark.parametrize(
    ("path", "damage"),
    [
        ("resource_changes", {"resource_changes": {}}),
        ("resource_changes[0]", {"resource_changes": ["x"]}),
        ("resource_changes[0].address", {"resource_changes": [{"change": {"actions": ["no-op"]}}]}),
        ("resource_changes[0].change.actions", {"resource_changes": [{"address": "a.b", "type": "a", "name": "b"}]}),
        ("resource_changes[0].change.actions", {"resource_changes": [change("a.b", "vanish")]}),
        ("resource_changes[0].change.before", {"resource_changes": [change("a.b", "no-op", before=[1])]}),
        ("resource_changes[0].module_address", {"resource_changes": [change("a.b", "no-op") | {"module_address": 3}]}),
        ("resource_changes[0].previous_address", {"resource_changes": [change("a.b", "no-op", previous_address=None)]}),
        ("deferred_changes[0].change.actions", {"deferred_changes": [{}]}),
        ("prior_state.values.root_module", {"prior_state": {"values": {"root_module": []}}}),
        ("prior_state.values.root_module.resources", {"prior_state": {"values": {"root_module": {"resources": [1]}}}}),
        ("configuration.module_calls.x", {"configuration": {"root_module": {"module_calls": {"x": 1}}}}),
        ("configuration.resources", {"configuration": {"root_module": {"resources": [1]}}}),
    ],
)  # fmt: skip
def test_what_terraform_does_not_write(path: str, damage: dict[str, Any]) -> None:
    report = judge_plan(document(**damage), "x")
    assert (report.verdict, codes(report)) == ("unknown", ["GR905"])
    assert f"`{path}`" in next(iter(report.diagnostics)).summary


def test_modules_without_end() -> None:
    inner: dict[str, Any] = {}
    for _ in range(200):
        inner = {"module_calls": {"x": {"source": "./x", "module": inner}}}
    assert codes(judge_plan(document(configuration={"root_module": inner}), "x")) == ["GR905"]


# --- the list ---------------------------------------------------------------------------------------------------------

#: What can be made anew without anybody losing anything; for some of it there is more to say.
HARMLESS = {
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_iam_role",
    "aws_iam_role_policy_attachment",
    "aws_kms_alias",
    "aws_rds_cluster_instance",  # the data is the cluster's
    "aws_rds_cluster_parameter_group",
    "aws_security_group",
    "aws_vpc_security_group_ingress_rule",
    "azurerm_management_lock",
    "azurerm_postgresql_flexible_server_active_directory_administrator",
    "mysql_grant",
    "postgresql_grant",
    "postgresql_grant_role",
    "postgresql_security_label",
}


def test_every_resource_of_the_templates_is_on_a_list() -> None:
    printed: dict[str, set[str]] = {}
    for path in TEMPLATES.rglob("*.tf.j2"):
        for kind, name in re.findall(r'^resource "([^"]+)" "([^"]+)"', path.read_text(), re.MULTILINE):
            printed.setdefault(kind, set()).add(name)
    variable = {"{{ type }}": GUARD.type, "{{ configuration }}": ""}
    named = {variable.get(kind, kind): names for kind, names in printed.items()}
    named.pop("", None)  # parameters of Azure's servers
    named[GUARD.type] = set(GUARD.names)
    assert {kind: set(item.names) for kind, item in PROTECTED.items()} == {
        kind: names for kind, names in named.items() if kind not in HARMLESS
    }
    assert set(named) - set(PROTECTED) <= HARMLESS


def test_every_module_is_called_from_a_source_that_is_recognised() -> None:
    folder = re.search(r'source = "(\./modules/)\{\{ call\.module \}\}"', (TEMPLATES / "calls.tf.j2").read_text())
    assert folder is not None
    found = [value for module in (kinds, mysql_kinds) for value in vars(module).values() if isinstance(value, kinds.Kind)]
    assert len(found) > 10
    assert [kind.folder for kind in found if not is_source(f"{folder[1]}{kind.folder}")] == []
    assert not is_source("./modules/postgresql-database/../../mine")
    assert not is_source("./modules/postgresql-database\n")
