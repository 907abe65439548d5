"""Versions are pinned in one place, and ``make upstream`` tells what differs from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import backstage_packages
import pytest
import upstream
import upstream_fingerprint
from backstage_packages import LINES, NEWEST, OLDEST, SETS, backend_defaults, lock_file, manifest, pins

from generator.backstage.rbac import VERIFIED as RBAC_VERIFIED
from generator.backstage.versions import VERIFIED

if TYPE_CHECKING:
    from pathlib import Path


def test_what_greenroom_says_is_what_is_pinned() -> None:
    assert (backend_defaults(OLDEST), backend_defaults(NEWEST)) == VERIFIED
    for line in LINES:
        assert pins("oracle", line)["vendored"]["backend-defaults"].rpartition("@")[2] == backend_defaults(line)
        assert pins("backend", line)["vendored"]["plugin-rbac-backend"].rpartition("@")[2] == RBAC_VERIFIED


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("name", SETS)
def test_lock_files_are_made_of_the_pins(name: str, line: str) -> None:
    locked = json.loads(lock_file(name, line).read_text(encoding="utf-8"))["packages"]
    made = manifest(name, line)
    assert locked[""]["dependencies"] == made["dependencies"]
    for package, version in made["dependencies"].items():
        assert locked[f"node_modules/{package}"]["version"] == version
    assert not [place for place, entry in locked.items() if "resolved" in entry]


def test_the_repository_of_the_tests_has_the_pinned_versions() -> None:
    assert backstage_packages.PORTAL.read_text(encoding="utf-8") == backstage_packages.portal_manifest()


def test_a_set_that_is_not_there(tmp_path: Path) -> None:
    wanted = pins("oracle", NEWEST)
    assert len(backstage_packages.missing("oracle", NEWEST, tmp_path)) == len(wanted["dependencies"]) + 1
    place = tmp_path / "node_modules" / "knex"
    place.mkdir(parents=True)
    (place / "package.json").write_text(json.dumps({"version": wanted["dependencies"]["knex"]}))
    assert "knex" not in backstage_packages.missing("oracle", NEWEST, tmp_path)
    (place / "package.json").write_text("{")
    assert "knex" in backstage_packages.missing("oracle", NEWEST, tmp_path)


def test_the_fingerprint_is_of_the_newest() -> None:
    recorded = upstream_fingerprint.read_recorded()
    assert recorded["@backstage/backend-defaults"]["version"] == backend_defaults(NEWEST)
    assert upstream_fingerprint.SCHEMA in recorded["@backstage/backend-defaults"]["files"]
    for package, entry in recorded.items():
        assert upstream.versions(json.loads(backstage_packages.PINS.read_text()))[package] == entry["version"]
        assert len(entry["files"]) >= 3


def test_a_hash_is_blind_to_what_does_not_run(tmp_path: Path) -> None:
    texts = {"a": "const a = 1;\r\n\n// why\n", "b": "/** says\n * more\n */\nconst a = 1;  \n", "c": "const a = 2;"}
    for name, text in texts.items():
        (tmp_path / f"{name}.js").write_text(text, newline="")
    found = upstream_fingerprint.hashes(tmp_path, ("*.js",))
    assert found["a.js"] == found["b.js"] != found["c.js"]


def test_the_hash_of_the_schema(tmp_path: Path) -> None:
    def written(database: dict[str, Any]) -> str:
        document = {"properties": {"backend": {"properties": {"database": database}}}}
        (tmp_path / "config.schema.json").write_text(json.dumps(document))
        return upstream_fingerprint.schema_hash(tmp_path)

    keys = {"properties": {"description": {"type": "string"}}}
    assert written({**keys, "description": "one"}) == written({"description": "two", **keys})
    assert written(keys) != written({"properties": {}})


def test_what_changed() -> None:
    recorded = {"p": {"files": {"same": "1", "old": "1", "other": "1"}}, "q": {"files": {"a": "1"}}}
    found = {"p": {"files": {"same": "1", "other": "2", "more": "1"}}, "q": {"files": {"a": "1"}}}
    assert upstream_fingerprint.changes(recorded, found) == {"p": ["new more", "gone old", "changed other"]}


def test_the_newest_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []

    def npm(*arguments: str) -> Any:
        asked.append(arguments)
        if arguments[1] == "dependencies":
            return {"yn": "^4.0.0"} if arguments[0] == backstage_packages.PACKAGE else None
        return ["4.0.0", "4.0.10", "4.0.9", "5.0.0-next.1"] if arguments[0] == "yn@^4.0.0" else "9.9.9"

    monkeypatch.setattr(upstream, "npm", npm)
    document = json.loads(backstage_packages.PINS.read_text(encoding="utf-8"))
    found = upstream.newest_pins(document)
    newest = found["sets"]["oracle"][NEWEST]
    assert newest["dependencies"]["yn"] == "4.0.10"
    assert newest["dependencies"]["@backstage/config"] == "9.9.9"
    assert newest["vendored"] == {"backend-defaults": "@backstage/backend-defaults@9.9.9"}
    assert found["sets"]["clouds"][NEWEST]["vendored"] == document["sets"]["clouds"][NEWEST]["vendored"]
    assert found["sets"]["oracle"][OLDEST] == document["sets"]["oracle"][OLDEST]
    assert len(asked) == len(set(asked)) or asked.count(("@backstage/backend-defaults", "version")) <= 2


def test_the_report() -> None:
    pinned, said = {"a": "1.0.0", "b": "1.0.0"}, (0, "16 packages, 0 different, 0 not listed")
    quiet = upstream.report(pinned, pinned, {}, said, (0, []))
    assert quiet.splitlines()[0] == "Nothing changed."
    assert quiet.endswith("The tests agree.")
    loud = upstream.report(pinned, {"a": "1.1.0", "b": "1.0.0"}, {"a": ["changed x.js"]}, said, (1, ["t::x: `no`\n"]))
    assert "Nothing changed." not in loud
    assert "| a | 1.0.0 | 1.1.0 |" in loud
    assert "| b |" not in loud
    assert "Database code of a 1.1.0:\n\n- changed x.js" in loud
    assert "1 tests disagree:\n\n- `t::x: ?no??`" in loud
    assert "could not be run to their end: exit code 4" in upstream.report(pinned, pinned, {}, said, (4, []))


def test_what_disagrees() -> None:
    text = """<testsuites><testsuite><testcase classname="a" name="good"/><testcase classname="a" name="bad[newest]">
        <failure message="AssertionError: one&#10;two">…</failure></testcase>
        <testcase classname="a" name="worse"><error message="x"/></testcase></testsuite></testsuites>"""
    assert upstream.failures(text) == ["a::bad[newest]: AssertionError: one", "a::worse: x"]


def test_what_it_runs_is_there() -> None:
    for name in upstream.TESTS:
        assert (backstage_packages.PROJECT / name).exists()
    workflow = (backstage_packages.PROJECT / ".github" / "workflows" / "upstream.yml").read_text(encoding="utf-8")
    assert "make upstream" in workflow
    assert all(len(line.split("@")[1].split()[0]) == 40 for line in workflow.splitlines() if "uses: " in line)
    assert workflow.count("write") == workflow.count("issues: write") + workflow.count("may write nothing")
