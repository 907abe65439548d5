"""The servers that Terraform creates: their root module, and how the configuration of the databases gets to know them."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import hcl2
import pytest
from terraform_plans import HOST, Wanted, files, in_store, make_plan, server

from generator.problems.diagnostic import Diagnostics, Severity
from generator.targets.base import RenderContext
from generator.targets.terraform import TARGET, _servers
from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.stores import STORES

if TYPE_CHECKING:
    from pathlib import Path

    from generator.planning.model import Plan

CREATED = sorted(set(KINDS) - {"existing"})
ENGINES = ("mysql", "postgresql")


def created(kind: str, store: str = "variables", engine: str = "postgresql", **fields: Any) -> Plan:
    """A plan with a server that is created."""
    plan = make_plan(Wanted("auth"), Wanted("catalog"), servers=[server()._replace(kind=kind, engine=engine)])
    return in_store(plan, store)._replace(**fields)


def module(kind: str, engine: str = "postgresql", **fields: Any) -> dict[str, str]:
    """The root module of a server."""
    return _servers(created(kind, engine=engine, **fields))


def variables(text: str) -> dict[str, dict[str, Any]]:
    """The variables of a file by name."""
    blocks = hcl2.loads(text).get("variable", [])
    return {name.strip('"'): body for block in blocks for name, body in block.items()}


@pytest.mark.parametrize("kind", CREATED)
@pytest.mark.parametrize("engine", ENGINES)
def test_what_a_server_says_is_what_its_databases_need(kind: str, engine: str) -> None:
    outputs = hcl2.loads(module(kind, engine)["server/outputs.tf"])["output"]
    (output,) = [item['"databases"'] for item in outputs if '"databases"' in item]
    said = set(output["value"])
    found = files(created(kind, engine=engine))
    wanted = variables(found["databases/variables.tf"])
    assert said <= set(wanted)
    # What is left is the user's: passwords, and a file where the system does not know the authority of the certificate.
    left = {name for name, body in wanted.items() if "default" not in body} - said
    certificate = "primary_tls_ca" if engine == "mysql" else "primary_sslrootcert"
    assert left <= {"plugin_passwords", certificate}
    unknown = kind in ("aws-rds", "aws-aurora") or (kind, engine) == ("google-cloudsql", "postgresql")
    assert (certificate in left) == unknown
    assert "primary_admin_password" not in "".join(found.values())


@pytest.mark.parametrize("kind", CREATED)
@pytest.mark.parametrize("store", sorted(STORES))
@pytest.mark.parametrize("engine", ENGINES)
def test_every_store_goes_with_every_kind_and_engine(kind: str, store: str, engine: str) -> None:
    found = files(created(kind, store, engine))
    providers = hcl2.loads(found["databases/providers.tf"])["provider"]
    names = [next(iter(block)).strip('"') for block in providers]
    assert len(names) == len(set(names))
    required = hcl2.loads(found["databases/terraform.tf"])["terraform"][0]["required_providers"][0]
    assert set(names) <= set(required)
    (ephemeral,) = [list(block) for block in hcl2.loads(found["databases/providers.tf"])["ephemeral"]]
    assert "primary_admin" in found["databases/providers.tf"]
    assert ephemeral


@pytest.mark.parametrize("kind", CREATED)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_is_hardened(kind: str, engine: str) -> None:
    main = module(kind, engine)["server/main.tf"]
    assert main.count("prevent_destroy = true") >= 1
    assert "deletion_protection" in main
    assert re.search(r"backup_retention|retained_backups", main)
    assert re.search(r"manage_master_user_password +=|password_wo +=|administrator_password_wo +=", main)
    assert not re.search(r"^ *(?:master_|administrator_|root_)?password +=", main, re.MULTILINE)
    assert re.search(r'force_ssl|require_secure_transport|ssl_mode +="?|ENCRYPTED_ONLY', main)
    assert re.search(r"publicly_accessible +?= +false|ipv4_enabled +?= +false|delegated_subnet_id", main)
    if engine == "postgresql":
        for name, value in {
            "log_statement": "none",
            "log_min_error_statement": "panic",
            "log_min_duration_statement": "-1",
        }.items():
            assert re.search(rf'name += "{name}"\n(?:.*\n)? +value += "{value}"', main), name


@pytest.mark.parametrize("kind", CREATED)
def test_several_servers(kind: str) -> None:
    plan = make_plan(
        Wanted("auth"),
        Wanted("search", server="reporting"),
        servers=[server()._replace(kind=kind), server("reporting", host="db.example.com")._replace(kind=kind)],
    )
    found = files(plan)
    assert {path.split("/")[0] for path in found} == {"databases", "server", "server-reporting"}
    assert "reporting_host" in found["server-reporting/outputs.tf"]
    assert found["databases/providers.tf"].count('provider "postgresql"') == 2
    assert "backstage-production-reporting" in found["server-reporting/variables.tf"]
    assert "> reporting.auto.tfvars.json" in found["databases/README.md"]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [("aws-rds", "primary_resource_id"), ("aws-aurora", "primary_resource_id"), ("google-cloudsql", "primary_instance")],
)
def test_what_signing_in_without_a_password_needs(kind: str, wanted: str) -> None:
    assert wanted in module(kind, credentials="iam")["server/outputs.tf"]
    assert wanted not in module(kind)["server/outputs.tf"]


def test_azure_lets_entra_in_only_where_it_is_wanted() -> None:
    assert "active_directory_auth_enabled = false" in module("azure-flexible")["server/main.tf"]
    found = module("azure-flexible", credentials="iam")
    assert "active_directory_auth_enabled = true" in found["server/main.tf"]
    assert "tenant_id" in variables(found["server/variables.tf"])


def test_an_entra_administrator_lets_roles_in() -> None:
    """Nobody else may set the label of a role: Terraform works as one, and no password of the server's is read."""
    plan = created("azure-flexible")
    roles = {role.name: role._replace(iam="azure") for role in plan.roles}
    plugins = tuple(item._replace(role=roles[item.role.name]) for item in plan.plugins)
    found = files(plan._replace(credentials="iam", roles=tuple(roles.values()), plugins=plugins))
    entra = "azurerm_postgresql_flexible_server_active_directory_administrator"
    assert f'resource "{entra}" "entra"' in found["server/main.tf"]
    assert f"primary_admin_user = {entra}.entra.principal_name" in found["server/outputs.tf"]
    (output,) = [item['"databases"'] for item in hcl2.loads(found["server/outputs.tf"])["output"] if '"databases"' in item]
    wanted = variables(found["databases/variables.tf"])
    missing = {name for name, body in wanted.items() if "default" not in body} - set(output["value"])
    assert missing == {"entra_object_ids"}
    assert set(output["value"]) <= set(wanted)
    assert re.search(r"azure_identity_auth += true", found["databases/providers.tf"])
    assert not re.search(r"password|ephemeral|azurerm", found["databases/providers.tf"] + found["databases/terraform.tf"])
    assert "administrator's password from the cloud's store" not in found["databases/README.md"]
    assert entra not in module("azure-flexible")["server/main.tf"]


