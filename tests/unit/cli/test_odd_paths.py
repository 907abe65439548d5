"""Pipes where files belong, names that are too long, characters no name has: an error, and never exit code 70 or a wait."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # hundreds of processes

PROJECT = Path(__file__).resolve().parents[3]
CONFIG = "backend: {database: {client: pg, connection: {host: h, user: u, password: '${PW}'}, plugin: {catalog: {}}}}\n"
LONG = "x" * 300
PLUGIN = {
    "label": "gone",
    "server": "primary",
    "engine": "postgresql",
    "database": "d",
    "role": "r",
    "passwordVersion": 1,
    "shared": False,
}


def greenroom(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own: one that hangs is stopped."""
    code = "import sys; from generator.cli import main; main(sys.argv[1:])"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.parametrize("arguments", [["generate"], ["generate", "--check"], ["generate", "--diff"]], ids=" ".join)
@pytest.mark.parametrize(
    ("name", "code"),
    [("infra/greenroom.lock.json", "GR510"), ("infra/sql/README.md", "GR503"), ("mine/sql/README.md.j2", "GR687")],
)
def test_a_pipe_where_a_file_belongs(folder: Path, arguments: list[str], name: str, code: str) -> None:
    (folder / name).parent.mkdir(parents=True)
    os.mkfifo(folder / name)
    own = ["--templates", "mine"] if name.startswith("mine") else []
    done = greenroom(folder, *arguments, *own)
    if code == "GR503" and arguments != ["generate"]:  # nothing is written: the file differs, and that is all
        assert done.returncode in (0, 3)
    else:
        assert (done.returncode, f"error[{code}]" in done.stderr) == (1, True), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["generate", "--out", LONG],
        ["generate", "--out", f"made/{LONG}/here"],
        ["generate", "--check", "--out", LONG],
        ["generate", "--templates", LONG],
        ["preflight", "--timeout", "1", "--out", LONG],
        ["init", "--settings", LONG],
        ["lint", "--root", LONG],
        ["lint", "--config", LONG],
        ["resolve", "--env-file", LONG],
        ["adopt", "--settings", LONG, "--write"],
        ["discover", "--root", LONG],
        ["plan-check", LONG],
    ],
    ids=lambda arguments: " ".join(arguments)[:30],
)
def test_a_name_that_is_too_long(folder: Path, arguments: list[str]) -> None:
    done = greenroom(folder, *arguments)
    assert done.returncode in (1, 2), done.stderr
    assert "too long" in done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["app-config.yaml"]


def test_a_nul_in_the_settings(folder: Path) -> None:
    (folder / "greenroom.yaml").write_text(
        'version: 1\ncredentials: {store: aws-secretsmanager, roleName: "a\\0{plugin}"}\ntags: {team: "a\\0b"}\n'
    )
    done = greenroom(folder, "generate")
    assert done.returncode == 1
    (folder / "greenroom.yaml").write_text('version: 1\ntemplates: "a\\0b"\nappConfig: ["app-config.yaml\\0"]\n')
    done = greenroom(folder, "generate")
    assert (done.returncode, done.stderr.count("error[GR424]")) == (1, 2)


@pytest.mark.parametrize("key", ["label", "server"])
@pytest.mark.parametrize("value", ["';DROP", "a b", "1a", "é", "a\n", "-"])
def test_an_odd_identifier_in_the_lock_file(folder: Path, key: str, value: str) -> None:
    (folder / "infra").mkdir()
    lock = {"version": 2, "retired": {"gone": {**PLUGIN, key: value}}}
    (folder / "infra" / "greenroom.lock.json").write_text(json.dumps(lock))
    done = greenroom(folder, "generate", "--check")
    assert (done.returncode, "error[GR512] retired.gone." in done.stderr) == (1, True)
