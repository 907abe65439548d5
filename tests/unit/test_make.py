"""``make demo`` on a machine that has a Python and make, in a checkout nobody has used yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from setup_venv import PROJECT

USED = (".venv", ".cache", ".git", "dist", "build", "demo-output", "node_modules", "__pycache__", ".*_cache", ".hypothesis")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy, in a folder whose name a careless script would trip over."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    folder = tmp_path_factory.mktemp("fresh") / "it's a checkout"
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(*USED))
    return folder


def make(checkout: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run make without the environment of the tests: no virtual environment, no Python settings but the awkward one."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "VIRTUAL_ENV", "MAKE", "MFLAGS", "ARGS"))
    }
    # The interpreter under this virtual environment, as another user's machine would have it.
    base = Path(sys.base_prefix) / "bin"
    path = os.pathsep.join([str(base), *(part for part in os.environ["PATH"].split(os.pathsep) if ".venv" not in part)])
    environment |= {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1"} | variables
    return subprocess.run(
        ["make", *arguments],
        cwd=checkout,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )


def test_help_names_every_target(checkout: Path) -> None:
    done = make(checkout)
    assert done.returncode == 0, done.stderr
    for target in ("demo", "test", "quick", "check", "goldens", "oracle", "bench", "wheel", "clean"):
        assert f"make {target} " in done.stdout


def test_no_suitable_python_is_said(checkout: Path) -> None:
    done = make(checkout, "demo", "PYTHON=/nowhere/python3")
    assert done.returncode == 2
    assert "PYTHON=/nowhere/python3 does not run, or is older than Python 3.11" in done.stderr
    assert not (checkout / ".venv").exists()


@pytest.mark.slow
@pytest.mark.xdist_group("make")
def test_demo_sets_itself_up_and_proves_every_plugin(checkout: Path) -> None:
    first = make(checkout, "-j4", "demo")
    assert first.returncode == 0, first.stdout + first.stderr
    assert first.stdout.startswith("Making .venv with Python 3.")
    for plugin in ("auth", "catalog", "scaffolder", "search", "techdocs"):
        assert plugin in first.stdout
    artifacts = {path.relative_to(checkout) for path in (checkout / "demo-output").rglob("*") if path.is_file()}
    assert Path("demo-output/app-config.databases.yaml") in artifacts

    again = make(checkout, "demo")
    assert again.returncode == 0, again.stdout + again.stderr
    assert ".venv" not in again.stdout, "the second run sets up nothing"
    assert {path.relative_to(checkout) for path in (checkout / "demo-output").rglob("*") if path.is_file()} == artifacts
