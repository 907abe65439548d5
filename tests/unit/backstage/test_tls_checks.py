"""TLS settings that the driver does not read; tests/oracle/test_tls.py shows what the drivers do with them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from generator.backstage.checks import validate_database
from generator.backstage.config.reader import ConfigReader
from generator.problems.diagnostic import Diagnostic, Diagnostics

Read = Callable[..., ConfigReader]


def say(read: Read, *lines: str, client: str = "pg") -> list[Diagnostic]:
    text = f"backend:\n  database:\n    client: {client}\n" + "".join(f"    {line}\n" for line in lines)
    diagnostics = Diagnostics()
    validate_database(read(text).get("backend.database"), diagnostics)
    return list(diagnostics)


def codes(read: Read, *lines: str, client: str = "pg") -> list[str]:
    return [item.code for item in say(read, *lines, client=client)]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("sslmode: require", ["GR222"]),
        ("sslmode: '${MODE}'", ["GR222"]),
        ("sslMode: verify-full", ["GR222"]),
        ("ssl_mode: require", ["GR222"]),
        ("sslmode: disable", []),
        ("sslmode: disable, ssl: false", []),
        ("sslmode: disable, ssl: true", ["GR222"]),
        ("sslmode: verify-full, ssl: true", []),
        ("sslrootcert: /ca.pem, ssl: true", ["GR222"]),
        ("useSSL: true", ["GR222"]),
        ("useSSL: false", []),
        ("tls: true", ["GR222"]),
        ("rejectUnauthorized: false", ["GR222"]),
        ("ca: x, ssl: true", ["GR222"]),
        ("sslnegotiation: direct, ssl: true", []),
        ("mode: x, require: y, verify: z, keyFile: a", []),
        ("ssl: {require: false}", ["GR223"]),
        ("ssl: {require: 'false'}", ["GR223"]),
        ("ssl: {require: '${R}'}", ["GR223"]),
        ("ssl: {require: true}", []),
        ("ssl: {enabled: false}", ["GR223"]),
        ("ssl: {mode: disable}", ["GR223"]),
        ("ssl: {mode: DISABLED}", ["GR223"]),
        ("ssl: {mode: require}", ["GR223"]),
        ("ssl: {mode: require, rejectUnauthorized: false}", []),
        ("ssl: {mode: verify-full}", []),
        ("ssl: {sslmode: disable}", ["GR223"]),
        ("ssl: {verify: false}", ["GR223"]),
        ("ssl: {verify: true}", []),
        ("ssl: {trustServerCertificate: true}", ["GR223"]),
        ("ssl: {sslrootcert: /ca.pem}", ["GR223"]),
        ("ssl: {disable: true}", ["GR223"]),
        ("ssl: {rejectUnauthorised: false}", ["GR211"]),
    ],
)
@pytest.mark.parametrize("client", ["pg", "mysql2"])
def test_keys_of_other_drivers(read: Read, inside: str, expected: list[str], client: str) -> None:
    mysql = inside.replace("ssl: true", "ssl: {ca: x}") if client == "mysql2" else inside
    assert codes(read, f"connection: {{host: h, {mysql}}}", client=client) == expected
    in_plugin = say(read, "connection: {host: h}", f"plugin: {{catalog: {{connection: {{{mysql}}}}}}}", client=client)
    assert [item.code for item in in_plugin] == expected
    assert all(item.path.startswith("backend.database.plugin.catalog.connection.") for item in in_plugin)


def test_a_plugin_inherits_tls(read: Read) -> None:
    base = "connection: {host: h, ssl: true}"
    assert codes(read, base, "plugin: {catalog: {connection: {sslmode: disable}}}") == ["GR222"]
    assert codes(read, base, "plugin: {catalog: {connection: {sslmode: require}}}") == []
    in_url = "connection: 'postgresql://u@h/db?sslmode=verify-full'"
    assert codes(read, in_url, "plugin: {catalog: {connection: {sslmode: disable}}}") == ["GR222"]
    other = "plugin: {catalog: {client: mysql2, connection: {host: h, sslmode: require}}}"
    assert codes(read, base, other) == ["GR222"]


@pytest.mark.parametrize(
    ("client", "ssl", "expected"),
    [
        ("mysql2", "true", ["GR224"]),
        ("mysql2", "'true'", ["GR001"]),
        ("mysql2", "required", ["GR001"]),
        ("mysql2", "Amazon RDS", []),
        ("mysql2", "false", []),
        ("mysql2", "{}", []),
        ("mysql", "true", []),
        ("pg", "true", []),
        ("${CLIENT}", "true", []),
    ],
)
def test_ssl_true(read: Read, client: str, ssl: str, expected: list[str]) -> None:
    assert codes(read, f"connection: {{host: h, ssl: {ssl}}}", client=client) == expected
    plugin = f"plugin: {{catalog: {{client: '{client}', connection: {{host: h, ssl: {ssl}}}}}}}"
    assert codes(read, "connection: {}", plugin, client="pg") == expected


@pytest.mark.parametrize("kind", ["rds", "azure"])
def test_a_token_without_tls(read: Read, kind: str) -> None:
    connection = f"host: h, port: 5432, user: u, type: {kind}"
    (warning,) = say(read, f"connection: {{{connection}}}", "plugin: {catalog: {connection: {user: c}}}")
    assert (warning.code, warning.path) == ("GR225", "backend.database.connection.type")
    (off,) = say(read, f"connection: {{{connection}, ssl: false}}")
    assert off.code == "GR225"
    wanted = "replace backend.database.connection.ssl with: "  # a second key would be an error
    assert off.hint.startswith(wanted)
    assert codes(read, f"connection: {{{connection}, {off.hint.removeprefix(wanted)}}}") == []
    assert codes(read, f"connection: {{{connection}, ssl: true}}") == []
    assert codes(read, f"connection: {{{connection}, ssl: {{ca: x}}}}") == []
    own = f"plugin: {{catalog: {{connection: {{type: {kind}}}}}}}"
    assert codes(read, "connection: {host: h}", own) == ["GR225"]
    assert codes(read, "connection: {host: h, ssl: true}", own) == []
    off = "plugin: {catalog: {connection: {ssl: false}}}"
    assert [item.path for item in say(read, f"connection: {{{connection}, ssl: true}}", off)] == [
        "backend.database.plugin.catalog.connection.ssl"
    ]


def test_googles_connector_encrypts_by_itself(read: Read) -> None:
    assert codes(read, "connection: {type: cloudsql, instance: 'a:b:c', user: u}") == []


@pytest.mark.parametrize(
    "inside",
    ["sslmode: require", "sslmode: disable, ssl: true", "sslrootcert: /x", "ssl: {require: false}", "ssl: {mode: require}"],
)
def test_what_the_hint_says_ends_the_message(read: Read, inside: str) -> None:
    (warning,) = say(read, f"connection: {{host: h, {inside}}}")
    written = re.search(r"ssl: (true|false|\{ca: \{\$file: <path>\}\})", warning.hint)
    ssl = written[1].replace("{$file: <path>}", "'-----BEGIN'") if written else "{}"
    assert codes(read, f"connection: {{host: h, ssl: {ssl}}}") == []


@pytest.mark.parametrize("client", ["pg", "mysql2"])
@pytest.mark.parametrize(
    "connection", ["{host: 'a,b'}", "{host: '${A},${B}'}", "'SCHEME://u:${P}@a,b/db'", "'SCHEME://u:p@a,b/d'"]
)
def test_several_hosts(read: Read, connection: str, client: str) -> None:
    text = connection.replace("SCHEME", "mysql" if client == "mysql2" else "postgresql")
    assert "GR232" in codes(read, f"connection: {text}", client=client)
    assert "GR232" not in codes(read, f"connection: {text.replace(',', '-')}", client=client)


@pytest.mark.parametrize("client", ["pg", "mysql2"])
def test_an_empty_text_is_no_tls(read: Read, client: str) -> None:
    """Seen with the real pg: no SSLRequest is sent, and nothing breaks."""
    (problem,) = [item for item in say(read, "connection: {host: h, ssl: ''}", client=client) if item.code == "GR001"]
    assert "no TLS" in problem.summary
    assert "not encrypted" in problem.backstage
