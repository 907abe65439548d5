"""The config loader against the real one: random documents, files, includes and environments give equal data or an error."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from generator.backstage.config.loader import load_config
from generator.documents.documents import parse_yaml
from generator.documents.env_files import parse_env_text
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
CORPUS = HERE.parents[1].parent / "shared" / "corpus"
EXAMPLES = int(os.environ.get("GREENROOM_ORACLE_EXAMPLES", "200"))
RANDOM = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)


class Oracle:
    """The real packages in one node process."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["node", str(HERE / "loader.mjs")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "GREENROOM_ORACLE_DIR": str(folder)},
        )

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def oracle(oracle_dir: Path) -> Iterator[Oracle]:
    running = Oracle(oracle_dir)
    yield running
    running.close()


def plain(value: Any) -> Any:
    """A value as the oracle writes it, comparable with ``==``; one type of number, as in JavaScript."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return value
    if math.isfinite(value):
        return float(value)
    return {"$number": "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}


# --- documents --------------------------------------------------------------------------------------------------------

WORDS = [
    *("a", "b", "catalog", "foo bar", "x y z", "it's", 'say "q"', "é", "😀", "a\\b", "C:\\new", "\\"),
    *(
        "1",
        "012",
        "0x1F",
        "0o17",
        "1e3",
        "-1",
        "+7",
        ".5",
        "1.",
        "1.50",
        "-0",
        "12345678901234567890",
        "1_000",
        "0b1",
        "1e400",
    ),
    *(
        "true",
        "True",
        "TRUE",
        "tRue",
        "no",
        "on",
        "yes",
        "~",
        "null",
        "Null",
        "",
        ".inf",
        "-.INF",
        ".NaN",
        "2001-01-01",
        "12:30:45",
    ),
    *(
        "x:y",
        "http://h:80/p?a=b&c=d#f",
        "a#b",
        "a:",
        "::1",
        ":80",
        "?y",
        "-x",
        "-",
        "--",
        "...",
        "<<",
        "=",
        "!",
        "a\tb",
        "a, b",
    ),
    *("${X}", "${X:-y}", "pg.${ZONE}.example", "$${X}", "$$${X}", "${ X }", "${}", "${X:-}", "${Y:8080}", "$X", "${", "}"),
    *("@x", "`x", "%x", "&x", "*x", "{x", "x}", "[x", "x]", "{{ .Values.x }}", "| b", "> c", "#c", "a #c"),
]
KEYS = [*"abcde", "1", "10", "2", "true", "null", "$file", "x-y", "a b", "1.50", "<<", "key", "constructor"]


def spaces(count: int) -> str:
    return " " * max(count, 0)


@st.composite
def scalars(draw: Any, indent: int, *, flow: bool = False, key: bool = False) -> str:
    word = draw(st.sampled_from(KEYS if key else WORDS))
    style = draw(st.sampled_from(["plain"] * 5 + ["double", "single"] + ["lines", "block", "odd"] * (not key)))
    if style == "double":
        return '"' + word.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    if style == "single":
        return "'" + word.replace("'", "''") + "'"
    if style == "lines":
        quote = draw(st.sampled_from(['"', "'", ""]))
        words = draw(st.lists(st.sampled_from(["a", "b c", "x-y", "1", "é"]), min_size=2, max_size=3))
        margin = draw(st.sampled_from([2, 2, 2, 4, 1, 0]))
        return (
            quote
            + draw(st.sampled_from(["\n", "\n\n", " \n"])).join(
                spaces(indent + margin * (at > 0)) * (at > 0) + part for at, part in enumerate(words)
            )
            + quote
        )
    if style == "block" and not flow:
        header = draw(st.sampled_from("|>")) + draw(st.sampled_from(["", "-", "+", "2", "-", ""]))
        margin = spaces(indent + draw(st.sampled_from([2, 2, 3])))
        lines = draw(
            st.lists(st.sampled_from(["x", "y z", "# c", "a: b", "${X}", "  w", "x\ty", None]), min_size=1, max_size=4)
        )
        return (
            header + draw(st.sampled_from(["", " # c"])) + "".join("\n" + (margin + line if line else "") for line in lines)
        )
    if style == "odd":
        return draw(
            st.sampled_from(["&p x", "*p", "&q", "*q", "!!str 1", "!t x", "!!int 3", "!!float 1.5", "! 12", "!!binary aGk="])
        )
    return word


@st.composite
def flows(draw: Any, indent: int, depth: int = 0) -> str:
    kind = draw(st.sampled_from(["scalar", "list", "map"]))
    if kind == "scalar" or depth > 2:
        return draw(scalars(indent, flow=True))
    gap = draw(st.sampled_from(["", "", " ", f"\n{spaces(indent + 2)}", f" # c\n{spaces(indent + 2)}"]))
    items = draw(st.lists(flows(indent, depth + 1), max_size=3))
    if kind == "map":
        colon = draw(st.sampled_from([": ", ": ", ":", " :"]))
        items = [draw(scalars(indent, flow=True, key=True)) + colon + item for item in items]
    comma = draw(st.sampled_from([", ", ",", f" ,{gap}"]))
    last = draw(st.sampled_from(["", ","])) if items else ""
    start, end = "{}" if kind == "map" else "[]"
    return start + gap + comma.join(items) + last + gap + end


@st.composite
def blocks(draw: Any, indent: int, depth: int) -> str:
    """What follows a key or a dash."""
    kind = draw(st.sampled_from(["scalar", "flow", "map", "list"])) if depth < 4 else "scalar"
    end = draw(st.sampled_from(["\n"] * 6 + [" # c\n", "  \n", "\n\n"]))
    if kind == "scalar":
        return " " + draw(scalars(indent)) + end
    if kind == "flow":
        return " " + draw(flows(indent)) + end
    properties = draw(st.sampled_from([""] * 8 + [" &p", " &q", " !!map", " !t"]))
    if kind == "map":
        return properties + end + draw(mappings(indent + draw(st.sampled_from([2, 2, 4])), depth + 1))
    return properties + end + draw(lists(indent + draw(st.sampled_from([2, 2, 0])), depth + 1))


@st.composite
def mappings(draw: Any, indent: int, depth: int, *, compact: bool = False) -> str:
    out = ""
    for number in range(draw(st.integers(1, 3))):
        filler = "" if compact and not number else draw(st.sampled_from([""] * 10 + ["\n", "# c\n", "  # c\n", "  \n"]))
        key = draw(scalars(indent, key=True))
        out += filler + spaces(indent) + key + draw(st.sampled_from([":"] * 8 + [" :"])) + draw(blocks(indent, depth))
    return out


@st.composite
def lists(draw: Any, indent: int, depth: int) -> str:
    out = ""
    for _ in range(draw(st.integers(1, 3))):
        if draw(st.booleans()):
            out += spaces(indent) + "- " + draw(mappings(indent + 2, depth, compact=True)).lstrip(" ")
        else:
            out += spaces(indent) + "-" + draw(blocks(indent, depth))
    return out


@st.composite
def documents(draw: Any) -> str:
    start = draw(st.sampled_from([""] * 8 + ["---\n", "# c\n", "\n", "%YAML 1.1\n---\n"]))
    text = start + draw(st.one_of(mappings(0, 0), mappings(0, 0), mappings(0, 0), lists(0, 0), flows(0)))
    ending = draw(st.sampled_from(["lf", "lf", "lf", "crlf", "none", "end"]))
    if ending == "crlf":
        return text.replace("\n", "\r\n")
    if ending == "none":
        return text.rstrip("\n")
    return text + ("...\n" if ending == "end" else "")


def ours(text: str) -> Any:
    found = Diagnostics()
    parsed = parse_yaml(text, "app-config.yaml", found)
    assert (parsed.error is not None) <= found.has_errors
    return {"error": parsed.error} if parsed.error is not None else {"value": plain(parsed.value)}


def agree(mine: Any, theirs: Any) -> bool:
    return ("error" in mine) == ("error" in theirs) and ("error" in mine or mine == plain(theirs))


@RANDOM
@given(documents())
def test_documents_are_read_as_npm_yaml_reads_them(oracle: Oracle, text: str) -> None:
    assume(text.strip() != "...")  # a stream that ends before it begins
    mine = ours(text)
    # A value inside itself that a later key replaces: npm yaml builds it and throws it away. Here it stays an error.
    assume(not str(mine.get("error")).startswith("RangeError"))
    theirs = oracle.ask(op="yaml", text=text)
    assert agree(mine, theirs), (text, mine, theirs)


# --- files, includes, environment -------------------------------------------------------------------------------------

VALUES = [
    *(
        "plain",
        "${X}",
        "${Y}",
        "${EMPTY}",
        "${SPACE}",
        "a-${X}-b",
        "a-${NO}-b",
        "${NO}",
        "${NO:-fallback}",
        "${X:-fallback}",
    ),
    *(
        "${EMPTY:-fallback}",
        "${NO:-}",
        "${NO:-  }",
        "${ X }",
        "${ NO :- a b }",
        "$${X}",
        "$${NO}",
        "$$${X}",
        "$$$${X}",
        "${}",
    ),
    *(
        "${:-z}",
        "$",
        "$$",
        "${",
        "${X",
        "$X}",
        "${a{b}}",
        "${X}${Y}",
        "${NO}${X}",
        "${X:8080}",
        "${X:-${Y}}",
        "${X:-a:-b}",
        "{X}",
    ),
    *(1, 1.5, True, None, "", " padded ", "${TAIL}${X}", "x${DOLLAR}{X}", "012", "é"),
]
TARGETS = [
    *("text.txt", "sub/text.txt", "empty.txt", "none.txt", "../outside.txt", "${FILE}", "${NO}", "a.yaml", "sub", "", 1),
    *("part.yaml", "part.yaml#a", "part.yaml#a.b", "part.yaml#a.b.c", "part.yaml#none", "part.yaml#none.x", "part.yaml#"),
    *("sub/inner.yaml", "sub/inner.yaml#up", "part.json", "part.json#a", "part.yml", "part.txt", "none.yaml", "empty.yaml"),
    *("bad.yaml", "bad.json", "list.yaml", "list.yaml#0", "part.yaml#s", "root.yaml", "PART.YAML", "part", "part.yaml#a#b"),
    *("X", "NO", "EMPTY", "${NAME}", "$${X}"),
]
NAMES = ["X", "Y", "EMPTY", "SPACE", "TAIL", "DOLLAR", "FILE", "NAME", "NO", "a", "b"]
FIXED = {
    "text.txt": " ${X} text \n\n",
    "sub/text.txt": "inner\r\n \u00a0\ufeff\n",
    "empty.txt": "",
    "part.yaml": "a: {b: '${X}', c: '${NO}', $note: 1}\ns: '${Y}'\nn: null\nt: {$file: text.txt}\n1: one\n",
    "part.yml": "- 1\n- ${X}\n- ${NO}\n- {$env: NO}\n",
    "part.json": '{"a": {"b": "${X}"}, "n": 1.0, "l": [1, "${NO}", {"$env": "X"}], "a": {"again": 1e2}}',
    "part.txt": "a: 1\n",
    "sub/inner.yaml": "here: {$file: text.txt}\nup: {$include: '../part.yaml#a'}\n",
    "empty.yaml": "# nothing\n",
    "bad.yaml": "a: 1\na: 2\n",
    "bad.json": '{"a": NaN}',
    "list.yaml": "[1, 2]\n",
    "root.yaml": "$include: part.yaml\n",
}
VARIABLES = {
    "X": "x",
    "Y": "two words ",
    "EMPTY": "",
    "SPACE": " \t\u00a0",
    "TAIL": "ends in $",
    "DOLLAR": "$",
    "FILE": "text.txt",
    "NAME": "X",
}


@st.composite
def trees(draw: Any, depth: int = 0) -> Any:
    kind = draw(st.sampled_from(["value", "value", "map", "list", "include"])) if depth else "map"
    if kind == "value" or depth > 3:
        return draw(st.sampled_from(VALUES))
    if kind == "include":
        key = draw(st.sampled_from(["$file", "$env", "$include", "$include"]))
        value = draw(st.sampled_from(NAMES)) if key == "$env" and draw(st.booleans()) else draw(st.sampled_from(TARGETS))
        return {key: value} | ({"more": 1} if draw(st.integers(0, 15)) == 0 else {})
    if kind == "list":
        return draw(st.lists(trees(depth + 1), max_size=3))
    return draw(
        st.dictionaries(st.sampled_from(["a", "b", "c d", "1", "backend", "database", "x-y"]), trees(depth + 1), max_size=4)
    )


@st.composite
def environments(draw: Any) -> dict[str, str]:
    chosen = draw(st.lists(st.sampled_from(sorted(VARIABLES)), unique=True))
    env = {name: VARIABLES[name] for name in chosen}
    keys = st.sampled_from(
        ["a", "a_b", "backend_database", "backend_database_client", "x-y", "a:b_c", "constructor", "1", "a__b"]
    )
    values = st.sampled_from(
        ["1", "x", '"x"', "null", "[1, 2]", '{"b": {"c": 1}}', "", " 5 ", "1.0", "1e999", "NaN", "{bad", "${X}"]
    )
    env |= {f"APP_CONFIG_{key}": value for key, value in draw(st.dictionaries(keys, values, max_size=2)).items()}
    if draw(st.booleans()):
        env["BACKSTAGE_ENV"] = draw(st.sampled_from(["production", "production, test", "none", " ,", "local"]))
    return env


FILES = ["app-config.yaml", "app-config.production.yaml", "app-config.local.yaml", "app-config.test.local.yaml"]


@st.composite
def cases(draw: Any) -> tuple[dict[str, str], list[str], dict[str, str]]:
    """Files by name, ``--config`` values, environment."""
    files = {name: json.dumps(draw(trees())) for name in draw(st.lists(st.sampled_from(FILES), unique=True, max_size=3))}
    if draw(st.integers(0, 9)):
        files.setdefault("app-config.yaml", json.dumps(draw(trees())))
    if draw(st.integers(0, 20)) == 0:
        files["app-config.yaml"] = draw(
            st.sampled_from(["", "# c\n", "[]", "text", "~", "${X}", "$include: part.yaml", "a: [", "$env: X"])
        )
    config = (
        draw(st.lists(st.sampled_from([*FILES, "sub/inner.yaml", "part.json"]), max_size=2)) if draw(st.booleans()) else []
    )
    return files, config, draw(environments())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("config")
    for name, text in FIXED.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


@RANDOM
@given(cases())
def test_layers_are_those_of_the_real_loader(
    oracle: Oracle, folder: Path, case: tuple[dict[str, str], list[str], dict[str, str]]
) -> None:
    files, config, env = case
    for name in FILES:
        (folder / name).unlink(missing_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    targets = [str(folder / name) for name in config]
    theirs = oracle.ask(op="load", root=str(folder), config=targets, env=env)
    mine = load_config(root=folder, config=targets, environ=env, placeholders="backstage")
    event("an error" if "error" in theirs else "layers")
    assert ("error" in theirs) == (mine.error is not None), (files, mine.error, theirs)
    if mine.error is None:
        assert not [item for item in mine.diagnostics if item.severity == "error"]
        assert [{"data": plain(layer.data), "context": layer.context} for layer in mine.layers] == [
            plain(layer) for layer in theirs["layers"]
        ]
    else:
        assert [item for item in mine.diagnostics if item.severity == "error"]
        if len(files) == 1 and "YAML" not in theirs["error"] and "JSON" not in theirs["error"]:
            assert mine.error == theirs["error"]


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real configurations is not beside the project")
@pytest.mark.parametrize(
    "env", [{}, {"POSTGRES_HOST": "db", "POSTGRES_PORT": "5432", "POSTGRES_USER": "u", "BACKEND_SECRET": ""}]
)
def test_real_configurations_load_as_in_backstage(oracle: Oracle, tmp_path: Path, env: dict[str, str]) -> None:
    different = []
    paths = sorted(path for path in CORPUS.iterdir() if path.is_file())
    assert paths
    for path in paths:
        copy = tmp_path / f"{path.stem}.yaml"
        shutil.copy(path, copy)
        theirs = oracle.ask(op="load", root=str(tmp_path), config=[str(copy)], env=env)
        mine = load_config(root=tmp_path, config=[str(copy)], environ=env, placeholders="backstage")
        if (mine.error is None) != ("error" not in theirs):
            different.append(f"{path.name}: {mine.error} / {theirs.get('error')}")
        elif mine.error is None and [plain(layer.data) for layer in mine.layers] != [
            plain(x["data"]) for x in theirs["layers"]
        ]:
            different.append(path.name)
    assert not different


def test_what_held_the_parsers_apart_before(oracle: Oracle) -> None:
    """Texts on which libyaml, PyYAML and npm yaml disagree, each checked once."""
    texts = (HERE / "loader_documents.json").read_text()
    for text in json.loads(texts):
        mine, theirs = ours(text), oracle.ask(op="yaml", text=text)
        assert agree(mine, theirs), (text, mine, theirs)


# --- dotenv -----------------------------------------------------------------------------------------------------------

DOTENV_VALUES = [
    "",
    "a",
    " a b ",
    "a#b",
    "a # b",
    '"a"',
    '"a # b"',
    "'a\\nb'",
    '"a\\nb"',
    '"two\nlines"',
    "`a'b\"c`",
    "a=b",
    "${X}",
    "é",
    '""',
    "''",
]


@RANDOM
@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "B_1", "c.d-e"]), st.sampled_from(DOTENV_VALUES), st.sampled_from(["", "export "])),
        max_size=5,
    )
)
def test_env_files_are_read_as_node_reads_them(oracle: Oracle, lines: list[tuple[str, str, str]]) -> None:
    text = "".join(f"{export}{name}={value}\n" for name, value, export in lines)
    found = Diagnostics()
    mine = parse_env_text(text, ".env", found)
    assert not len(found)
    assert mine == oracle.ask(op="dotenv", text=text)["value"]
