"""Where the real Backstage packages come from, for every comparison in this folder.

``GREENROOM_ORACLE_DIR`` names the folder that holds ``node_modules`` and ``vendor/backend-defaults`` (default:
``.cache/oracle`` in the project root). It is set up once, from ``package.json`` and ``package-lock.json`` beside this
file. Without node or npm the comparisons are skipped; ``GREENROOM_REQUIRE_ORACLE=1`` makes that a failure (CI).
``GREENROOM_ORACLE_EXAMPLES`` is the number of random cases each comparison runs (200 when it is not set).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


def _missing(folder: Path) -> list[str]:
    """The pinned packages that are not there, or not in the pinned version."""
    wanted = json.loads((HERE / "package.json").read_text())
    places = {folder / "node_modules" / name: version for name, version in wanted["dependencies"].items()}
    places |= {folder / "vendor" / name.split("/")[-1]: version for name, version in wanted["vendored"].items()}
    found = {}
    for place, version in places.items():
        manifest = place / "package.json"
        found[place] = manifest.is_file() and json.loads(manifest.read_text())["version"] == version
    return [place.name for place, right in found.items() if not right]


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")
    return done.stdout


def _install(folder: Path) -> None:
    """Put the packages beside ``folder`` first and rename at the end: a killed run leaves nothing half done behind."""
    work = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    (work / "vendor").mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, work / name)
    _run(["npm", "ci", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund"], work)
    # Unpacked beside node_modules, not installed: its own dependencies (hundreds) are not needed for the database code.
    for name, version in json.loads((HERE / "package.json").read_text())["vendored"].items():
        archive = _run(["npm", "pack", "--silent", f"{name}@{version}"], work / "vendor").split()[-1]
        with tarfile.open(work / "vendor" / archive) as tar:
            tar.extractall(work / "vendor", filter="data")
        (work / "vendor" / "package").rename(work / "vendor" / name.split("/")[-1])
        (work / "vendor" / archive).unlink()
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def _unavailable(reason: str) -> None:
    if os.environ.get("GREENROOM_REQUIRE_ORACLE"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def oracle_dir() -> Path:
    """The folder that holds the pinned Backstage packages, set up on first use (safe for parallel test workers)."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            _unavailable(f"{tool} is not installed: the real Backstage packages cannot run")
    folder = Path(os.environ.get("GREENROOM_ORACLE_DIR") or PROJECT / ".cache" / "oracle").resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if not _missing(folder):
        return folder
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _missing(folder):
            if "GREENROOM_ORACLE_DIR" in os.environ and folder.exists() and any(folder.iterdir()):
                _unavailable(f"GREENROOM_ORACLE_DIR lacks the pinned version of: {', '.join(_missing(folder))}")
            try:
                _install(folder)
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                _unavailable(f"the Backstage packages could not be installed: {error}")
        still = _missing(folder)
        if still:
            pytest.fail(f"npm installed other versions than the pinned ones: {', '.join(still)}")
    return folder
