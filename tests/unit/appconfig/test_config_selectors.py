"""Where an app-config can be in another file, how the path to it is written, and what is said where there is none."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest

from generator import Request, load, resolve
from generator.backstage.config.nested import Manifest
from generator.documents.values import UNDEFINED

if TYPE_CHECKING:
    from pathlib import Path

    from generator.run.project import Project

CONFIG = "backend:\n  database:\n    client: pg\n    connection:\n      host: db\n      user: u\n      sslmode: x\n"


def indented(text: str, by: int) -> str:
    return "".join(f"{' ' * by}{line}\n" if line else "\n" for line in text.splitlines())


VALUES = f"image: x\nbackstage:\n  appConfig:\n{indented(CONFIG, 4)}"
ARGO = f"kind: Application\nspec:\n  source:\n    helm:\n      values: |\n{indented(VALUES, 8)}"
ARGO_OBJECT = f"spec:\n  sources:\n    - chart: x\n    - helm:\n        valuesObject:\n{indented(VALUES, 10)}"
FLUX = f"kind: HelmRelease\nspec:\n  values:\n{indented(VALUES, 4)}"
CONFIG_MAP = (
    f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: NAME}}\ndata:\n  default.app-config.yaml: |\n{indented(CONFIG, 4)}"
)
INNER = f"apiVersion: v1\nkind: ConfigMap\ndata:\n  values.yaml: |\n{indented(VALUES, 4)}"
LIST = f"kind: List\nitems:\n  - kind: ConfigMap\n    data:\n      a.yaml: |\n{indented(CONFIG, 8)}"
TWO = f"# two\n---\n{CONFIG_MAP.replace('NAME', 'staging')}---\n{CONFIG_MAP.replace('NAME', 'live')}---\nkind: Service\n"
SAME = f"{CONFIG_MAP}---\n{CONFIG_MAP}"


def read(folder: Path, text: str, inside: str) -> tuple[Project, list[str]]:
    """The project, and its problems as ``line:column code`` after resolving one plugin."""
    (folder / "deploy.yaml").write_text(text)
    target = f"{folder / 'deploy.yaml'}{inside and '#'}{inside}"
    project = load(Request(root=folder, config=[target], environ={}, plugins=("catalog",)))
    resolve(project)
    return project, [f"{place.line}:{place.column} {item.code}" for item in project.diagnostics if (place := item.location)]


@pytest.mark.parametrize(
    ("text", "path", "place"),
    [
        (VALUES, "backstage.appConfig", "10:11"),
        (VALUES, "/backstage/appConfig", "10:11"),
        (f"global:\n{indented(VALUES, 2)}", "global.backstage.appConfig", "11:13"),
        (f"upstream:\n{indented(VALUES, 2)}", "upstream.backstage.appConfig", "11:13"),
        (ARGO, "spec.source.helm.values.backstage.appConfig", "15:19"),
        (ARGO.replace("values: |", "values: |-  # our values"), "spec.source.helm.values.backstage.appConfig", "15:19"),
        (ARGO_OBJECT, "spec.sources.1.helm.valuesObject.backstage.appConfig", "15:21"),
        (FLUX, "spec.values.backstage.appConfig", "13:15"),
        (CONFIG_MAP, "data.default.app-config.yaml", "12:11"),
        (CONFIG_MAP, "/data/default.app-config.yaml", "12:11"),
        (INNER, "data.values.yaml.backstage.appConfig", "14:15"),
        (INNER.replace("    ", "    \n", 0), "/data/values.yaml/backstage/appConfig", "14:15"),
        (LIST, "items.0.data.a.yaml", "12:15"),
        (TWO, "ConfigMap/staging:data.default.app-config.yaml", "14:11"),
        (TWO, "ConfigMap/live:data.default.app-config.yaml", "27:11"),
        (TWO, "2:data.default.app-config.yaml", "27:11"),
        (SAME, "1:data.default.app-config.yaml", "12:11"),
        (SAME, "2:data.default.app-config.yaml", "25:11"),
    ],
)
def test_it_is_read_with_the_places_of_the_outer_file(tmp_path: Path, text: str, path: str, place: str) -> None:
    project, problems = read(tmp_path, text, path)
    assert problems == [f"{place} GR222"]
    assert project.database["client"] == "pg"
    line, column = map(int, place.split(":"))
    assert (tmp_path / "deploy.yaml").read_text().split("\n")[line - 1][column - 1 :].startswith("sslmode: x")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        (VALUES, ["backstage.appConfig"]),
        (ARGO, ["spec.source.helm.values.backstage.appConfig"]),
        (ARGO_OBJECT, ["spec.sources.1.helm.valuesObject.backstage.appConfig"]),
        (FLUX, ["spec.values.backstage.appConfig"]),
        (CONFIG_MAP, ["data.default.app-config.yaml"]),
        (INNER, ["data.values.yaml.backstage.appConfig"]),
        (LIST, ["items.0.data.a.yaml"]),
        (TWO, ["ConfigMap/staging:data.default.app-config.yaml", "ConfigMap/live:data.default.app-config.yaml"]),
        (SAME, ["1:data.default.app-config.yaml", "2:data.default.app-config.yaml"]),
        (f"{VALUES}---\n{VALUES}", ["1:backstage.appConfig", "2:backstage.appConfig"]),
        ("a.b: {appConfig: {app: {}}}\na: {b.appConfig: {x: y}}\n", ["/a.b/appConfig"]),
        ("a/b: {appConfig: {app: {}}}\n", ["a/b.appConfig"]),
        ("x/~y.z: {appConfig: {app: {}}}\nx/~y: {z: {appConfig: 1}}\n", ["/x~1~0y.z/appConfig"]),
        ("A/b:c: {appConfig: {app: {}}}\n", ["/A~1b:c/appConfig"]),
    ],
)
def test_each_has_a_path_that_leads_to_it_and_to_nothing_else(tmp_path: Path, text: str, paths: list[str]) -> None:
    assert [found.path for found in Manifest("x", text).find()] == paths
    for path in paths:
        project, _ = read(tmp_path, text, path)
        assert project.config.error is None, path
    project, problems = read(tmp_path, text, "")
    assert [problem.rpartition(" ")[2] for problem in problems] == ["GR229"]
    words = shlex.split(next(iter(project.diagnostics)).hint)
    told = [words[at + 1] for at, word in enumerate(words) if word == "--config"]
    assert told == [f"{tmp_path / 'deploy.yaml'}#{path}" for path in paths]
    for target in told:
        project = load(Request(root=tmp_path, config=[target], environ={}))
        assert not [item for item in project.diagnostics if item.code in ("GR229", "GR231")]


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        (TWO, "data.default.app-config.yaml", "more than one document has 'data.default.app-config.yaml'"),
        (TWO, "Secret/live:data.default.app-config.yaml", "there is no Secret 'live' in it"),
        (TWO, "7:data.default.app-config.yaml", "there is no document 7 in it"),
        ("a.b: {c: {app: {}}}\na: {b: {c: {app: {}}}}\n", "a.b.c", "'a.b.c' can be read as '/a.b/c' and as '/a/b/c'"),
        (ARGO, "spec.source.helm.values.backstage.config", "there is no 'spec.source.helm.values.backstage.config' in it"),
        (CONFIG_MAP, "/data/app-config.yaml", "there is no '/data/app-config.yaml' in it"),
        (ARGO_OBJECT, "spec.sources.7.helm", "there is no 'spec.sources.7' in it"),
        ('backstage: {appConfig: "{{ .Values.x }}"}\n', "backstage.appConfig", "is a template that Helm fills in"),
        ("backstage: {appConfig: {{ .Values.x }}}\n", "backstage.appConfig", "is a template that Helm fills in"),
    ],
)
def test_a_path_that_leads_to_none_or_to_several(tmp_path: Path, text: str, path: str, problem: str) -> None:
    project, _ = read(tmp_path, text, path)
    (error,) = [item for item in project.diagnostics if item.code == "GR231"]
    assert problem in error.summary
    assert project.config.error is not None


@pytest.mark.parametrize(
    ("name", "text", "codes"),
    [
        ("values.yaml", "image: x\nbackstage: {args: []}\n", ["GR434"]),
        ("portal-values.production.yml", "image: x\n", ["GR434"]),
        ("portal.yaml", "apiVersion: v1\nkind: Service\n", ["GR434"]),
        ("app-config.values.yaml", "backend: {}\n", ["GR203"]),
        ("app-config.auth.yaml", "auth: {}\n", ["GR203"]),
        ("app-config.yaml", "app: {}\nkind: x\napiVersion: y\n", ["GR203"]),
        ("values.yaml", "a: b\n---\nc: d\n", ["GR106"]),
    ],
)
def test_a_file_without_one(tmp_path: Path, name: str, text: str, codes: list[str]) -> None:
    (tmp_path / name).write_text(text)
    project = load(Request(root=tmp_path, config=[str(tmp_path / name)], environ={}, plugins=("catalog",)))
    resolve(project)
    assert [item.code for item in project.diagnostics] == codes


TEMPLATE = "backstage:\n  appConfig:\n    app: {{title: '{{{{ .Values.title }}}}'}}\n    backend:\n      database: {}\n"


@pytest.mark.parametrize(
    ("database", "codes"),
    [
        ("{client: pg, connection: {host: '{{ .Values.host }}', user: u}}", ["GR230"]),
        ("{client: '{{ .Values.client }}', connection: {host: h, user: u}}", ["GR230"]),
        ("{client: pg, connection: '{{ .Values.connection }}'}", ["GR230"]),
        ("'{{ include \"portal.database\" . }}'", ["GR230"]),
        ("{{ .Values.database }}", ["GR107", "GR230"]),
        ("{client: pg, connection: {user: u, host: {{ .Values.host }} }}", ["GR107", "GR230"]),
        ("{client: pg, connection: {user: u, host: '${H}'}}", []),
    ],
)
def test_a_template_near_the_database_is_refused_and_elsewhere_it_is_text(
    tmp_path: Path, database: str, codes: list[str]
) -> None:
    project, _ = read(tmp_path, TEMPLATE.format(database), "backstage.appConfig")
    assert sorted(item.code for item in project.diagnostics) == codes
    assert project.reader.get_optional("app.title") == "{{ .Values.title }}"


@pytest.mark.parametrize("further", ["backend", "backend.database", "backend.database.connection"])
def test_a_path_that_goes_further_than_the_app_config_is_an_error(tmp_path: Path, further: str) -> None:
    """Else it is an app-config without a database: nothing would be made, and nothing said."""
    project, _ = read(tmp_path, VALUES, f"backstage.appConfig.{further}")
    (error,) = [item for item in project.diagnostics if item.code == "GR231"]
    assert "goes further than the app-config" in error.summary
    assert error.hint.endswith("#backstage.appConfig")


def test_relative_paths_are_of_the_folder_where_it_is_mounted(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("not-this-one")
    (tmp_path / "other.yaml").write_text("x: y")
    text = VALUES.replace("sslmode: x", "password: {$file: pw}") + "    techdocs: {$include: other.yaml}\n"
    project, _ = read(tmp_path, text, "backstage.appConfig")
    assert project.database["connection"]["password"].is_file
    assert project.reader.get_optional("techdocs") is UNDEFINED
    assert [item.code for item in project.diagnostics] == ["GR433", "GR113"]
    assert not project.diagnostics.has_errors


def test_an_include_that_the_databases_need_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("host: db\nuser: u\n")
    text = "backstage: {appConfig: {backend: {database: {client: pg, connection: {$include: other.yaml}}}}}\n"
    project, problems = read(tmp_path, text, "backstage.appConfig")
    assert problems == ["1:70 GR113"]
    assert "mounts it" in next(iter(project.diagnostics)).summary


def test_where_backstage_runs_an_absolute_path_is_read(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("secret\n")
    text = VALUES.replace("sslmode: x", f"password: {{$file: {tmp_path / 'pw'}}}")
    (tmp_path / "deploy.yaml").write_text(text)
    target = f"{tmp_path / 'deploy.yaml'}#backstage.appConfig"
    for request in (
        Request(root=tmp_path / "x", config=[target], environ={}, placeholders="backstage"),
        Request(root=tmp_path / "x", config=[target], environ={}, anywhere=True),
    ):
        project = load(request)
        assert project.database["connection"]["password"] == "secret"


@pytest.mark.parametrize(
    ("line", "places"),
    [
        ("prefix: no", ["10:17 GR441"]),
        ("prefix: 'no'", []),
        ("prefix: note", []),
        ("plugin: {y: {connection: {database: x}}}", ["10:18 GR441"]),
        ("plugin: {'on': {connection: {database: off}}}", ["10:48 GR441"]),
    ],
)
def test_words_that_helm_takes_for_booleans(tmp_path: Path, line: str, places: list[str]) -> None:
    config = CONFIG.replace("      sslmode: x\n", f"    {line}\n")
    text = f"image: x\nbackstage:\n  appConfig:\n{indented(config, 4)}"
    assert [item for item in read(tmp_path, text, "backstage.appConfig")[1] if "GR441" in item] == places
    # Nobody but Backstage reads a file of a ConfigMap.
    text = f"kind: ConfigMap\ndata:\n  app-config.yaml: |\n{indented(config, 4)}"
    assert not [item for item in read(tmp_path, text, "data.app-config.yaml")[1] if "GR441" in item]
