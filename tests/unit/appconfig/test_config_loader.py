"""The loader as a whole: which files, in which order, with what in them."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path
from typing import Any

import pytest

from generator.backstage.config.includes import extension, split_target
from generator.backstage.config.loader import LoadedConfig, load_config
from generator.backstage.config.lookup import config_files, is_url
from generator.documents.files import decode, display_path, read_text
from generator.documents.values import Placeholder, Reference
from generator.problems.diagnostic import Diagnostics

CORPUS = Path(__file__).parents[3].parent / "shared" / "corpus"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Write files into an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def put(**files: str) -> None:
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    return put


def load(mode: Any = "keep", *config: str, **environ: str) -> LoadedConfig:
    return load_config(root=Path(), config=config, environ=environ, placeholders=mode)


def only(loaded: LoadedConfig) -> Any:
    """The data of the one layer of a configuration without errors."""
    assert loaded.error is None
    assert not [item.render() for item in loaded.diagnostics if item.severity == "error"]
    (layer,) = loaded.layers
    return layer.data


def test_the_default_lookup(tmp_path: Path) -> None:
    for name in ("yaml", "local.yaml", "production.yaml", "test.local.yaml", "other.yaml"):
        (tmp_path / f"app-config.{name}").write_text(f"name: {name}\n")
    loaded = load_config(root=tmp_path, environ={"BACKSTAGE_ENV": " production,, test ,none", "APP_CONFIG_name": "env"})
    assert [(layer.context, layer.data["name"]) for layer in loaded.layers] == [
        ("app-config.yaml", "yaml"),
        ("app-config.production.yaml", "production.yaml"),
        ("app-config.local.yaml", "local.yaml"),
        ("app-config.test.local.yaml", "test.local.yaml"),
        ("env", "env"),
    ]


def test_config_arguments_replace_the_lookup_in_their_order(write: Any) -> None:
    write(**{"app-config_yaml": "a: 1", "conf__two_yaml": "a: 2", "one_yaml": "a: 3"})
    loaded = load("keep", "conf/two.yaml", "one.yaml", BACKSTAGE_ENV="production")
    assert [(layer.path, layer.data) for layer in loaded.layers] == [("conf/two.yaml", {"a": 2}), ("one.yaml", {"a": 3})]


def test_an_empty_file_is_no_layer(write: Any) -> None:
    write(**{"app-config_yaml": "# nothing yet\n", "app-config_local_yaml": "a: 1"})
    assert [layer.context for layer in load().layers] == ["app-config.local.yaml"]


@pytest.mark.parametrize(
    ("target", "url"),
    [
        ("http://x/y", True),
        ("https:x", True),
        ("file:///x", False),
        ("c:\\x", False),
        ("ssh://h/p", True),
        ("a.yaml", False),
        ("http://", False),
    ],
)
def test_what_counts_as_a_url(target: str, url: bool) -> None:
    assert is_url(target) == url


def test_paths_are_absolute_and_keep_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    assert config_files(tmp_path / "link", [], {}) == [str(tmp_path / "link" / "app-config.yaml")]


TREE = """\
backend:
  database:
    client: pg
    connection:
      host: ${POSTGRES_HOST}
      port: ${POSTGRES_PORT:-5432}
      user: app-${STAGE}-$${X}-${TEAM}
      password: {$env: POSTGRES_PASSWORD}
      ssl: {ca: {$file: certs/ca.pem}, cert: {$file: "certs/${STAGE}.pem"}}
    plugin:
      $include: databases.yaml#plugins
other: {$include: missing.yaml}
list: ["${NO}", "${STAGE}", {$env: NO}]
"""
PLUGINS = """\
plugins:
  catalog: {connection: {database: "${STAGE}", note: {$file: note.txt}}}
