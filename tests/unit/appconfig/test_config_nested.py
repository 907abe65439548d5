"""An app-config inside another file, named with ``--config FILE#PATH``."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from generator import Request, load, resolve
from generator.backstage.config.nested import Manifest

if TYPE_CHECKING:
    from pathlib import Path

    from generator.run.project import Project

CONFIG = "{backend: {database: {client: pg, connection: {host: h, user: u}}}}"
DATABASE = """\
backend:
  database:
    client: pg
    connection:
      host: ${H}
      user: u
      sslmode: require
"""
VALUES = "replicas: 1\nbackstage:\n  appConfig:\n" + "".join(f"    {line}\n" for line in DATABASE.splitlines())
CONFIG_MAP = "kind: ConfigMap\ndata:\n  other: x\n  app-config.yaml: |-\n" + "".join(
    f"    {line}\n" for line in DATABASE.splitlines()
)


def read(folder: Path, text: str, inside: str, *, name: str = "values.yaml") -> tuple[Project, list[str]]:
    """The project, and its problems as ``line:column code`` after resolving one plugin."""
    (folder / name).write_text(text)
    project = load(Request(root=folder, config=[f"{folder / name}{inside}"], environ={}, plugins=("catalog",)))
    resolve(project)
    places = [(item.location, item.code) for item in project.diagnostics]
    return project, [f"{place.line}:{place.column} {code}" if place else code for place, code in places]


@pytest.mark.parametrize(
    ("text", "inside", "place"),
    [
        (VALUES, "#backstage.appConfig", "10:11"),
        ("upstream:\n" + "".join(f"  {line}\n" for line in VALUES.splitlines()), "#upstream.backstage.appConfig", "11:13"),
        (CONFIG_MAP, "#data.app-config.yaml", "11:11"),
        (CONFIG_MAP.replace("|-", "|+") + "\n\n  more: y\n", "#data.app-config.yaml", "11:11"),
        (CONFIG_MAP.replace("|-", "|"), "#data.app-config.yaml", "11:11"),
    ],
)
def test_it_is_read_with_its_places(tmp_path: Path, text: str, inside: str, place: str) -> None:
    project, problems = read(tmp_path, text, inside)
    assert project.config.error is None
    assert project.database["client"] == "pg"
    assert problems == [f"{place} GR222"]
    assert project.config.layers[0].target.endswith(f"values.yaml{inside}")


def test_a_quoted_text_has_the_place_of_its_start(tmp_path: Path) -> None:
    text = 'data:\n  app-config.yaml: "backend: {database: {client: pg, connection: {host: h, sslmode: require}}}"\n'
    _, problems = read(tmp_path, text, "#data.app-config.yaml")
    assert problems == ["2:20 GR222"]


def test_problems_inside_a_text_are_not_lost(tmp_path: Path) -> None:
    _, problems = read(tmp_path, f"{CONFIG_MAP}          user: v\n", "#data.app-config.yaml")
    assert "12:11 GR105" in problems


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('"backend: {database: {client: pg, client: pg, connection: {host: db, user: u}}}"', "2:20 GR105"),
        ("'backend: {database: {client: pg, client: pg, connection: {host: db, user: u}}}'", "2:20 GR105"),
        (">-\n    backend: {database: {client: pg,\n     client: pg, connection: {host: db, user: u}}}", "4:6 GR105"),
        (">-\n    backend: {database: {client: pg,\n    client: pg, connection: {host: db, user: u}}}", "2:20 GR105"),
        ('"backend: {database: {client: pg}}\\n---\\na: b\\n"', "2:20 GR106"),
        ("|\n    backend:\n      database: {client: pg}\n    ---\n    a: b", "5:5 GR106"),
        ("|\n    backend:\n      database: {client: pg, client: pg}", "4:30 GR105"),
        ("|\n\n    backend:\r\n      database: {client: pg, client: pg}\r", "5:30 GR105"),
        ("|\n    {{ if x }}\n    backend: {}", "GR104"),
        ("|\n    - a: 1\n      a: 2", "4:7 GR105"),
    ],
)
def test_what_backstage_refuses_is_an_error_in_every_style(tmp_path: Path, text: str, code: str) -> None:
    project, problems = read(tmp_path, f"data:\n  app-config.yaml: {text}\n", "#data.app-config.yaml")
    assert project.config.error is not None
    assert any(problem.endswith(code) for problem in problems)
    assert not any(problem.endswith("GR231") for problem in problems)


def test_a_file_with_that_name_comes_first(tmp_path: Path) -> None:
    project, _ = read(tmp_path, DATABASE, "", name="values.yaml#backstage.appConfig")
    assert project.database["client"] == "pg"


@pytest.mark.parametrize(
    ("text", "inside", "hint"),
    [
        (VALUES, "#backstage.appconfig", "values.yaml#backstage.appConfig"),
        (VALUES, "#backstage.appConfig.backend.database.client", "values.yaml#backstage.appConfig"),
        (VALUES, "#replicas.x", "values.yaml#backstage.appConfig"),
        ("replicas: 1\n", "#backstage.appConfig", "nothing else in it looks like an app-config"),
        ("[a]\n", "#backstage.appConfig", "nothing else in it looks like an app-config"),
        (CONFIG_MAP, "#data.other", "values.yaml#data.app-config.yaml"),
        (CONFIG_MAP, "#data", "values.yaml#data.app-config.yaml"),
        (VALUES, "#backstage", "values.yaml#backstage.appConfig"),
        (f"{CONFIG_MAP}\n{VALUES}", "#backstage", "values.yaml#backstage.appConfig"),
        (f"a: {{appConfig: {{app: {{}}}}}}\n{VALUES}", "#backstage", "it: --config FILE#backstage.appConfig"),
        ("data: {app-config.yaml: 'backend:'}\n", "#data.app-config.yaml.x", "values.yaml#data.app-config.yaml"),
        ("data: {app-config.yaml: '- backend: x'}\n", "#data.app-config.yaml", "nothing else in it"),
    ],
)
def test_a_path_that_leads_to_none(tmp_path: Path, text: str, inside: str, hint: str) -> None:
    project, problems = read(tmp_path, text, inside)
    assert project.config.error is not None
    assert [problem.rpartition(" ")[2] for problem in problems] == ["GR231"]
    assert hint.replace("FILE", str(tmp_path / "values.yaml")) in next(iter(project.diagnostics)).hint


@pytest.mark.parametrize("inside", ["", "#backstage", "#backstage.x"])
def test_a_hint_can_be_given_to_a_shell(tmp_path: Path, inside: str) -> None:
    name = "my values$(x).yaml"
    project, _ = read(tmp_path, VALUES, inside, name=name)
    (error,) = project.diagnostics
    words = shlex.split(error.hint)
    target = words[words.index("--config") + 1]
    assert target == f"{tmp_path / name}#backstage.appConfig"
    project = load(Request(root=tmp_path, config=[target], environ={}, plugins=("catalog",)))
    assert project.config.error is None
    assert project.database["client"] == "pg"


@pytest.mark.parametrize("folder", ["a#b", "values.yaml#x", "#"])
def test_a_folder_may_have_the_sign_in_its_name(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / "a").mkdir()
    (tmp_path / "values.yaml").write_text("x: y\n")
    project, problems = read(tmp_path / folder, VALUES, "#backstage.appConfig")
    assert project.config.error is None
    assert problems == ["10:11 GR222"]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (VALUES, ["backstage.appConfig"]),
        (CONFIG_MAP, ["data.app-config.yaml"]),
        (f"a:\n  appConfig: {{backend: {{}}}}\nb:\n  appConfig: {{app: {{}}}}\n{VALUES}", ["a.appConfig", "b.appConfig"]),
    ],
)
def test_without_a_path_it_is_an_error_that_names_them(tmp_path: Path, text: str, paths: list[str]) -> None:
    project, problems = read(tmp_path, text, "")
    assert [problem.rpartition(" ")[2] for problem in problems] == ["GR229"]  # and no GR203: one cause
    (error,) = project.diagnostics
    assert str(error.severity) == "error"
    assert all(f"values.yaml#{path}" in error.hint for path in paths)


def test_an_app_config_beside_it_does_not_hide_it(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text(DATABASE.replace("      sslmode: require\n", ""))
    (tmp_path / "values.yaml").write_text(VALUES)
    names = [str(tmp_path / name) for name in ("app-config.yaml", "values.yaml")]
    project = load(Request(root=tmp_path, config=names, environ={}, plugins=("catalog",)))
    resolve(project)
    assert [item.code for item in project.diagnostics] == ["GR229"]


def test_a_plugin_may_call_a_key_so(tmp_path: Path) -> None:
    text = f"{DATABASE}portal:\n  appConfig: {{backend: {{}}}}\n".replace("      sslmode: require\n", "")
    assert read(tmp_path, text, "", name="app-config.yaml")[1] == []


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ('host: "{{ .Values.host }}"', ["GR230"]),
        ('host: h\n      user: "{{ include \\"x\\" . }}-u"', ["GR230"]),
        ('host: h\n      password: "{{ .Values.password }}"', ["GR213", "GR230"]),
        ('host: h\n      password: "a{{b}}c"', ["GR213"]),
    ],
)
def test_templates_in_database_settings_are_refused(tmp_path: Path, line: str, codes: list[str]) -> None:
    text = (
        f'app: {{title: "{{{{ .Values.title }}}}"}}\nbackend:\n  database:\n    client: pg\n    connection:\n      {line}\n'
    )
    project, _ = read(tmp_path, text, "", name="app-config.yaml")
    assert sorted(item.code for item in project.diagnostics) == codes


MERGED = """\
x-prod: &conn {host: prod-db, user: portal}
x-common: &common {plugin: {catalog: {connection: {database: portal_catalog}}}, client: mysql2}
backstage:
  appConfig:
    backend:
      database:
        <<: [*common]
        client: pg
        connection:
          <<: *conn
          user: own
