"""What is MySQL's own in the Terraform configuration. Applied for real: tests/e2e/terraform/test_terraform_mysql.py."""

from __future__ import annotations

import re

import pytest
from terraform_plans import Wanted, files, in_store, make_plan, mysql_shapes, on_mysql, retired, server

from generator.settings.model import Adopted

AUTH = make_plan(Wanted("auth"), servers=on_mysql())


def test_a_plugin_is_one_block() -> None:
    assert files(AUTH)["databases/plugins.tf"].split("\n\n", 1)[1] == (
        'module "auth" {\n'
        '  source = "./modules/mysql-database"\n'
        "\n"
        '  plugin_id        = "auth"\n'
        '  database         = "backstage_plugin_auth"\n'
        '  role             = "backstage_auth"\n'
        '  password         = var.plugin_passwords["auth"]\n'
        "  password_version = 1\n"
        "}\n"
    )


def test_underscores_are_no_wildcards_and_tls_is_wanted() -> None:
    main = files(AUTH)["databases/modules/mysql-database/main.tf"]
    assert 'database   = replace(mysql_database.plugin.name, "_", "\\\\_")' in main
    assert 'tls_option          = var.require_tls ? "SSL" : "NONE"' in main
    assert "password_wo_version = var.password_version\n" in main
    assert "prevent_destroy = true" in main
    # The policies are the same in every configuration.
    assert "postgresql" not in "".join(text for path, text in files(AUTH).items() if "/policy/" not in path)


@pytest.mark.parametrize("store", ["aws-secretsmanager", "aws-ssm", "azure-keyvault", "google-secretmanager", "vault"])
def test_every_store_goes_with_mysql(store: str) -> None:
    main = files(in_store(AUTH, store))["databases/modules/mysql-database/main.tf"]
    version = re.search(r"password_wo_version = (.*)\n", main)
    assert version
    assert version[1] == "var.password_version" or re.fullmatch(r"parseint\(substr\(sha256\(.+\), 0, 7\), 16\)", version[1])
    assert "password_wo         = " in main
    assert "var.password\n" not in main


def test_what_is_out_of_the_ordinary_is_an_argument() -> None:
    calls = files(mysql_shapes()["mysql without TLS"])["databases/plugins.tf"]
    assert 'host             = "10.%"' in calls
    assert "require_tls      = false" in calls


def test_a_connection_is_encrypted_and_verified() -> None:
    providers = files(AUTH)["databases/providers.tf"]
    assert 'endpoint                  = "${var.primary_host}:${var.primary_port}"' in providers
    assert "for_each = var.primary_tls_ca == null ? [] : [var.primary_tls_ca]" in providers
    variables = files(AUTH)["databases/variables.tf"]
    assert 'variable "primary_tls" {\n  type        = string\n' in variables
    assert re.search(r'variable "primary_port" \{[^}]*\}', variables)
    assert "ephemeral   = true" in variables


def test_both_engines_stand_in_one_file() -> None:
    plan = make_plan(Wanted("b"), Wanted("a", server="m"), servers=[server(), *on_mysql("m")])
    found = files(plan)
    assert [line for line in found["databases/plugins.tf"].split("\n") if "source" in line] == [
        '  source = "./modules/mysql-database"',
        '  source = "./modules/postgresql-database"',
    ]
    assert "cyrilgdn/postgresql" in found["databases/terraform.tf"]
    assert "petoju/mysql" in found["databases/terraform.tf"]
    assert "petoju/mysql" not in found["databases/modules/postgresql-database/terraform.tf"]


def test_a_grant_keeps_its_address_whoever_comes_and_goes() -> None:
    """A grant on a shared database is the user's; that on its own is the database's."""
    shared = [Wanted("x", database="both"), Wanted("y", database="both", role="two")]
    before = files(make_plan(*shared, servers=on_mysql()))["databases/plugins.tf"]
    after = files(make_plan(*shared, Wanted("z", role="two"), servers=on_mysql()))
    assert "databases        = [module.database_both.database]" in before
    assert before.split("\n\n")[1] in after["databases/plugins.tf"]
    assert "databases        = [module.database_both.database]" in after["databases/roles.tf"]
    alone = make_plan(Wanted("y", database="both", role="two"), servers=on_mysql())
    database = alone.databases[0]._replace(shared=True)
    alone = alone._replace(
        databases=(database,),
        plugins=(alone.plugins[0]._replace(database=database),),
        retired=(retired("x", engine="mysql", database="both", shared=True),),
    )
    assert "databases        = [module.database_both.database]" in files(alone)["databases/plugins.tf"]


def test_imports_have_the_grants_too() -> None:
    entry = Adopted("primary", ("backstage_plugin_auth", "both"), (), ("backstage_auth", "backstage_x"))
    plan = make_plan(Wanted("auth"), Wanted("x", database="both"), Wanted("y", database="both"), servers=on_mysql())
    text = files(plan._replace(adopted=(entry,)))["databases/imports.tf"]
    blocks = re.findall(r"  to       = (.*)\n  id       = (.*)\n", text)
    assert blocks == [
        ("module.auth.mysql_database.plugin", '"backstage_plugin_auth"'),
        ("module.auth.mysql_user.plugin", '"backstage_auth@%"'),
        ("module.database_both.mysql_database.plugin", '"both"'),
        ("module.x.mysql_user.plugin", '"backstage_x@%"'),
        ("module.auth.mysql_grant.plugin", r'"backstage_auth@%@backstage\\_plugin\\_auth@*"'),
        ('module.x.mysql_grant.shared["both"]', '"backstage_x@%@both@*"'),
    ]