"""


def test_placeholders_are_kept(write: Any) -> None:
    write(**{"app-config_yaml": TREE, "databases_yaml": PLUGINS, "note_txt": "read me \n\n"})
    loaded = load(STAGE="prod")
    database = only(loaded)["backend"]["database"]
    assert database == {
        "client": "pg",
        "connection": {
            "host": "${POSTGRES_HOST}",
            "port": "5432",
            "user": "app-prod-$${X}-${TEAM}",
            "password": "${POSTGRES_PASSWORD}",
            "ssl": {"ca": "certs/ca.pem", "cert": "certs/prod.pem"},
        },
        "plugin": {"catalog": {"connection": {"database": "prod", "note": "read me"}}},
    }
    connection = database["connection"]
    assert [type(connection[key]) for key in ("host", "port", "user", "password")] == [
        Placeholder,
        str,
        Placeholder,
        Placeholder,
    ]
    assert connection["ssl"]["ca"].is_file
    assert connection["ssl"]["ca"].references == (Reference("file", "certs/ca.pem"),)
    assert connection["password"].is_single_variable
    assert only(loaded)["list"] == ["${NO}", "prod", "${NO}"]
    assert "other" not in only(loaded)
    assert [item.render() for item in loaded.diagnostics] == [
        "app-config.yaml:12:8 warning[GR113] other: $include missing.yaml: there is no such file (left out)\n"
        "    Backstage: fails to start while the file is missing\n"
        "    help: check the path"
    ]


def test_positions_reach_into_included_files(write: Any) -> None:
    write(**{"app-config_yaml": TREE, "databases_yaml": PLUGINS, "note_txt": "x"})
    database = only(load())["backend"]["database"]
    assert str(database.locate("plugin")) == "app-config.yaml:11:7"
    assert str(database["plugin"].locate("catalog")) == "databases.yaml:2:12"
    assert str(database["plugin"]["catalog"]["connection"].locate("note")) == "databases.yaml:2:54"


def test_as_backstage_would(write: Any) -> None:
    write(**{"app-config_yaml": 'a: ${NO}\nb: ["${NO}", "x", {$env: NO}]\nc: {$env: X}\nd: {e: "${NO}"}\nf: "${X} $${X}"\n'})
    data = only(load("backstage", X=" ${Y} "))
    assert data == {"b": ["x"], "c": "${Y}", "d": {}, "f": "${Y} ${X}"}
    assert str(data["b"].locate(0)) == "app-config.yaml:2:14"


def test_the_text_of_a_file_is_right_trimmed_and_taken_as_it_is(write: Any) -> None:
    write(**{"app-config_yaml": "a: {$file: key.txt}\n", "key_txt": "\ufeff ${X} \x1c\n\u00a0\ufeff\r\n"})
    assert only(load(X="x"))["a"] == "\ufeff ${X} \x1c"


def test_includes(write: Any) -> None:
    write(
        **{
            "app-config_yaml": "a: {$include: sub/one.yaml}\nb: {$include: sub/one.yaml#x.y}\nc: {$include: data.json#k}\n"
            "d: {$include: sub/one.yaml#none}\ne: {$include: empty.yml}\nf: {$include: 'sub/one.yaml#'}\n",
            "sub__one_yaml": "x: {y: '${X}'}\nf: {$file: t.txt}\nup: {$include: ../data.json#k.m}\n",
            "sub__t_txt": "inner\n",
            "data_json": '{"k": {"m": [1.0, "${X}"]}}',
            "empty_yml": "# nothing\n",
        }
    )
    loaded = load("backstage", X="x")
    one = {"x": {"y": "x"}, "f": "inner", "up": [1, "x"]}
    assert only(loaded) == {"a": one, "b": "x", "c": {"m": [1, "x"]}, "e": None, "f": one}
    assert only(loaded)["a"] is only(loaded)["f"]
    assert str(only(loaded)["c"]["m"].locate(1)) == "data.json:1:19"


def test_a_file_at_the_root_may_be_an_include_once(write: Any) -> None:
    write(**{"app-config_yaml": "$include: part.yaml", "part_yaml": "$include: app-config.yaml"})
    assert only(load()) == {"$include": "app-config.yaml"}


def test_an_included_text_is_filled_in_once(write: Any) -> None:
    write(**{"app-config_yaml": "a: {$include: part.yaml#t}", "part_yaml": "t: $${X}"})
    assert only(load("backstage", X="x"))["a"] == "${X}"


def test_a_file_may_include_another_part_of_itself(write: Any) -> None:
    write(**{"app-config_yaml": "a: {$include: app-config.yaml#b}\nb: [1]\nc: {$include: app-config.yaml#b}\n"})
    assert only(load()) == {"a": [1], "b": [1], "c": [1]}


def test_shared_values_are_worked_on_once(write: Any) -> None:
    write(**{"app-config_yaml": "a: &a {b: '$${X}', c: {$file: t.txt}, d: '${NO}'}\ne: *a\nf: [*a]\n", "t_txt": "t"})
    data = only(load("backstage", X="x"))
    assert data["a"] == {"b": "${X}", "c": "t"}
    assert data["e"] is data["a"]
    assert data["f"][0] is data["a"]


def test_the_prototype_key_is_dropped_as_in_backstage(write: Any) -> None:
    write(**{"app-config_yaml": "a: {__proto__: {b: 1}, c: 2}\n"})
    loaded = load()
    assert only(loaded) == {"a": {"c": 2}}
    assert [item.code for item in loaded.diagnostics] == ["GR107"]


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("a.yaml", ".yaml"),
        (".yaml", ""),
        ("d.x/.yaml", ""),
        ("a.b.yml", ".yml"),
        ("a", ""),
        ("a.", "."),
        ("d.yaml/", ".yaml"),
        ("..", ""),
    ],
)
def test_extensions_are_nodes(path: str, suffix: str) -> None:
    assert extension(path) == suffix


@pytest.mark.parametrize(
    ("target", "parts"),
    [("a.yaml", ("a.yaml", "")), ("a.yaml#", ("a.yaml", "")), ("a#b#c", ("a", "b#c")), ("a#b\nc", ("a", "b"))],
)
def test_the_part_after_the_hash(target: str, parts: tuple[str, str]) -> None:
    assert split_target(target) == parts


def test_paths_are_shown_as_the_user_would_write_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert display_path("x/../app-config.yaml") == "app-config.yaml"
    assert display_path(tmp_path / "sub" / "a.yaml") == "sub/a.yaml"
    assert display_path("/elsewhere/a.yaml") == "/elsewhere/a.yaml"


def test_bytes_that_are_not_utf8_are_found() -> None:
    text = decode("a: é\nb: ".encode() + b"\xe9\n")
    assert text.text == "a: é\nb: \ufffd\n"
    assert text.bad_byte == (2, 4)


def test_read_text(tmp_path: Path) -> None:
    found = Diagnostics()
    (tmp_path / "a").write_text("x")
    assert read_text(tmp_path / "a", found) == "x"
    assert read_text(tmp_path / "none", found) is None
    assert read_text(tmp_path, found) is None
    assert [item.code for item in found] == ["GR102", "GR101"]


def test_the_cycle_collector_is_left_as_it_was(write: Any) -> None:
    write(**{"app-config_yaml": "a: 1"})
    assert gc.isenabled()
    load()
    assert gc.isenabled()
    gc.disable()
    try:
        load()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_an_empty_environment_and_the_real_one(write: Any) -> None:
    write(**{"app-config_yaml": "a: ${PATH}"})
    assert only(load_config(root=Path(), environ=os.environ))["a"] == os.environ["PATH"].strip()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the collection of real configurations is not beside the project")
@pytest.mark.parametrize("mode", ["keep", "backstage"])
def test_every_real_configuration_gives_layers_or_clean_problems(mode: Any) -> None:
    paths = sorted(path for path in CORPUS.iterdir() if path.is_file())
    assert paths
    for path in paths:
        loaded = load(mode, str(path))
        errors = [item for item in loaded.diagnostics if item.severity == "error"]
        assert loaded.layers or errors, path.name
        # Backstage reads a file of values without a word, and finds nothing in it.
        stops = [item for item in errors if item.code not in ("GR229", "GR230", "GR434")]
        assert (loaded.error is not None) == bool(stops), path.name
        assert all(item.location and item.hint and item.render() for item in loaded.diagnostics), path.name
        assert all(json.dumps(layer.data) for layer in loaded.layers), path.name
