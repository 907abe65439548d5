"""Finding what a chart or a ConfigMap gives to Backstage, in a repository."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest
from command_line import run

from generator.backstage.config.deployed import choose, find_deployed
from generator.init import start

if TYPE_CHECKING:
    from pathlib import Path

CONNECTION = "{host: '${H}', user: '${U}', password: '${P}'}"
CONFIG = f"    backend: {{database: {{client: pg, connection: {CONNECTION}}}}}\n"
VALUES = f"image: x\nbackstage:\n  appConfig:\n{CONFIG}"
WITHOUT = "backstage:\n  appConfig:\n    app: {baseUrl: x}\n    backend: {baseUrl: y}\n# database\n"
CONFIG_MAP = f"kind: ConfigMap\ndata:\n  app-config.yaml: |\n{CONFIG}"
SQLITE = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"
DOCKERFILE = 'FROM x\nCMD ["node", "packages/backend", "--config", "app-config.yaml"]\n'


def repository(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("files", "chosen", "several"),
    [
        ({"values.yaml": VALUES}, ["values.yaml"], []),
        ({"deploy/k8s/cm.yml": CONFIG_MAP}, ["deploy/k8s/cm.yml"], []),
        ({"a/values.yaml": VALUES, "a/values-prod.yaml": VALUES}, ["a/values.yaml", "a/values-prod.yaml"], []),
        ({"a/values.yaml": VALUES, "a/values-dev.yaml": VALUES}, ["a/values.yaml"], []),
        ({"dev/values.yaml": VALUES, "production/values.yaml": VALUES}, ["production/values.yaml"], []),
        ({"a/values.yaml": VALUES, "prod/values.yaml": VALUES}, ["prod/values.yaml"], []),
        ({"a/values.yaml": VALUES, "b/values.yaml": VALUES}, [], ["a/values.yaml", "b/values.yaml"]),
        ({"dev/values.yaml": VALUES, "qa/values.yaml": VALUES}, [], ["dev/values.yaml", "qa/values.yaml"]),
        ({"a/values.yaml": WITHOUT, "b/values.yaml": VALUES}, ["b/values.yaml"], []),
        ({"node_modules/x/values.yaml": VALUES, "values.example.yaml": VALUES, "app-config.yaml": VALUES}, [], []),
        (
            {"values.yaml": f"# Made by greenroom from\n{VALUES}", "b.yaml": "- a: {appConfig: database}\n{"},
            [],
            [],
        ),
        ({"chart/templates/cm.yaml": "data:\n  app-config.yaml: |\n    {{- toYaml .Values.appConfig.database }}\n"}, [], []),
    ],
)
def test_which_one_is_production(tmp_path: Path, files: dict[str, str], chosen: list[str], several: list[str]) -> None:
    repository(tmp_path, **files)
    found = find_deployed(tmp_path)
    choice = choose(found) if found else None
    assert [item.file for item in choice.chosen] == chosen if choice else not chosen
    assert [item.file for item in choice.several] == several if choice else not several


def test_links_and_other_things_are_not_read(tmp_path: Path) -> None:
    repository(tmp_path, **{"out/values.yaml": VALUES, "root/x": ""})
    (tmp_path / "root/values.yaml").symlink_to(tmp_path / "out/values.yaml")
    (tmp_path / "root/folder.yaml").mkdir()
    (tmp_path / "root/link").symlink_to(tmp_path / "out")
    assert find_deployed(tmp_path / "root") == ()


def test_init_takes_it_where_no_dockerfile_names_files(tmp_path: Path) -> None:
    repository(tmp_path, **{"app-config.yaml": SQLITE, "helm/values-staging.yaml": VALUES})
    found = start(tmp_path)
    assert 'appConfig: ["helm/values-staging.yaml#backstage.appConfig"]' in found.text
    assert "environment: staging" in found.text
    assert "# Not among them: app-config.yaml." in found.text
    assert [(item.code, str(item.severity)) for item in found.diagnostics] == [("GR435", "info")]
    (item,) = found.diagnostics
    assert item.location == (f"{tmp_path}/helm/values-staging.yaml", 3, 3)


def test_init_writes_a_config_map_where_helm_would_replace_a_text(tmp_path: Path) -> None:
    repository(tmp_path, **{"values.yaml": VALUES.replace("appConfig:", "appConfig: |")})
    assert run(["init"], cwd=tmp_path).returncode == 0
    assert "format: configmap" in (tmp_path / "greenroom.yaml").read_text()
    done = run(["generate", "--plugin", "catalog"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "greenroom.yaml").read_text().replace("format: configmap", "format: helm-values")
    (tmp_path / "greenroom.yaml").write_text(text)
    done = run(["generate", "--plugin", "catalog"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error[GR438]" in done.stderr


def test_init_offers_it_beside_the_files_of_a_dockerfile(tmp_path: Path) -> None:
    repository(tmp_path, **{"app-config.yaml": SQLITE, "values.yaml": VALUES, "Dockerfile": DOCKERFILE})
    found = start(tmp_path)
    assert "\nappConfig: [app-config.yaml]\n" in found.text
    assert "Not taken, because that line names the files: values.yaml#backstage.appConfig." in found.text
    (item,) = found.diagnostics
    assert item.code == "GR435"
    hint = item.hint.split("`")[1]
    done = run(["init", *shlex.split(hint)[2:]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'appConfig: [app-config.yaml, "values.yaml#backstage.appConfig"]' in (tmp_path / "greenroom.yaml").read_text()
    assert "GR435" not in done.stderr


def test_init_asks_where_several_may_be_meant(tmp_path: Path) -> None:
    repository(tmp_path, **{"a/values.yaml": VALUES, "b/values.yaml": VALUES})
    done = run(["init"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error[GR436]" in done.stderr
    assert not (tmp_path / "greenroom.yaml").exists()
    hint = done.stderr.split("help: `")[1].split("`")[0].replace("'", "")
    done = run(hint.split()[1:], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    done = run(["generate", "--plugin", "catalog"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert run(["generate", "--plugin", "catalog", "--check"], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("files", "code"), [({"values.yaml": VALUES}, "GR101"), ({"values.yaml": VALUES, "app-config.yaml": SQLITE}, "GR545")]
)
def test_generate_alone_names_it(tmp_path: Path, files: dict[str, str], code: str) -> None:
    repository(tmp_path, **files)
    done = run(["generate", "--plugin", "catalog"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert "values.yaml#backstage.appConfig" in done.stderr


def test_discover_names_it(tmp_path: Path) -> None:
    repository(tmp_path, **{"values.yaml": VALUES})
    done = run(["discover"], cwd=tmp_path, capture_output=True, text=True)
    assert "values.yaml:3:3: an app-config with database settings (--config values.yaml#backstage.appConfig)" in done.stderr
    done = run(["discover", "--format", "json"], cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(done.stdout)["appConfigInside"] == ["values.yaml#backstage.appConfig"]