@pytest.mark.parametrize(
    ("kind", "engine", "refused", "taken"),
    [
        ("aws-rds", "mysql", "db.t4g.small", "db.t4g.medium"),
        ("aws-aurora", "mysql", "db.t3.medium", "db.t4g.medium"),
        ("aws-rds", "postgresql", None, "db.t4g.micro"),
        ("aws-aurora", "postgresql", None, "db.t4g.medium"),
    ],
)
def test_classes_without_performance_insights(kind: str, engine: str, refused: str | None, taken: str) -> None:
    rules = variables(module(kind, engine)["server/variables.tf"])["instance_class"]["validation"]
    assert len(rules) == (2 if refused else 1)
    if refused:
        (pattern,) = re.findall(r'regex\("(.*?)", var', rules[1]["condition"])
        pattern = pattern.replace("\\\\", "\\")
        assert re.search(pattern, refused)
        assert not re.search(pattern, taken)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", ["aws-rds", "aws-aurora"])
def test_a_minor_version_that_aws_raises_is_not_undone(kind: str, engine: str) -> None:
    """The provider compares what is said only: with a full version the next plan would be a downgrade, which AWS refuses."""
    version = variables(module(kind, engine)["server/variables.tf"])["engine_version"]["default"].strip('"')
    assert re.fullmatch(r"[0-9]+|8\.[04]", version)


TAGS = (("Cost Center", 'r&d "${x}"'), ("team", "portal"))


@pytest.mark.parametrize("kind", CREATED)
def test_tags(kind: str) -> None:
    found = module(kind, tags=TAGS)
    text = found["server/variables.tf" if kind == "azure-flexible" else "server/providers.tf"]
    assert re.search(r'"Cost Center" = "r&d \\"\$\$\{x\}\\""', text)
    hcl2.loads(text)
    assert "portal" not in "".join(module(kind).values())


def test_a_host_that_cannot_be_known() -> None:
    for host, wanted in ((HOST, []), ("db.example.com", ["GR661"]), (None, ["GR661"])):
        plan = make_plan(Wanted("catalog"), servers=[server(host=host)._replace(kind="aws-rds")])
        diagnostics = Diagnostics()
        TARGET.check(RenderContext(plan=plan, resolved={}), diagnostics)
        assert [item.code for item in diagnostics] == wanted
        assert all(item.severity is Severity.WARNING and item.path == "servers.primary.kind" for item in diagnostics)


