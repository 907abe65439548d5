"""The manifests of ``examples/init-container`` are valid, and their command line does what it is there for."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import kubernetes_validate
import pytest
import yaml
from botocore.validate import ParamValidator
from installation import COMMAND, CONFIG, PASSWORDS

from generator.cli.app import run

if TYPE_CHECKING:
    from installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("preflight-command")]

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "init-container"
KUBERNETES = list(yaml.safe_load_all((EXAMPLE / "kubernetes.yaml").read_text()))
ECS = json.loads((EXAMPLE / "ecs-task-definition.json").read_text())
POD: dict[str, Any] = KUBERNETES[1]["spec"]["template"]["spec"]


@pytest.mark.parametrize("version", ["1.29", "1.34"])
def test_the_kubernetes_manifest_is_valid(version: str) -> None:
    for document in KUBERNETES:
        kubernetes_validate.validate(document, version, strict=True)
    broken = json.loads(json.dumps(KUBERNETES[1]))
    broken["spec"]["template"]["spec"]["initContainers"][0]["argument"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(broken, version, strict=True)


def test_the_ecs_task_definition_is_a_valid_request() -> None:
    shape = botocore.session.Session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
    report = ParamValidator().validate(ECS, shape)
    assert not report.has_errors(), report.generate_report()
    assert ParamValidator().validate({**ECS, "containerDefinitions": [{"name": 1}]}, shape).has_errors()
    first, second = ECS["containerDefinitions"]
    assert second["dependsOn"] == [{"containerName": first["name"], "condition": "SUCCESS"}]
    assert not first["essential"], "a task ends when an essential container ends"


def test_both_containers_see_the_same() -> None:
    (init,) = POD["initContainers"]
    (portal,) = POD["containers"]
    assert init["envFrom"] == portal["envFrom"]
    assert portal["volumeMounts"][0] in init["volumeMounts"]
    first, second = ECS["containerDefinitions"]
    assert (first["environment"], first["secrets"]) == (second["environment"], second["secrets"])
    app_config = (EXAMPLE / "app-config.yaml").read_text()
    assert yaml.safe_load(KUBERNETES[0]["data"]["app-config.yaml"]) == yaml.safe_load(app_config)


@pytest.mark.parametrize("arguments", [POD["initContainers"][0]["args"], ECS["containerDefinitions"][0]["command"]])
def test_the_command_line(installed: Installation, tmp_path: Path, arguments: list[str]) -> None:
    assert arguments[0] == "preflight"
    config = tmp_path / "config"
    config.mkdir()
    for name, text in KUBERNETES[0]["data"].items():
        (config / name).write_text(text)
    # The container's folder is another one here; two minutes are too long for a failure that has to come.
    words = [word.replace("/config", str(config)).replace("120", "2") for word in arguments[1:]]

    def container(**env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words], env={**installed.environ, **env}, capture_output=True, text=True, timeout=60, cwd="/"
        )

    done = container()
    assert done.returncode == 0, done.stderr
    assert all(name in done.stdout for name in ("auth", "catalog"))
    refused = container(BACKSTAGE_DB_AUTH_PASSWORD="another")
    assert refused.returncode == 4
    assert "auth: waiting: login: password authentication failed" in refused.stderr
    assert set(PASSWORDS) == {item["name"] for item in ECS["containerDefinitions"][0]["secrets"]}


def test_without_a_writable_folder_for_temporary_files(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A read-only container without a volume: nothing needs a file as long as app-config has no certificates."""
    for name, value in installed.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tempfile, "tempdir", "/proc/nowhere")
    assert run(["preflight"]) == 0
    fragment = installed.root / "infra" / "app-config.databases.yaml"
    certificate = "{ca: '-----BEGIN CERTIFICATE-----'}"
    (installed.root / "app-config.yaml").write_text(CONFIG.replace("user: nobody", f"ssl: {certificate}, user: nobody"))
    assert fragment.is_file()
    assert run(["preflight"]) == 4
    assert "no folder" not in capsys.readouterr().err  # they are in memory
    monkeypatch.delattr(os, "memfd_create")
    assert run(["preflight"]) == 4
    assert "there is no folder to put them into: mount something writable at /tmp" in capsys.readouterr().err
