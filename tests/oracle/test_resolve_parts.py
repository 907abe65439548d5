"""The pieces of the resolver, one by one, compared with node and the npm packages they follow."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from resolve_oracle import as_json, same
from resolve_strategies import anything, durations, one_of, strings, url_keys, url_values, urls

from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.backstage.database.connection_string import parse_mysql, parse_pg
from generator.backstage.javascript import lodash, nodepath, uri
from generator.backstage.javascript.duration import check_duration
from generator.documents import javascript
from generator.documents.values import UNDEFINED, ConfigList, ConfigMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

EXAMPLES = int(os.environ.get("GREENROOM_ORACLE_EXAMPLES", "200"))
examples = settings(
    deadline=None,
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


class Node:
    """Answers one operation at a time."""

    def __init__(self, packages: Path) -> None:
        script = Path(__file__).with_name("resolve_parts.mjs")
        self._process = subprocess.Popen(
            ["node", "--no-warnings", str(script), str(packages)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def __call__(self, operation: str, *args: Any) -> tuple[str | None, Any]:
        """The error, or ``None`` and the value."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([operation, *args]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node ended"
        answer = json.loads(line)
        return answer.get("error"), answer.get("value")


@pytest.fixture(scope="module")
def node(oracle_dir: Path) -> Iterator[Node]:
    process = Node(oracle_dir)
    yield process
    process.close()


def marked(value: Any) -> Any:
    """The containers greenroom works on."""
    if isinstance(value, dict):
        return ConfigMap({key: marked(item) for key, item in value.items()})
    return ConfigList([marked(item) for item in value]) if isinstance(value, list) else value


def outcome(function: Callable[..., Any], *args: Any) -> tuple[str | None, Any]:
    try:
        value = function(*args)
    except ConfigError as error:
        return str(error), None
    except TypeError as error:
        return f"TypeError: {error}", None
    return None, as_json(None if value is UNDEFINED else value)


def check(node: Node, operation: str, function: Callable[..., Any], *args: Any, given_to_node: tuple[Any, ...] = ()) -> None:
    mine = outcome(function, *args)
    real = node(operation, *(given_to_node or args))
    assert mine[0] == real[0]
    assert same(mine[1], real[1]), f"greenroom {mine[1]!r}, node {real[1]!r}"


json_numbers = one_of(0, 1, -1, 2, 1.5, 1e21, 1e-7, 123456789012345680000)
json_values = st.recursive(
    st.none() | st.booleans() | json_numbers | one_of("", "a", "5", "\u00e9"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(one_of("a", "b", "0", "1", "7", "length", "toString"), inner, max_size=4)
    ),
    max_leaves=8,
)
objects = st.dictionaries(one_of("a", "b", "c"), json_values, max_size=3)


@settings(examples)
@given(st.lists(objects, min_size=1, max_size=4))
def test_merge(node: Node, sources: list[Any]) -> None:
    check(node, "merge", lambda *values: lodash.merge(ConfigMap(), *map(marked, values)), *sources)


@settings(examples)
@given(json_values, st.lists(one_of("a", "0", "b"), max_size=2))
def test_omit(node: Node, value: Any, keys: list[str]) -> None:
    if not isinstance(value, str):  # a connection that is a string is never taken apart like this
        check(node, "omit", lambda value, keys: lodash.omit(marked(value), keys), value, keys)


@settings(examples)
@given(st.lists(json_values.filter(lambda value: not isinstance(value, str)), max_size=3))
def test_spread(node: Node, values: list[Any]) -> None:
    check(node, "spread", lambda *values: lodash.spread(*map(marked, values)), *values)


@settings(examples)
@given(st.lists(st.text("/.ab", max_size=8) | json_values, min_size=1, max_size=3))
def test_join(node: Node, parts: list[Any]) -> None:
    check(node, "join", nodepath.join, *parts)


encoded = st.text(st.sampled_from("%%%%aAfF029c3e4 /#?;\u00e9\u20ac\U0001f600+&="), max_size=12)


@settings(examples)
@given(encoded)
def test_percent_encoding(node: Node, text: str) -> None:
    check(node, "encodeURI", uri.encode_uri, text)
    check(node, "decodeURI", uri.decode_uri, text)
    check(node, "decodeURIComponent", uri.decode_uri_component, text)
    check(node, "query", lambda text: uri.query_of(uri.parse_url(f"postgres://h/?{text}")), text)


@settings(examples)
@given(st.text("0123456789xXbBoO.eE+-_ n\ufeff\u0085\u2028\x1cIinfty", max_size=10))
def test_numbers_in_text(node: Node, text: str) -> None:
    check(node, "number", lambda text: javascript.number_to_string(javascript.to_number(text)), text)
    check(node, "trim", javascript.trim, text)


@settings(examples)
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53) | json_values)
def test_text_of_values(node: Node, value: Any) -> None:
    check(node, "string", javascript.to_string, value)


hostile_urls = st.builds(
    lambda url, extra: url + extra,
    urls().filter(lambda url: "${" not in url),
    st.lists(st.tuples(url_keys, url_values), max_size=2).map(
        lambda pairs: "".join(f"&{key}={value}" for key, value in pairs)
    ),
)
odd_texts = st.text(st.sampled_from("ab%2fF0@:/?#[] .\u00e9+&=\\^|\"<>{}`'~!$*(),;-_\n\t\U0001f600"), max_size=20)


@settings(examples)
@given(hostile_urls | odd_texts | strings)
def test_connection_strings(node: Node, text: str) -> None:
    check(node, "pg", parse_pg, text)
    check(node, "mysql", parse_mysql, text)


METHODS = {
    "has": "has",
    "keys": "keys",
    "get": "get",
    "getOptional": "get_optional",
    "getString": "get_string",
    "getOptionalString": "get_optional_string",
    "getNumber": "get_number",
    "getOptionalNumber": "get_optional_number",
    "getBoolean": "get_boolean",
    "getOptionalBoolean": "get_optional_boolean",
}
nested = st.dictionaries(
    one_of("a", "b", "toString", "c-d"), anything | st.dictionaries(one_of("a", "b"), anything), max_size=3
)
keys = st.lists(one_of("a", "b", "a", "c-d", "toString", "constructor", "", "1", "__proto__", "x y"), min_size=1, max_size=3)


def plain_json(value: Any) -> Any:
    return json.loads(json.dumps(as_json(value)))


@settings(examples)
@given(st.lists(nested.map(plain_json), min_size=1, max_size=3), keys.map(".".join), one_of(*METHODS), st.booleans())
def test_reads(node: Node, layers: list[Any], key: str, method: str, below: bool) -> None:
    def read() -> Any:
        reader = ConfigReader.from_layers((marked(layer), f"layer{index}") for index, layer in enumerate(layers))
        if below:
            reader = reader.get_config("a")
        return getattr(reader, METHODS[method])(*([] if method == "keys" else [key]))

    question = ("readAt", layers, "a", method, key) if below else ("read", layers, method, key)
    real = node(*question)
    mine = outcome(read)
    assert mine[0] == real[0]
    assert same(mine[1], real[1]), f"greenroom {mine[1]!r}, node {real[1]!r}"


@settings(examples)
@given(durations.map(plain_json))
def test_durations(node: Node, value: Any) -> None:
    check(node, "duration", lambda value: check_duration(ConfigReader(ConfigMap({"key": marked(value)})), "key"), value)
