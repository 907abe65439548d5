"""A target that is taken out of the settings leaves its files, and no run is silently green beside them (GR560)."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = "version: 1\nplugins: {discover: false, include: [catalog]}\n"


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app-config.yaml").write_text("backend: {database: {client: pg, connection: {host: db}}}\n")
    (tmp_path / "greenroom.yaml").write_text(SETTINGS)
    assert run(["generate", "--quiet"]) == 0
    return tmp_path


@pytest.mark.parametrize("how", ["delete", "add", "once"])
def test_every_way_of_the_hint_ends_it(portal: Path, capsys: pytest.CaptureFixture[str], how: str) -> None:
    (portal / "greenroom.yaml").write_text(f"{SETTINGS}targets: {{sql: {{}}, appConfig: {{}}}}\n")
    for command in (["generate"], ["generate", "--check"]):
        capsys.readouterr()
        assert run(command) == 0
        said = capsys.readouterr().err
        assert said.count("GR560") == 1, said
        assert "infra/terraform/databases was generated earlier, and this run does not have the target terraform" in said
    options = []
    if how == "delete":
        shutil.rmtree(portal / "infra/terraform")
    elif how == "add":
        (portal / "greenroom.yaml").write_text(f"{SETTINGS}targets: {{sql: {{}}, appConfig: {{}}, terraform: {{}}}}\n")
    else:
        options = ["--target", "terraform"]
    assert run(["generate", *options]) == 0
    capsys.readouterr()
    assert run(["generate", "--check", *options]) == 0
    assert "GR560" not in capsys.readouterr().err


def test_the_hint_names_the_key_of_the_settings(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (portal / "greenroom.yaml").write_text(f"{SETTINGS}targets: {{sql: {{}}, terraform: {{}}}}\n")
    assert run(["generate"]) == 0
    said = capsys.readouterr().err
    (key,) = re.findall(r"help: add (\S+) to targets", said)
    (portal / "greenroom.yaml").write_text(f"{SETTINGS}targets: {{sql: {{}}, terraform: {{}}, {key}: {{}}}}\n")
    assert run(["generate"]) == 0
    assert "GR560" not in capsys.readouterr().err


def test_a_run_for_one_target_says_nothing_of_others(portal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "--target", "sql"]) == 0
    assert "GR560" not in capsys.readouterr().err
