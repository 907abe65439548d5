"""Every reader of input: double the input is not much more than double the work.

In every run the calls of functions are counted, which is the same number on each machine. What happens inside one call, a
regular expression say, only a clock sees: `make attack` has larger inputs and a clock.
"""

from __future__ import annotations

import json
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from attack_commands import command
from attack_counts import IS_LONG
from growth import count_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: Twice as much again, of what is more than nothing: 2 where work is linear, 4 where it is quadratic.
MOST = 2.5
CONNECTION = "{host: h, user: u, password: '${PW}'}"
HEAD = f"backend:\n  database:\n    client: pg\n    connection: {CONNECTION}\n"
ONE = f"{HEAD}    plugin: {{catalog: {{}}}}\n"
BACKEND = "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"
CATALOG = "backend.add(import('@backstage/plugin-catalog-backend'));\n"

Files = dict[str, str]


def config(text: str) -> Files:
    return {"app-config.yaml": text}


def dots(size: int) -> Files:
    """Keys with dots that can be put together to one path in many ways, and never to the end of it."""
    text = "{" + ", ".join(f"{'.'.join('a' * number)}: 1" for number in range(1, size + 1)) + "}"
    return {"values.yaml": f"a: &a {{a.a: &b {{a: {text}, a.a: {text}}}, a: *b}}\nx: *a\n"}


def repository(code: str = "", **files: str) -> Files:
    """A Backstage repository whose backend has ``code``; ``_`` in the name of a file stands for a point."""
    more = {name.replace("__", "-").replace("_", "."): text for name, text in files.items()}
    return {
        "package.json": json.dumps({"workspaces": ["packages/*"]}),
        "packages/backend/package.json": json.dumps(
            {"name": "backend", "dependencies": {"@backstage/backend-defaults": "*"}}
        ),
        "packages/backend/src/index.ts": f"{BACKEND}{code}{CATALOG}backend.start();\n",
        **config(ONE),
        **more,
    }


def lines(number: int, line: str) -> str:
    return "".join(line.replace("#", str(index)) for index in range(number))


LOCK_ENTRY = {"label": "x", "server": "primary", "engine": "postgresql", "database": "d", "role": "r"}


def lock(number: int) -> Files:
    retired = {f"gone-{index}": {**LOCK_ENTRY, "label": f"gone-{index}", "database": f"d{index}"} for index in range(number)}
    return config(ONE) | {"infra/greenroom.lock.json": json.dumps({"version": 2, "plugins": {}, "retired": retired})}


def plan(number: int) -> Files:
    change = {"type": "postgresql_database", "mode": "managed", "change": {"actions": ["no-op"], "before": {}, "after": {}}}
    found = [{**change, "address": f"module.a{index}.postgresql_database.this", "name": "this"} for index in range(number)]
    return config(ONE) | {"plan.json": json.dumps({"format_version": "1.2", "resource_changes": found})}


