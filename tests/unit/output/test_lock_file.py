"""The lock file: what is written is read back, and what somebody made of it is an error with its line."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from plans import make_plan, plugin

from generator.package_data import data_folder
from generator.planning.history import Lock, files_to_delete, owner, read_lock, reconcile, write_lock
from generator.planning.history.remember import remember
from generator.problems.diagnostic import Diagnostics

SCHEMA = json.loads((data_folder("schemas") / "lock.schema.json").read_text())
FILES = {"terraform": {"terraform/plugins.tf": b"a"}, "app-config": {"../app-config.databases.yaml": b"b"}}


def read(path: Path) -> tuple[Lock | None, Diagnostics]:
    diagnostics = Diagnostics()
    return read_lock(path, diagnostics), diagnostics


def written(tmp_path: Path) -> dict[str, object]:
    text = write_lock(make_plan(plugin("catalog"), plugin("auth", schema="auth", database="all")), FILES, previous=None)
    (tmp_path / "greenroom.lock.json").write_bytes(text)
    found: dict[str, object] = json.loads(text)
    return found


def test_what_is_written_is_read(tmp_path: Path) -> None:
    document = written(tmp_path)
    jsonschema.validate(document, SCHEMA)
    lock, diagnostics = read(tmp_path / "greenroom.lock.json")
    assert not diagnostics.items
    assert lock
    assert lock.plugins["catalog"].database == "backstage_plugin_catalog"
    assert lock.plugins["catalog"].schema is None
    assert lock.plugins["auth"].schema == "auth"
    assert lock.files["terraform"] == {
        "terraform/plugins.tf": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    }
    assert not lock.retired


def test_no_lock_file(tmp_path: Path) -> None:
    assert read(tmp_path / "greenroom.lock.json") == (None, Diagnostics())


def test_the_same_plan_gives_the_same_bytes_in_any_order() -> None:
    plugins = [plugin(name) for name in ("search", "catalog", "auth")]
    files = {"sql": {"b": b"2", "a": b"1"}, "app-config": {"c": b"3"}}
    backwards = {"app-config": {"c": b"3"}, "sql": {"a": b"1", "b": b"2"}}
    one = write_lock(make_plan(*plugins), files, previous=None)
    assert one == write_lock(make_plan(*reversed(plugins)), backwards, previous=None)
    assert one.endswith(b"}\n")


def test_files_of_targets_that_were_not_rendered_stay(tmp_path: Path) -> None:
    written(tmp_path)
    lock, _ = read(tmp_path / "greenroom.lock.json")
    again = json.loads(write_lock(make_plan(plugin("catalog")), {"terraform": {"terraform/main.tf": b""}}, previous=lock))
    assert list(again["files"]["terraform"]) == ["terraform/main.tf"]
    assert list(again["files"]["app-config"]) == ["../app-config.databases.yaml"]


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@given(names, names, names, st.one_of(st.none(), names))
def test_any_name_survives(
    tmp_path_factory: pytest.TempPathFactory, name: str, database: str, role: str, schema: str
) -> None:
    path = tmp_path_factory.mktemp("lock") / "greenroom.lock.json"
    path.write_bytes(write_lock(make_plan(plugin(name, database=database, role=role, schema=schema)), {}, previous=None))
    lock, diagnostics = read(path)
    assert not diagnostics.items
    assert lock
    found = lock.plugins[name]
    assert (found.database, found.role, found.schema) == (database, role, schema)
    jsonschema.validate(json.loads(path.read_text()), SCHEMA)


NOT_JSON = {
    "empty": ("", 1, "version control"),
    "conflict": ('{\n<<<<<<< HEAD\n"version": 1\n=======\n}\n>>>>>>> b\n', 2, "merge"),
    "cut": ('{"version": 1,', 1, "version control"),
    "digits": ('{"version": ' + "9" * 5000 + "}", 0, "version control"),
    "deep": ("[" * 100_000, 0, "version control"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_not_json(tmp_path: Path, name: str) -> None:
    text, line, hint = NOT_JSON[name]
    path = tmp_path / "greenroom.lock.json"
    path.write_text(text)
    lock, diagnostics = read(path)
    assert lock is None
    [item] = diagnostics
    assert item.code == "GR510"
    assert item.location
    assert (item.location.file, item.location.line) == (str(path), line)
    assert hint in item.hint


def test_not_a_readable_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(b"\xff\xfe{")
    for name in ("folder", "binary"):
        lock, diagnostics = read(tmp_path / name)
        assert lock is None
        assert [item.code for item in diagnostics] == ["GR510"]


def test_a_newer_format(tmp_path: Path) -> None:
    path = tmp_path / "greenroom.lock.json"
    path.write_text('{\n  "plugins": {},\n  "version": 3\n}\n')
    lock, diagnostics = read(path)
    assert lock is None
    [item] = diagnostics
    assert (item.code, item.location and item.location.line) == ("GR511", 3)
    assert "newer" in item.hint


PLUGIN = {
    "label": "a",
    "server": "primary",
    "engine": "postgresql",
    "database": "d",
    "role": "r",
    "passwordVersion": 1,
    "shared": False,
}
NONSENSE = [
    [],
    "text",
    None,
    {},
    {"version": "1"},
    {"version": True},
    {"version": 0},
    {"version": 1, "plugin": {}},
    {"version": 1, "plugins": []},
    {"version": 1, "plugins": {"catalog": None}},
    {"version": 1, "plugins": {"": PLUGIN}},
    *({"version": 1, "plugins": {"catalog": {k: v for k, v in PLUGIN.items() if k != key}}} for key in PLUGIN),
    *({"version": 1, "plugins": {"catalog": {**PLUGIN, key: [1]}}} for key in [*PLUGIN, "schema", "renamedFrom"]),
    *(
        {"version": 1, "retired": {"catalog": {**PLUGIN, key: ""}}}
        for key in ("label", "server", "database", "role", "schema")
    ),
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "engine": "oracle"}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "passwordVersion": 0}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "passwordVersion": True}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "passwordVersion": 1.5}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "database": "a\0b"}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "renamedFrom": {"table": "x"}}}},
    {"version": 1, "plugins": {"catalog": {**PLUGIN, "unknown": 1}}},
    {"version": 2, "plugins": {"catalog": {**PLUGIN, "formerIds": "explore"}}},
    {"version": 2, "plugins": {"catalog": {**PLUGIN, "formerIds": [""]}}},
    {"version": 2, "retired": {"catalog": {**PLUGIN, "dropped": "yes"}}},
    {"version": 2, "plugins": {"catalog": {**PLUGIN, "store": "vault", "secret": ""}}},
    {"version": 2, "plugins": {"catalog": {**PLUGIN, "renamedFrom": {"secret": 1}}}},
    {"version": 1, "files": {"terraform": []}},
    {"version": 1, "files": {"terraform": {"a": "abc"}}},
    {"version": 1, "files": {"terraform": {"/etc/passwd": "0" * 64}}},
    {"version": 1, "files": {"terraform": {"a\\b": "0" * 64}}},
]


@pytest.mark.parametrize("document", NONSENSE, ids=lambda item: json.dumps(item)[:80])
def test_nonsense(tmp_path: Path, document: object) -> None:
    """Whatever the schema refuses is refused with its line, and the other way round."""
    path = tmp_path / "greenroom.lock.json"
    path.write_text(json.dumps(document, indent=1))
    lock, diagnostics = read(path)
    assert lock is None
    [item] = diagnostics
    assert item.code == "GR512"
    assert item.location
    assert item.location.line
    assert item.hint
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_nonsense_that_only_a_reader_sees(tmp_path: Path) -> None:
    path = tmp_path / "greenroom.lock.json"
    both = {"version": 1, "plugins": {"catalog": PLUGIN}, "retired": {"catalog": PLUGIN}}
    half = {"version": 1, "plugins": {"catalog": {**PLUGIN, "role": "\ud800"}}}
    for text in (json.dumps(both), json.dumps(half), '{"version": 1, "version": 1}'):
        path.write_text(text)
        lock, diagnostics = read(path)
        assert lock is None
        assert [item.code for item in diagnostics] == ["GR512"]


def test_the_line_is_that_of_the_value(tmp_path: Path) -> None:
    path = tmp_path / "greenroom.lock.json"
    text = json.dumps({"version": 1, "plugins": {"a": PLUGIN, "b": {**PLUGIN, "role": 5}}}, indent=2)
    path.write_text(text)
    _, diagnostics = read(path)
    [item] = diagnostics
    assert item.location
    assert text.splitlines()[item.location.line - 1].strip() == '"role": 5,'
    assert item.path == "plugins.b.role"


def test_reading_loads_no_validator(tmp_path: Path) -> None:
    import subprocess
    import sys

    written(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from generator.planning.history import read_lock; from generator.problems.diagnostic import Diagnostics\n"
        "assert read_lock(Path(sys.argv[1]), Diagnostics()); print({'yaml', 'jsonschema'} & set(sys.modules))"
    )
    path = str(tmp_path / "greenroom.lock.json")
    assert subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True).stdout == "set()\n"


# --- which files are greenroom's own ----------------------------------------------------------------------------------


def test_ownership(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path)
    path = tmp_path / "greenroom.lock.json"
    lock, _ = read(path)
    owned = owner(lock, path)
    assert owned(path)
    assert owned(tmp_path / "terraform/plugins.tf")
    assert owned(tmp_path / "terraform/../terraform/plugins.tf")
    assert owned(tmp_path.parent / "app-config.databases.yaml")
    assert not owned(tmp_path / "terraform/mine.tf")
    assert not owner(None, path)(path)
    monkeypatch.chdir(tmp_path)
    assert owner(lock, Path("greenroom.lock.json"))(Path("terraform/plugins.tf"))


def test_files_that_are_no_longer_generated(tmp_path: Path) -> None:
    base = tmp_path / "out"
    old = {"terraform": {f"terraform/{name}": name.encode() for name in ("a", "b", "edited", "missing", "linked", "folder")}}
    old["terraform"]["../outside"] = b"outside"
    old["sql"] = {"sql/x": b"x"}
    for name, content in {**old["terraform"], **old["sql"]}.items():
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).write_bytes(content)
    (base / "terraform/edited").write_text("by hand")
    (base / "terraform/missing").unlink()
    (base / "terraform/linked").unlink()
    (base / "terraform/linked").symlink_to("a")
    (base / "terraform/folder").unlink()
    (base / "terraform/folder").mkdir()
    lock_path = base / "greenroom.lock.json"
    lock_path.write_bytes(write_lock(make_plan(plugin("catalog")), old, previous=None))
    lock, diagnostics = read(lock_path)
    now, folders = {"terraform": {"terraform/a": b"new"}}, {"terraform": base / "terraform"}
    assert files_to_delete(lock, lock_path, now, folders, (), diagnostics) == [base / "terraform/b"]
    assert [item.code for item in diagnostics] == ["GR515", "GR515"]
    assert {Path(item.location.file).name for item in diagnostics if item.location} == {"edited", "outside"}
    assert files_to_delete(None, lock_path, now, folders, (), diagnostics) == []
    # A target that goes to a folder outside has its files there.
    assert base / "../outside" in files_to_delete(lock, lock_path, now, {"terraform": tmp_path}, (), Diagnostics())


def test_retired_plugins_keep_their_record(tmp_path: Path) -> None:
    path = tmp_path / "greenroom.lock.json"
    path.write_text(json.dumps({"version": 1, "plugins": {"catalog": {**PLUGIN, "passwordVersion": 3, "shared": True}}}))
    lock, diagnostics = read(path)
    plan = reconcile(make_plan(plugin("auth")), lock, diagnostics, resolved={})
    again = json.loads(write_lock(plan, {}, previous=lock))
    assert again["retired"] == {"catalog": {**PLUGIN, "passwordVersion": 3, "shared": True}}
    jsonschema.validate(again, SCHEMA)


@pytest.mark.parametrize(
    ("store", "secret"), [("variables", None), ("aws-ssm", "backstage/catalog"), ("vault", "backstage/catalog")]
)
def test_where_a_password_is(tmp_path: Path, store: str, secret: str | None) -> None:
    plan = make_plan(plugin("catalog"))._replace(store=store)
    written = json.loads(write_lock(plan, {}, previous=None))
    jsonschema.validate(written, SCHEMA)
    entry = written["plugins"]["catalog"]
    assert (entry.get("store"), entry.get("secret")) == ((store, secret) if secret else (None, None))
    # Another store: what it had is remembered, as a name is.
    path = tmp_path / "greenroom.lock.json"
    path.write_text(json.dumps(written))
    lock, diagnostics = read(path)
    for _ in range(2):  # in the next run and in any later one
        after = reconcile(plan._replace(store="kubernetes"), lock, diagnostics, resolved={})
        path.write_bytes(write_lock(after, {}, previous=lock))
        lock, diagnostics = read(path)
        assert lock
        names = lock.plugins["catalog"].renamed_from
        assert (names.store, names.secret) == ((store, secret) if secret else (None, None))


def test_no_plugin_costs_a_copy_of_the_whole_lock_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``known`` is made anew from everything there is each time somebody asks for it."""
    asked = 0
    known = Lock.known.fget  # type: ignore[attr-defined]

    def count(lock: Lock) -> object:
        nonlocal asked
        asked += 1
        return known(lock)

    def asks(number: int) -> int:
        nonlocal asked
        plan = make_plan(*(plugin(f"p{item}") for item in range(number)))
        (tmp_path / "greenroom.lock.json").write_bytes(write_lock(plan, FILES, previous=None))
        previous = read(tmp_path / "greenroom.lock.json")[0]
        assert previous is not None
        asked = 0
        diagnostics = Diagnostics()
        present, _ = remember(previous, [("HEAD", previous)])
        write_lock(reconcile(plan, present, diagnostics, resolved={}), FILES, previous=present)
        assert not diagnostics.items
        return asked

    monkeypatch.setattr(Lock, "known", property(count))
    assert asks(40) == asks(4)
