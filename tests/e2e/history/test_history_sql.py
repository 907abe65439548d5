"""The SQL script and what git does: a revert, a branch from before, ``infra`` generated anew, a prefix there and back.

Every commit here is a real one, and every script that a commit has may be run by somebody. Afterwards each row is there and
its plugin gets to it; or the script refused, and nothing has changed.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from git_repository import GitRepository
from history_servers import Maria, RefusedError, Server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SCHEMAS: dict[str, Any] = {"pluginDivisionMode": "schema", "connection": {"database": "portal"}}


class Portal:
    """A repository, and the server its scripts are run on."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.repository, self.server = GitRepository(folder), server
        self.known: dict[str, dict[str, Any]] = {}
        self.settings: dict[str, Any] = {}

    def change(self, message: str, plugins: Sequence[str], **database: Any) -> str:
        """Commit app-config and what greenroom makes of it."""
        self.write(plugins, **database)
        self.repository.generate("--target", "sql", "--target", "app-config")
        return self.repository.commit(message)

    def write(self, plugins: Sequence[str], **database: Any) -> None:
        settings = {"version": 1, "plugins": {"discover": False, "include": list(plugins)}, **self.settings}
        self.repository.write("greenroom.yaml", settings)
        self.repository.write("app-config.yaml", {"backend": {"database": self.server.database(**database)}})

    def anew(self, message: str, plugins: Sequence[str], **database: Any) -> str:
        """Generate into a folder that is empty, where nothing remembers what was generated before."""
        shutil.rmtree(self.repository.folder / "infra", ignore_errors=True)
        with self.repository.without_history():
            self.write(plugins, **database)
            self.repository.generate("--target", "sql", "--target", "app-config")
        return self.repository.commit(message)

    def run(self) -> tuple[int, str]:
        """Run the script as it is now."""
        passwords = {
            f"BACKSTAGE_DB_{name.upper()}_PASSWORD": f"{name}-its-own" for name in self.repository.lock()["plugins"]
        }
        return self.server.run_script(self.repository.folder / "infra" / "sql", passwords)

    def apply(self) -> str:
        code, said = self.run()
        assert code == 0, said
        self.known |= self.repository.lock()["plugins"]
        return said

    def rows(self, plugin: str) -> int:
        """Add a row as ``plugin``, where it was applied last; how many there are now."""
        place = self.known[plugin]
        table = f'"{place["schema"]}".kept' if place.get("schema") else "kept"
        statements = (
            f"CREATE TABLE IF NOT EXISTS {table} (id INT); INSERT INTO {table} VALUES (1); SELECT count(*) FROM {table}"
        )
        return int(self.server.ask(place["role"], f"{plugin}-its-own", place["database"], statements)[0])

    def must_refuse(self, *words: str) -> None:
        """The script refuses, and everybody goes on as before."""
        before = self.server.databases()
        code, said = self.run()
        assert code != 0, said
        assert "nothing was changed" in said
        for text in words:
            assert text in said
        assert self.server.databases() == before


@pytest.fixture
def portal(server: Server, tmp_path: Path) -> Portal:
    return Portal(tmp_path / "portal", server)


@pytest.fixture
def pg_portal(postgresql: Server, tmp_path: Path) -> Portal:
    return Portal(tmp_path / "portal", postgresql)


def test_a_revert_of_the_commit_that_added_a_plugin(portal: Portal) -> None:
    portal.change("first", ["auth", "catalog"])
    portal.apply()
    assert [portal.rows(name) for name in ("auth", "catalog")] == [1, 1]
    portal.change("search", ["auth", "catalog", "search"])
    portal.apply()
    assert portal.rows("search") == 1
    portal.repository.revert()
    portal.apply()
    assert [portal.rows(name) for name in ("auth", "catalog", "search")] == [2, 2, 2]
    # Back: its rows are still there, and everybody logs in.
    portal.change("search again", ["auth", "catalog", "search"])
    portal.apply()
    assert [portal.rows(name) for name in ("auth", "catalog", "search")] == [3, 3, 3]


def test_a_branch_from_before(portal: Portal) -> None:
    first = portal.change("first", ["auth", "catalog"])
    portal.change("search", ["auth", "catalog", "search"])
    portal.apply()
    assert portal.rows("search") == 1
    portal.repository.switch("older", first)
    portal.change("techdocs", ["auth", "catalog", "techdocs"])
    portal.apply()
    assert [portal.rows(name) for name in ("search", "techdocs")] == [2, 1]
    portal.repository.switch("main")
    portal.change("both", ["auth", "catalog", "search", "techdocs"])
    portal.apply()
    assert [portal.rows(name) for name in ("search", "techdocs")] == [3, 2]


