"""The map as JSON: valid under its schema, without secrets, with JavaScript's numbers."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from generator.backstage.database.redaction import redact, redact_text
from generator.backstage.database.to_json import plain, to_json
from generator.documents.schema import schema_text
from generator.documents.values import UNDEFINED, Placeholder, Reference

if TYPE_CHECKING:
    from conftest import Resolve

SCHEMA = Draft202012Validator(json.loads(schema_text("plugin-database-map")))
CONFIG = """\
backend:
  database:
    client: pg
    connection:
      host: h
      port: 5432
      user: u
      password: hunter2
      ssl: {ca: CA, key: hunter2, passphrase: hunter2, cert: CERT, pfx: hunter2}
      options: {apiKey: hunter2, accessToken: hunter2}
      other: "postgresql://u:hunter2@h/db"
    plugin:
      auth: {connection: {password: "${AUTH_PASSWORD}"}}
      search: {connection: "postgresql://u:hunter2@h/search"}
      events: {client: unknown}
      todo: {client: better-sqlite3}
"""


def test_the_map_is_valid_and_shows_no_secret(resolve: Resolve) -> None:
    resolved, diagnostics = resolve(CONFIG, plugins=("catalog", "auth", "search", "events", "todo"))
    document = {**to_json(resolved), "diagnostics": [item.to_json() for item in diagnostics]}
    SCHEMA.validate(document)
    assert "hunter2" not in json.dumps(document)
    catalog = document["plugins"]["catalog"]
    assert catalog["connection"]["password"] == "<redacted>"
    assert catalog["connection"]["ssl"]["ca"] == "CA"
    assert catalog["connection"]["other"] == "postgresql://u:<redacted>@h/db"
    assert catalog["sources"]["connection.host"] == "a.yaml:5:13"
    assert document["plugins"]["auth"]["connection"]["password"] == "${AUTH_PASSWORD}"
    assert set(document["plugins"]["events"]) == {"error"}


def test_secrets_can_be_shown(resolve: Resolve) -> None:
    document = to_json(resolve(CONFIG)[0], show_secrets=True)
    assert document["plugins"]["catalog"]["connection"]["password"] == "hunter2"


def test_a_url_in_an_unexpected_place_is_no_way_out(resolve: Resolve) -> None:
    text = "backend: {database: {client: 'postgres://u:hunter2@h', connection: {}}}\n"
    resolved, diagnostics = resolve(text)
    assert "hunter2" not in json.dumps(to_json(resolved))
    assert "hunter2" not in "".join(item.render() for item in diagnostics)
    text = "backend: {database: {client: sqlite3, connection: {}, plugin: {catalog: {connection: 'x://u:hunter2@h/f'}}}}\n"
    assert "hunter2" not in json.dumps(to_json(resolve(text)[0]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:p@h/db", "postgresql://u:<redacted>@h/db"),
        ("postgresql://u:p@ss@h/db", "postgresql://u:<redacted>@h/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://u:${P}@h/db", "postgresql://u:${P}@h/db"),
        ("postgresql://u:x${P}@h/db", "postgresql://u:<redacted>${P}@h/db"),
        ("https://example.com/a", "https://example.com/a"),
        ("host=h password=p dbname=d", "host=h password=<redacted> dbname=d"),
        ("postgresql://h/db?password=p&sslmode=x", "postgresql://h/db?password=<redacted>&sslmode=x"),
        ("-----BEGIN PRIVATE KEY-----\nabc", "<redacted>"),
        ("-----BEGIN CERTIFICATE-----\nabc", "-----BEGIN CERTIFICATE-----\nabc"),
        ("backstage_plugin_catalog", "backstage_plugin_catalog"),
    ],
)
def test_texts(text: str, shown: str) -> None:
    assert redact_text(text) == shown


def test_placeholders_are_no_secrets_but_what_is_beside_them_is() -> None:
    file = Placeholder("/run/secrets/p", (Reference("file", "/run/secrets/p"),))
    mixed = Placeholder("abc${P}", (Reference("env", "P"),))
    assert redact({"password": file}) == {"password": "/run/secrets/p"}
    assert redact({"password": mixed}) == {"password": "<redacted>${P}"}
    assert redact({"password": 123, "user": 123}) == {"password": "<redacted>", "user": 123}
    assert redact({"password": ["a", "b"]}) == {"password": ["<redacted>", "<redacted>"]}
    assert redact({"password": None, "token": True}) == {"password": None, "token": True}


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="${}<"), min_size=8, max_size=30)
)
def test_no_password_of_a_url_survives(password: str) -> None:
    assert f":{password}@" not in redact_text(f"postgresql://user:{password}@host.example:5432/db")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, 1),
        (-0.0, 0),
        (1.5, 1.5),
        (math.nan, None),
        (math.inf, None),
        (1e21, 1e21),
        (123456789012345680000, 123456789012345680000),
        (float(2**53), 2**53),
        (True, True),
        (UNDEFINED, None),
        ((1, [2.0]), [1, [2]]),
        ({"a": UNDEFINED, "b": None}, {"b": None}),
    ],
)
def test_numbers_are_javascripts(value: Any, shown: Any) -> None:
    assert plain(value) == shown
    assert json.dumps(plain(value)) == json.dumps(shown)


def test_the_schemas_are_schemas() -> None:
    for path in (Path(__file__).parents[3] / "schemas").glob("*.schema.json"):
        Draft202012Validator.check_schema(json.loads(path.read_text(encoding="utf-8")))
