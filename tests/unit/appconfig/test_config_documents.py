"""YAML documents: values, positions, and what is kept together by aliases."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from generator.documents.documents import parse_document, parse_yaml
from generator.documents.values import UNDEFINED, ConfigList, ConfigMap
from generator.problems.diagnostic import Diagnostics


def read(text: str) -> Any:
    """The value of a text that has no problem."""
    found = Diagnostics()
    value = parse_document(text, "app-config.yaml", found)
    assert not list(found), [item.render() for item in found]
    return value


@pytest.fixture(params=["libyaml", "python"])
def _parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both of PyYAML's parsers: the one in C may be missing."""
    if request.param == "libyaml" and not yaml.__with_libyaml__:
        pytest.skip("this PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param == "libyaml")


TEXT = """\
# a comment
backend:
  database:
    client: pg
    connection: {host: db, "port": 5432}
  list:
  - a
  -   b: |
        text
      c: >-
        folded
        text
empty:
"""


@pytest.mark.usefixtures("_parser")
def test_values_know_where_they_are() -> None:
    config = read(TEXT)
    backend = config["backend"]
    assert config == {
        "backend": {
            "database": {"client": "pg", "connection": {"host": "db", "port": 5432}},
            "list": ["a", {"b": "text\n", "c": "folded text"}],
        },
        "empty": None,
    }
    places = {
        "client": backend["database"].locate("client"),
        "host": backend["database"]["connection"].locate("host"),
        "port": backend["database"]["connection"].locate("port"),
        "list": backend.locate("list"),
        "a": backend["list"].locate(0),
        "b": backend["list"][1].locate("b"),
        "empty": config.locate("empty"),
    }
    assert {name: str(place) for name, place in places.items()} == {
        "client": "app-config.yaml:4:13",
        "host": "app-config.yaml:5:24",
        "port": "app-config.yaml:5:36",
        "list": "app-config.yaml:7:3",
        "a": "app-config.yaml:7:5",
        "b": "app-config.yaml:8:10",
        "empty": "app-config.yaml:13:7",
    }
    assert str(backend["database"]["connection"].locate_key("port")) == "app-config.yaml:5:28"
    assert config.locate("nothing") is None
    assert backend["list"].locate(7) is None


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "---\n", "null\n", "~", "\ufeff"])
def test_an_empty_document_is_null(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: |\r\n  x\r\n  y\r\n", {"a": 1, "b": "x\ny\n"}),
        ("a: |\n  x", {"a": "x\n"}),
        ("a: |-\n  x\n\n", {"a": "x"}),
        ("a: |+\n  x\n\n", {"a": "x\n\n"}),
        ("a: one\n  two\n\n  three\n", {"a": "one two\nthree"}),
        ("<<: {a: 1}\nb: 2", {"<<": {"a": 1}, "b": 2}),
        ("a: '*x'\nb: &x 1", {"a": "*x", "b": 1}),
        ("a: &x {b: 1}\nc: *x", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x.y/z 1\nb: *x.y/z", {"a": 1, "b": 1}),
        ("1: a\ntrue: b\n~: c\n1.50: d", {"1": "a", "true": "b", "": "c", "1.5": "d"}),
        ("a: [:80, ::1, ?q, a:b]", {"a": [":80", "::1", "?q", "a:b"]}),
        ("a: {b:, c: x}", {"a": {"b": None, "c": "x"}}),
        ("a: [!x, !y]", {"a": ["", ""]}),
        ("a: 1\n\t\nb: 2", {"a": 1, "b": 2}),
        ("-\ta\n-\tb", ["a", "b"]),
        ('a: "\\ud83d\\ude00 \\U0001F600"', {"a": "😀 😀"}),
        ("a: x\u2028y\u0085z\x07", {"a": "x\u2028y\u0085z\x07"}),
        ("? a\n? b\n: c", {"a": None, "b": "c"}),
        ("a: !!str 012", {"a": "012"}),
        ("%YAML 1.1\n---\na: {x: 1}\n<<: [{a: 2, b: 2}, {z: 3}]\nz: 4", {"a": {"x": 1}, "b": 2, "z": 4}),
        ("base: &b {x: 1}\nc:\n  !!merge <<: *b\n  y: 2", {"base": {"x": 1}, "c": {"x": 1, "y": 2}}),
    ],
)
def test_documents(text: str, value: Any) -> None:
    assert parse_document(text, "f.yaml", Diagnostics()) == value