#: Command, first size, and the input of a size: for each file that is read, and each shape that once took long.
READERS: dict[str, tuple[list[str], int, Callable[[int], Files]]] = {
    "app-config: plugins": (["lint"], 30, lambda n: config(HEAD + "    plugin:\n" + lines(n, "      p#: {client: pg}\n"))),
    "app-config: other keys": (["resolve"], 300, lambda n: config(ONE + lines(n, "key#: {a: [1, '${X}']}\n"))),
    "app-config: depth": (["resolve"], 10, lambda n: config(f"{ONE}a: {'[' * n}{']' * n}\n")),
    "app-config: aliases": (["resolve"], 200, lambda n: config(f"{ONE}a: &a {{b: 1}}\n" + lines(n, "k#: *a\n"))),
    "app-config: anchors in a comment": (
        ["resolve"],
        300,
        lambda n: config(f"{ONE}# {lines(n, '&a# ')}\n" + lines(5, "k#: &a.b# x\n")),
    ),
    "app-config: one long text": (["lint"], 20_000, lambda n: config(f"{ONE}a: 'x{' ' * n}y'\n")),
    "app-config: references": (["resolve"], 300, lambda n: config(f"{ONE}a: '{lines(n, '${X#:-y}')}'\n")),
    "app-config: comments": (["lint", "--diff"], 300, lambda n: config(ONE + lines(n, "# password: a#b\n"))),
    "app-config: includes": (
        ["resolve"],
        50,
        lambda n: config(ONE + lines(n, "k#: {$include: other.yaml#a}\n")) | {"other.yaml": "a: 1\n"},
    ),
    "app-config: documents in texts": (
        ["lint", "--diff"],
        50,
        lambda n: config(f"{ONE}a: |\n" + lines(n, "  b#: {password: x}\n")),
    ),
    "app-config: bad YAML": (["resolve"], 300, lambda n: config(ONE + lines(n, "k#: 1\n") + "k: [\n")),
    "a long connection string": (
        ["resolve"],
        500,
        lambda n: config(ONE.replace(CONNECTION, f"'postgres://u:${{PW}}@h/d?{lines(n, 'a#=b&')}'")),
    ),
    "a long string of libpq": (["lint"], 2_000, lambda n: config(ONE.replace(CONNECTION, f"'{lines(n, 'a#=b ')}'"))),
    "a file of the environment": (
        ["generate", "--check", "--env-file", "x.env"],
        300,
        lambda n: config(ONE) | {"x.env": lines(n, "NAME#='a ${B}'\n")},
    ),
    "greenroom.yaml": (
        ["generate", "--check"],
        60,
        lambda n: config(ONE) | {"greenroom.yaml": "version: 1\nvalues:\n" + lines(n, "  V#: x\n")},
    ),
    "greenroom.yaml: ignore": (
        ["lint"],
        100,
        lambda n: config(ONE) | {"greenroom.yaml": "ignore:\n" + lines(n, "  - {code: GR062, file: f#, reason: x}\n")},
    ),
    "values: documents": (
        ["lint", "--config", "values.yaml#1:x"],
        60,
        lambda n: {"values.yaml": lines(n, "---\ndata:\n  app-config.yaml: |\n    backend: {database: {client: pg}}\n")},
    ),
    "values: texts": (
        ["lint", "--config", "values.yaml"],
        60,
        lambda n: {"values.yaml": "x:\n" + lines(n, "  k#: |\n    appConfig: {a: b}\n")},
    ),
    "values: dots": (["lint", "--config", "values.yaml#" + ".".join("a" * 50)], 100, dots),
    "values: files": (
        ["discover"],
        30,
        lambda n: {f"d{number}/values.yaml": "backstage: {appConfig: {backend: {database: {}}}}\n" for number in range(n)},
    ),
    "greenroom.lock.json": (["generate", "--check"], 20, lock),
    "a plan of Terraform": (["plan-check", "plan.json"], 100, plan),
    "Terraform of one's own": (
        ["generate", "--check"],
        30,
        lambda n: config(ONE) | {"infra/terraform/databases/own.tf": lines(n, 'variable "v#" {\n  default = "x"\n}\n')},
    ),
    "index.ts: calls": (["discover"], 200, lambda n: repository("f();\n" * n)),
    "index.ts: added": (["discover"], 40, lambda n: repository(lines(n, "backend.add(import('@x/plugin-a#'));\n"))),
    "index.ts: nested": (["discover"], 100, lambda n: repository(f"const x={'f(' * n}1{')' * n};\n")),
    "index.ts: a chain": (["discover"], 100, lambda n: repository(f"const x=import('a'){'.then(m=>m)' * n};\n")),
    "index.ts: arrows": (["discover"], 100, lambda n: repository(f"const x={'()=>' * n}1;\n")),
    "index.ts: parentheses": (["discover"], 300, lambda n: repository(f"const x={'(' * n}1{')' * n};\n")),
    "yarn.lock": (
        ["discover"],
        200,
        lambda n: repository(yarn_lock=lines(n, '"a#@npm:^1":\n  version: 1.0.0\n  resolution: "a#@npm:1.0.0"\n\n')),
    ),
    "package-lock.json": (
        ["discover"],
        200,
        lambda n: repository(
            package__lock_json=json.dumps({"packages": {f"node_modules/a{i}": {"version": "1.0.0"} for i in range(n)}})
        ),
    ),
    "pnpm-lock.yaml: one line": (["discover"], 10_000, lambda n: repository(pnpm__lock_yaml=f"  a@1{'x' * n}\n")),
    "pnpm-lock.yaml": (
        ["discover"],
        200,
        lambda n: repository(pnpm__lock_yaml="packages:\n" + lines(n, " a#@1.0: {}\n")),
    ),
    "pnpm-workspace.yaml: blanks": (
        ["discover"],
        1_000,
        lambda n: repository(pnpm__workspace_yaml=f"packages:\n  - {' ' * n}'x'y'\n"),
    ),
    "dynamic-plugins.yaml": (
        ["discover"],
        100,
        lambda n: repository(dynamic__plugins_yaml="plugins:\n" + lines(n, "  - {package: '@x/plugin-a#'}\n")),
    ),
}


def write(folder: Path, files: Files) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(folder: Path, arguments: list[str]) -> None:
    ran = command(folder, arguments)
    assert ran.code in (0, 1, 2, 3), ran.stderr


@pytest.mark.parametrize("name", READERS)
def test_counted(name: str, tmp_path: Path) -> None:
    arguments, size, files = READERS[name]
    work = []
    for factor in (1, 1, 2, 4):  # the first run imports
        folder = tmp_path / f"{len(work)}"
        write(folder, files(size * factor))
        work.append(count_calls(partial(run, folder, arguments)))
    _, once, twice, four_times = work
    # What does not depend on the size falls out of the differences; a budget that is used up makes them small.
    assert four_times - twice <= MOST * (twice - once) + once // 50, work[1:]


@pytest.mark.skipif(not IS_LONG, reason="seconds are for `make attack`: a busy machine makes them say nothing")
@pytest.mark.parametrize("name", READERS)
def test_timed(name: str, tmp_path: Path) -> None:
    arguments, size, files = READERS[name]

    def seconds(factor: int) -> float:
        folder = tmp_path / str(factor)
        write(folder, files(size * factor))
        taken = []
        for _ in range(3):
            begin = time.perf_counter()
            run(folder, arguments)
            taken.append(time.perf_counter() - begin)
        return min(taken)

    factor, nothing = 4, seconds(1)
    while seconds(factor) < nothing + 0.3 and factor < 256:
        factor *= 2
    once, twice = seconds(factor) - nothing, seconds(2 * factor) - nothing
    assert twice <= MOST * once + 0.1, (size * factor, once, twice)
