"""Two settings files, two environments, two targets: none of them takes over what the other one has."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from generator.cli.app import greenroom

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SETTINGS = "plugins: {discover: false, include: [catalog]}\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    database = {"client": "pg", "connection": {"host": "db", "user": "${U}", "password": "${P}"}}
    (tmp_path / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}))
    (tmp_path / "greenroom.yaml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    assert run("generate").exit_code == 0
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(greenroom, list(arguments))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_environment_in_the_same_folder_is_refused(project: Path) -> None:
    (project / "greenroom.staging.yaml").write_text(f"{SETTINGS}environment: staging\n")
    before = contents(project / "infra")
    result = run("generate", "--settings", "greenroom.staging.yaml")
    assert result.exit_code == 1
    assert "error[GR550] environment: this lock file is that of the environment 'production'" in str(result.exception)
    assert contents(project / "infra") == before
    # The folder stays production's when the lock file is gone.
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "x")):
        subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.com", *words], check=True)
    (project / "infra" / "greenroom.lock.json").unlink()
    result = run("generate", "--settings", "greenroom.staging.yaml")
    assert "error[GR550] environment: this lock file was that of the environment 'production'" in str(result.exception)
    subprocess.run(["git", "checkout", "--quiet", "infra"], check=True)
    # The hint.
    assert run("generate", "--settings", "greenroom.staging.yaml", "--out", "staging").exit_code == 0
    assert run("generate", "--settings", "greenroom.staging.yaml", "--out", "staging", "--check").exit_code == 0
    assert run("generate", "--check").exit_code == 0
    assert contents(project / "infra") == before


def test_paths_of_another_settings_file_have_a_lock_file_of_their_own(project: Path) -> None:
    targets = "targets: {sql: {path: staging/sql}, appConfig: {path: staging/app-config.databases.yaml}}\n"
    (project / "greenroom.staging.yaml").write_text(f"{SETTINGS}environment: staging\n{targets}")
    before = contents(project / "infra")
    assert run("generate", "--settings", "greenroom.staging.yaml").exit_code == 0
    assert contents(project / "infra") == before
    assert json.loads((project / "greenroom.lock.json").read_text())["environment"] == "staging"
    assert run("generate", "--check").exit_code == 0


def test_an_environment_with_a_new_name(project: Path) -> None:
    (project / "greenroom.yaml").write_text(f"{SETTINGS}environment: live\n")
    assert run("generate").exit_code == 1
    lock = project / "infra" / "greenroom.lock.json"
    lock.write_text(lock.read_text().replace('"environment": "production"', '"environment": "live"'))
    assert run("generate").exit_code == 0


def test_a_lock_file_of_an_older_greenroom_belongs_to_whoever_is_next(project: Path) -> None:
    lock = project / "infra" / "greenroom.lock.json"
    document = json.loads(lock.read_text())
    del document["environment"]
    lock.write_text(json.dumps(document))
    assert run("generate").exit_code == 0
    assert json.loads(lock.read_text())["environment"] == "production"


@pytest.mark.parametrize(
    "targets",
    [
        "{sql: {path: db}, cloudformation: {path: db}}",
        "{sql: {path: db}, appConfig: {path: db/databases.sql}}",
        "{sql: {path: db}, appConfig: {path: infra/greenroom.lock.json}}",
    ],
)
def test_two_targets_with_one_file_are_refused(project: Path, targets: str) -> None:
    store = "credentials: {store: aws-secretsmanager}\n" if "cloudformation" in targets else ""
    (project / "greenroom.yaml").write_text(f"{SETTINGS}{store}targets: {targets}\n")
    before = contents(project)
    result = run("generate")
    assert result.exit_code == 1
    assert "error[GR551] targets: the target" in str(result.exception)
    assert contents(project) == before
