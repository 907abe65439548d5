"""The whole: a real backend of ten published plugins on databases generated from discovery alone, and one plugin more.

Nobody lists the plugins. greenroom reads them in the repository, a DBA without superuser runs the generated script, and the
backend is ready with every plugin as its own user in its own database. Then a line of code adds a plugin: the gate stops
the pull request, its own words fix it, and the next start is ready again.
"""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

import pytest
from whole_portal import CONFIG, FRAGMENT, Portal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from whole_portal import Backend

    from generator.demo.embedded import EmbeddedServer

pytestmark = pytest.mark.slow

PLUGINS = (
    "app", "auth", "catalog", "events", "notifications", "proxy", "scaffolder", "search", "signals", "user-settings"
)  # fmt: skip
NEW = "mcp-actions"


@pytest.fixture
def portal(server: EmbeddedServer, copy_installation: Callable[[Path], None], tmp_path: Path) -> Iterator[Portal]:
    made = Portal.make(tmp_path / "portal", server, copy_installation)
    yield made
    import shutil

    shutil.rmtree(made.root / "node_modules")


def ready(portal: Portal) -> Backend:
    """Start with the fragment as the last ``--config``, as the Dockerfile does, until the backend says that it is ready."""
    backend = portal.start(*CONFIG, FRAGMENT)
    if not backend.wait(lambda: backend.readiness() == 200):
        with backend:
            pytest.fail(f"the backend is not ready:\n{backend.output[-5000:]}")
    return backend


def each_as_its_own(portal: Portal, backend: Backend, plugins: tuple[str, ...]) -> None:
    """pg_stat_activity has every plugin as its own user in its own database, and nobody else."""
    lock = json.loads((portal.root / "infra/greenroom.lock.json").read_text())["plugins"]
    assert sorted(lock) == sorted(plugins)
    expected = {(plugin["database"], plugin["role"]) for plugin in lock.values()}
    assert len({database for database, _ in expected}) == len({role for _, role in expected}) == len(plugins)
    seen: set[tuple[str, str]] = set()  # a pool lets connections go that nobody uses
    assert backend.wait(lambda: expected <= (seen.update(portal.sessions()) or seen)), expected - seen
    assert seen == expected
    discovered = json.loads(portal.greenroom("discover", "--format", "json").stdout)["plugins"]
    for plugin_id, plugin in lock.items():
        tables = portal.query("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'", plugin["database"])
        assert {owner for _, owner in tables} == {plugin["role"]}, plugin_id
        own = any(not name.startswith("backstage_backend_") for name, _ in tables)
        assert discovered[plugin_id]["tables"] == ("own" if own else "keys"), plugin_id


def add(portal: Portal, package: str) -> int:
    """A pull request: one more line in the entry file and in package.json. The line in the entry file is returned."""
    manifest = portal.root / "packages/backend/package.json"
    manifest.write_text(manifest.read_text().replace('"dependencies": {', f'"dependencies": {{\n    "{package}": "*",', 1))
    index = portal.root / "packages/backend/src/index.ts"
    before, after = index.read_text().split("\nbackend.start();")
    index.write_text(f"{before}backend.add(import('{package}'));\n\nbackend.start();{after}")
    return before.count("\n") + 1


def test_the_whole(portal: Portal) -> None:
    # What everybody sees who has neither databases nor a fragment.
    with portal.start(*CONFIG) as refused:
        assert refused.wait(lambda: "permission denied to create database" in refused.output), refused.output[-5000:]
        assert refused.readiness() != 200

    # Nobody names a file or a plugin, and nothing of the production environment is known.
    begun = portal.greenroom("init")
    assert begun.returncode == 0, begun.stderr
    assert begun.stderr == (f"greenroom.yaml written: {len(PLUGINS)} plugins on 1 server\nnext: `greenroom generate`\n")
    generated = portal.greenroom("generate")
    assert generated.returncode == 0, generated.stderr
    assert re.findall(r"^\+ (\S+):", generated.stdout, re.MULTILINE) == list(PLUGINS)
    assert portal.greenroom("lint").returncode == 0

    missing = portal.greenroom("preflight", live=True)
    assert missing.returncode == 4
    assert f"{len(PLUGINS)} databases and {len(PLUGINS)} roles ready" in portal.apply()
    proved = portal.greenroom("preflight", live=True)
    assert proved.returncode == 0, proved.stdout + proved.stderr
    with ready(portal) as backend:
        each_as_its_own(portal, backend, PLUGINS)

    # The pull request. Its check names the plugin, the line and the command.
    assert portal.greenroom("generate", "--check").returncode == 0
    line = add(portal, f"@backstage/plugin-{NEW}-backend")
    stopped = portal.greenroom("generate", "--check")
    assert stopped.returncode == 3
    (sentence,) = stopped.stderr.splitlines()
    assert sentence.startswith(f"packages/backend/src/index.ts:{line}:1 adds the plugin '{NEW}', and nothing has made its ")
    (command,) = re.findall(r"`greenroom (.+)`", sentence)
    fixed = portal.greenroom(*shlex.split(command))
    assert fixed.returncode == 0, fixed.stderr
    assert fixed.stdout == f"+ {NEW}: database backstage_plugin_{NEW}, role backstage_{NEW}\n"
    assert portal.greenroom("generate", "--check").returncode == 0
    portal.apply()
    with ready(portal) as backend:
        each_as_its_own(portal, backend, (*PLUGINS, NEW))
