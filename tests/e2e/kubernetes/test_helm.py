"""Fragments as values and ConfigMaps, put together by the real Helm and read again: every plugin gets what was planned.

The chart here is a small one that does with its values what the chart of Backstage does: the ConfigMap with ``appConfig``
goes through ``tpl``, and a list stays a list.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import kubernetes_validate
import pytest
import yaml
from command_line import run
from helm import HelmError, helm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("helm")]

CHART = "apiVersion: v2\nname: NAME\nversion: 0.1.0\n"
DEFAULTS = "backstage:\n  appConfig: {}\n  extraEnvVarsSecrets: []\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: app-config
data:
  secrets: {{ toJson .Values.backstage.extraEnvVarsSecrets | quote }}
  app-config.yaml: |
    {{- tpl (toYaml .Values.backstage.appConfig) . | nindent 4 }}
"""
CONNECTION = {"host": "${H}", "port": 5432, "user": "${U}", "password": "${P}"}
PLUGINS = ("catalog", "on", "y", "scaffolder")


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return helm()
    except HelmError as error:
        pytest.skip(f"Helm cannot be had: {error}")


@pytest.fixture(scope="module")
def charts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``backstage``, and ``hub`` that has it as a part called ``upstream``."""
    folder = tmp_path_factory.mktemp("charts")
    for name in ("backstage", "hub/charts/upstream"):
        (folder / name / "templates").mkdir(parents=True)
        (folder / name / "Chart.yaml").write_text(CHART.replace("NAME", name.rpartition("/")[2]))
        (folder / name / "values.yaml").write_text(DEFAULTS)
        (folder / name / "templates/app-config.yaml").write_text(TEMPLATE)
    (folder / "hub/Chart.yaml").write_text(CHART.replace("NAME", "hub"))
    return folder


def rendered(program: Path, chart: Path, *values: Path) -> dict[str, Any]:
    """The ``data`` of the ConfigMap."""
    options = [word for path in values for word in ("-f", str(path))]
    done = subprocess.run([program, "template", "portal", chart, *options], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    data: dict[str, Any] = yaml.safe_load(done.stdout)["data"]
    return data


def project(folder: Path, values: Any, path: str, *, options: dict[str, Any], keys: tuple[str, ...] = ()) -> Path:
    """A repository with ``values`` and settings; the file that was generated."""
    for key in reversed(keys):
        values = {key: values}
    # JSON: as YAML 1.1, which Helm reads, has keys such as `on` and `y` only in quotes.
    (folder / "values.yaml").write_text(json.dumps(values, indent=2))
    settings = {
        "version": 1,
        "appConfig": [f"values.yaml#{path}"],
        "plugins": {"discover": False, "include": list(PLUGINS)},
        "targets": {"appConfig": {"path": "out.yaml", **options}},
    }
    (folder / "greenroom.yaml").write_text(yaml.safe_dump(settings))
    done = run(["generate", "--verify"], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert run(["generate", "--check"], cwd=folder, capture_output=True).returncode == 0
    return folder / "out.yaml"


def resolved(folder: Path, *configs: str) -> Any:
    """Every plugin, as it is resolved from these files alone."""
    words = [word for config in configs for word in ("--config", config)]
    plugins = [word for plugin in PLUGINS for word in ("--plugin", plugin)]
    (folder / "empty.yaml").write_text("version: 1\nplugins: {discover: false}\n")
    command = ["resolve", "--format", "json", "--settings", "empty.yaml", *words, *plugins]
    done = run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["plugins"]
    return {name: {key: value for key, value in item.items() if key != "sources"} for name, item in found.items()}


def app_config(**database: Any) -> dict[str, Any]:
    return {"app": {"title": "Portal"}, "backend": {"database": {"client": "pg", "connection": CONNECTION, **database}}}


@pytest.mark.parametrize(
    ("database", "chart"),
    [
        ({}, "backstage"),
        ({}, "hub"),
        ({"role": "boss"}, "backstage"),
        ({"role": "boss"}, "hub"),
        ({"prefix": 'a"b: #{c}\\'}, "backstage"),
        ({"pluginDivisionMode": "schema", "connection": {**CONNECTION, "database": "portal"}}, "backstage"),
        ({"connection": "postgresql://u:${P}@db.example.com:6000/x?ssl=true"}, "backstage"),
        (
            {"plugin": {"on": {"connection": {"host": "other"}, "role": "x"}, "y": {"connection": "postgresql://a@b/c"}}},
            "hub",
        ),
    ],
)
def test_values_that_helm_puts_together_are_what_was_planned(
    program: Path, charts: Path, tmp_path: Path, database: dict[str, Any], chart: str
) -> None:
    above = ("upstream",) if chart == "hub" else ()
    values = {"backstage": {"appConfig": app_config(**database), "extraEnvVarsSecrets": ["portal"]}}
    path = ".".join((*above, "backstage.appConfig"))
    generated = project(tmp_path, values, path, options={"format": "helm-values"}, keys=above)
    data = rendered(program, charts / chart, tmp_path / "values.yaml", generated)
    (tmp_path / "rendered.yaml").write_text(data["app-config.yaml"])
    # The same fragment as a file of its own, as Backstage would get it after the app-config that it was made from.
    (tmp_path / "fragment.yaml").write_text(yaml.safe_dump(at(yaml.safe_load(generated.read_text()), path)))
    planned = resolved(tmp_path, f"values.yaml#{path}", "fragment.yaml")
    assert resolved(tmp_path, "rendered.yaml") == planned
    assert all(item["ensureExists"] is False and not item.get("error") for item in planned.values())
    assert len({item["connection"]["user"] for item in planned.values()}) == len(PLUGINS)
    assert json.loads(data["secrets"]) == ["portal"], "Helm replaces lists, so there may be none"


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value[key]
    return value


def test_the_example(program: Path, charts: Path, tmp_path: Path) -> None:
    from regenerate_goldens import EXAMPLES

    example = EXAMPLES / "helm-values"
    data = rendered(program, charts / "backstage", example / "values.yaml", example / "expected/values.databases.yaml")
    database = yaml.safe_load(data["app-config.yaml"])["backend"]["database"]
    assert set(database["plugin"]) == {"auth", "catalog", "scaffolder", "search"}
    assert database["connection"]["host"] == "${POSTGRES_HOST}"
    assert json.loads(data["secrets"]) == ["portal"]


@pytest.mark.parametrize(
    "database",
    [
        {
            "connection": {**CONNECTION, "password": {"$env": "P"}},
            "plugin": {"on": {"connection": {"password": {"$env": "O"}}}},
        },
        {"plugin": {"on": {"connection": {"$include": "on.yaml"}}}},
    ],
)
def test_what_helm_cannot_put_together_is_refused(
    program: Path, charts: Path, tmp_path: Path, database: dict[str, Any]
) -> None:
    """``{$env: …}`` and ``{$file: …}`` become one mapping with both keys, which Backstage refuses."""
    values = {"backstage": {"appConfig": app_config(**database)}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "greenroom.yaml").write_text(
        "version: 1\nappConfig: ['values.yaml#backstage.appConfig']\nplugins: {discover: false, include: [on]}\n"
        "credentials: {delivery: {file: '/secrets/{plugin}'}}\ntargets: {appConfig: {path: out.yaml, format: helm-values}}\n"
    )
    done = run(["generate"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert not (tmp_path / "out.yaml").exists()
    if "$include" in str(database):
        assert "error[GR113]" in done.stderr
        return
    assert "error[GR438]" in done.stderr
    fragment = {"backend": {"database": {"plugin": {"on": {"connection": {"password": {"$file": "/secrets/on"}}}}}}}
    (tmp_path / "out.yaml").write_text(yaml.safe_dump({"backstage": {"appConfig": fragment}}))
    data = rendered(program, charts / "backstage", tmp_path / "values.yaml", tmp_path / "out.yaml")
    merged = yaml.safe_load(data["app-config.yaml"])["backend"]["database"]["plugin"]["on"]["connection"]["password"]
    assert merged == {"$env": "O", "$file": "/secrets/on"}
    # What the hint says ends it.
    (tmp_path / "out.yaml").unlink()
    text = json.dumps(values).replace('{"$env": "O"}', '"${O}"').replace('{"$env": "P"}', '"${P}"')
    (tmp_path / "values.yaml").write_text(text)
    done = run(["generate"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_template_in_a_name_is_refused(program: Path, charts: Path, tmp_path: Path) -> None:
    values = {"backstage": {"appConfig": app_config(prefix="a{{b")}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    (tmp_path / "greenroom.yaml").write_text(
        "version: 1\nappConfig: ['values.yaml#backstage.appConfig']\nplugins: {discover: false, include: [catalog]}\n"
        "targets: {appConfig: {path: out.yaml, format: helm-values}}\n"
    )
    done = run(["generate"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error[GR437] backend.database.plugin.catalog.connection.database" in done.stderr
    done = subprocess.run(
        [program, "template", "x", charts / "backstage", "-f", tmp_path / "values.yaml"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode, "Helm took it, so there is nothing to refuse"


@pytest.mark.parametrize("kind", ["configmap", "rhdh"])
def test_a_config_map_is_valid_and_holds_the_fragment(tmp_path: Path, kind: str) -> None:
    (tmp_path / "plain").mkdir()
    path = "backstage.appConfig"
    values = {"backstage": {"appConfig": app_config(prefix="a{{b")}}
    plain = project(tmp_path / "plain", values, path, options={})
    generated = project(tmp_path, values, path, options={"format": kind, "name": "portal-databases"})
    document = yaml.safe_load(generated.read_text())
    kubernetes_validate.validate(document, "1.34", strict=True)
    assert document["metadata"]["name"] == "portal-databases"
    assert yaml.safe_load(document["data"]["app-config.databases.yaml"]) == yaml.safe_load(plain.read_text())
    target = "out.yaml#/data/app-config.databases.yaml"
    assert resolved(tmp_path, f"values.yaml#{path}", target) == resolved(tmp_path, f"values.yaml#{path}", "plain/out.yaml")
    if kind == "rhdh":
        assert "spec.application.appConfig.configMaps: [{name: portal-databases}]" in generated.read_text()


def test_values_of_an_argo_cd_application_start_at_the_values(program: Path, charts: Path, tmp_path: Path) -> None:
    inner = json.dumps({"backstage": {"appConfig": app_config(), "extraEnvVarsSecrets": ["portal"]}})
    values = {"kind": "Application", "spec": {"source": {"helm": {"values": inner}}}}
    generated = project(tmp_path, values, "spec.source.helm.values.backstage.appConfig", options={"format": "helm-values"})
    assert list(yaml.safe_load(generated.read_text())) == ["backstage"]
    (tmp_path / "inner.yaml").write_text(inner)
    data = rendered(program, charts / "backstage", tmp_path / "inner.yaml", generated)
    assert set(yaml.safe_load(data["app-config.yaml"])["backend"]["database"]["plugin"]) == set(PLUGINS)


def test_words_that_helm_takes_for_booleans(program: Path, charts: Path, tmp_path: Path) -> None:
    """GR441 names the same words."""
    words = [form for word in ("y", "n", "yes", "no", "on", "off") for form in (word, word.capitalize(), word.upper())]
    others = ["yEs", "t", "f", "T", "none", "ok", "ye"]
    lines = "".join(f"      p{number}: {word}\n" for number, word in enumerate([*words, *others]))
    text = f"backstage:\n  appConfig:\n    backend: {{database: {{client: pg, connection: {{}}}}}}\n    x:\n{lines}"
    (tmp_path / "values.yaml").write_text(text)
    data = yaml.safe_load(rendered(program, charts / "backstage", tmp_path / "values.yaml")["app-config.yaml"])["x"]
    assert {word for number, word in enumerate([*words, *others]) if isinstance(data[f"p{number}"], bool)} == set(words)
    database = "".join(f"        k{number}: {word}\n" for number, word in enumerate([*words, *others]))
    (tmp_path / "values.yaml").write_text(f"backstage:\n  appConfig:\n    backend:\n      database:\n{database}")
    done = run(
        ["lint", "--config", "values.yaml#backstage.appConfig", "--format", "json"], cwd=tmp_path, capture_output=True
    )
    found = [item for item in json.loads(done.stdout)["diagnostics"] if item["code"] == "GR441"]
    assert len(found) == len(words)