def test_terraform_fmt_finds_nothing_in_any_server(tmp_path: Path) -> None:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    for kind in CREATED:
        for engine in ENGINES:
            for credentials in ("per-plugin", "iam"):
                for path, text in module(kind, engine, credentials=credentials, tags=TAGS).items():
                    target = tmp_path / f"{kind}-{engine}-{credentials}" / path
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_text(text)
            for path, text in files(created(kind, "azure-keyvault", engine, tags=TAGS)).items():
                target = tmp_path / f"{kind}-{engine}" / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text)
    done = subprocess.run(
        ["terraform", "fmt", "-check", "-diff", "-recursive", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_file_of_variables_is_one_output(tmp_path: Path) -> None:
    """``terraform output -json databases`` prints the bare object: a file of variables as it stands."""
    for kind in CREATED:
        readme = module(kind)["server/README.md"]
        assert "terraform output -json databases > ../databases/primary.auto.tfvars.json" in readme
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")

    def terraform(folder: Path, *arguments: str) -> str:
        done = subprocess.run(["terraform", *arguments, "-no-color"], cwd=folder, capture_output=True, text=True, check=True)
        return done.stdout

    server_folder, databases = tmp_path / "server", tmp_path / "databases"
    server_folder.mkdir()
    databases.mkdir()
    (server_folder / "main.tf").write_text(
        'output "databases" {\n  value = { primary_host = "10.0.0.7", primary_port = 5432 }\n}\n'
    )
    terraform(server_folder, "apply", "-auto-approve")
    (databases / "primary.auto.tfvars.json").write_text(terraform(server_folder, "output", "-json", "databases"))
    (databases / "main.tf").write_text(
        'variable "primary_host" {}\nvariable "primary_port" {}\n'
        'output "found" {\n  value = "${var.primary_host}:${var.primary_port}"\n}\n'
    )
    assert 'found = "10.0.0.7:5432"' in terraform(databases, "apply", "-auto-approve", "-input=false")


@pytest.mark.parametrize("kind", ["aws-rds", "aws-aurora"])
@pytest.mark.parametrize("engine", ENGINES)
def test_another_text_wants_no_group_of_a_name_that_is_taken(kind: str, engine: str) -> None:
    """A group has a fixed name, and another description would force a new one while the server uses the old one."""
    main = module(kind, engine)["server/main.tf"]
    for resource in ("aws_(?:db|rds_cluster)_parameter_group", "aws_security_group"):
        (block,) = re.findall(rf'^resource "{resource}" "database" \{{.*?^\}}', main, re.MULTILINE | re.DOTALL)
        assert re.search(r"^    ignore_changes +?= \[description\]$", block, re.MULTILINE)
        assert "name_prefix" not in block
    # Another family has another name, so the old group may stay until the server has the new one.
    assert '  name        = "${var.name}-${local.family_label}"\n' in main
    assert "create_before_destroy = true" in main


RANGES = {
    "10.0.0.0/16": True,
    "10.1.2.3/32": True,
    "100.64.0.0/10": True,
    "172.16.0.0/12": True,
    "192.168.7.0/24": True,
    "10.1": False,
    "10.0.0.0/99": False,
    "10.0.0.0": False,
    "10.0.0.7/16": False,  # an address, not a network
    "10.0.0.0/7": False,  # and 11.0.0.0/8
    "172.32.0.0/12": False,
    "172.0.0.0/8": False,
    "192.168.0.0/15": False,
    "0.0.0.0/0": False,
    "8.8.8.0/24": False,
    "fd00::/8": False,
    "": False,
}


def test_only_private_ranges_are_let_in(tmp_path: Path) -> None:
    if not shutil.which("terraform"):
        pytest.skip("terraform is not installed")
    block = re.findall(r'^variable "allowed_cidr_blocks".*?^}', module("aws-rds")["server/variables.tf"], re.M | re.S)[0]
    (tmp_path / "main.tf").write_text(block)
    # One test for each range, in one run of Terraform.
    runs = [
        f'run "range_{number}" {{\n  command = plan\n'
        f'  variables {{\n    allowed_cidr_blocks = ["10.2.0.0/16", "{text}"]\n  }}\n'
        + ("" if good else "  expect_failures = [var.allowed_cidr_blocks]\n")
        + "}\n"
        for number, (text, good) in enumerate(RANGES.items())
    ]
    (tmp_path / "ranges.tftest.hcl").write_text("\n".join(runs))
    for arguments in (["init", "-input=false"], ["test", "-no-color"]):
        done = subprocess.run(["terraform", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(RANGES)} passed, 0 failed" in done.stdout
