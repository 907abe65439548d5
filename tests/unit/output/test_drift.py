"""What differs: by plugin, and line by line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import make_plan, plugin
from test_reconcile import attempt, run

from generator.output.changes import changes, unified_diff
from generator.planning.history import Past

if TYPE_CHECKING:
    from generator.planning.history import Lock
    from generator.planning.model import Plan

catalog, auth, search = plugin("catalog"), plugin("auth"), plugin("search")


def lines(previous: Lock | None, plan: Plan) -> list[str]:
    return [change.line for change in changes(plan, Past(previous))]


def test_new_plugins() -> None:
    assert lines(None, make_plan(search, auth)) == [
        "+ auth: database backstage_plugin_auth, role backstage_auth",
        "+ search: database backstage_plugin_search, role backstage_search",
    ]


def test_nothing_differs() -> None:
    plan, _, lock = attempt([catalog, auth], [catalog, auth])
    assert lines(lock, plan) == []


def test_all_kinds_of_changes() -> None:
    plan, _, lock = attempt([catalog, auth], [plugin("catalog", database="db", role="me"), search])
    assert lines(lock, plan) == [
        "- auth: retired, its data stays",
        "~ catalog: database backstage_plugin_catalog → db, role backstage_catalog → me",
        "+ search: database backstage_plugin_search, role backstage_search",
    ]


def test_a_retired_plugin_is_said_once_and_may_come_back() -> None:
    plan, _, lock = attempt([catalog, auth], [auth], [auth])
    assert lines(lock, plan) == []
    plan, _, lock = attempt([catalog, auth], [auth], [auth, catalog])
    assert lines(lock, plan) == [
        "+ catalog: database backstage_plugin_catalog, role backstage_catalog (was retired)",
    ]


def test_kinds() -> None:
    plan, _, lock = attempt([catalog, auth], [search], [catalog, plugin("search", database="db"), plugin("new")])
    assert [(change.plugin_id, change.kind) for change in changes(plan, Past(lock))] == [
        ("catalog", "back"),
        ("new", "added"),
        ("search", "changed"),
    ]
    plan, _, lock = attempt([catalog, auth], [auth])
    assert [(change.plugin_id, change.kind) for change in changes(plan, Past(lock))] == [("catalog", "retired")]


def test_schemas_and_servers() -> None:
    plan = run([plugin("a", database="all", schema="a"), plugin("b", server="other")])
    assert lines(None, plan) == [
        "+ a: database all, schema a, role backstage_a, server primary",
        "+ b: database backstage_plugin_b, role backstage_b, server other",
    ]


def test_diff() -> None:
    old = {"b": "1\n2\n", "gone": "x\n", "same": "s\n"}
    new = {"b": "1\n3\n", "a/new": "no end", "same": "s\n"}
    assert unified_diff(old, new) == (
        "--- /dev/null\n+++ b/a/new\n@@ -0,0 +1 @@\n+no end\n\\ No newline at end of file\n"
        "--- a/b\n+++ b/b\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"
        "--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
    assert unified_diff(old, old) == ""
    assert unified_diff({"empty": None}, {"empty": ""}) == "--- /dev/null\n+++ b/empty\n"
    assert unified_diff({}, {'a\n"b': "x\n"}).splitlines()[1] == '+++ "b/a\\n\\"b"'


texts = st.one_of(st.none(), st.text(st.sampled_from("ab\n\r\x0b\u2028 "), max_size=12))


@pytest.mark.skipif(not shutil.which("patch"), reason="there is no patch command to try the diff with")
@given(texts, texts)
def test_patch_understands_the_diff(old: str | None, new: str | None) -> None:
    """The diff, given to patch(1), turns the old text into the new one."""
    diff = unified_diff({"f": old}, {"f": new})
    with TemporaryDirectory() as name:
        path = Path(name) / "f"
        if old is not None:
            path.write_bytes(old.encode())
        if "@@" in diff:
            subprocess.run(["patch", "-p1", "--binary", "-s", "-E"], cwd=name, input=diff.encode(), check=True)
            assert (path.read_bytes().decode() if path.exists() else "") == (new or "")
        else:
            assert (old or "") == (new or "")
