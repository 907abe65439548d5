"""Repositories that are missing, half there, or broken: a diagnostic with file and line, never a traceback."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from generator.backstage.repository import Discovery, discover, typescript

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"
APP = "backend.add(import('@backstage/plugin-app-backend'));\n"
ENTRY = "packages/backend/src/index.ts"


def repository(root: Path, entry: str | bytes | None = HEAD + APP) -> Path:
    (root / "packages/backend/src").mkdir(parents=True, exist_ok=True)
    (root / "package.json").write_text('{"workspaces": ["packages/*", "plugins/*"]}')
    (root / "packages/backend/package.json").write_text(
        json.dumps(
            {"name": "backend", "backstage": {"role": "backend"}, "dependencies": {"@backstage/plugin-app-backend": "*"}}
        )
    )
    if entry is not None:
        (root / ENTRY).write_bytes(entry.encode() if isinstance(entry, str) else entry)
    return root


def codes(result: Discovery) -> list[str]:
    return [item.code for item in result.diagnostics]


def test_no_repository(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text("backend: {}\n")
    result = discover(tmp_path)
    assert not result.is_backstage
    assert not result.plugins
    assert not result.unknown
    (problem,) = result.diagnostics
    assert (problem.code, problem.severity) == ("GR800", "error")
    assert "--root" in problem.hint


def test_a_root_that_does_not_exist(tmp_path: Path) -> None:
    assert not discover(tmp_path / "nowhere").is_backstage


def test_a_root_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert not discover(tmp_path / "file").is_backstage


def test_another_kind_of_repository(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "shop", "dependencies": {"express": "^4.0.0"}}')
    assert codes(discover(tmp_path)) == ["GR800"]


def test_a_backend_in_a_folder_below_is_named(tmp_path: Path) -> None:
    repository(tmp_path / "portal")
    (problem,) = discover(tmp_path).diagnostics
    assert problem.hint == "try --root portal"


@pytest.mark.parametrize(
    ("text", "line"), [('{"name": "root",\n "workspaces": [}\n', 2), ("[]", 1), ("", 1), ("{" * 100_000, 1), ('"x"', 1)]
)
def test_a_broken_package_json_at_the_root(tmp_path: Path, text: str, line: int) -> None:
    repository(tmp_path)
    (tmp_path / "package.json").write_text(text)
    result = discover(tmp_path)
    problem = next(item for item in result.diagnostics if item.code == "GR801")
    assert problem.location is not None
    assert problem.location.file == "package.json"
    assert problem.location.line in (line, 0)
    # The folders a Backstage repository has are looked at all the same.
    assert list(result.plugins) == ["app"]


def test_a_broken_package_json_of_the_backend(tmp_path: Path) -> None:
    repository(tmp_path)
    (tmp_path / "packages/backend/package.json").write_text('{\n  "name": "backend",,\n}')
    result = discover(tmp_path)
    assert set(codes(result)) == {"GR800", "GR801"}
    problem = next(item for item in result.diagnostics if item.code == "GR801")
    assert str(problem.location).startswith("packages/backend/package.json:2:")


def test_a_broken_package_json_of_an_installed_package(tmp_path: Path) -> None:
    repository(tmp_path)
    folder = tmp_path / "node_modules/@backstage/plugin-app-backend"
    folder.mkdir(parents=True)
    (folder / "package.json").write_text("{")
    result = discover(tmp_path)
    assert list(result.plugins) == ["app"]
    assert codes(result) == ["GR801", "GR808"]


def test_half_an_installation(tmp_path: Path) -> None:
    """A package folder without its files."""
    repository(tmp_path)
    folder = tmp_path / "node_modules/@backstage/plugin-app-backend"
    folder.mkdir(parents=True)
    result = discover(tmp_path)
    assert list(result.plugins) == ["app"]
    (problem,) = result.diagnostics
    assert (problem.code, problem.hint) == ("GR808", "yarn install")
    assert str(problem.location) == f"{ENTRY}:3:1"
    (folder / "package.json").write_text('{"name": "@backstage/plugin-app-backend", "main": "dist/index.cjs.js"}')
    assert list(discover(tmp_path).plugins) == ["app"]


def test_a_package_that_is_added_but_not_listed(tmp_path: Path) -> None:
    result = discover(repository(tmp_path, HEAD + APP + "backend.add(import('@backstage/plugin-search-backend'));\n"))
    assert set(result.plugins) == {"app", "search"}
    (problem,) = result.diagnostics
    assert (problem.code, problem.hint) == ("GR808", "yarn --cwd packages/backend add @backstage/plugin-search-backend")


def test_no_entry_file(tmp_path: Path) -> None:
    result = discover(repository(tmp_path, None))
    assert [(name, found.confidence) for name, found in result.plugins.items()] == [("app", "low")]
    assert codes(result) == ["GR807"]


@pytest.mark.parametrize("text", ["", "export {};\n", "// nothing\n", "console.log('hello');\n"])
def test_an_entry_file_that_adds_nothing(tmp_path: Path, text: str) -> None:
    result = discover(repository(tmp_path, text))
    assert not result.plugins
    ((location, _),) = result.unknown
    assert location.file == ENTRY


def test_an_entry_file_that_does_not_parse(tmp_path: Path) -> None:
    text = HEAD + APP + "const x = {{{ ;\nbackend.add(import('@backstage/plugin-proxy-backend'));\n"
    result = discover(repository(tmp_path, text))
    assert result.plugins["app"].confidence == "medium"
    problem = next(item for item in result.diagnostics if item.code == "GR802")
    assert problem.location is not None
    assert problem.location.file == ENTRY
    assert problem.location.line >= 1


@pytest.mark.parametrize(
    "text", [b"\xff\xfe\x00b\x00a", b"\x00" * 1000, "\ufeff".encode() + (HEAD + APP).encode(), b"(" * 50_000]
)
def test_an_entry_file_that_is_no_text(tmp_path: Path, text: bytes) -> None:
    result = discover(repository(tmp_path, text))
    assert list(result.plugins) == (["app"] if b"createBackend" in text else [])


def test_a_file_that_takes_too_long_to_parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser looks for the best reading of garbage, for minutes if it is let."""
    monkeypatch.setattr(typescript, "SECONDS", -1.0)
    result = discover(repository(tmp_path, HEAD + APP + "const a = [1, 2, 3];\n" * 20_000))
    assert not result.plugins
    assert result.is_backstage
    assert {"GR802", "GR803"} <= set(codes(result))
    assert result.unknown


