"""Whatever stands in a name or a value: Backstage's own YAML parser, and Python's, read exactly that from the fragment."""

from __future__ import annotations

import json
import math
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.backstage.config.substitution import substitute
from generator.documents.documents import parse_document
from generator.problems.diagnostic import Diagnostics
from generator.targets.fragment.plugin_input import restate
from generator.targets.text.yaml import yaml_value

if TYPE_CHECKING:
    from pathlib import Path

READ = """
import yaml from 'yaml'; import readline from 'node:readline';
for await (const line of readline.createInterface({ input: process.stdin }))
  process.stdout.write(JSON.stringify(yaml.parse(JSON.parse(line))) + '\\n');
"""

#: What one reader or another takes for something else than a text, and what could end a scalar or start something.
HOSTILE = [
    "", " ", "null", "Null", "~", "true", "yes", "on", "OFF", "y", "n", "1", "1.0", "1e3", "0x1F", "0o17", "012",
    "1_000", "+1", ".5", "-.inf", ".nan", "12:30:00", "2001-01-01", "=", "<<", "!tag", "&anchor", "*alias", "- item",
    "? key", "key: value", "# comment", "text # comment", "a: b", "a:", ": b", "{a}", "[a]", "a, b", "'", '"', "\\",
    "\\n", "|", ">", "%YAML", "@", "`", "---", "...", "a\nb", "\ta", "a\t", "a\r\nb", "\x00", "\x07", "\x7f", "\x85",
    "\xa0", "\u2028", "\u2029", "\ufeff", "\u202e", "\U0001f600", "ü", "${X}", "${X:-y}", "$${X}", "${", "$file",
    "$env", "{{ x }}", "{% x %}", "%{x}", "trailing ", " leading",
]  # fmt: skip
names = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(codec="utf-8"), max_size=12))
scalars = st.one_of(names, st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False, width=32))
values = st.recursive(
    scalars, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3))
)


class Node:
    """npm ``yaml``, kept running."""

    def __init__(self, packages: Path) -> None:
        command = ["node", "--input-type=module", "--eval", READ]
        self.process = subprocess.Popen(command, cwd=packages, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def parse(self, text: str) -> Any:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{json.dumps(text)}\n".encode())
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def node(oracle_dir: Path) -> Any:
    found = Node(oracle_dir)
    yield found
    assert found.process.stdin
    found.process.stdin.close()
    found.process.wait(timeout=30)


def document(key: str, value: Any) -> str:
    """As the template prints it: on a line of its own, two levels deep, with something after it."""
    return f"top:\n  {yaml_value(key)}: {yaml_value(value)}\n  zzz-after: 1\n"


def same(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, (int, float)):
        return one == two or math.isclose(one, two)
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    return type(one) is type(two) and bool(one == two)


def test_every_value_is_read_back(node: Node) -> None:
    @settings(max_examples=1000)
    @given(names, values)
    def one(key: str, value: Any) -> None:
        text = document(key, value)
        assert text.count("\n") == 3, "a value has to stay on its line"
        wanted = {"top": {key: value, "zzz-after": 1}}
        assert same(wanted, yaml.safe_load(text))
        assert same(wanted, node.parse(text)) or has_special_float(value)

    one()


@pytest.mark.parametrize("text", HOSTILE)
def test_every_hostile_text_is_read_back(node: Node, text: str) -> None:
    for key, value in ((text, "v"), ("k", text), ("k", [text]), ("k", {text: text})):
        wanted = {"top": {key: value, "zzz-after": 1}}
        assert yaml.safe_load(document(key, value)) == wanted
        assert node.parse(document(key, value)) == wanted
        assert parse_document(document(key, value), "f.yaml", Diagnostics()) == wanted


@given(st.one_of(st.sampled_from(HOSTILE), st.text(st.sampled_from("${}:-aX"), max_size=10)))
def test_a_literal_survives_the_substitution(text: str) -> None:
    """In a name that looks like a reference, nothing is replaced."""
    assert substitute(restate(text), {"X": "replaced", "a": "replaced", "": "replaced"}.get) == text


def has_special_float(value: Any) -> bool:
    """Infinity: JSON, over which node answers, has none."""
    if isinstance(value, float):
        return math.isinf(value)
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(has_special_float(child) for child in children)
