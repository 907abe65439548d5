"""`terraform validate` and `terraform test` for every store and kind of server whose providers can be had.

Nothing here connects to anything: a plan for a server that is not there creates everything.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import hcl2
import pytest
from store_stand_ins import IdentityStandIn, serving
from terraform_plans import Wanted, files, in_store, make_plan, server, with_secrets

from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.stores import STORES

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = ("mysql", "postgresql")
CASES = [
    pytest.param(kind, store, engine, id=f"{kind} {store} {engine}")
    for kind in KINDS
    for store in sorted(STORES)
    for engine in ENGINES
    # What a store and a kind of server have to do with each other is the same for both engines.
    if kind == "existing" or engine == "postgresql" or store == "variables"
]

#: Beside the test that is generated: each has to be stopped by a rule of the variable.
TESTS = """
run "a_host_that_is_none" {
  command = plan

  variables {
    primary_host = "a b"
  }

  expect_failures = [var.primary_host]
}

run "a_port_that_is_none" {
  command = plan

  variables {
    primary_port = 0
  }

  expect_failures = [var.primary_port]
}
"""

SERVER_TESTS = """
variables {
  google_project = "portal-production"
  google_region  = "europe-west3"
  network        = "projects/portal-production/global/networks/main"
}

run "private_and_encrypted" {
  command = plan

  assert {
    condition     = google_sql_database_instance.database.settings[0].ip_configuration[0].ipv4_enabled == false
    error_message = "It has a public address."
  }

  assert {
    condition     = google_sql_database_instance.database.settings[0].ip_configuration[0].ssl_mode == "ENCRYPTED_ONLY"
    error_message = "It talks without TLS."
  }

  assert {
    condition     = google_sql_database_instance.database.deletion_protection
    error_message = "It can be deleted."
  }
}

run "a_network_that_is_none" {
  command = plan

  variables {
    network = "main"
  }

  expect_failures = [var.network]
}
"""


#: AWS's provider asks AWS who is asking, unless it is told not to.
WITHOUT_AWS = """
provider "aws" {
  skip_credentials_validation = true
  skip_requesting_account_id  = true
}
"""
_UUID = "00000000-0000-0000-0000-000000000000"


class Folder:
    """A rendered configuration, and Terraform in it."""

    def __init__(self, folder: Path, mirror: Path, texts: dict[str, str]) -> None:
        self.folder, self.mirror = folder, mirror
        self.program = shutil.which("terraform") or pytest.skip("terraform is not installed")
        for path, text in texts.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            if path.endswith("/terraform.tf"):
                self._needs(text)
        config = folder / "terraformrc"
        config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "TF_CLI_CONFIG_FILE": str(config),
            "CHECKPOINT_DISABLE": "1",
            "TF_VAR_primary_admin_password": "throw-away-password",
            "TF_VAR_plugin_passwords": '{"auth": "throw-away-1", "catalog": "throw-away-2"}',
            "TF_VAR_password_seed": "a-throw-away-seed-of-the-tests-00000",
            "TF_VAR_kubernetes_namespace": "portal",
            "TF_VAR_vault_mount": "kv",
            "VAULT_ADDR": "http://127.0.0.1:1",
            "VAULT_TOKEN": "throw-away",
            "TERRAFORM_VAULT_SKIP_CHILD_TOKEN": "true",
            "TF_VAR_key_vault_id": f"/subscriptions/{_UUID}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/portal",
            "ARM_SUBSCRIPTION_ID": _UUID,
            "ARM_TENANT_ID": _UUID,
            "ARM_USE_MSI": "true",
            "ARM_RESOURCE_PROVIDER_REGISTRATIONS": "none",
            "TF_VAR_google_project": "portal-production",
            "GOOGLE_OAUTH_ACCESS_TOKEN": "throw-away",
            "AWS_ACCESS_KEY_ID": "throw-away",
            "AWS_SECRET_ACCESS_KEY": "throw-away",
            "AWS_REGION": "eu-central-1",
        }

    def _needs(self, text: str) -> None:
        """Skip the test where a provider is missing."""
        for block in hcl2.loads(text)["terraform"][0]["required_providers"]:
            for name, wanted in block.items():
                source = wanted["source"].strip('"') if not name.startswith("__") else ""
                if source and not (self.mirror / "registry.terraform.io" / source).is_dir():
                    pytest.skip(f"the provider {source} is not in {self.mirror.name}")

    def run(self, where: str, *arguments: str) -> str:
        """Run Terraform in a folder; it has to succeed."""
        done = subprocess.run(
            [self.program, *arguments, "-no-color"],
            cwd=self.folder / where,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said


@pytest.mark.parametrize(("kind", "store", "engine"), CASES)
def test_a_configuration_is_valid(kind: str, store: str, engine: str, mirror: Path, tmp_path: Path) -> None:
    plan = make_plan(Wanted("auth"), Wanted("catalog"), servers=[server()._replace(kind=kind, engine=engine)])
    made = files(in_store(plan, store))
    folder = Folder(tmp_path, mirror, made)
    for root in sorted({path.split("/")[0] for path in made}):
        folder.run(root, "init", "-input=false", "-backend=false")
        assert "The configuration is valid." in folder.run(root, "validate")


@pytest.mark.parametrize("store", sorted(STORES))
def test_secrets_that_are_there_are_valid(store: str, mirror: Path, tmp_path: Path) -> None:
    folder = Folder(tmp_path, mirror, files(with_secrets(store)))
    folder.run("databases", "init", "-input=false", "-backend=false")
    assert "The configuration is valid." in folder.run("databases", "validate")


@pytest.mark.parametrize("store", sorted(STORES))
def test_the_databases_as_planned(store: str, mirror: Path, tmp_path: Path) -> None:
    plan = in_store(make_plan(Wanted("auth"), Wanted("catalog")), store)
    folder = Folder(tmp_path, mirror, files(plan))
    (tmp_path / "databases" / "tests" / "wrong.tftest.hcl").write_text(TESTS)
    if store.startswith("aws"):
        (tmp_path / "databases" / "aws_override.tf").write_text(WITHOUT_AWS)
    folder.environment |= {
        "TF_VAR_primary_host": "db.example.com",
        "TF_VAR_primary_port": "5432",
        "TF_VAR_primary_admin_user": "admin",
    }
    folder.run("databases", "init", "-input=false", "-backend=false")
    with serving(IdentityStandIn()) as identity:
        folder.environment["ARM_MSI_ENDPOINT"] = identity.url
        assert "3 passed, 0 failed" in folder.run("databases", "test")


def test_a_server_in_google_as_planned(mirror: Path, tmp_path: Path) -> None:
    plan = make_plan(Wanted("auth"), servers=[server()._replace(kind="google-cloudsql")])
    folder = Folder(tmp_path, mirror, {path: text for path, text in files(plan).items() if path.startswith("server/")})
    (tmp_path / "server" / "plan.tftest.hcl").write_text(SERVER_TESTS)
    folder.run("server", "init", "-input=false", "-backend=false")
    assert "2 passed, 0 failed" in folder.run("server", "test")
