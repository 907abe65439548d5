"""The quick answer is never another than jsonschema's: compared on schemas and values nobody thought of, and on our own."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from generator.documents.schema import schema_names, schema_text
from generator.documents.schema_quick import _KEYWORDS, conforms

SCALARS = st.none() | st.booleans() | st.integers(-3, 70_000) | st.sampled_from([0.0, 1.0, 1.5, -0.0]) | st.sampled_from(
    ["", "a", "ab", "A-b", "1", "true", "catalog", "production", "x" * 70, "ä\n"]
)  # fmt: skip
KEYS = st.sampled_from(["a", "b", "c", "version", "kind"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keywords: dict[str, st.SearchStrategy[Any]] = {
        "type": st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
        | st.lists(st.sampled_from(["object", "string", "integer", "null"]), min_size=1, max_size=3, unique=True),
        "properties": st.dictionaries(KEYS, inner, max_size=3),
        "additionalProperties": inner,
        "propertyNames": inner,
        "items": inner,
        "const": SCALARS,
        "enum": st.lists(SCALARS, min_size=1, max_size=4),
        "required": st.lists(KEYS, max_size=2, unique=True),
        "pattern": st.sampled_from(["^a", "b$", "^[A-Za-z][A-Za-z0-9]*(?:[-_:][A-Za-z0-9]+)*$", "\\d"]),
        "minLength": st.integers(0, 3),
        "maxLength": st.integers(0, 3),
        "minItems": st.integers(0, 3),
        "minProperties": st.integers(0, 3),
        "maxProperties": st.integers(0, 3),
        "minimum": st.integers(-3, 3),
        "maximum": st.integers(-3, 3),
        "anyOf": st.lists(inner, min_size=1, max_size=3),
        "allOf": st.lists(inner, min_size=1, max_size=3),
        "oneOf": st.lists(inner, min_size=1, max_size=3),
        "not": inner,
        "$ref": st.just("#/$defs/shared"),
        "description": st.just("…"),
        "patternProperties": st.just({"^a": False}),  # not known here: left to jsonschema
        "format": st.just("uri"),
    }
    assert set(_KEYWORDS) <= set(keywords)
    chosen = st.lists(st.sampled_from(sorted(keywords)), max_size=3, unique=True)
    return chosen.flatmap(lambda names: st.fixed_dictionaries({name: keywords[name] for name in names}))


SCHEMAS = st.recursive(st.booleans() | st.just({}), schemas, max_leaves=6).map(
    lambda schema: {"$defs": {"shared": {"type": ["string", "integer"]}}, **schema} if isinstance(schema, dict) else schema
)


def uses_only_known(schema: Any) -> bool:
    """Whether the quick answer has to be exact: no keyword is left to jsonschema."""
    return "patternProperties" not in json.dumps(schema) and '"format"' not in json.dumps(schema)


@given(SCHEMAS, VALUES)
@example({"enum": [1]}, True)
@example({"const": 1}, 1.0)
@example({"type": "integer"}, 1.0)
@example({"const": True}, 1)
@example({"minimum": 1}, False)
@example({"oneOf": [True, True]}, None)
def test_it_agrees_with_jsonschema(schema: Any, value: Any) -> None:
    right = Draft202012Validator(schema).is_valid(value)
    if uses_only_known(schema):
        assert conforms(schema, value) is right
    else:
        assert right or not conforms(schema, value)


@pytest.mark.parametrize("name", schema_names())
def test_our_own_schemas_need_nothing_else(name: str) -> None:
    """Otherwise every run pays for the import, and nobody notices."""
    used: set[str] = set()

    def visit(schema: Any) -> None:
        if isinstance(schema, dict):
            used.update(schema)
            for keyword, inner in schema.items():
                if keyword in ("properties", "$defs"):
                    for each in inner.values():
                        visit(each)
                elif keyword in ("anyOf", "allOf", "oneOf"):
                    for each in inner:
                        visit(each)
                elif keyword in ("items", "additionalProperties", "propertyNames", "not"):
                    visit(inner)

    visit(json.loads(schema_text(name)))
    assert used - set(_KEYWORDS) <= {"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples"}


SETTINGS: dict[str, Any] = {
    "version": 1,
    "appConfig": ["app-config.yaml"],
    "environment": "production",
    "plugins": {"include": ["catalog", "tech-insights"], "discover": False},
    "credentials": {"store": "variables", "roleName": "r_{plugin}", "delivery": {"env": "X_{PLUGIN}"}},
    "servers": {"primary": {"kind": "existing", "host": "h", "port": 5432}},
    "targets": {"sql": {"path": "x"}},
}


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(place for key, each in inner for place in places(each, (*here, key)))]


@given(st.sampled_from(places(SETTINGS)[1:]), VALUES, st.booleans())
def test_it_agrees_on_the_settings_with_something_wrong_anywhere(
    place: tuple[Any, ...], value: Any, as_new_key: bool
) -> None:
    schema = json.loads(schema_text("settings"))
    settings = json.loads(json.dumps(SETTINGS))
    holder = settings
    for part in place[:-1]:
        holder = holder[part]
    holder[f"{place[-1]}x" if as_new_key and isinstance(holder, dict) else place[-1]] = value
    assert conforms(schema, settings) is Draft202012Validator(schema).is_valid(settings)


def test_depth_is_no_problem() -> None:
    value: Any = 1
    for _ in range(sys.getrecursionlimit() * 2):
        value = [value]
    assert conforms({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, value) is False