"""


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (MERGED, "#backstage.appConfig"),
        ("spec:\n values: |\n" + "".join(f"  {line}\n" for line in MERGED.splitlines()), "#spec.values.backstage.appConfig"),
    ],
)
def test_merge_keys_of_values_are_merged_as_helm_does(tmp_path: Path, text: str, inside: str) -> None:
    project, problems = read(tmp_path, text, inside)
    assert not problems
    assert project.database["client"] == "pg"
    assert project.database["connection"] == {"user": "own", "host": "prod-db"}
    assert resolve(project)["catalog"].database_name == "portal_catalog"


def test_merge_keys_of_a_file_that_backstage_reads_stay(tmp_path: Path) -> None:
    text = CONFIG_MAP.replace("host: ${H}", "<<: {host: x}")
    project, _ = read(tmp_path, text, "#data.app-config.yaml")
    assert "<<" in project.database["connection"]
    assert "host" not in project.database["connection"]


@pytest.mark.parametrize(
    "text",
    [
        f"first: &x\n  appConfig: &a {CONFIG}\nbackstage:\n  appConfig: *a\n",
        f"first: &x\n  appConfig: {CONFIG}\nbackstage: *x\n",
        f"first: &x\n  appConfig: {CONFIG}\nbackstage:\n  <<: *x\n  image: y\n",
    ],
)
def test_an_alias_hides_no_app_config(tmp_path: Path, text: str) -> None:
    assert [item.path for item in Manifest("values.yaml", text).find()] == ["first.appConfig", "backstage.appConfig"]


def test_aliases_of_aliases_cost_little() -> None:
    lines = ["a0: &a0 {x: {y: 1}}", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10))]
    manifest = Manifest("values.yaml", "\n".join(lines))
    assert manifest.find() == []
