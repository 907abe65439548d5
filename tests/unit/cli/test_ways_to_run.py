"""The tests' way to run the command line gives what a user's way gives: each command once with an interpreter of its own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from command_line import COMMAND, PROJECT, run

from generator.cli.app import COMMANDS

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend:\n  database:\n    client: pg\n    connection: {host: 127.0.0.1, port: 1, user: u, password: p}\n"
#: For each command: arguments, standard input, and the exit code.
RUNS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "init": ((), "", 0),
    "discover": ((), "", 1),
    "resolve": (("--plugin", "catalog"), "", 0),
    "explain": (("catalog",), "", 0),
    "lint": (("--format", "json"), "", 0),
    "generate": (("--plugin", "catalog", "--target", "sql", "--target", "app-config"), "", 0),
    "rotate": (("--plugin", "catalog", "--target", "sql", "--target", "app-config"), "", 1),
    "report": (("--plugin", "catalog", "--target", "sql"), "", 0),
    "plan-check": (("-",), "no plan", 1),
    "preflight": (("--plugin", "catalog", "--timeout", "1"), "", 4),
    "adopt": (("--plugin", "catalog"), "", 1),
    "verifier": (("--json",), "{}", 0),
    "schema": (("settings",), "", 0),
    "demo": (("--no-such-option",), "", 2),
}


def test_every_command_is_here() -> None:
    assert set(RUNS) == set(COMMANDS)


@pytest.mark.parametrize("command", RUNS)
def test_both_ways_say_the_same(command: str, tmp_path: Path) -> None:
    arguments, given, code = RUNS[command]
    seen = []
    for way in ("way-of-users", "way-of-tests"):
        folder = tmp_path / way / "portal"
        folder.mkdir(parents=True)
        (folder / "app-config.yaml").write_text(CONFIG)
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(PROJECT)}
        line = [command, *arguments]
        done = (
            subprocess.run([*COMMAND, *line], cwd=folder, env=env, input=given, capture_output=True, text=True, timeout=120)
            if way == "way-of-users"
            else run(line, cwd=folder, env=env, input=given, capture_output=True, text=True, timeout=120)
        )
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        seen.append((done.returncode, done.stdout.replace(way, "…"), done.stderr.replace(way, "…"), files))
    assert seen[0] == seen[1]
    assert seen[0][0] == code


def test_a_run_leaves_nothing_for_the_next(tmp_path: Path) -> None:
    """Neither a variable, nor a folder, nor what ``setup`` changed."""
    marks = "import os, generator; print(getattr(generator, 'mark', None), os.environ.get('MARK'), os.getcwd())\n"
    for _ in range(2):
        env = {"PATH": os.environ["PATH"], "MARK": str(tmp_path)}
        done = run(["--help"], cwd=tmp_path, env=env, capture_output=True, text=True, setup=f"{marks}generator.mark = 1")
        assert done.stdout.startswith(f"None {tmp_path} {tmp_path}\n")
    done = run(["--help"], cwd="/", env={}, capture_output=True, text=True, setup=marks)
    assert done.stdout.startswith("None None /\n")


def test_a_run_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run(["--help"], cwd=tmp_path, timeout=0.2, setup="import time; time.sleep(60)")


def test_how_it_ended(tmp_path: Path) -> None:
    ends = {"import os; os.kill(os.getpid(), 9)": -9, "1 / 0": 1, "raise SystemExit(3)": 3, "raise SystemExit('said')": 1}
    for setup, code in ends.items():
        done = run([], cwd=tmp_path, setup=setup, stderr=subprocess.PIPE, text=True)
        assert done.returncode == code
        assert ("ZeroDivisionError" in done.stderr, "said" in done.stderr) == (setup == "1 / 0", "said" in setup)
