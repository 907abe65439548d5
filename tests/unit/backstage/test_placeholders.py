"""References without a value: where they end up, and where one has to be known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.backstage.config.reader import ConfigError
from generator.backstage.database.connection_string import parse_mysql, parse_pg
from generator.backstage.database.placeholders import concat, parse_around
from generator.documents.values import ConfigMap, Placeholder, Reference

if TYPE_CHECKING:
    from conftest import Resolve

PG = "backend:\n  database:\n    client: pg\n"


def placeholder(text: str, *names: str) -> Placeholder:
    return Placeholder(text, tuple(Reference("env", name) for name in names))


def test_a_url_is_taken_apart_around_its_references() -> None:
    text = placeholder(
        "postgresql://${USER}:${PASS}@${HOST}:${PORT}/${DB}?sslmode=require&application_name=x-${ENV}",
        *("USER", "PASS", "HOST", "PORT", "DB", "ENV"),
    )
    parsed = parse_around(text, parse_pg)
    assert parsed == {
        "sslmode": "require",
        "application_name": "x-${ENV}",
        "user": "${USER}",
        "password": "${PASS}",
        "host": "${HOST}",
        "port": "${PORT}",
        "database": "${DB}",
        "ssl": {},
    }
    assert all(isinstance(parsed[key], Placeholder) for key in ("user", "password", "host", "port", "database"))
    assert parsed["application_name"].references == (Reference("env", "ENV"),)


def test_what_is_known_stays_known() -> None:
    parsed = parse_around(placeholder("postgresql://app:${PASS}@db.${ZONE}.example:5432/db", "PASS", "ZONE"), parse_pg)
    assert parsed is not None
    assert (parsed["user"], parsed["port"], parsed["database"]) == ("app", "5432", "db")
    assert not isinstance(parsed["user"], Placeholder)
    assert parsed["host"] == "db.${ZONE}.example"


def test_the_same_variable_twice() -> None:
    parsed = parse_around(placeholder("postgresql://${X}:${X}@h:${X}/d", "X", "X", "X"), parse_pg)
    assert parsed is not None
    assert (parsed["user"], parsed["password"], parsed["port"]) == ("${X}", "${X}", "${X}")


def test_a_mysql_url_with_a_port_to_come() -> None:
    parsed = parse_around(placeholder("mysql://u:${PASS}@h:${PORT}/d", "PASS", "PORT"), parse_mysql)
    assert parsed == {"user": "u", "password": "${PASS}", "host": "h", "port": "${PORT}", "database": "d"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("${DATABASE_URL}", ("DATABASE_URL",)),
        ("${DATABASE_URL}?sslmode=require", ("DATABASE_URL",)),
        ("postgresql://${REST}", ("REST",)),
        ("postgresql://${REST}/db", ("REST",)),
        ("${SCHEME}://u:p@h/db", ("SCHEME",)),
        ("${A}${B}", ("A", "B")),
        ("postgresql://u:p@h:54${PORT}/db", ("PORT",)),
        ("postgresql://u:p@h/db?${OPTIONS}", ("OPTIONS",)),
        ("postgresql://u:p@h/db#${LOST}", ("LOST",)),
        ("postgresql://u:p@[${HOST}/db", ("HOST",)),
    ],
)
def test_what_cannot_be_told_apart_is_not_guessed(text: str, names: tuple[str, ...]) -> None:
    assert parse_around(placeholder(text, *names), parse_pg) is None


def test_what_no_password_makes_right_is_an_error() -> None:
    with pytest.raises(ConfigError, match="Expected single path segment"):
        parse_around(placeholder("mysql://u:${PASS}@h/?ssl=true", "PASS"), parse_mysql)
    with pytest.raises(ConfigError, match="Unknown protocol"):
        parse_around(placeholder("postgres://u:${A}${B}@h/db", "A", "B"), parse_mysql)
    assert parse_around(placeholder("mysql://u:${PASS}@${HOST}", "PASS", "HOST"), parse_mysql) is None


def test_escaped_references_stay_escaped() -> None:
    parsed = parse_around(placeholder("postgresql://u:$${X}${PASS}@h/db", "PASS"), parse_pg)
    assert parsed is not None
    assert parsed["password"] == "$${X}${PASS}"


def test_concat_escapes_what_only_looks_like_a_reference() -> None:
    assert concat("a", "b") == "ab"
    assert not isinstance(concat("a", "b"), Placeholder)
    joined = concat("${x}", placeholder("${Y}", "Y"))
    assert joined == "$${x}${Y}"
    assert isinstance(joined, Placeholder)
    assert joined.references == (Reference("env", "Y"),)


def test_a_base_url_that_is_a_variable_keeps_the_names_of_the_plugins(resolve: Resolve) -> None:
    resolved, diagnostics = resolve(PG + "    connection: ${DATABASE_URL}\n")
    plugin = resolved["catalog"]
    assert plugin.database_name == "backstage_plugin_catalog"
    assert plugin.connection == {
        "connectionString": "${DATABASE_URL}",
        "application_name": "backstage_plugin_catalog",
        "database": "backstage_plugin_catalog",
    }
    assert plugin.own_connection == {}
    assert not len(diagnostics)


def test_a_plugins_own_keys_beside_it(resolve: Resolve) -> None:
    text = PG + "    connection: ${DATABASE_URL}\n    plugin: {catalog: {connection: {user: me, database: mine}}}\n"
    plugin = resolve(text)[0]["catalog"]
    assert plugin.database_name == "mine"
    assert plugin.connection["user"] == "me"
    assert plugin.connection["connectionString"] == "${DATABASE_URL}"
    assert str(plugin.sources["connection.connectionString"]) == "a.yaml:4:17"


def test_a_plugins_url_overrides_what_every_url_overrides(resolve: Resolve) -> None:
    text = PG + "    connection: {host: h, user: u, ssl: true}\n    plugin: {catalog: {connection: '${URL}', client: pg}}\n"
    resolved, diagnostics = resolve(text)
    assert resolved["catalog"].error is not None  # the name of the database is in the URL
    assert [item.code for item in diagnostics] == ["GR202"]


def test_names_may_wait_for_the_planner_to_complain(resolve: Resolve) -> None:
    text = PG + "    connection: {}\n    prefix: ${PREFIX}_\n    plugin: {auth: {connection: {database: '${AUTH_DB}'}}}\n"
    resolved, diagnostics = resolve(text, plugins=("catalog", "auth"))
    assert resolved["catalog"].database_name == "${PREFIX}_catalog"
    assert resolved["auth"].database_name == "${AUTH_DB}"
    assert isinstance(resolved["catalog"].database_name, Placeholder)
    assert not len(diagnostics)


def test_a_schema_name_may_wait_too(resolve: Resolve) -> None:
    text = PG + "    connection: {database: d}\n    pluginDivisionMode: schema\n    schemaPrefix: ${PREFIX}\n"
    assert resolve(text)[0]["catalog"].schema_name == "${PREFIX}catalog"


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("    client: ${X}\n    connection: {}\n", "backend.database.client"),
        (
            "    client: pg\n    connection: {}\n    plugin: {catalog: {client: '${X}'}}\n",
            "backend.database.plugin.catalog.client",
        ),
        ("    client: pg\n    connection: {}\n    pluginDivisionMode: ${X}\n", "backend.database.pluginDivisionMode"),
        ("    client: pg\n    connection: {}\n    ensureExists: ${X}\n", "backend.database.ensureExists"),
        ("    client: pg\n    connection: {}\n    skipMigrations: ${X}\n", "backend.database.skipMigrations"),
        ("    client: pg\n    connection: {type: '${X}'}\n", "backend.database.connection.type"),
        ("    client: better-sqlite3\n    connection: ${X}\n", "backend.database.connection"),
    ],
)
def test_what_decides_has_to_be_known(resolve: Resolve, line: str, path: str) -> None:
    resolved, diagnostics = resolve(f"backend:\n  database:\n{line}")
    assert resolved["catalog"].error
    (problem,) = diagnostics
    assert (problem.code, problem.path) == ("GR202", path)
    assert problem.location is not None
    assert problem.location.line
    assert "--env-file" in problem.hint
    assert "${X}" in problem.summary


def test_a_file_of_sqlite_may_be_in_a_folder_to_come(resolve: Resolve) -> None:
    text = "backend:\n  database:\n    client: better-sqlite3\n    connection: {directory: '${DATA}/db'}\n"
    plugin = resolve(text)[0]["catalog"]
    assert plugin.database_name == "${DATA}/db/catalog.sqlite"
    assert isinstance(plugin.database_name, Placeholder)


def test_certificates_of_a_url_are_left_to_the_run_time(resolve: Resolve) -> None:
    text = PG + "    connection: postgresql://u:p@h/d?sslrootcert=/nonexistent/ca.pem\n"
    ssl = resolve(text)[0]["catalog"].connection["ssl"]
    assert ssl["ca"].references == (Reference("file", "/nonexistent/ca.pem"),)
    assert resolve(text, placeholders="backstage")[0]["catalog"].error == (
        "Error: ENOENT: no such file or directory, open '/nonexistent/ca.pem'"
    )


def test_the_region_of_rds_is_left_to_the_run_time(resolve: Resolve) -> None:
    text = PG + "    connection: {type: rds, host: '${H}', port: '${P}', user: u, password: p}\n"
    plugin = resolve(text)[0]["catalog"]
    assert plugin.error is None
    assert plugin.connection == {
        "host": "${H}",
        "port": "${P}",
        "user": "u",
        "application_name": "backstage_plugin_catalog",
        "database": "backstage_plugin_catalog",
    }


def test_parsing_gives_maps(resolve: Resolve) -> None:
    plugin = resolve(PG + "    connection: postgresql://${U}:${P}@h/d\n")[0]["catalog"]
    assert isinstance(plugin.connection, ConfigMap)
    assert str(plugin.sources["connection.user"]) == "a.yaml:4:17"
