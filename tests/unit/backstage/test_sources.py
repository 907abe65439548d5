"""Every value of a result knows where it was written; what has no place is Backstage's default."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Resolve


BASE = """\
backend:
  database:
    client: pg
    prefix: my_
    ensureExists: false
    connection:
      host: h
      ssl: {ca: cert, rejectUnauthorized: true}
"""
OVERLAY = """\
backend:
  database:
    connection: {port: 5433}
    plugin:
      catalog:
        role: owner
        connection: {user: u, ssl: {ca: other}}
      auth: {connection: "postgresql://a:b@c/d"}
      search: {client: better-sqlite3, connection: search.db}
"""


def test_sources_of_two_layers(resolve: Resolve) -> None:
    catalog = resolve(BASE, OVERLAY)[0]["catalog"]
    assert {key: str(place) for key, place in catalog.sources.items()} == {
        "client": "a.yaml:3:13",
        "databaseName": "a.yaml:4:13",
        "ensureExists": "a.yaml:5:19",
        "role": "b.yaml:6:15",
        "connection": "b.yaml:7:21",
        "connection.host": "a.yaml:7:13",
        "connection.port": "b.yaml:3:24",
        "connection.user": "b.yaml:7:28",
        "connection.ssl": "b.yaml:7:36",
        "connection.ssl.ca": "b.yaml:7:41",
        "connection.ssl.rejectUnauthorized": "a.yaml:8:43",
    }
    assert dict(catalog.own_connection) == {"user": "u", "ssl": {"ca": "other"}}
    assert str(catalog.own_connection.locate("user")) == "b.yaml:7:28"  # type: ignore[attr-defined]


def test_the_parts_of_a_string_were_written_where_the_string_was(resolve: Resolve) -> None:
    auth = resolve(BASE, OVERLAY, plugins=("auth",))[0]["auth"]
    assert auth.database_name == "d"
    for key in ("connection.user", "connection.host", "connection.database", "databaseName", "connection"):
        assert str(auth.sources[key]) == "b.yaml:8:26", key
    assert auth.own_connection["password"] == "b"


def test_sqlite_and_its_file(resolve: Resolve) -> None:
    base = BASE.replace("connection:\n      host: h\n      ssl: {ca: cert, rejectUnauthorized: true}", "connection: {}")
    search = resolve(base, OVERLAY, plugins=("search",))[0]["search"]
    assert search.database_name == "search.db"
    assert str(search.sources["databaseName"]) == "b.yaml:9:52"
    assert str(search.sources["client"]) == "b.yaml:9:24"


def test_variables_are_sources_too(resolve: Resolve) -> None:
    environ = {"APP_CONFIG_backend_database_connection_host": "elsewhere"}
    catalog = resolve(BASE, environ=environ)[0]["catalog"]
    assert str(catalog.sources["connection.host"]) == "APP_CONFIG_backend_database_connection_host"


def test_defaults_have_no_source(resolve: Resolve) -> None:
    catalog = resolve("backend: {database: {client: pg, connection: {}}}\n")[0]["catalog"]
    assert set(catalog.sources) == {"client", "connection"}


def test_the_result_is_sorted_and_without_duplicates(resolve: Resolve) -> None:
    assert list(resolve(BASE, plugins=("b", "a", "b"))[0]) == ["a", "b"]