def test_index_keys_come_first_as_in_a_javascript_object() -> None:
    config = read("b: 1\n10: 2\n9: 3\na: 4\n'007': 5\n")
    assert list(config) == ["9", "10", "b", "a", "007"]
    assert str(config.locate("10")) == "app-config.yaml:2:5"


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("{a: 1, b: [c, 'd']}", "{ a: 1, b: [ c, 'd' ] }"),
        ("{a, b}", "{ a, b }"),
        ("[]", "[]"),
        ('["x", *p]', '[ "x", *p ]'),
    ],
)
def test_a_collection_as_a_key_becomes_a_text(key: str, text: str) -> None:
    found = Diagnostics()
    assert parse_document(f"p: &p 1\n? {key}\n: value\n", "f.yaml", found) == {"p": 1, text: "value"}
    assert [(item.code, item.severity) for item in found] == [("GR107", "warning")]


def test_a_helm_expression_is_named() -> None:
    found = Diagnostics()
    value = parse_document("host: {{ .Values.host }}\n", "values.yaml", found)
    assert value == {"host": {"{ .Values.host }": None}}
    assert ["Helm template" in item.hint for item in found] == [True]


def test_an_alias_shares_the_value_and_its_positions() -> None:
    parsed = parse_yaml("a: &x\n  b: 1\nc: *x\n", "f.yaml", Diagnostics())
    assert parsed.shared
    assert parsed.value["c"] is parsed.value["a"]
    assert str(parsed.value["c"].locate("b")) == "f.yaml:2:6"
    assert str(parsed.value.locate("c")) == "f.yaml:3:4"


def test_an_anchor_may_be_used_again() -> None:
    assert read("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_aliases_within_the_limit_of_npm_yaml() -> None:
    text = "a: &a {x: 1}\n" + "".join(f"k{number}: *a\n" for number in range(99))
    assert len(read(text)) == 100


def test_containers_are_plain_ones_that_can_be_changed() -> None:
    config = read("a: 1\nb: [1, 2]\n")
    assert isinstance(config, ConfigMap)
    assert isinstance(config["b"], ConfigList)
    marks = config.marks
    config["c"] = 3
    marks["c"] = marks["a"]
    assert str(config.locate("c")) == "app-config.yaml:1:4"
    config.marks = {}
    config["b"].marks = []
    assert config.locate("a") is None
    assert config["b"].locate(0) is None


def test_duplicate_keys_leave_the_last_value() -> None:
    found = Diagnostics()
    parsed = parse_yaml("a: 1\nb: {c: 1, c: 2}\na: 3\n", "f.yaml", found)
    assert parsed.value == {"a": 3, "b": {"c": 2}}
    assert str(parsed.value.locate("a")) == "f.yaml:3:4"
    assert [str(item.location) for item in found] == ["f.yaml:2:11", "f.yaml:3:1"]
    assert parsed.error == "YAMLParseError: Map keys must be unique at line 2, column 11"


def test_one_key_spelled_as_number_and_as_text_is_not_a_duplicate() -> None:
    assert read('1: a\n"1": b\n') == {"1": "b"}
    assert read("%YAML 1.1\n---\n<<: {a: 1}\na: 2\n") == {"a": 2}


@pytest.mark.parametrize(
    "text", ["a: [1", "a: b: c", "\ta: 1", "a: 'x", "@", "{" * 5000, "[" * 5000, "a: &a [*a", "- " * 3000]
)
@pytest.mark.usefixtures("_parser")
def test_what_cannot_be_read_is_undefined_and_reported(text: str) -> None:
    found = Diagnostics()
    parsed = parse_yaml(text, "f.yaml", found)
    assert parsed.value is UNDEFINED
    assert parsed.error
    assert found.has_errors
    assert all(item.location and item.location.line and item.hint for item in found)