def test_infra_generated_anew(portal: Portal) -> None:
    """Nothing remembers the plugin that was retired, and its data comes back with it all the same."""
    portal.change("first", ["auth", "catalog", "search"])
    portal.apply()
    assert [portal.rows(name) for name in ("auth", "search")] == [1, 1]
    portal.change("without search", ["auth", "catalog"])
    portal.apply()
    for plugins in (["auth", "catalog"], ["auth", "catalog", "search"]):
        portal.anew(f"anew with {len(plugins)}", plugins)
        portal.apply()
    assert [portal.rows(name) for name in ("auth", "search")] == [2, 2]


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_a_prefix_there_and_back(pg_portal: Portal, mode: str) -> None:
    portal, plugins = pg_portal, ["auth", "catalog"]
    plain, prefixed = ({}, {"prefix": "portal_"}) if mode == "database" else (SCHEMAS, SCHEMAS | {"schemaPrefix": "portal_"})
    portal.change("first", plugins, **plain)
    portal.apply()
    assert [portal.rows(name) for name in plugins] == [1, 1]
    with_prefix = portal.change("prefix", plugins, **prefixed)
    assert "renamed" in portal.apply()
    assert [portal.rows(name) for name in plugins] == [2, 2]
    # The lock file of the revert knows nothing of the new names: the script would make empty ones under the old names.
    portal.repository.revert()
    portal.must_refuse("backstage_auth works in", "restore the greenroom.lock.json that was applied last")
    assert [portal.rows(name) for name in plugins] == [3, 3]
    # What the message says.
    portal.repository.git("checkout", with_prefix, "--", "infra/greenroom.lock.json")
    portal.repository.generate("--target", "sql", "--target", "app-config")
    portal.repository.commit("back, with the lock file that knows")
    assert "renamed" in portal.apply()
    assert [portal.rows(name) for name in plugins] == [4, 4]


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_another_prefix_and_no_lock_file(portal: Portal, mode: str) -> None:
    if mode == "schema" and isinstance(portal.server, Maria):
        pytest.skip("Backstage knows no schema mode on MySQL")
    plain, prefixed = ({}, {"prefix": "portal_"}) if mode == "database" else (SCHEMAS, SCHEMAS | {"schemaPrefix": "portal_"})
    portal.change("first", ["auth"], **plain)
    portal.apply()
    assert portal.rows("auth") == 1
    portal.anew("prefix", ["auth"], **prefixed)
    portal.must_refuse("backstage_auth works in")
    assert portal.rows("auth") == 2


def test_infra_made_anew_in_the_repository(portal: Portal) -> None:
    """Git still has the lock file of before, so nothing is forgotten."""
    portal.change("first", ["auth", "search"])
    portal.apply()
    base = portal.change("without search", ["auth"])
    portal.repository.git("rm", "-r", "--quiet", "infra")
    portal.repository.commit("without infra")
    portal.change("anew", ["auth"])
    assert "search" in portal.repository.lock()["retired"]
    good = portal.repository.greenroom("generate", "--check", "--base", base, "--target", "sql", "--target", "app-config")
    assert good.returncode == 0, good.stderr


def test_a_plugin_that_shall_start_empty(pg_portal: Portal) -> None:
    """The other way out that the message names."""
    portal = pg_portal
    portal.change("first", ["auth"])
    portal.apply()
    assert portal.rows("auth") == 1
    portal.anew("prefix", ["auth"], prefix="portal_")
    code, said = portal.run()
    assert code == 3
    statement = said.split("first ")[1].splitlines()[0]
    assert statement == "REVOKE ALL ON DATABASE backstage_plugin_auth FROM backstage_auth"
    portal.server.ask("greenroom_admin", "throw-away-admin-password", "postgres", statement)
    portal.apply()
    assert portal.rows("auth") == 1
    assert portal.server.databases() == {"backstage_plugin_auth", "portal_auth"}


