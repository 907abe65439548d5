"""Servers that refuse connections without TLS: said when generating, with lines that end the message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from generator import Request, load, plan, resolve

if TYPE_CHECKING:
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostic

CREATED = ("aws-rds", "aws-aurora", "google-cloudsql", "azure-flexible")
OBJECT = """\
backend:
  database:
    client: {client}
    connection:
      host: ${{POSTGRES_HOST}}
      port: 5432
      user: ${{POSTGRES_USER}}
      password: ${{POSTGRES_PASSWORD}}
"""
URL = """\
backend:
  database:
    client: {client}
    connection: {scheme}://${{POSTGRES_USER}}:${{POSTGRES_PASSWORD}}@${{POSTGRES_HOST}}:5432/portal{options}
"""
PLUGINS = ("auth", "catalog", "search")


def told(folder: Path, app_config: str, settings: str) -> list[Diagnostic]:
    """What is said of encryption, with three plugins."""
    (folder / "app-config.yaml").write_text(app_config)
    (folder / "greenroom.yaml").write_text(settings)
    project = load(Request(root=folder, settings=folder / "greenroom.yaml", plugins=PLUGINS, environ={}))
    plan(project, resolve(project))
    return [item for item in project.diagnostics if item.code in ("GR225", "GR319", "GR325", "GR326", "GR327")]


def created(kind: str) -> str:
    return f"version: 1\nservers: {{primary: {{kind: {kind}}}}}\n"


@pytest.mark.parametrize("client", ["pg", "mysql2"])
@pytest.mark.parametrize("kind", CREATED)
@pytest.mark.parametrize("ssl", ["", "      ssl: false\n"])
def test_a_created_server_refuses_a_connection_without_tls(tmp_path: Path, kind: str, client: str, ssl: str) -> None:
    text = OBJECT.format(client=client)
    (warning,) = told(tmp_path, text + ssl, created(kind))
    assert (warning.code, str(warning.severity)) == ("GR325", "warning")
    assert warning.path == "backend.database.connection.ssl"
    assert ("ssl: false" in warning.summary) is bool(ssl)
    assert "(plugins auth, catalog, search)" in warning.summary
    assert warning.location is not None
    assert warning.location.line == (9 if ssl else 5)
    lines = re.search(r"connection\.ssl with: (ssl: .*)$" if ssl else r"connection: (ssl: .*)$", warning.hint)
    assert lines
    assert told(tmp_path, f"{text}      {lines[1]}\n", created(kind)) == []


@pytest.mark.parametrize("kind", CREATED)
def test_a_url_is_no_exception(tmp_path: Path, kind: str) -> None:
    (warning,) = told(tmp_path, URL.format(client="pg", scheme="postgresql", options=""), created(kind))
    assert warning.code == "GR325"
    assert "as an object" in warning.hint
    (warning,) = told(tmp_path, URL.format(client="pg", scheme="postgresql", options="?sslmode=disable"), created(kind))
    assert warning.code == "GR325"
    found = told(tmp_path, URL.format(client="pg", scheme="postgresql", options="?sslmode=verify-full"), created(kind))
    assert [item.code for item in found] == (["GR327"] if kind == "google-cloudsql" else [])
    found = told(tmp_path, URL.format(client="mysql2", scheme="mysql", options=""), created(kind))
    assert [item.code for item in found] == ["GR325"]


def test_a_plugin_that_switches_tls_off(tmp_path: Path) -> None:
    text = OBJECT.format(client="pg") + "      ssl: true\n    plugin: {catalog: {connection: {ssl: false}}}\n"
    (warning,) = told(tmp_path, text, created("aws-rds"))
    assert warning.path == "backend.database.plugin.catalog.connection.ssl"
    assert "(plugin catalog)" in warning.summary
    wanted = "replace backend.database.plugin.catalog.connection.ssl with: "
    assert warning.hint.startswith(wanted)
    lines = warning.hint.removeprefix(wanted)
    assert told(tmp_path, text.replace("ssl: false", lines), created("aws-rds")) == []


def test_a_plugin_that_only_inherits_a_false_gets_its_own(tmp_path: Path) -> None:
    text = OBJECT.format(client="pg") + "      ssl: false\n    plugin: {auth: {connection: {host: '${POSTGRES_HOST}'}}}\n"
    found = {item.hint.partition(": ")[0] for item in told(tmp_path, text, created("aws-rds"))}
    assert "replace backend.database.connection.ssl with" in found
    assert "add below backend.database.plugin.auth.connection" in found


def test_a_connection_that_only_a_variable_knows_is_not_judged(tmp_path: Path) -> None:
    whole = "backend: {database: {client: pg, connection: '${DATABASE_URL}'}}\n"
    assert told(tmp_path, whole, created("aws-rds")) == []
    assert told(tmp_path, OBJECT.format(client="pg") + "      ssl: ${SSL}\n", created("aws-rds")) == []


def test_a_server_of_somebody_elses_may_take_anything(tmp_path: Path) -> None:
    assert told(tmp_path, OBJECT.format(client="pg"), "version: 1\n") == []


@pytest.mark.parametrize(
    ("ssl", "codes"),
    [
        ("{ca: x}", ["GR327"]),
        ("true", ["GR327"]),
        ("'true'", ["GR327"]),
        ("{rejectUnauthorized: false}", []),
        ("no-verify", []),
        ("{ca: x, servername: 'p:i'}", []),
    ],
)
def test_the_certificate_of_cloud_sql_names_the_instance(tmp_path: Path, ssl: str, codes: list[str]) -> None:
    text = OBJECT.format(client="pg") + f"      ssl: {ssl}\n"
    found = told(tmp_path, text, created("google-cloudsql"))
    assert [item.code for item in found] == codes
    assert all(item.hint.startswith("replace backend.database.connection.ssl with: ssl: {") for item in found)
    assert told(tmp_path, text, created("azure-flexible")) == []


@pytest.mark.parametrize("cloud", ["rds", "azure"])
def test_tokens_go_over_tls_only(tmp_path: Path, cloud: str) -> None:
    settings = f"version: 1\ncredentials: {{mode: iam, iam: {cloud}, roleName: portal}}\n"
    text = OBJECT.format(client="pg").replace("${POSTGRES_USER}", "portal")
    (warning,) = told(tmp_path, text, settings)
    assert warning.code == "GR326"
    assert "(plugins auth, catalog, search)" in warning.summary
    assert told(tmp_path, f"{text}      ssl: true\n", settings) == []
    # With the type in app-config it is told there, once.
    (warning,) = told(tmp_path, f"{text}      type: {cloud}\n      region: eu-west-1\n", settings)
    assert warning.code == "GR225"
