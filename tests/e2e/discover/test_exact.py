"""``--exact`` on really installed packages, and what is read statically compared with what the features say."""

from __future__ import annotations

import fcntl
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from generator.backstage.repository import Confidence, Source, discover
from generator.backstage.repository import exact as exact_module
from generator.documents.schema import schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.backstage.repository import Discovery
    from generator.problems.diagnostic import Diagnostic

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("discover")]

HEAD = "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"
IDS = {
    "app", "auth", "catalog", "events", "mcp-actions", "notifications", "permission", "proxy", "scaffolder", "search",
    "signals", "user-settings",
}  # fmt: skip


@pytest.fixture
def backend(installed: Path, pinned: dict[str, str], lock: Path) -> Iterator[Path]:
    """The backend of the installed repository, with an entry file that adds everything; one test at a time has it."""
    folder = installed / "packages/backend"
    with lock.with_name("in-use").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "src").mkdir(parents=True)
        (folder / "package.json").write_text(
            json.dumps({"name": "backend", "backstage": {"role": "backend"}, "dependencies": pinned})
        )
        adds = "".join(f"backend.add(import('{name}'));\n" for name in pinned if "plugin-" in name)
        (folder / "src/index.ts").write_text(HEAD + adds)
        yield installed


def test_reading_and_asking_agree(backend: Path) -> None:
    read, asked = discover(backend), discover(backend, exact=True)
    assert set(read.plugins) == set(asked.plugins) == IDS
    assert {found.source for found in read.plugins.values()} == {Source.CODE}
    assert {found.confidence for found in asked.plugins.values()} == {Confidence.EXACT}
    assert {name: found.modules for name, found in read.plugins.items()} == {
        name: found.modules for name, found in asked.plugins.items()
    }
    assert asked.plugins["search"].modules == ("@backstage/plugin-search-backend-module-pg",)
    assert not len(asked.diagnostics)
    validator = Draft202012Validator(json.loads(schema_text("discover")))
    for result in (read, asked):
        validator.validate(result.to_json())


def test_the_catalogue_agrees_with_the_installed_code(backend: Path) -> None:
    """The same entry file without node_modules: only the catalogue is left, and it says the same."""
    read = discover(backend)
    bare = backend.parent / "bare"
    shutil.rmtree(bare, ignore_errors=True)
    shutil.copytree(backend, bare, ignore=shutil.ignore_patterns("node_modules"))
    listed = discover(bare)
    assert {name: found.modules for name, found in listed.plugins.items()} == {
        name: found.modules for name, found in read.plugins.items()
    }
    assert {found.source for found in listed.plugins.values()} == {Source.CATALOGUE}


def test_the_same_ids_from_a_real_node(backend: Path) -> None:
    """Asked in a second way: a script of a few lines that requires one package."""
    script = (
        "const f = require('@backstage/plugin-catalog-backend').default;"
        "console.log(JSON.stringify(f.getRegistrations().map(r => [r.type, r.pluginId])))"
    )
    done = subprocess.run(
        ["node", "-e", script], cwd=backend / "packages/backend", capture_output=True, text=True, check=True
    )
    ((kind, plugin_id),) = json.loads(done.stdout.splitlines()[-1])
    assert kind.startswith("plugin")
    assert plugin_id == "catalog"


def feature(plugin_id: str) -> str:
    return (
        "const { createBackendPlugin } = require('@backstage/backend-plugin-api');\n"
        f"exports.default = createBackendPlugin({{ pluginId: {plugin_id}, register(env) {{\n"
        "  env.registerInit({ deps: {}, async init() {} });\n} });\n"
    )


def package(root: Path, name: str, code: str, role: str = "backend-plugin", plugin_id: str = "") -> None:
    folder = root / "packages/backend/node_modules" / name
    folder.mkdir(parents=True)
    metadata = {"role": role, "pluginId": plugin_id} if plugin_id else {}
    (folder / "package.json").write_text(json.dumps({"name": name, "main": "index.js", "backstage": metadata}))
    (folder / "index.js").write_text(code)


def test_what_only_asking_can_know(backend: Path) -> None:
    package(backend, "@acme/computed", feature("['com', 'puted'].join('')"))
    package(backend, "@acme/liar-backend", "exports.default = require('./real')();\n", plugin_id="liar")
    (backend / "packages/backend/node_modules/@acme/liar-backend/real.js").write_text(
        feature("String('truth')").replace("exports.default =", "module.exports = () =>")
    )
    package(
        backend,
        "@acme/noisy",
        "console.log('{}');\nprocess.stdout.write('x');\nsetInterval(() => {}, 1000);\n" + feature("'noisy'"),
    )
    entry = backend / "packages/backend/src/index.ts"
    entry.write_text(
        HEAD + "".join(f"backend.add(import('@acme/{name}'));\n" for name in ("computed", "liar-backend", "noisy"))
    )
    read, asked = discover(backend), discover(backend, exact=True)
    assert set(read.plugins) == {"liar", "noisy"}
    assert len(read.unknown) == 1
    assert set(asked.plugins) == {"computed", "truth", "noisy"}
    assert not asked.unknown
    (difference,) = [item for item in asked.diagnostics if item.code == "GR813"]
    assert difference.location is not None
    assert difference.location.line == 4


def told(result: Discovery) -> list[Diagnostic]:
    """What asking had to say: without remarks on package.json, which does not list the packages made up here."""
    return [item for item in result.diagnostics if item.code in ("GR812", "GR813")]


def test_what_cannot_be_loaded(backend: Path) -> None:
    package(backend, "@acme/throws", "throw new Error('no such port');\n", plugin_id="throws")
    package(backend, "@acme/exits", "process.exit(3);\n", plugin_id="exits")
    entry = backend / "packages/backend/src/index.ts"
    entry.write_text(HEAD + "backend.add(import('@acme/throws'));\nbackend.add(import('@backstage/plugin-todo-backend'));\n")
    result = discover(backend, exact=True)
    assert set(result.plugins) == {"throws", "todo"}
    problems = {item.location.line: item for item in result.diagnostics if item.code == "GR812" and item.location}
    assert "no such port" in problems[3].summary
    assert (problems[4].severity, problems[4].hint) == ("error", "yarn install")
    entry.write_text(HEAD + "backend.add(import('@backstage/plugin-app-backend'));\nbackend.add(import('@acme/exits'));\n")
    result = discover(backend, exact=True)
    assert {name: found.confidence for name, found in result.plugins.items()} == {"app": "exact", "exits": "high"}
    (problem,) = told(result)
    assert problem.summary == "@acme/exits cannot be asked: node ended while it was loaded"


def test_node_that_hangs_is_stopped(backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(backend, "@acme/hangs", "for (;;) {}\n", plugin_id="hangs")
    (backend / "packages/backend/src/index.ts").write_text(HEAD + "backend.add(import('@acme/hangs'));\n")
    monkeypatch.setattr(exact_module, "TIMEOUT", 3.0)
    result = discover(backend, exact=True)
    assert set(result.plugins) == {"hangs"}
    (problem,) = told(result)
    assert "no answer after 3 s" in problem.summary


def test_without_node(backend: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    (problem,) = told(discover(backend, exact=True))
    assert (problem.code, problem.severity) == ("GR812", "error")
    assert "node is not installed" in problem.summary