def test_roles_of_another_environment_on_the_same_server(portal: Portal, tmp_path: Path) -> None:
    """Staging with a prefix and no role names of its own would take production's roles, and set their passwords."""
    plugins = ["auth", "catalog"]
    portal.change("production", plugins)
    portal.apply()
    staging = Portal(tmp_path / "staging", portal.server)
    staging.change("staging", plugins, prefix="staging_")
    staging.must_refuse("backstage_auth works in")
    assert [portal.rows(name) for name in plugins] == [1, 1]
    staging.settings = {"credentials": {"roleName": "staging_{plugin}"}}
    if not isinstance(portal.server, Maria):  # where it is GR527
        # Its lock file believes that production's roles are its own: renaming them is no way out.
        staging.change("other roles", plugins, prefix="staging_")
        staging.must_refuse("backstage_auth works in")
    staging = Portal(tmp_path / "staging anew", portal.server)
    staging.settings = {"credentials": {"roleName": "staging_{plugin}"}}
    staging.change("staging with its own roles", plugins, prefix="staging_")
    staging.apply()
    with pytest.raises(RefusedError):
        portal.server.ask("staging_auth", "auth-its-own", "backstage_plugin_auth", "SELECT 1")
    assert [portal.rows(name) for name in plugins] == [2, 2]


@pytest.mark.parametrize("mode", [{}, SCHEMAS], ids=["database", "schema"])
def test_one_role_for_all_and_a_plugin_that_was_retired(pg_portal: Portal, mode: dict[str, Any]) -> None:
    """A role has more databases than the plan knows plugins: those of retired plugins are no reason to refuse."""
    portal = pg_portal
    portal.settings = {"credentials": {"mode": "shared"}}
    for plugins in (["auth"], ["auth", "catalog"], ["catalog"], ["catalog", "search"]):
        portal.change(" ".join(plugins), plugins, **mode)
        script = portal.repository.folder / "infra" / "sql"
        code, said = portal.server.run_script(script, {"BACKSTAGE_DB_PASSWORD": "of-all"})
        assert code == 0, said


# --- the gate ---------------------------------------------------------------------------------------------------------


def _anew(portal: Portal, first: str) -> None:
    portal.anew("anew", ["auth", "catalog"])


def _branch(portal: Portal, first: str) -> None:
    portal.repository.switch("older", first)
    portal.change("techdocs", ["auth", "catalog", "techdocs"])


@pytest.mark.parametrize(
    "forget", [lambda portal, _: portal.repository.revert(), _branch, _anew], ids=["revert", "branch", "anew"]
)
def test_the_gate_knows_the_plugin_that_is_forgotten(portal: Portal, forget: Any) -> None:
    """Exit code 3, one sentence, and a command after which the same check succeeds."""
    first = portal.change("first", ["auth", "catalog"])
    base = portal.change("search", ["auth", "catalog", "search"])
    portal.apply()
    assert portal.rows("search") == 1
    forget(portal, first)
    _gate(portal, base, "search")
    assert "search" in portal.repository.lock()["retired"]
    portal.apply()
    assert portal.rows("search") == 2


@pytest.mark.parametrize("mode", ["database", "schema"])
def test_the_gate_knows_the_names_that_are_forgotten(pg_portal: Portal, mode: str) -> None:
    portal = pg_portal
    plain, prefixed = ({}, {"prefix": "portal_"}) if mode == "database" else (SCHEMAS, SCHEMAS | {"schemaPrefix": "portal_"})
    portal.change("first", ["auth"], **plain)
    portal.apply()
    base = portal.change("prefix", ["auth"], **prefixed)
    portal.apply()
    assert portal.rows("auth") == 1
    portal.repository.revert()
    _gate(portal, base, "auth")
    assert "renamed" in portal.apply()
    assert portal.rows("auth") == 2


def _gate(portal: Portal, base: str, plugin: str) -> None:
    options = ("--target", "sql", "--target", "app-config")
    refused = portal.repository.greenroom("generate", "--check", "--base", base, "--format", "json", *options)
    assert refused.returncode == 3, refused.stdout + refused.stderr
    verdict = json.loads(refused.stdout)["check"]
    assert plugin in verdict["sentence"]
    program, *words = verdict["command"].split()
    assert program == "greenroom"
    repaired = portal.repository.greenroom(*words)
    assert repaired.returncode == 0, repaired.stderr
    portal.repository.commit("what the gate said")
    good = portal.repository.greenroom("generate", "--check", "--base", base, *options)
    assert good.returncode == 0, good.stderr
