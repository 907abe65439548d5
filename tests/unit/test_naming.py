"""Names made from templates, and what no server can carry."""

from __future__ import annotations

import pytest

from generator import naming


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
    assert naming.role_problem(name, engine="mysql") is None
