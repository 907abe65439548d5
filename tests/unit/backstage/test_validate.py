"""Validation: the quick way says the same as the long one, and every problem has its place."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from generator.backstage.checks import validate_database
from generator.backstage.config.reader import ConfigReader
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostics, Severity

if TYPE_CHECKING:
    from pathlib import Path

Read = Callable[..., ConfigReader]


def check(reader: ConfigReader) -> Diagnostics:
    diagnostics = Diagnostics()
    validate_database(reader.get("backend.database"), diagnostics)
    return diagnostics


def in_database(*lines: str) -> str:
    return "backend:\n  database:\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize(
    "lines",
    [
        ("client: pg", "connection: {host: h, port: '5432', user: u, ssl: false}"),
        ("client: pg", "connection: postgresql://u@h/db"),
        ("client: pg", "connection: {}", "ensureExists: 'off'", "skipMigrations: 1", "ensureSchemaExists: ' Yes '"),
        ("client: ${CLIENT}", "connection: {host: '${H}', port: '${P}', type: '${T}'}", "ensureExists: ${E}"),
        ("client: better-sqlite3", "connection: ':memory:'", "pool: {max: 5}", "searchPath: [x]"),
        ("client: mysql2", "connection: {socketPath: /s, port: '', anythingElse: 1}", "knexConfig: {whatever: 1}"),
        ("client: pg", "connection: {type: cloudsql, instance: a:b:c, ipAddressType: PRIVATE}"),
        ("client: pg", "connection: {}", "plugin: {catalog: {connection: {database: d}, role: r, knexConfig: {}}}"),
        ("client: pg", "connection: {ssl: {ca: [a, b], rejectUnauthorized: 'false', unheardOf: 1}}"),
        ("client: pg", "connection: {ssl: {ca: '-----BEGIN CERTIFICATE-----'}}"),
    ],
)
def test_what_backstage_takes_is_fine(read: Read, lines: tuple[str, ...]) -> None:
    assert [item.render() for item in check(read(in_database(*lines)))] == []


def test_an_empty_value_has_nothing_to_check() -> None:
    diagnostics = Diagnostics()
    validate_database(ConfigMap(), diagnostics)
    assert not len(diagnostics)


def test_all_problems_at_once_each_at_its_place(read: Read) -> None:
    reader = read(
        in_database("client: pgg", "prefx: a", "connection: {host: 1, port: x}"),
        in_database("ensureExists: perhaps", "plugin: {catalog: {connection: {passwrd: x}}}"),
    )
    found = [(str(item.location), item.code, item.path.removeprefix("backend.database.")) for item in check(reader)]
    assert found == [
        ("a.yaml:3:13", "GR210", "client"),
        ("a.yaml:4:5", "GR211", "prefx"),
        ("a.yaml:5:24", "GR210", "connection.host"),
        ("a.yaml:5:33", "GR210", "connection.port"),
        ("b.yaml:3:19", "GR210", "ensureExists"),
        ("b.yaml:4:37", "GR211", "plugin.catalog.connection.passwrd"),
    ]


def test_values_are_never_shown_where_a_secret_could_be(read: Read) -> None:
    reader = read(in_database("client: pg", "connection: {password: [hunter2], port: hunter2, host: {x: hunter2}}"))
    diagnostics = check(reader)
    assert len(diagnostics) == 3
    assert "hunter2" not in "".join(item.render() for item in diagnostics)


def test_a_password_from_the_environment_is_where_it_belongs(read: Read) -> None:
    environ = {"P": "hunter2", "APP_CONFIG_backend_database_plugin_auth_connection_password": "hunter2"}
    text = in_database(
        "client: pg",
        "connection: {password: '${P}', user: hunter2}",
        "plugin: {catalog: {connection: 'postgresql://u:${P}@h/db'}}",
    )
    assert [item.code for item in check(read(text, environ=environ))] == []


def test_a_password_from_a_file_is_too(read: Read, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    text = in_database("client: pg", "connection:", "  password: {$file: ./secret}", "  user: hunter2")
    assert [item.code for item in check(read(text))] == []


@pytest.mark.parametrize(
    "password",
    ["hunter2", "'hunter2'", '"hunter2"', "!!str hunter2", "&p hunter2", "|\n        hunter2", ">-\n        hunter2"],
)
def test_a_password_that_is_written_out(read: Read, password: str) -> None:
    (problem,) = check(read(in_database("client: pg", "connection:", f"  password: {password}")))
    assert (problem.code, problem.severity) == ("GR213", Severity.WARNING)
    assert "hunter2" not in problem.render()


@pytest.mark.parametrize(
    ("connection", "is_told"),
    [
        ("postgresql://u@db/x?sslmode=disable&password=hunter2", True),
        ("'postgresql://u@db/x?password=hunt%65r2&application_name=a'", True),
        ("postgresql://u:hunter1@db/x?password=hunter2", True),
        ("postgresql://u@db/x?password=${P}", False),
        ("postgresql://u@db/x?password=", False),
        ("postgresql://u@db/x?application_name=password", False),
    ],
)
def test_a_password_among_the_parameters_of_a_url(read: Read, connection: str, is_told: bool) -> None:
    problems = [item for item in check(read(in_database("client: pg", f"connection: {connection}"))) if item.code == "GR213"]
    assert len(problems) == is_told
    inside = check(read(in_database("client: pg", "connection:", f"  connectionString: {connection}")))
    assert len([item for item in inside if item.code == "GR213"]) == is_told
    mysql = connection.replace("postgres", "mysql")
    assert len(
        [item for item in check(read(in_database("client: mysql2", f"connection: {mysql}"))) if item.code == "GR213"]
    ) == (is_told)
    assert not any("hunter" in item.render() for item in (*problems, *inside))


@pytest.mark.parametrize("client", ["pg", "mysql2"])
@pytest.mark.parametrize(
    ("host", "hint"),
    [
        ("db:5432", "connection.port"),
        ("'${H}:5432'", "connection.port"),
        ("'${H}:${P}'", "connection.port"),
        ("db/portal", "slash"),
        ("'${H}/portal'", "slash"),
        ("' db'", "blank"),
        ("'${H} '", "blank"),
        ("'[::1]'", "brackets"),
        ("'[::1]:5432'", "connection.port"),
    ],
)
def test_a_host_that_holds_more(read: Read, client: str, host: str, hint: str) -> None:
    (problem,) = check(read(in_database(f"client: {client}", f"connection: {{host: {host}}}")))
    assert (problem.code, problem.severity, problem.path) == ("GR218", Severity.ERROR, "backend.database.connection.host")
    assert hint in problem.hint
    text = in_database(f"client: {client}", f"plugin: {{catalog: {{connection: {{host: {host}}}}}}}")
    assert [item.code for item in check(read(text))] == ["GR218"]


@pytest.mark.parametrize(
    "host",
    [
        *("db", "db.example.", "10.0.0.1", "'::1'", "'2001:db8::1:5432'", "fe80::1%eth0", "/var/run/my postgresql", "''"),
        *("'${H}'", "'${ H }'", "'db-${ZONE}.example'", "'${A}${B}'", "{$file: ./host}", "my_host-1"),
    ],
)
def test_a_host_that_is_one(read: Read, host: str) -> None:
    problems = check(read(in_database("client: pg", f"connection: {{host: {host}}}")))
    assert "GR218" not in [item.code for item in problems]


@pytest.mark.parametrize(
    "ca", ["./ca.pem", "/etc/ssl/certs/rds.crt", "certs/ca.pem", "ca.pem", "../x.key", "/run/secrets/ca"]
)
def test_a_path_is_no_certificate(read: Read, ca: str) -> None:
    (problem,) = check(read(in_database("client: pg", f"connection: {{ssl: {{ca: {ca}}}}}")))
    assert problem.code == "GR004"
    assert "$file" in problem.hint


def test_a_missing_client_is_left_to_the_resolver(read: Read) -> None:
    assert not len(check(read(in_database("connection: {}"))))


def test_a_good_configuration_does_not_import_jsonschema() -> None:
    """The import costs more than all of a small run."""
    code = (
        "import sys\n"
        "from generator.documents.values import ConfigMap\n"
        "from generator.problems.diagnostic import Diagnostics\n"
        "from generator.backstage.checks import validate_database\n"
        "merged = ConfigMap({'client': 'pg', 'connection': ConfigMap({'host': 'h', 'port': 5432, 'ssl': False}),\n"
        "    'ensureExists': 'yes', 'plugin': ConfigMap({'catalog': ConfigMap({'role': 'r'})})})\n"
        "validate_database(merged, Diagnostics())\n"
        "print('jsonschema' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("lines", "key"),
    [
        (("pluginDivisionMode: schema", "prefix: a_"), "prefix"),
        (("pluginDivisionMode: schema", "prefix: a_", "schemaPrefix: b_"), "prefix"),
        (("pluginDivisionMode: schema", "schemaPrefix: b_"), None),
        (("schemaPrefix: ${P}",), "schemaPrefix"),
        (("pluginDivisionMode: database", "schemaPrefix: b_", "prefix: a_"), "schemaPrefix"),
        (("prefix: a_",), None),
        (("pluginDivisionMode: ${MODE}", "schemaPrefix: b_", "prefix: a_"), None),
    ],
)
def test_a_prefix_of_the_other_mode(read: Read, lines: tuple[str, ...], key: str | None) -> None:
    reader = read(in_database("client: pg", "connection: {host: h, database: d}", *lines))
    found = check(reader)
    assert [(item.code, item.path) for item in found] == ([("GR227", f"backend.database.{key}")] if key else [])
    older = Diagnostics()
    validate_database(reader.get("backend.database"), older, manager="plugin-connection")
    assert not len(older)
