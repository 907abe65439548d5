"""The published Backstage packages that the tests run: which versions, and a folder with each set of them.

    tools/backstage_packages.py           installs every set, and prints its folder
    tools/backstage_packages.py --lock    after a change of tools/upstream/pins.json: its lock files, and what is made of it

``tools/upstream/pins.json`` is the only place with these versions. It has a line for the oldest
``@backstage/backend-defaults`` that greenroom supports and one for the newest it was verified with. ``GREENROOM_PINS`` names
another file of the kind, with its lock files next to it, and ``GREENROOM_PACKAGES_DIR`` the folder of the sets (default:
``.cache`` in the project root).
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parent.parent
PINS: Final = PROJECT / "tools" / "upstream" / "pins.json"
#: The repository of the end-to-end tests: its package.json has the versions of the oldest backend.
PORTAL: Final = PROJECT / "tests" / "e2e" / "whole" / "portal" / "packages" / "backend" / "package.json"
PACKAGE: Final = "@backstage/backend-defaults"
OLDEST: Final = "oldest"
NEWEST: Final = "newest"
LINES: Final = (OLDEST, NEWEST)
SETS: Final = ("oracle", "clouds", "backend")
_INSTALL: Final = ("npm", "ci", "--omit=dev", "--omit=optional", "--ignore-scripts", "--no-audit", "--no-fund")

#: The file says no registry: each machine has its own.
_LOCK: Final = ("npm", "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *_INSTALL[3:])


class UnavailableError(Exception):
    """The packages cannot be had here; the text says why."""


def pins_file() -> Path:
    """The file with the versions."""
    return Path(os.environ.get("GREENROOM_PINS") or PINS).resolve()


def pins(name: str, line: str) -> dict[str, dict[str, str]]:
    """``dependencies`` and ``vendored`` of one set: versions by package, and ``package@version`` by folder."""
    found: dict[str, dict[str, str]] = json.loads(pins_file().read_text(encoding="utf-8"))["sets"][name][line]
    return found


def backend_defaults(line: str) -> str:
    """The version of ``@backstage/backend-defaults`` of a line."""
    return pins("backend", line)["dependencies"][PACKAGE]


def lock_file(name: str, line: str) -> Path:
    """Where the lock file of a set is."""
    return pins_file().parent / "locks" / f"{name}-{line}.json"


def manifest(name: str, line: str) -> dict[str, Any]:
    """The package.json of a set."""
    document = json.loads(pins_file().read_text(encoding="utf-8"))["sets"][name]
    made = {"name": f"greenroom-{name}-{line}", "private": True, "type": "module"}
    made |= {"description": document["about"], "dependencies": document[line]["dependencies"]}
    return made | ({"overrides": document["overrides"]} if "overrides" in document else {})


def missing(name: str, line: str, folder: Path) -> list[str]:
    """The pinned packages that ``folder`` lacks, or has in another version."""
    wanted = pins(name, line)
    places = {folder / "node_modules" / package: version for package, version in wanted["dependencies"].items()}
    vendored = wanted.get("vendored", {})
    places |= {folder / "vendor" / place: spec.rpartition("@")[2] for place, spec in vendored.items()}
    return sorted(place.name for place, version in places.items() if _version(place) != version)


def packages(name: str, line: str) -> Path:
    """The folder with ``node_modules`` and ``vendor`` of one set, installed on first use (safe for parallel processes).

    Raises:
        UnavailableError: there is no node, or npm cannot install them.
    """
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            raise UnavailableError(f"{tool} is not installed: the real Backstage packages cannot run")
    folder = Path(os.environ.get("GREENROOM_PACKAGES_DIR") or PROJECT / ".cache").resolve() / f"{name}-{line}"
    if not missing(name, line, folder):
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if missing(name, line, folder):
            try:
                _install(name, line, folder)
            except (OSError, RuntimeError, subprocess.TimeoutExpired) as error:
                raise UnavailableError(f"the Backstage packages could not be installed: {error}") from error
        if still := missing(name, line, folder):
            raise UnavailableError(f"npm installed other versions than the pinned ones: {', '.join(still)}")
    return folder


def write_locks(lines: tuple[str, ...] = LINES) -> None:
    """Make the lock file of each set anew, for these lines. What a lock file has already stays as it is where it fits."""
    for name in SETS:
        for line in lines:
            lock = lock_file(name, line)
            work = lock.with_suffix(".new")
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            _write(work / "package.json", manifest(name, line))
            if lock.exists():
                shutil.copy(lock, work / "package-lock.json")
            _run(list(_LOCK), work)
            (work / "package-lock.json").replace(lock)
            shutil.rmtree(work)


def portal_manifest() -> str:
    """The package.json of the end-to-end repository's backend, with the pinned versions."""
    text = PORTAL.read_text(encoding="utf-8")
    for package, version in pins("backend", OLDEST)["dependencies"].items():
        text = re.sub(rf'("{re.escape(package)}": )"[^"]*"', rf'\g<1>"{version}"', text)
    return text


def _version(place: Path) -> str:
    try:
        return str(json.loads((place / "package.json").read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, KeyError):
        return ""


def _install(name: str, line: str, folder: Path) -> None:
    """Install next to ``folder`` and rename at the end: a killed run leaves nothing half done behind."""
    work = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    (work / "vendor").mkdir(parents=True)
    _write(work / "package.json", manifest(name, line))
    shutil.copy(lock_file(name, line), work / "package-lock.json")
    _run(list(_INSTALL), work)
    for place, spec in pins(name, line).get("vendored", {}).items():
        unpack(spec, work / "vendor" / place)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)


def unpack(spec: str, folder: Path) -> None:
    """Unpack the published package ``spec`` at ``folder``, without what it depends on (hundreds of packages, of which its
    database code needs few).

    Raises:
        RuntimeError: npm has no such package.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    archive = folder.parent / _run(["npm", "pack", "--silent", spec], folder.parent).split()[-1]
    with tarfile.open(archive) as tar:
        tar.extractall(folder.parent, filter="data")
    (folder.parent / "package").rename(folder)
    archive.unlink()


def _write(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _run(command: list[str], cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=900)  # noqa: S603 - our own arguments
    if done.returncode:
        raise RuntimeError(f"`{' '.join(command)}` failed:\n{done.stderr[-2000:]}")
    return done.stdout


def main(arguments: list[str]) -> int:
    """Install, or make what depends on the pins."""
    if arguments == ["--lock"]:
        write_locks()
        PORTAL.write_text(portal_manifest(), encoding="utf-8")
        return 0
    if arguments:
        sys.exit(__doc__)
    for name in SETS:
        for line in LINES:
            print(packages(name, line))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