def test_deeply_nested_code(tmp_path: Path) -> None:
    nested = "(" * 3000 + "import('@backstage/plugin-app-backend')" + ")" * 3000
    chain = "".join(f"const a{index} = a{index + 1};\n" for index in range(500))
    result = discover(repository(tmp_path, HEAD + f"backend.add({nested});\n{chain}backend.add(a0);\n"))
    assert list(result.plugins) == ["app"]
    assert result.unknown


def test_values_that_define_themselves(tmp_path: Path) -> None:
    text = "const a = b;\nconst b = a;\nfunction f(x: any) { return f(x); }\nbackend.add(a);\nbackend.add(f(f));\n"
    (tmp_path / "packages/backend/src").mkdir(parents=True)
    (tmp_path / "packages/backend/src/one.ts").write_text("export * from './two';\nexport { x } from './two';\n")
    (tmp_path / "packages/backend/src/two.ts").write_text("export * from './one';\nexport { x } from './one';\n")
    result = discover(repository(tmp_path, HEAD + text + "import { x } from './one';\nbackend.add(x);\n" + APP))
    assert list(result.plugins) == ["app"]


def test_values_that_double_each_other(tmp_path: Path) -> None:
    """Ten levels of ten: evaluated in full this would take years."""
    lists = "".join(f"const a{n} = [{', '.join([f'a{n - 1}'] * 10)}];\n" for n in range(1, 12))
    names = "".join(f"const s{n} = `{f'${{s{n - 1}}}' * 2}`;\n" for n in range(1, 40))
    text = f"const a0 = [import('@backstage/plugin-app-backend')];\n{lists}const s0 = 'x';\n{names}"
    result = discover(
        repository(tmp_path, HEAD + text + "for (const a of a11) backend.add(a);\nbackend.add(import(s39));\n")
    )
    assert list(result.plugins) == ["app"]
    assert result.unknown


