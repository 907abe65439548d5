"""Which @backstage/backend-defaults a repository has, and what is said where that is not certain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.backstage.repository import discover
from generator.backstage.versions import Backstage, assume, behaviour_of
from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

DEFAULTS = "@backstage/backend-defaults"
INSTALLED = {"node_modules/@backstage/backend-defaults/package.json": '{"version": "0.18.0"}'}
YARN = '"@backstage/backend-defaults@npm:^{}":\n  version: {}\n  resolution: "x"\n\n'


def repository(root: Path, wanted: str, files: dict[str, str] | None = None) -> None:
    backend = root / "packages" / "backend"
    (backend / "src").mkdir(parents=True)
    (root / "package.json").write_text(json.dumps({"private": True, "workspaces": {"packages": ["packages/*"]}}))
    dependencies = {DEFAULTS: wanted, "pg": "*", "@backstage/plugin-catalog-backend": "*"}
    manifest = {"name": "backend", "backstage": {"role": "backend"}, "dependencies": dependencies}
    (backend / "package.json").write_text(json.dumps(manifest, indent=1))
    (backend / "src" / "index.ts").write_text(
        "const backend = createBackend();\nbackend.add(import('@backstage/plugin-catalog-backend'));\nbackend.start();\n"
    )
    for name, text in (files or {}).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(
    ("wanted", "files", "version", "source", "doubt"),
    [
        ("^0.18.0", {"yarn.lock": YARN.format("0.18.0", "0.18.1")}, "0.18.1", "yarn.lock", ""),
        (
            "^0.18.0",
            INSTALLED,
            "0.18.0",
            "installed",
            "",
        ),
        ("0.18.0", {}, "0.18.0", "package.json", ""),
        ("^0.18.0", {}, "0.18.0", "package.json", "there is no lock file; 0.18.0 is assumed"),
        ("^0.17.1", {}, "0.17.1", "package.json", "0.17.1 is assumed"),
        ("<0.18.0", {}, "0.19.0", "package.json", "asks for @backstage/backend-defaults <0.18.0"),
        (">=0.17 <0.18", {}, "0.19.0", "package.json", "0.19.0 is assumed"),
        ("0.0.0-nightly-20250101021000", {}, "0.19.0", "package.json", "0.19.0 is assumed"),
        (
            "0.0.0-nightly-20250101021000",
            {"node_modules/@backstage/backend-defaults/package.json": '{"version": "0.0.0-nightly-20250101021000"}'},
            "0.19.0",
            "installed",
            "0.0.0-nightly-20250101021000 is installed, a build without a version of its own; 0.19.0 is assumed",
        ),
        (
            "0.0.0-nightly-1",
            {"yarn.lock": YARN.format("0.17.0", "0.17.0") + YARN.format("0.0.0-nightly-1", "0.0.0-nightly-1")},
            "0.19.0",
            "package.json",
            "0.19.0 is assumed",
        ),
        ("backstage:^", {}, "0.19.0", "package.json", "0.19.0 is assumed"),
        ("^0.19.0", {"bun.lockb": "?"}, "0.19.0", "package.json", "bun.lockb does not say which version that is"),
        (
            "^0.19.0",
            {"yarn.lock": YARN.format("0.18.0", "0.18.0") + YARN.format("0.19.0", "0.19.0")},
            "0.19.0",
            "yarn.lock",
            "yarn.lock has 0.18.0 and 0.19.0",
        ),
    ],
)
def test_the_version(tmp_path: Path, wanted: str, files: dict[str, str], version: str, source: str, doubt: str) -> None:
    repository(tmp_path, wanted, files)
    found = discover(tmp_path).defaults
    assert (found.version, found.source) == (version, source)
    assert doubt in found.doubt
    assert bool(doubt) is bool(found.doubt)


def test_behaviour() -> None:
    assert [behaviour_of(version).pool_min for version in ("0.9.0", "0.18.0", "0.18.1", "0.19.0-next.1", "1.0.0", "?")] == [
        *(2, 2, 0, 0, 0, 0)
    ]
    assert [assume(text) for text in ("^0.18.0", "~0.18", ">=0.15.0", "0.16.x", "*", "latest")] == [
        *("0.18.0", "0.18.0", "0.19.0", "0.16.0", "0.19.0", "0.19.0")
    ]
    assert Backstage("0.20.0").is_newer
    assert not Backstage().is_newer


@pytest.mark.parametrize(
    ("wanted", "version"),
    [
        *(("^0", "0.19.0"), ("^0.0", "0.0.0"), ("~0", "0.19.0"), ("0.x", "0.19.0"), ("0.18.*", "0.18.0"), ("^1", "1.0.0")),
        *((">=0.17 <0.18", "0.19.0"), ("^0.17.0 || ^0.18.0", "0.19.0"), ("0.17.0 - 0.18.0", "0.19.0"), (">0.17", "0.19.0")),
        *(("^0.0.0-nightly-20250101", "0.19.0"), ("^0.18.0-next.1", "0.18.0"), ("<=0.18.0", "0.19.0"), ("", "0.19.0")),
    ],
)
def test_ranges(wanted: str, version: str) -> None:
    assert assume(wanted) == version


CONFIG = "backend: {database: {client: pg, connection: {host: h, user: u, password: '${P}'}, KEYS}}\n"


@pytest.mark.parametrize(
    ("version", "keys", "codes"),
    [
        ("0.18.0", "keepalive: true", ["GR211"]),
        ("0.19.0", "keepalive: true", []),
        ("0.19.0", "keepalive: sometimes", ["GR201"]),
        ("0.20.0", "prefix: p_", ["GR752"]),
        ("^0.18.0", "knexConfig: {pool: {max: 1}}", ["GR751"]),
        ("^0.18.0", "knexConfig: {pool: {max: 5}}", []),
    ],
)
def test_what_is_said(version: str, keys: str, codes: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository(tmp_path, version)
    (tmp_path / "app-config.yaml").write_text(CONFIG.replace("KEYS", keys))
    run(["resolve", "--root", str(tmp_path), "--format", "json"])
    document = json.loads(capsys.readouterr().out)
    assert [item["code"] for item in document["diagnostics"]] == codes
    assert ("error" in document["plugins"]["catalog"]) is (codes == ["GR201"])


def test_the_setting_ends_the_doubt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    repository(tmp_path, "^0.18.0")
    (tmp_path / "app-config.yaml").write_text(CONFIG.replace("KEYS", "keepalive: true"))
    (tmp_path / "greenroom.yaml").write_text("version: 1\nbackstage: {backendDefaults: 0.18.0}\n")
    run(["resolve", "--root", str(tmp_path), "--settings", str(tmp_path / "greenroom.yaml"), "--format", "json"])
    assert [item["code"] for item in json.loads(capsys.readouterr().out)["diagnostics"]] == ["GR211"]
