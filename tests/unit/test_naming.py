"""Names made from templates, and what no server can carry."""

from __future__ import annotations

import pytest

from generator.engines.names import database_problem, name_problem, role_problem, schema_problem
from generator.planning.naming import label as label_of
from generator.planning.naming import server_name
from generator.settings.name_template import expand


@pytest.mark.parametrize(
    ("template", "name"),
    [
        ("backstage_{plugin}", "backstage_tech-insights"),
        ("BACKSTAGE_DB_{PLUGIN}_PASSWORD", "BACKSTAGE_DB_TECH_INSIGHTS_PASSWORD"),
        ("backstage/{environment}/database/{plugin}", "backstage/production/database/tech-insights"),
        ("{other}", "{other}"),
    ],
)
def test_expand(template: str, name: str) -> None:
    assert expand(template, plugin="tech-insights", environment="production") == name


@pytest.mark.parametrize(
    ("text", "label"),
    [("tech-insights", "tech-insights"), ("a:b.c", "a_b_c"), ("1st", "_1st"), ("é", "_"), ("", "_")],
)
def test_label_is_a_terraform_identifier(text: str, label: str) -> None:
    assert label_of(text) == label


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("reporting-db.example.com", "reporting_db_example_com"),
        ("${REPORTING_HOST}", "reporting_host"),
        ("10.0.0.7", "server_10_0_0_7"),
        ("/var/run/postgresql", "var_run_postgresql"),
    ],
)
def test_server_name(host: str, name: str) -> None:
    assert server_name(host) == name


def test_an_identifier_is_measured_in_bytes() -> None:
    assert name_problem("é" * 31, limit=63) is None
    assert name_problem("é" * 32, limit=63) == "has 64 bytes, and an identifier has at most 63"
    assert name_problem("", limit=63) == "is empty"
    assert name_problem("a\0b", limit=63) == "holds a NUL character"
    assert name_problem("\ud800", limit=63) == "is not valid Unicode"


@pytest.mark.parametrize("name", ["pg_reader", "public", "none"])
def test_reserved_roles(name: str) -> None:
    assert role_problem(name, engine="postgresql") == "is reserved by PostgreSQL"


@pytest.mark.parametrize("name", ["postgres", "rdsadmin", "rds_iam", "cloudsqlsuperuser", "azure_pg_admin"])
def test_roles_of_clouds(name: str) -> None:
    assert role_problem(name, engine="postgresql") == "belongs to the server itself"


@pytest.mark.parametrize("name", ["azure_sys", "azure_maintenance", "cloudsqladmin", "rdsadmin", "postgres"])
def test_databases_of_clouds(name: str) -> None:
    assert database_problem(name, engine="postgresql") == "belongs to the server itself"


@pytest.mark.parametrize("name", ["public", "information_schema", "pg_plugin"])
def test_reserved_schemas(name: str) -> None:
    assert schema_problem(name) == "is reserved by PostgreSQL"


@pytest.mark.parametrize("name", ["root", "mysql.sys", "MariaDB.sys", "public", "rdsadmin"])
def test_reserved_mysql_users(name: str) -> None:
    assert role_problem(name, engine="mysql") == "belongs to the server itself"
    assert role_problem("pg_reader", engine="mysql") is None


def test_mysql_counts_characters() -> None:
    """As a real server does: tests/e2e/mysql."""
    assert role_problem("é" * 32, engine="mysql") is None
    assert role_problem("é" * 33, engine="mysql") == "has 33 characters, and MySQL takes at most 32"
    assert database_problem("é" * 64, engine="mysql") is None
    assert database_problem("é" * 65, engine="mysql") == "has 65 characters, and MySQL takes at most 64"
    assert database_problem("é" * 64, engine="postgresql") == "has 128 bytes, and an identifier has at most 63"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "is empty"),
        ("a\0", "holds a NUL character"),
        ("a ", "ends in a blank, which MySQL refuses or cuts off"),
        ("🦆", "has a character outside Unicode's basic plane, which no name in MySQL has"),
        ("\ud800", "is not valid Unicode"),
        ("SYS", "belongs to the server itself"),
    ],
)
def test_impossible_mysql_databases(name: str, problem: str) -> None:
    assert database_problem(name, engine="mysql") == problem
