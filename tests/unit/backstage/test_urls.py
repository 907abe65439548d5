"""Connection strings that mean something else than they say; tests/oracle/test_tls.py asks the packages that read them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from generator.backstage.checks import validate_database
from generator.backstage.checks.urls import fault
from generator.backstage.config.reader import ConfigReader
from generator.problems.diagnostic import Diagnostic, Diagnostics

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "oracle"))

from url_texts import WITH_HOST, WITHOUT_HOST

Read = Callable[..., ConfigReader]


def found(read: Read, connection: str, *, client: str = "pg", environ: dict[str, str] | None = None) -> list[Diagnostic]:
    """What is said of one connection, in the base and, once more, in a plugin."""
    start = f"backend:\n  database:\n    client: {client}\n"
    base = f"{start}    connection: {connection}\n"
    plugin = f"{start}    connection: {{host: h, user: u}}\n    plugin:\n      catalog:\n        connection: {connection}\n"
    results = []
    for text in (base, plugin):
        diagnostics = Diagnostics()
        validate_database(read(text, environ=environ or {}).get("backend.database"), diagnostics)
        results.append([item for item in diagnostics if item.code != "GR213"])
    in_base, in_plugin = results
    assert [(item.code, item.summary) for item in in_base] == [(item.code, item.summary) for item in in_plugin]
    assert all(".plugin.catalog.connection" in item.path for item in in_plugin)
    return in_base


@pytest.mark.parametrize("text", WITHOUT_HOST)
def test_a_string_without_a_host(text: str) -> None:
    assert fault(text, "pg")


@pytest.mark.parametrize("text", [*WITH_HOST, "postgresql://", "postgresql:///db"])
def test_a_string_with_a_host_or_without_one_on_purpose(text: str) -> None:
    assert fault(text, "pg") is None


@pytest.mark.parametrize(
    "text",
    [
        "postgresql:${U}:${P}@${H}/db",
        "postgresql:portal:${P}@h/db",
        "'${U}:${P}@${H}:5432/db'",
        "portal:${P}@h/db",
        "h:5432/${DB}",
        "jdbc:postgresql://${H}/db",
        "{connectionString: 'postgresql:u:${P}@h/db', host: h}",
    ],
)
def test_variables_hide_nothing(read: Read, text: str) -> None:
    errors = [item for item in found(read, text) if item.code == "GR220"]
    assert len(errors) == 1
    assert errors[0].location is not None
    assert "postgresql://user:password@host:port/database" in errors[0].hint


@pytest.mark.parametrize(
    "text", ["${URL}", "'${SCHEME}://${H}/db'", "'post${REST}'", "'postgres:${REST}'", "'postgresql://${REST}'"]
)
def test_what_a_variable_may_hold_is_not_judged(read: Read, text: str) -> None:
    assert found(read, text) == []


def test_the_value_of_a_variable_is(read: Read) -> None:
    (error,) = found(read, "${URL}", environ={"URL": "postgres:u:secret@h/db"})
    assert error.code == "GR220"
    assert "secret" not in error.render()


@pytest.mark.parametrize("text", ["secret:pw@host/db", "'secret:${P}@host/db'", "'secret.internal'", "secret:${PORT}/db"])
@pytest.mark.parametrize("client", ["pg", "mysql2"])
def test_no_part_of_the_string_is_shown(read: Read, text: str, client: str) -> None:
    assert all("secret" not in item.render() for item in found(read, text, client=client))


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("'mysql:${U}:${P}@h/db'", ["GR220"]),
        ("'${U}:${P}@h/db'", ["GR220"]),
        ("'mariadb://${U}:${P}@h/db'", ["GR220"]),
        ("'mysql://${U}:${P}@h/db'", []),
        ("{uri: 'mysql:u:${P}@h/db'}", ["GR220"]),
        ("{uri: 'mysql://u:${P}@h/db?charset=utf8mb4'}", []),
        ("'mysql://${U}:${P}@h/db?charset=utf8mb4'", ["GR226"]),
        ("'mysql://${U}:${P}@h/db?ssl-mode=REQUIRED'", ["GR226"]),
        ("'mysql://${U}:${P}@h/db?ssl=true'", ["GR001"]),
        ("'mysql://${U}:${P}@h/db?ssl={\"rejectUnauthorized\":true}'", ["GR001"]),
        ("'mysql://${U}:${P}@h/db?ssl=Amazon RDS&debug=true'", []),
    ],
)
def test_mysql(read: Read, text: str, codes: list[str]) -> None:
    assert [item.code for item in found(read, text, client="mysql2")] == codes


@pytest.mark.parametrize(
    ("rest", "codes"),
    [
        ("db?sslmode=verify-full", []),
        ("db?sslMode=require", ["GR226"]),
        ("db?ssl-mode=require&application_name=x", ["GR226"]),
        ("db?useSSL=true", ["GR226"]),
        ("db?sslmode=allow", ["GR226"]),
        ("db?sslmode=REQUIRE", ["GR226"]),
        ("db?sslmode=${MODE}", []),
        ("db&sslmode=require", ["GR226"]),
        ("db;ssl=true", ["GR226"]),
        ("db?ssl=false", ["GR001"]),
        ("db?ssl=require", ["GR001"]),
        ("db?ssl=true", []),
        ("db?ssl=0", []),
        ("db?ssl=no-verify", []),
        ("db?connect_timeout=10&channel_binding=require", []),
    ],
)
def test_options(read: Read, rest: str, codes: list[str]) -> None:
    assert [item.code for item in found(read, f"'postgresql://u:${{P}}@h/{rest}'")] == codes


def test_a_url_of_another_engine(read: Read) -> None:
    (warning,) = found(read, "'mysql://u:${P}@h/db'")
    assert (warning.code, str(warning.severity)) == ("GR221", "warning")


def test_a_client_without_urls_is_left_alone(read: Read) -> None:
    assert found(read, "'postgres:u@h/db'", client="better-sqlite3") == []
    assert found(read, "'postgres:u@h/db'", client="${CLIENT}") == []
