"""The stores of passwords: the names they take, and how the passwords get out of them again."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from terraform_plans import MADE, Wanted, files, in_store, make_plan, on_mysql

from generator.problems.diagnostic import Diagnostics
from generator.settings.model import Adopted
from generator.stores.names import secret_name
from generator.targets.base import RenderContext
from generator.targets.terraform import TARGET
from generator.targets.terraform.stores import STORES

STANDARD = "backstage/production/database/tech_insights"
PLAN = make_plan(Wanted("auth"), Wanted("tech-insights"), Wanted("todo", database="backstage", schema="todo"))


@pytest.mark.parametrize(
    ("store", "name"),
    [
        ("variables", STANDARD),
        ("aws-secretsmanager", STANDARD),
        ("vault", STANDARD),
        ("aws-ssm", f"/{STANDARD}"),
        ("google-secretmanager", "backstage-production-database-tech_insights"),
        ("azure-keyvault", "backstage-production-database-tech-insights"),
        ("kubernetes", "backstage-production-database-tech-insights"),
    ],
)
def test_the_standard_name_in_every_store(store: str, name: str) -> None:
    assert secret_name(STANDARD, store=store) == name
    assert secret_name(name, store=store) == name
    assert refused(store, name) == []


def refused(store: str, name: str) -> list[str]:
    """The codes of what is wrong with ``name``."""
    plan = make_plan(Wanted("catalog"), store=store)
    diagnostics = Diagnostics()
    plan = plan._replace(roles=tuple(role._replace(secret_name=name) for role in plan.roles))
    TARGET.check(RenderContext(plan=plan, resolved={}), diagnostics)
    assert all(item.path == "credentials.secretName" and item.hint for item in diagnostics)
    return [item.code for item in diagnostics]


@pytest.mark.parametrize(
    ("store", "names"),
    [
        ("aws-secretsmanager", ["a b", "ä", "a" * 513, "a\n"]),
        ("aws-ssm", ["a/b", "/a//b", "/a/", "a b", "/aws/x", "SSMx", "/x" * 16, "x" * 901, "ä"]),
        ("google-secretmanager", ["a/b", "a.b", "", "x" * 256, "ä"]),
        ("azure-keyvault", ["a_b", "a/b", "a.b", "", "x" * 128, "ä"]),
        ("vault", ["/a", "a/", "a//b", "a/../b", "a/.", "a b", "x" * 513, "", "ä", "a?b"]),
        ("kubernetes", ["A", "a_b", "-a", "a-", "a..b", ".a", "x" * 254, "x" * 64, "", "ä"]),
    ],
)
def test_names_a_store_refuses(store: str, names: list[str]) -> None:
    for name in names:
        assert set(refused(store, name)) == {"GR615"}, name


@pytest.mark.parametrize("store", MADE)
def test_a_store_makes_passwords_that_no_state_holds(store: str) -> None:
    found = files(in_store(PLAN, store))
    main = found["databases/modules/postgresql-database/main.tf"]
    assert re.search(r"^  \w*(?:_wo|data_wo) +=", main, re.MULTILINE)
    assert re.search(r"^  \w*(?:_wo_version|_wo_revision) += var.password_version$", main, re.MULTILINE)
    assert not re.search(r"^  (?:secret_string|value|secret_data|data_json|data) +=", main, re.MULTILINE)
    assert not re.search(r'^(?:data "(?!aws_caller_identity|aws_partition|aws_region)|resource "random)', main, re.MULTILINE)
    assert ("ephemeral " in main) == (store != "kubernetes")
    assert "plugin_passwords" not in found["databases/variables.tf"]


def test_a_password_from_elsewhere_is_set() -> None:
    """Another store, or another secret of the same one, has another password: the version of the role must differ."""
    versions = {}
    for store in STORES:
        main = files(in_store(PLAN, store))["databases/modules/postgresql-database/main.tf"]
        (versions[store],) = re.findall(r"^  password_wo_version += (.+)$", main, re.MULTILINE)
    assert len(set(versions.values())) == len(STORES)
    made = {store: re.search(r"\b\w+\.plugin\.\w+", version) for store, version in versions.items()}
    assert [store for store in sorted(STORES) if not made[store]] == ["variables"]
    # PostgreSQL drops an MD5 password when its role is renamed: it has to be set again.
    assert {store for store, version in versions.items() if not version.endswith('/${var.role}"')} == set()


#: The secrets that can be imported without their value.
CONTAINERS = {"aws-secretsmanager": "aws_secretsmanager_secret", "google-secretmanager": "google_secret_manager_secret"}


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("store", sorted(STORES))
def test_a_secret_that_is_there(store: str, version: int) -> None:
    """Adopted where that brings no password into the state, else written over; its password is kept while it is wanted."""
    there = Adopted(
        "primary", ("backstage_plugin_auth",), (), ("backstage_auth",), (("backstage_auth", version), ("gone", 1))
    )
    found = files(in_store(PLAN, store)._replace(adopted=(there,)))
    text, readme, calls = (found[f"databases/{name}"] for name in ("imports.tf", "README.md", "plugins.tf"))
    taken = re.findall(r"^  to       = (module.auth.\w*secret\w*.plugin)$", text, re.MULTILINE)
    assert taken == ([f"module.auth.{CONTAINERS[store]}.plugin"] if store in CONTAINERS else [])
    assert "secret_version" not in text  # the values of secrets are resources of their own, and nobody imports them
    if store == "aws-secretsmanager":
        assert "id       = data.aws_secretsmanager_secret.auth[each.key].arn" in text
    assert ("import_existing_secrets" in readme) == ("has_secrets" in text) == (store != "variables")
    said = re.findall(r"^  (existing\w+) += (.*)$", calls, re.MULTILINE)
    if store == "variables":
        assert said == []
    elif store == "kubernetes":
        brought = 'local.has_secrets ? var.existing_passwords["backstage-production-database-auth"] : null'
        assert said == ([("existing_password", brought)] if version == 1 else [])
        assert ("existing_passwords" in found["databases/variables.tf"]) == (version == 1)
    else:
        assert said == [("existing_password_version", f"local.has_secrets ? {version} : null")]
    assert ("overwriting_existing_resources" in found["databases/providers.tf"]) == (store == "azure-keyvault")
    if store == "azure-keyvault":
        assert ">= 5.2.0" in found["databases/terraform.tf"]


@pytest.mark.parametrize("store", sorted(set(STORES) - {"variables"}))
def test_a_secret_of_another_name_is_made_before_the_old_one_goes(store: str) -> None:
    main = files(in_store(PLAN, store))["databases/modules/postgresql-database/main.tf"]
    blocks = re.findall(r'^resource "(\w*(?:secret|parameter)\w*)".*?^}', main, re.MULTILINE | re.DOTALL)
    kept = [
        match.group(1)
        for match in re.finditer(r'^resource "(\w*(?:secret|parameter)\w*)".*?^}', main, re.MULTILINE | re.DOTALL)
        if "create_before_destroy = true" in match.group()
    ]
    # A version of a secret is nothing without the secret: of two resources one forces the other.
    assert kept == (blocks[-1:] if store == "google-secretmanager" else blocks[:1])


def test_vault_writes_over_nothing_before_the_server_is_asked() -> None:
    """Where the state is lost, the databases stop the apply; so the secrets wait for them, wherever they are made."""
    schema = [Wanted(name, database="portal", schema=name) for name in ("auth", "catalog")]
    group = [Wanted(name, database="portal") for name in ("auth", "catalog")]
    shared = [Wanted(name, role="portal") for name in ("auth", "catalog")]
    for wanted, calls, waits in (
        (make_plan(Wanted("auth")), "plugins.tf", []),  # the module of a plugin has its database
        (make_plan(*schema), "plugins.tf", ["[module.database_portal.created]"] * 2),
        (make_plan(*group), "plugins.tf", ["[module.database_portal.database]"] * 2),
        (make_plan(*shared), "roles.tf", ["[module.auth.database, module.catalog.database]"]),
        (make_plan(*shared, servers=on_mysql()), "roles.tf", ["[module.auth.database, module.catalog.database]"]),
        (make_plan(*group, servers=on_mysql()), "plugins.tf", ["[module.database_portal.database]"] * 2),
    ):
        found = files(in_store(wanted, "vault"))
        assert re.findall(r"^  after += (.*)$", found[f"databases/{calls}"], re.MULTILINE) == waits
        makes = [
            text for path, text in found.items() if path.endswith("main.tf") and 'resource "vault_kv_secret_v2"' in text
        ]
        assert makes
        for main in makes:
            (block,) = re.findall(r'^resource "vault_kv_secret_v2".*?^}', main, re.MULTILINE | re.DOTALL)
            assert re.search(r"^  depends_on = \[(?:var\.after|\w+_database\.plugin)\]$", block, re.MULTILINE)
        # Not by way of a grant: those are made anew with a new name of the database, and would have to be made first then.
        for text in found.values():
            created = re.findall(r'^output "created".*?^}', text, re.MULTILINE | re.DOTALL)
            assert all("_grant" not in block for block in created)


def test_a_new_role_name_leaves_a_parameter_alone() -> None:
    """The provider would send an empty value along with a new description."""
    main = files(in_store(PLAN, "aws-ssm"))["databases/modules/postgresql-database/main.tf"]
    (block,) = re.findall(r'^resource "aws_ssm_parameter".*?^}', main, re.MULTILINE | re.DOTALL)
    assert "var.role" not in block


@pytest.mark.parametrize("store", sorted(STORES))
@pytest.mark.parametrize("file", [None, "/run/secrets/{}-password", "/run/{}/password", "secrets/{}.txt"])
def test_what_the_readme_says_about_the_container(store: str, file: str | None) -> None:
    plan = in_store(PLAN, store, file)
    readme = files(plan)["databases/README.md"]
    documents = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)]
    assert documents
    found = [item for document in documents for item in arrives(document, documents)]
    # Every way there is brings every password to where app-config looks for it.
    wanted = {(role.delivery.file and file_path(role.delivery.file)) or role.delivery.env for role in plan.roles}
    ways = len(found) // len(wanted)
    assert sorted(found) == sorted([*wanted] * ways)
    in_one_folder = file is not None and "{}/" not in file  # as a CSI driver wants it
    assert ways == (2 if in_one_folder and store not in ("variables", "kubernetes") else 1)
    for role in plan.roles:
        if store != "variables":
            assert role.secret_name in readme
        assert (role.delivery.file or role.delivery.env) in readme or "ECS" in readme or file is not None
    if file and not file.startswith("/"):
        assert "The files lie beside app-config" in readme


def file_path(file: str) -> str:
    """A file beside app-config, as if app-config lay in the root."""
    return file if file.startswith("/") else f"/{file}"


def arrives(document: dict[str, Any], others: list[dict[str, Any]]) -> list[str]:
    """The environment variables and files a Deployment gets; a Secret has the keys some other manifest makes."""
    if "kind" in document:
        return []
    spec = document["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    external = next((item for item in others if item.get("kind") == "ExternalSecret"), None)
    made = [item["secretKey"] for item in external["spec"]["data"]] if external else []
    found = [item["name"] for item in container.get("env", ())]
    if "envFrom" in container:
        (source,) = container["envFrom"]
        assert external is None or source["secretRef"]["name"] == external["spec"]["target"]["name"]
        found += made or [role.delivery.env for role in PLAN.roles]
    for mount in container.get("volumeMounts", ()):
        (volume,) = [item for item in spec["volumes"] if item["name"] == mount["name"]]
        for key, path in contents(volume, others):
            assert not made or key is None or key in made
            found.append(f"{mount['mountPath'].rstrip('/')}/{path}")
    return found


def contents(volume: dict[str, Any], others: list[dict[str, Any]]) -> list[tuple[str | None, str]]:
    """Key and path of every file in a volume."""
    if "secret" in volume:
        return [(item["key"], item["path"]) for item in volume["secret"]["items"]]
    if "projected" in volume:
        return [(None, item["path"]) for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
    name = volume["csi"]["volumeAttributes"]["secretProviderClass"]
    (provider,) = [item for item in others if item.get("kind") == "SecretProviderClass"]
    assert provider["metadata"]["name"] == name
    parameters = provider["spec"]["parameters"]
    objects = yaml.safe_load(parameters.get("objects") or parameters["secrets"])
    if isinstance(objects, dict):  # Azure: a list of texts that are YAML
        objects = [yaml.safe_load(text) for text in objects["array"]]
    return [(None, csi_path(item, provider["spec"]["provider"])) for item in objects]


def csi_path(item: dict[str, Any], provider: str) -> str:
    """The file a CSI driver makes of an object."""
    if provider == "aws" and "jmesPath" in item:
        (part,) = item["jmesPath"]
        assert part["path"] == "password"
        return str(part["objectAlias"])
    key = {"aws": "objectAlias", "gcp": "path", "azure": "objectAlias", "vault": "objectName"}[provider]
    return str(item[key])


def test_only_stores_of_objects_have_a_property() -> None:
    for store in MADE:
        readme = files(in_store(PLAN, store))["databases/README.md"]
        if store != "kubernetes":
            assert ("property: password" in readme) == (store in ("aws-secretsmanager", "vault"))
    assert '["auth"].secret_arn}:password::"' in files(in_store(PLAN, "aws-secretsmanager"))["databases/README.md"]
    assert '["auth"].secret_arn}"' in files(in_store(PLAN, "aws-ssm"))["databases/README.md"]


def test_hostile_names_do_not_leave_their_place_in_the_readme() -> None:
    roles = tuple(
        role._replace(secret_name="a'; rm -rf /\n```\n: x", delivery=role.delivery._replace(file="/run/`x`\n```/$(id)"))
        for role in make_plan(Wanted("catalog")).roles
    )
    for store in sorted(STORES):
        plan = make_plan(Wanted("catalog"), store=store)
        plugins = tuple(plugin._replace(role=roles[0]) for plugin in plan.plugins)
        readme = files(plan._replace(roles=roles, plugins=plugins))["databases/README.md"]
        assert readme.count("\n```") % 2 == 0
        for text in re.findall(r"\n```yaml\n(.*?)\n```", readme, re.DOTALL):
            yaml.safe_load(text)
