"""The reader: what the oracle tests compare with Backstage's own, and what only greenroom's has: places and placeholders."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from generator.backstage.config.reader import ConfigError, ConfigReader, PlaceholderError, merge
from generator.documents.values import UNDEFINED, ConfigMap

Read = Callable[..., ConfigReader]


def test_layers_fall_back(read: Read) -> None:
    config = read("a: {x: 1, y: 2}\nb: low\n", "a: {y: 3}\n")
    assert config.get("a") == {"x": 1, "y": 3}
    assert config.get_string("b") == "low"
    assert config.keys() == ["a", "b"]
    assert config.get_config("a").keys() == ["y", "x"]


def test_null_deletes(read: Read) -> None:
    config = read("a: {x: {y: 1}}\nb: 1\n", "a: {x: null}\nb: null\n")
    assert not config.has("b")
    assert config.get("a") == {}
    assert config.keys() == ["a"]
    assert config.get_optional("a.x.y") is UNDEFINED
    assert config.get_optional_config("a.x") is None


def test_arrays_replace(read: Read) -> None:
    assert read("a: [1, 2]\n", "a: [3]\n").get("a") == [3]


def test_merged_values_know_where_they_were_written(read: Read) -> None:
    merged = read("a:\n  x: 1\n  z: {deep: 1}\n", "a: {y: 2, z: {deep: 2}}\n").get("a")
    assert {key: str(merged.locate(key)) for key in merged} == {"x": "a.yaml:2:6", "y": "b.yaml:1:8", "z": "b.yaml:1:14"}
    assert str(merged["z"].locate("deep")) == "b.yaml:1:21"


def test_locate_gives_the_layer_that_decides(read: Read) -> None:
    config = read("a: {x: 1}\n", "b: 1\n", "a: {y: 1}\n")
    assert str(config.locate("a.x")) == "a.yaml:1:8"
    assert str(config.locate("a.y")) == "c.yaml:1:8"
    assert str(config.get_config("a").locate("x")) == "a.yaml:1:8"
    assert config.locate("nothing") is None
    assert config.locate("b.c") is None


@pytest.mark.parametrize(
    ("key", "method", "message", "place"),
    [
        (
            "a.n",
            "get_string",
            "TypeError: {} 'a.n' in 'a.yaml', got number, wanted string",
            "1:8",
        ),
        (
            "a.e",
            "get_string",
            "TypeError: {} 'a.e' in 'a.yaml', got empty-string, wanted string",
            "2:6",
        ),
        (
            "a.s.x",
            "get_string",
            "TypeError: {} 'a.s' in 'a.yaml', got string, wanted object",
            "3:6",
        ),
        (
            "a.s",
            "get_config",
            "TypeError: {} 'a.s' in 'a.yaml', got string, wanted object",
            "3:6",
        ),
        ("a.s", "get_boolean", "Error: Unable to convert config value for key 'a.s' in 'a.yaml' to a boolean", "3:6"),
        ("a.s", "get_number", "Error: Unable to convert config value for key 'a.s' in 'a.yaml' to a number", "3:6"),
        ("a.missing", "get", "Error: Missing required config value at 'a.missing' in 'a.yaml'", "1:4"),
        ("a.missing", "get_boolean", "Error: Missing required config value at 'a.missing' in 'a.yaml'", "1:4"),
        ("a.missing", "get_number", "Error: Missing required config value at 'a.missing' in 'a.yaml'", "1:4"),
        ("a b", "get", "TypeError: Invalid config key 'a b'", None),
    ],
)
def test_errors_have_backstages_words_and_a_place(
    read: Read, key: str, method: str, message: str, place: str | None
) -> None:
    config = read("a: {n: 1,\n  e: '',\n  s: text}\n")
    with pytest.raises(ConfigError) as caught:
        getattr(config, method)(key)
    assert str(caught.value) == message.format("Invalid type in config for key")
    assert (str(caught.value.location) if caught.value.location else None) == (f"a.yaml:{place}" if place else None)


def test_a_placeholder_is_a_string_and_no_boolean_or_number(read: Read) -> None:
    config = read("a: ${FLAG}\n")
    assert config.get_string("a") == "${FLAG}"
    for method in (config.get_boolean, config.get_number):
        with pytest.raises(PlaceholderError) as caught:
            method("a")
        assert str(caught.value.location) == "a.yaml:1:4"
        assert "${FLAG}" in str(caught.value)


def test_a_placeholder_error_names_the_variables_and_nothing_else(read: Read) -> None:
    with pytest.raises(PlaceholderError) as caught:
        read("a: hunter2${FLAG}\n").get_boolean("a")
    assert "hunter2" not in str(caught.value)


def test_merge_shares_nothing_it_could_change() -> None:
    low, high = ConfigMap({"a": ConfigMap({"x": 1})}), ConfigMap({"a": ConfigMap({"y": 2, "gone": None})})
    merged = merge(high, low)
    merged["a"]["x"] = 5
    assert merged == {"a": {"x": 5, "y": 2}}
    assert low == {"a": {"x": 1}}
    assert high == {"a": {"y": 2, "gone": None}}