def test_packages_that_need_each_other(tmp_path: Path) -> None:
    for name, other in (("one", "two"), ("two", "one")):
        folder = tmp_path / "plugins" / name
        (folder / "src").mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"name": f"@acme/{name}", "main": "src/index.ts"}))
        (folder / "src/index.ts").write_text(f"export {{ default }} from '@acme/{other}';\n")
    result = discover(repository(tmp_path, HEAD + "backend.add(import('@acme/one'));\n"))
    assert not result.plugins
    assert result.unknown


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("yarn.lock", '"a@^1":\n  version "1.0.0"\n<<<<<<< HEAD\n', 3),
        ("yarn.lock", "this is no lock file\n", 1),
        ("package-lock.json", '{\n"packages": \n', 3),
        ("pnpm-lock.yaml", "\x01\x02\n", 1),
    ],
)
def test_a_broken_lock_file(tmp_path: Path, name: str, text: str, line: int) -> None:
    repository(tmp_path)
    (tmp_path / name).write_text(text)
    result = discover(tmp_path)
    assert list(result.plugins) == ["app"]
    (problem,) = result.diagnostics
    assert problem.code == "GR809"
    assert problem.location is not None
    assert (problem.location.file, problem.location.line) == (name, line)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plugins:\n  - package: [\n", 3),
        ("plugins: none\n", 1),
        ("- package: x\n", 1),
        ("plugins:\n  - disabled: true\n", 2),
        ("plugins:\n  - text\n", 2),
        ("includes:\n  - dynamic-plugins.yaml\nplugins: []\n", 0),
        ("includes:\n  - missing.yaml\nplugins: []\n", 2),
    ],
)
def test_a_broken_list_of_dynamic_plugins(tmp_path: Path, text: str, line: int) -> None:
    (tmp_path / "dynamic-plugins.yaml").write_text(text)
    result = discover(tmp_path)
    problem = next(item for item in result.diagnostics if item.code == "GR810")
    assert problem.location is not None
    assert (problem.location.file, problem.location.line) == ("dynamic-plugins.yaml", line)


def test_an_anchor_bomb(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    (tmp_path / "dynamic-plugins.yaml").write_text("\n".join(lines) + "\nplugins: *a11\n")
    assert discover(tmp_path).is_backstage


def test_symbolic_links(tmp_path: Path) -> None:
    """A loop is not followed, and what lies outside of the root is not read."""
    root = repository(
        tmp_path / "root", HEAD + APP + "backend.add(import('./outside'));\nbackend.add(import('@acme/linked'));\n"
    )
    (tmp_path / "outside.ts").write_text("export default createBackendPlugin({ pluginId: 'outside' });\n")
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/package.json").write_text(
        '{"name": "@acme/linked", "backstage": {"role": "backend-plugin", "pluginId": "l"}}'
    )
    (root / "packages/backend/src/outside.ts").symlink_to(tmp_path / "outside.ts")
    (root / "node_modules/@acme").mkdir(parents=True)
    (root / "node_modules/@acme/linked").symlink_to(tmp_path / "linked")
    (root / "packages/loop").symlink_to(root)
    (root / "packages/backend/again").symlink_to("again")
    result = discover(root)
    assert list(result.plugins) == ["app"]
    assert len(result.unknown) == 2


@pytest.mark.parametrize(
    "specifier", ["../../../../../../etc/passwd", "./../../../../outside", "/etc/hostname", "@a/../../x", "", ".", ".."]
)
def test_specifiers_that_lead_out(tmp_path: Path, specifier: str) -> None:
    (tmp_path / "outside.ts").write_text("export default createBackendPlugin({ pluginId: 'outside' });\n")
    result = discover(repository(tmp_path / "root", HEAD + APP + f"backend.add(import('{specifier}'));\n"))
    assert list(result.plugins) == ["app"]


def test_an_unreadable_file(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    repository(tmp_path)
    (tmp_path / ENTRY).chmod(0)
    assert "GR801" in codes(discover(tmp_path))


def test_a_huge_file(tmp_path: Path) -> None:
    result = discover(repository(tmp_path, HEAD + APP + "// x\n" * 1_000_000))
    assert "GR801" in codes(result)


def test_no_absolute_path_is_shown(tmp_path: Path) -> None:
    result = discover(repository(tmp_path, HEAD + "backend.add(import('./x'));\n" + APP))
    assert str(tmp_path) not in json.dumps(result.to_json())


#: Words of one and of several parts, as they stand in an entry file.
PIECES = """
backend|.add(|import(|)|'@backstage/plugin-app-backend'|`a${b}`|createBackendPlugin(|{|}|pluginId|:|'x'|[|]|=>|;|,|\\|'|"|é|*
const a =|a|function f(x) {|return|yield|...|?|&&|await|export default|export * from './index';|import x from './index';|<|>
createEnv(|//|/*|for (const a of|createBackendFeatureLoader(|.then(|.map(|loader|\x00
""".strip()
WORDS = st.sampled_from([*PIECES.replace("\n", "|").split("|"), "\n"])


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, max_size=60).map(" ".join))
def test_any_text_is_read_without_a_traceback(tmp_path: Path, text: str) -> None:
    result = discover(repository(tmp_path, HEAD + text))
    assert result.is_backstage
    for found in result.plugins.values():
        assert found.location.file == ENTRY
        assert found.location.line >= 1
    for item in result.diagnostics:
        assert re.fullmatch(r"GR8\d\d", item.code)
