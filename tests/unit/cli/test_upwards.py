"""Commands find greenroom.yaml in the folders above, as far as the repository goes."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend: {database: {client: pg, connection: {host: db}}}\n"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "portal"
    (root / "packages/backend").mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", root], check=True)
    (root / "app-config.yaml").write_text(CONFIG)
    (root / "greenroom.yaml").write_text("$schema: ./any.json\nversion: 1\nplugins: {discover: false, include: [catalog]}\n")
    monkeypatch.chdir(root)
    return root


def test_the_same_files_from_every_folder(
    portal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["generate"]) == 0
    before = {path: path.read_bytes() for path in portal.rglob("*") if path.is_file()}
    monkeypatch.chdir(portal / "packages/backend")
    capsys.readouterr()
    assert run(["generate", "--check"]) == 0
    assert capsys.readouterr().err == "with ../../greenroom.yaml\nup to date\n"
    assert run(["generate", "--check", "--quiet"]) == 0
    assert capsys.readouterr().err == ""
    assert run(["generate"]) == 0
    assert {path: path.read_bytes() for path in portal.rglob("*") if path.is_file()} == before


def test_what_is_said_on_the_command_line_counts(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(portal / "packages/backend")
    (portal / "packages/backend/app-config.yaml").write_text(CONFIG)
    assert run(["generate", "--config", "app-config.yaml", "--plugin", "search"]) == 0
    assert (portal / "packages/backend/infra/greenroom.lock.json").exists()
    assert not (portal / "infra").exists()
    (portal / "packages/backend/app-config.yaml").unlink()
    assert run(["generate", "--root", ".", "--plugin", "search"]) == 1  # here, where there is no app-config.yaml


def test_not_beyond_the_repository(portal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies above a repository is somebody else's."""
    inner = portal / "vendor/other"
    inner.mkdir(parents=True)
    subprocess.run(["git", "init", "--quiet", inner], check=True)
    (inner / "app-config.yaml").write_text(CONFIG)
    monkeypatch.chdir(inner)
    assert run(["generate", "--plugin", "search"]) == 0
    assert (inner / "infra/greenroom.lock.json").exists()
    assert not (portal / "infra").exists()
