"""The fragment as values of a chart or in a ConfigMap: its shape, and that other commands read it where it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from command_line import run

from generator.backstage.config.helm import merge_values
from generator.backstage.config.nested import values_keys
from generator.documents.documents import parse_document
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from pathlib import Path

VALUES = """\
backstage:
  appConfig:
    backend:
      database:
        client: pg
        connection: {host: "${H}", port: 1, user: "${U}", password: "${P}"}
"""


def generate(
    folder: Path, *, app_config: str = "values.yaml#backstage.appConfig", store: str = "vault", **options: str
) -> Any:
    """The run, in a folder with values and a plain app-config."""
    (folder / "values.yaml").write_text(VALUES)
    (folder / "app-config.yaml").write_text(yaml.safe_dump(yaml.safe_load(VALUES)["backstage"]["appConfig"]))
    settings = {
        "version": 1,
        "appConfig": [app_config],
        "plugins": {"discover": False, "include": ["catalog", "on"]},
        "credentials": {"store": store},
        "targets": {"appConfig": options},
    }
    (folder / "greenroom.yaml").write_text(json.dumps(settings))
    return run(["generate", "--verify"], cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("format_", "file", "said"),
    [
        ("app-config", "app-config.databases.yaml", "give Backstage "),
        (
            "helm-values",
            "values.databases.yaml",
            "backstage.extraEnvVarsSecrets of your own values: backstage-database-pa",
        ),
        ("configmap", "configmap.databases.yaml", "envFrom; in the Backstage chart backstage.extraEnvVarsSecrets"),
        ("rhdh", "configmap.databases.yaml", "spec.application.extraEnvs.secrets of the Backstage resource"),
    ],
)
def test_each_format_has_its_file_and_says_what_to_do(tmp_path: Path, format_: str, file: str, said: str) -> None:
    done = generate(tmp_path, format=format_)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / file).read_text()
    assert said in done.stderr
    assert text.startswith("# Made by greenroom")
    if format_ != "app-config":
        assert said in text
    assert "GR440" not in done.stderr or format_ != "helm-values"


def test_without_a_format_and_with_the_default_the_bytes_are_the_same(tmp_path: Path) -> None:
    generate(tmp_path, app_config="app-config.yaml")
    before = (tmp_path / "app-config.databases.yaml").read_bytes()
    done = generate(tmp_path, app_config="app-config.yaml", format="app-config")
    assert "written" not in done.stderr
    assert (tmp_path / "app-config.databases.yaml").read_bytes() == before


def test_values_have_no_lists_and_are_where_app_config_was_read(tmp_path: Path) -> None:
    generate(tmp_path, format="helm-values")
    document = yaml.safe_load((tmp_path / "values.databases.yaml").read_text())

    def lists(value: Any) -> int:
        return isinstance(value, list) + sum(map(lists, value.values() if isinstance(value, dict) else ()))

    assert list(document) == ["backstage"]
    assert list(document["backstage"]) == ["appConfig"]
    assert not lists(document)
    assert set(document["backstage"]["appConfig"]["backend"]["database"]["plugin"]) == {"catalog", "on"}


def test_values_for_an_app_config_in_files_are_at_the_usual_keys(tmp_path: Path) -> None:
    done = generate(tmp_path, app_config="app-config.yaml", format="helm-values")
    assert done.returncode == 0, done.stderr
    assert "backstage:\n  appConfig:\n    backend:\n" in (tmp_path / "values.databases.yaml").read_text()


def test_secrets_of_kubernetes_are_variables_of_their_own(tmp_path: Path) -> None:
    done = generate(tmp_path, store="kubernetes", format="helm-values")
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "values.databases.yaml").read_text()
    line = next(line for line in text.splitlines() if line.startswith("#   - "))
    (entry,) = yaml.safe_load(line.removeprefix("#"))
    assert entry["name"] == "BACKSTAGE_DB_CATALOG_PASSWORD"
    assert entry["valueFrom"]["secretKeyRef"] == {"name": "backstage-production-database-catalog", "key": "password"}


def test_a_change_of_format_leaves_no_old_file(tmp_path: Path) -> None:
    generate(tmp_path, format="helm-values")
    done = generate(tmp_path, format="configmap", name="portal")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "values.databases.yaml").exists()
    assert yaml.safe_load((tmp_path / "configmap.databases.yaml").read_text())["metadata"]["name"] == "portal"


@pytest.mark.parametrize("format_", ["helm-values", "configmap", "rhdh"])
def test_other_commands_read_the_fragment_where_it_is(tmp_path: Path, format_: str) -> None:
    """lint looks at what Backstage gets: app-config and fragment. And what greenroom made is not its input."""
    generate(tmp_path, format=format_)
    (file,) = tmp_path.glob("*.databases.yaml")
    path = "backstage.appConfig" if format_ == "helm-values" else "data.app-config.databases.yaml"
    words = ["--config", "values.yaml#backstage.appConfig", "--config", f"{file.name}#{path}"]
    done = run(["lint", *words, "--format", "json"], cwd=tmp_path, capture_output=True, text=True)
    assert not [item for item in json.loads(done.stdout)["diagnostics"] if item["severity"] == "error"]
    done = run(["generate", *words, "--diff"], cwd=tmp_path, capture_output=True, text=True)
    assert "GR406" in done.stderr
    environ = {"H": "127.0.0.1", "U": "u", "P": "p", "BACKSTAGE_DB_CATALOG_PASSWORD": "c", "BACKSTAGE_DB_ON_PASSWORD": "o"}
    command = ["preflight", "--format", "json", "--timeout", "1", "--env-file", "port.env"]
    (tmp_path / "port.env").write_text("\n".join(f"{name}={value}" for name, value in environ.items()))
    done = run(command, cwd=tmp_path, capture_output=True, text=True)
    found = json.loads(done.stdout)["plugins"]
    assert {name: item["user"] for name, item in found.items()} == {"catalog": "backstage_catalog", "on": "backstage_on"}


@pytest.mark.parametrize(
    ("setting", "code"), [({"format": "helm"}, "GR401"), ({"format": "configmap", "name": "Not_A_Name"}, "GR401")]
)
def test_a_format_that_there_is_none_of(tmp_path: Path, setting: dict[str, str], code: str) -> None:
    done = generate(tmp_path, **setting)
    assert done.returncode == 1
    assert f"error[{code}] targets.appConfig" in done.stderr


@pytest.mark.parametrize(
    ("keys", "values"),
    [
        ("backstage appConfig", "backstage appConfig"),
        ("spec values upstream backstage appConfig", "upstream backstage appConfig"),
        ("spec source helm values backstage appConfig", "backstage appConfig"),
        ("spec sources 1 helm valuesObject backstage appConfig", "backstage appConfig"),
        ("data values.yaml backstage appConfig", "backstage appConfig"),
        ("data app-config.yaml", None),
        ("items 0 data app-config.yaml", None),
        ("spec values", None),
    ],
)
def test_keys_in_the_values(keys: str, values: str | None) -> None:
    assert values_keys(tuple(keys.split())) == (tuple(values.split()) if values else None)


def test_merging_as_helm_does() -> None:
    one = parse_document("{a: {b: 1, c: {$env: X}, l: [1, 2]}, n: 1}", "one", Diagnostics())
    two = parse_document("{a: {b: 2, c: {$file: y}, l: []}, n: null, m: {x: null}}", "two", Diagnostics())
    merged = {"a": {"b": 2, "c": {"$env": "X", "$file": "y"}, "l": []}, "n": None, "m": {"x": None}}
    assert merge_values(one, two) == merged
    assert merge_values(one, two, drops_null=True) == {"a": merged["a"], "m": {}}
    found = merge_values(one, two)
    assert str(found["a"].locate("b")) == "two:1:9"
    assert str(found.locate("a")) == "one:1:5"
