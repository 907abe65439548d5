"""Names made from templates, and what no server can carry."""

from __future__ import annotations

import pytest

from generator.planning import naming


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
    assert naming.expand(template, plugin="tech-insights", environment="production") == name


@pytest.mark.parametrize(
    ("text", "label"),
    [("tech-insights", "tech-insights"), ("a:b.c", "a_b_c"), ("1st", "_1st"), ("é", "_"), ("", "_")],
)
def test_label_is_a_terraform_identifier(text: str, label: str) -> None:
    assert naming.label(text) == label


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
    assert naming.server_name(host) == name


def test_an_identifier_is_measured_in_bytes() -> None:
    assert naming.name_problem("é" * 31, limit=63) is None
    assert naming.name_problem("é" * 32, limit=63) == "has 64 bytes, and an identifier has at most 63"
    assert naming.name_problem("", limit=63) == "is empty"
    assert naming.name_problem("a\0b", limit=63) == "holds a NUL character"
    assert naming.name_problem("\ud800", limit=63) == "is not valid Unicode"


@pytest.mark.parametrize("name", ["pg_reader", "public", "none"])
def test_reserved_roles(name: str) -> None:
    assert naming.role_problem(name, engine="postgresql") == "is reserved by PostgreSQL"


@pytest.mark.parametrize("name", ["root", "mysql.sys", "MariaDB.sys", "public", "rdsadmin"])
def test_reserved_mysql_users(name: str) -> None:
    assert naming.role_problem(name, engine="mysql") == "belongs to the server itself"
    assert naming.role_problem("pg_reader", engine="mysql") is None


def test_mysql_counts_characters() -> None:
    """As a real server does: tests/e2e/mysql."""
    assert naming.role_problem("é" * 32, engine="mysql") is None
    assert naming.role_problem("é" * 33, engine="mysql") == "has 33 characters, and MySQL takes at most 32"
    assert naming.database_problem("é" * 64, engine="mysql") is None
    assert naming.database_problem("é" * 65, engine="mysql") == "has 65 characters, and MySQL takes at most 64"
    assert naming.database_problem("é" * 64, engine="postgresql") == "has 128 bytes, and an identifier has at most 63"


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
    assert naming.database_problem(name, engine="mysql") == problem
