"""Plugins from the repository: what `discover` prints, and that `generate` takes them by default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend:\n  database:\n    client: pg\n    connection: {host: '${POSTGRES_HOST}'}\n"
INDEX = """\
import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@backstage/plugin-search-backend'));
backend.start();
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    source = tmp_path / "packages" / "backend" / "src"
    source.mkdir(parents=True)
    (tmp_path / "package.json").write_text('{"name": "root", "private": true, "workspaces": {"packages": ["packages/*"]}}')
    dependencies = dict.fromkeys(("@backstage/plugin-catalog-backend", "@backstage/plugin-search-backend"), "^1.0.0")
    package = {"name": "backend", "backstage": {"role": "backend"}, "dependencies": dependencies}
    (source.parent / "package.json").write_text(json.dumps(package))
    (source / "index.ts").write_text(INDEX)
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_discover_says_where_each_plugin_was_added(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["discover", "--format", "json"]) == 0
    plugins = json.loads(capsys.readouterr().out)["plugins"]
    assert {name: (found["package"], found["file"], found["line"]) for name, found in plugins.items()} == {
        "catalog": ("@backstage/plugin-catalog-backend", "packages/backend/src/index.ts", 4),
        "search": ("@backstage/plugin-search-backend", "packages/backend/src/index.ts", 5),
    }


def test_discover_says_what_is_kept_in_the_database(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """For published plugins; every one of them needs a database."""
    index = repository / "packages" / "backend" / "src" / "index.ts"
    index.write_text(
        INDEX.replace("backend.start", "backend.add(import('@backstage/plugin-proxy-backend'));\nbackend.start").replace(
            "backend.start", "backend.add(createBackendPlugin({ pluginId: 'ours', register() {} }));\nbackend.start"
        )
    )
    assert run(["discover", "--format", "json"]) == 0
    plugins = json.loads(capsys.readouterr().out)["plugins"]
    assert {name: found["tables"] for name, found in plugins.items()} == {
        "catalog": "own",
        "search": "keys",  # its tables come with the module pg
        "proxy": "keys",
        "ours": None,
    }
    assert run(["discover"]) == 0
    rows = {line.split()[0]: line.split("  ")[-1].strip() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert (rows["catalog"], rows["proxy"], rows["ours"]) == ("own", "keys only", "unknown")


def test_without_a_repository_discover_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["discover"]) == 1
    assert "GR800" in capsys.readouterr().err


def test_the_gate_names_the_plugin_its_line_and_the_command(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate"]) == 0
    assert run(["generate", "--check"]) == 0
    index = repository / "packages" / "backend" / "src" / "index.ts"
    index.write_text(
        INDEX.replace("backend.start", "backend.add(import('@backstage/plugin-proxy-backend'));\nbackend.start")
    )
    capsys.readouterr()
    assert run(["generate", "--check"]) == 3
    said = capsys.readouterr()
    assert said.out == "+ proxy: database backstage_plugin_proxy, role backstage_proxy\n"
    assert "packages/backend/src/index.ts:6:1 adds the plugin 'proxy', and nothing has made its database yet" in said.err
    assert "run `greenroom generate` and commit the result" in said.err


def test_discovery_can_be_switched_off_and_plugins_excluded(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "greenroom.yaml").write_text("plugins: {exclude: [search]}\n")
    assert run(["resolve", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["plugins"]) == ["catalog"]
    assert [item["code"] for item in document["diagnostics"]] == ["GR408"]
    (repository / "greenroom.yaml").write_text("plugins: {discover: false, include: [auth]}\n")
    assert run(["resolve", "--format", "json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["plugins"]) == ["auth"]
