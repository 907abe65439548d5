"""The atlas beside real packages: features are asked, and migrations run, as ``make atlas`` does for all of them."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tools" / "atlas"))

from atlas_ask import ask  # noqa: E402
from atlas_rows import Measured, problems, read  # noqa: E402
from atlas_stage import Job, Outcome, Round  # noqa: E402

from generator.demo.embedded import embedded_server  # noqa: E402

if TYPE_CHECKING:
    from atlas_ask import Looked

MIGRATED = ("@backstage/plugin-auth-backend", "@backstage/plugin-catalog-backend", "@backstage/plugin-scaffolder-backend")


@pytest.fixture(scope="module")
def looked(backstage_dir: Path) -> dict[str, Looked]:
    """What the packages say that the other tests install. They may be older than those of the atlas."""
    manifests = backstage_dir.glob("node_modules/@*/*/package.json")
    roles = {path.parent: json.loads(path.read_text()).get("backstage", {}).get("role", "") for path in manifests}
    names = [f"{path.parent.name}/{path.name}" for path, role in roles.items() if role.startswith("backend-plugin")]
    return {item.package: item for item in ask(backstage_dir, sorted(names))}


def test_ids_are_what_the_features_register(looked: dict[str, Looked]) -> None:
    rows = read()
    asked = {name: item.first() for name, item in looked.items() if not item.error}
    assert len(asked) >= 10
    assert {name: ("plugin" if "plugin" in rows[name] else "module") for name in asked if name in rows} == {
        name: first[0] for name, first in asked.items() if first and name in rows
    }
    assert {name: rows[name][first[0]] for name, first in asked.items() if first and name in rows} == {
        name: first[1] for name, first in asked.items() if first and name in rows
    }


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_migrations_run_on_what_greenroom_creates(looked: dict[str, Looked], backstage_dir: Path, mode: str) -> None:
    """Preflight calls it ready, and the real DatabaseManager migrates it, as a role that may create nothing else."""
    jobs = []
    for name in MIGRATED:
        plugin = looked[name].ids("plugin")[0]
        migrations = tuple(backstage_dir / "node_modules" / name / folder for folder in looked[name].migrations)
        assert migrations, name
        jobs.append(Job(name, plugin, backstage_dir, (), migrations))
    settings = {"log_connections": "on"}
    with embedded_server(settings=settings) as server, tempfile.TemporaryDirectory() as name:  # open to another user
        stage = Round(server, Path(name), jobs, mode, {})
        stage.apply()
        outcomes: dict[str, Outcome] = stage.outcomes()
    assert {name: (item.ready, item.migrated) for name, item in outcomes.items()} == dict.fromkeys(MIGRATED, (True, True))
    assert all(item.tables for item in outcomes.values())
    measured = Measured(looked, {name: {mode: item} for name, item in outcomes.items()}, {}, frozenset(), {}, "")
    assert problems(measured) == []
