"""Two runs at once on one project: whatever one of them generated, the lock file knows afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from generator.cli.app import greenroom
from generator.run import steps

if TYPE_CHECKING:
    from pathlib import Path

RUN = [sys.executable, "-c", "from generator.cli import main; main()"]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    database = {"client": "pg", "connection": {"host": "db", "user": "${U}", "password": "${P}"}}
    (tmp_path / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}))
    (tmp_path / "package.json").write_text("{}")
    settings(tmp_path, "catalog")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(folder: Path, *plugins: str, name: str = "greenroom.yaml") -> str:
    text = json.dumps({"version": 1, "plugins": {"discover": False, "include": plugins}})
    (folder / name).write_text(text)
    return name


def known(folder: Path) -> set[str]:
    lock = json.loads((folder / "infra" / "greenroom.lock.json").read_text())
    return {*lock["plugins"], *lock.get("retired", {})}


@pytest.mark.parametrize("first", [(), ("catalog",)], ids=["no lock file yet", "a lock file"])
def test_a_run_between_reading_and_writing(project: Path, monkeypatch: pytest.MonkeyPatch, first: tuple[str, ...]) -> None:
    if first:
        subprocess.run([*RUN, "generate", "--quiet"], check=True, capture_output=True)
    other = settings(project, "catalog", "search", name="other.yaml")
    render = steps.render

    def meanwhile(*arguments: object, **options: object) -> object:
        made = render(*arguments, **options)  # type: ignore[arg-type]
        done = subprocess.run([*RUN, "generate", "--settings", other], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return made

    settings(project, "catalog", "techdocs")
    with monkeypatch.context() as patch:
        patch.setattr(steps, "render", meanwhile)
        result = CliRunner().invoke(greenroom, ["generate"])
    assert result.exit_code == 1
    assert "error[GR508] nothing was written: infra/greenroom.lock.json has changed since it was read" in str(
        result.exception
    )
    assert known(project) == {"catalog", "search"}
    # The hint: the same command again.
    assert CliRunner().invoke(greenroom, ["generate"]).exit_code == 0
    assert known(project) == {"catalog", "search", "techdocs"}


def test_the_same_run_twice_is_no_conflict(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render = steps.render

    def meanwhile(*arguments: object, **options: object) -> object:
        made = render(*arguments, **options)  # type: ignore[arg-type]
        subprocess.run([*RUN, "generate", "--quiet"], check=True, capture_output=True)
        return made

    monkeypatch.setattr(steps, "render", meanwhile)
    result = CliRunner().invoke(greenroom, ["generate"])
    assert result.exit_code == 0, result.stderr


@pytest.mark.slow
def test_runs_that_race(project: Path) -> None:
    """Real processes, started together: who succeeded is in the lock file, planned or retired."""
    names = [settings(project, "catalog", f"plugin-{number}", name=f"settings-{number}.yaml") for number in range(6)]
    processes = [
        subprocess.Popen([*RUN, "generate", "--settings", name], stderr=subprocess.PIPE, text=True) for name in names
    ]
    ended = [(process.communicate()[1], process.returncode) for process in processes]
    assert {code for _, code in ended} <= {0, 1}
    assert all("GR508" in said or "GR506" in said for said, code in ended if code)
    succeeded = {f"plugin-{number}" for number, (_, code) in enumerate(ended) if code == 0}
    assert succeeded
    assert succeeded <= known(project)
