"""Real packages from npm, downloaded once into ``.cache/discover``."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest
from backstage_packages import OLDEST, pins

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).resolve().parents[3]
CACHE = PROJECT / ".cache" / "discover"

#: The releases of @backstage/create-app whose templates are read.
RELEASES = ("0.7.1", "0.7.9", "0.8.3", "0.9.2")

#: A backend of published packages. The versions are pinned, so that every machine asks the same features.
PACKAGES: dict[str, str] = pins("backend", OLDEST)["dependencies"]


def unavailable(reason: str) -> NoReturn:
    """Skip; with GREENROOM_REQUIRE_ORACLE (CI) fail."""
    if os.environ.get("GREENROOM_REQUIRE_ORACLE"):
        pytest.fail(reason)
    pytest.skip(reason)


def npm(arguments: list[str], cwd: Path) -> str:
    """Run npm; what it prints."""
    if not shutil.which("npm") or not shutil.which("node"):
        unavailable("node and npm are not installed: no real packages")
    try:
        done = subprocess.run(["npm", *arguments], cwd=cwd, capture_output=True, text=True, timeout=900)
    except subprocess.TimeoutExpired:
        unavailable("npm did not finish in 15 minutes")
    if done.returncode:
        unavailable(f"npm {arguments[0]} failed: {done.stderr[-1000:]}")
    return done.stdout


@pytest.fixture(scope="session")
def lock() -> Path:
    """A lock file for parallel test workers."""
    CACHE.mkdir(parents=True, exist_ok=True)
    return CACHE / "lock"


@pytest.fixture(scope="session", params=RELEASES)
def templates(request: pytest.FixtureRequest, lock: Path) -> Path:
    """The folder ``templates`` of one release of @backstage/create-app."""
    release: str = request.param
    place = CACHE / f"create-app-{release}"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (place / "package" / "templates").is_dir():
            archive = npm(["pack", "--silent", f"@backstage/create-app@{release}"], CACHE).split()[-1]
            work = place.with_name(f"{place.name}.new")
            shutil.rmtree(work, ignore_errors=True)
            with tarfile.open(CACHE / archive) as tar:
                tar.extractall(work, filter="data")
            (CACHE / archive).unlink()
            shutil.rmtree(place, ignore_errors=True)
            work.rename(place)
    return place / "package" / "templates"


@pytest.fixture(scope="session")
def installed(lock: Path, copy_installation: Callable[[Path], None]) -> Path:
    """A repository with a backend whose packages are really installed."""
    place = CACHE / "installed"
    wanted = {"name": "root", "private": True, "workspaces": ["packages/*"], "dependencies": PACKAGES}
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        manifest = place / "package.json"
        if not (place / "node_modules" / ".done").exists() or json.loads(manifest.read_text()) != wanted:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            manifest.write_text(json.dumps(wanted))
            copy_installation(place)
            (place / "node_modules" / ".done").touch()
    return place


@pytest.fixture(scope="session")
def pinned() -> dict[str, str]:
    """The packages of ``installed`` with their versions."""
    return PACKAGES
