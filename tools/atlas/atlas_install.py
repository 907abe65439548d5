"""Installs published packages into folders that several of them share, outside of the project."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

HERE = Path(__file__).resolve().parent
#: What every folder needs to start a backend and to run migrations.
HOST = (
    "@backstage/backend-defaults",
    "@backstage/backend-plugin-api",
    "@backstage/config",
    "@backstage/config-loader",
    "pg",
)
#: Peers that packages cannot be loaded without, and that npm leaves out with --legacy-peer-deps: of typeorm-adapter.
PEERS = ("mongodb",)
#: The first packages of a system that Backstage has left. They want old versions of what the others share.
_OLD_HOST = re.compile(
    r"^@backstage/plugin-(?!(app|auth|catalog|devtools|events|gateway|kubernetes|mcp-actions|notifications|permission|proxy|"
    r"scaffolder|search|signals|techdocs|user-settings)-backend)|^@(janus-idp|procore-oss)/"
)
_SECONDS = 3000


class Missing(NamedTuple):
    """What is not to be had: packages that were asked for, dependencies, and versions of (dependent, dependency)."""

    packages: frozenset[str]
    dependencies: tuple[str, ...]
    versions: tuple[tuple[str, str], ...]


def folder_of(package: str) -> str:
    """The name of the folder that a package is installed in: by scope, so that few versions of the same have to be kept."""
    if _OLD_HOST.search(package):
        return "old"
    scope = package[1:].split("/")[0] if package.startswith("@") else "none"
    return scope if scope in ("backstage", "backstage-community", "terasky", "spotify") else "others"


def find_missing(packages: Iterable[str]) -> Missing:
    """Ask the registry for every package and what it depends on, before npm stops at the first that is not there."""
    npm = _output("npm", "root", "--global") + "/npm"
    cache = _output("npm", "config", "get", "cache") + "/_cacache"
    done = subprocess.run(  # noqa: S603 - our own script
        ["node", str(HERE / "missing.mjs"), npm, cache],  # noqa: S607 - as the user's shell finds it
        input=json.dumps({"packages": sorted(packages)}),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=True,
    )
    found = json.loads(done.stdout)
    return Missing(frozenset(found["packages"]), tuple(found["missing"]), tuple((a, b) for a, b in found["versions"]))


def install(cache: Path, packages: Iterable[str]) -> dict[str, str]:
    """Install the newest version of each package; why not, by name, for those that could not be.

    No script of a package runs. In place of a dependency that the registry does not have there is one that means nothing
    (``stub.js``), in place of a version the newest there is. A package that cannot be installed takes its batch with it: the
    batch is halved until it is alone.
    """
    wanted = sorted(packages)
    missing = find_missing(wanted)
    refused = dict.fromkeys(missing.packages & set(wanted), "the registry does not have it")
    batches: dict[str, list[str]] = {}
    for package in wanted:
        if package not in refused:
            batches.setdefault(folder_of(package), []).append(package)
    for name, batch in batches.items():
        folder = cache / name
        folder.mkdir(parents=True, exist_ok=True)
        _manifest(folder, missing)
        there = [*HOST, *PEERS, *batch]
        _install(
            folder, [item for item in there if not (folder / "node_modules" / item / "package.json").is_file()], refused
        )
    return refused


def _manifest(folder: Path, missing: Missing) -> None:
    overrides: dict[str, object] = {}
    for dependent, dependency in missing.versions:
        inner = overrides.setdefault(dependent, {})
        assert isinstance(inner, dict)
        inner[dependency] = ">=0"  # "*" would mean: as it is
    for name in missing.dependencies:
        stub = folder / "stubs" / name
        stub.mkdir(parents=True, exist_ok=True)
        exports = dict.fromkeys((".", "./*"), "./index.js")
        text = json.dumps({"name": name, "version": "0.0.0", "main": "index.js", "exports": exports})
        (stub / "package.json").write_text(text, encoding="utf-8")
        shutil.copy(HERE / "stub.js", stub / "index.js")
        overrides[name] = f"file:./stubs/{name}"
    path = folder / "package.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"name": "atlas", "private": True}
    manifest["overrides"] = {**manifest.get("overrides", {}), **overrides}
    path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _install(folder: Path, packages: list[str], refused: dict[str, str]) -> None:
    if not packages:
        return
    command = ["npm", "install", "--ignore-scripts", "--legacy-peer-deps", "--omit=dev", "--prefer-offline"]
    command += ["--no-audit", "--no-fund", "--loglevel=error", *(f"{package}@latest" for package in packages)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False)  # noqa: S603
    if done.returncode == 0:
        return
    if len(packages) == 1:
        found = re.search(r"npm error (?!code)(.*)", done.stderr)
        refused[packages[0]] = found[1] if found else "npm install failed"
        return
    half = len(packages) // 2
    _install(folder, packages[:half], refused)
    _install(folder, packages[half:], refused)


def replaced(cache: Path) -> frozenset[str]:
    """The dependencies that mean nothing in these installations."""
    found: set[str] = set()
    for path in cache.glob("*/package.json"):
        overrides = json.loads(path.read_text(encoding="utf-8")).get("overrides", {})
        found |= {name for name, by in overrides.items() if isinstance(by, str) and by.startswith("file:")}
    return frozenset(found)


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603
