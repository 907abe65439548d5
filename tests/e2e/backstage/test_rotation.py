"""Two rotations in a row under a real Backstage: with a pair of logins nothing fails, in place something does.

The published DatabaseManager hands out the clients, and the published migrations of catalog, auth and scaffolder run on
them: some in the first instance, some in one that restarts between the SQL and the rollout, the rest as the next login. A
query comes every 40 ms (catalog), five at once every 700 ms (auth), one every 900 ms (scaffolder). What would take minutes
takes seconds here, because the pools close idle connections after 300 ms instead of 30 s
(``knexConfig.pool.idleTimeoutMillis``).
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import command_line
import psycopg
import pytest
import yaml
from backstage_packages import NEWEST

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.demo.embedded import EmbeddedServer

pytestmark = pytest.mark.slow

PLUGINS: Final = ("auth", "catalog", "scaffolder")
ADMIN, ADMIN_PASSWORD = "dba", "dba's password"
OUTPUTS = ("--target", "sql", "--target", "app-config")
#: Longer than the idle timeout, and than the pause between two queries of the scaffolder.
WINDOW: Final = 2.5
OWNERS: Final = """
SELECT DISTINCT pg_catalog.pg_get_userbyid(relowner) FROM pg_catalog.pg_class
WHERE oid >= 16384 AND relkind IN ('r', 'p', 'S', 'v', 'm')
"""


class Instances:
    """A node process with instances of Backstage in it."""

    def __init__(self, packages: Path) -> None:
        command = ["node", str(Path(__file__).parent / "rotation.mjs"), str(packages)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "NODE_"))}
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process: subprocess.Popen[str] = subprocess.Popen(
            command, env={**environ, "NODE_ENV": "production"}, text=True, **streams
        )

    def ask(self, **command: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:  # migrations may write to it as well
            if line.startswith('{"answer":'):
                found: dict[str, Any] = json.loads(line)["answer"]
                return found
        pytest.fail(f"node has ended: {self.process.wait()}")


class Portal:
    """A project, the server it is applied to, and the passwords there are by now."""

    def __init__(self, root: Path, server: EmbeddedServer, rotation: str) -> None:
        self.root, self.server, self.rotation = root, server, rotation
        self.passwords: dict[str, str] = {}
        connection = {"host": server.host, "port": server.port, "user": ADMIN, "password": "${ADMIN_OF_GREENROOM}"}
        config = {"backend": {"database": {"client": "pg", "connection": connection}}}
        (root / "app-config.yaml").write_text(yaml.safe_dump(config))
        plugins = f"plugins: {{include: [{', '.join(PLUGINS)}]}}"
        (root / "greenroom.yaml").write_text(f"version: 1\n{plugins}\ncredentials: {{rotation: {rotation}}}\n")

    def greenroom(self, *arguments: str) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environ = {**kept, "GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD}
        done = command_line.run([*arguments, *OUTPUTS], cwd=self.root, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def fragment(self) -> dict[str, Any]:
        text = (self.root / "infra" / "app-config.databases.yaml").read_text()
        found: dict[str, Any] = yaml.safe_load(text)["backend"]["database"]["plugin"]
        return found

    def new_passwords(self, number: int) -> None:
        """One for each variable that the fragment names now."""
        for plugin in self.fragment().values():
            variable = plugin["connection"]["password"][2:-1]
            self.passwords[variable] = f"{variable}, number {number}"

    def apply(self) -> None:
        binaries = self.server.bin_dir if (self.server.bin_dir / "psql").exists() else embedded_binaries()
        done = apply_script(
            self.root / "infra" / "sql" / "databases.sql",
            host=self.server.host,
            port=self.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=self.passwords,
            psql=find_psql(binaries),
            timeout=120,
        )
        assert done.ok, done.stderr

    def database(self) -> dict[str, Any]:
        """``backend.database`` as Backstage has it: with the fragment, and the passwords of now in its environment."""
        plugins = self.fragment()
        for plugin in plugins.values():
            plugin["connection"]["password"] = self.passwords[plugin["connection"]["password"][2:-1]]
        pool = {"min": 0, "max": 10, "idleTimeoutMillis": 300, "reapIntervalMillis": 100}
        connection = {"host": self.server.host, "port": self.server.port, "user": "nobody", "password": "none"}
        settings = {"client": "pg", "connection": connection, "ensureExists": False}
        return {**settings, "knexConfig": {"pool": pool}, "plugin": plugins}

    def rotate(self, number: int) -> None:
        """The step that is about the server, before any instance knows of it."""
        if self.rotation == "pair":
            self.greenroom("rotate")
        self.new_passwords(number)
        self.apply()

    def retire(self) -> None:
        """After the rollout: nobody uses what is locked."""
        if self.rotation == "pair":
            self.greenroom("rotate", "--retire")
            self.apply()

    def query(self, plugin: str, text: str) -> list[Any]:
        with psycopg.connect(self.server.dsn(f"backstage_plugin_{plugin}"), autocommit=True) as connection:
            return [row[0] for row in connection.execute(text.encode()).fetchall()]


@pytest.fixture
def instances(backend_of: Callable[[str], Path]) -> Iterator[Instances]:
    running = Instances(backend_of(NEWEST))
    yield running
    running.process.kill()
    running.process.wait()


def rotations(portal: Portal, instances: Instances) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Two of them under load: what was counted, and what became of each instance that restarted before the rollout."""
    portal.greenroom("generate")
    portal.new_passwords(0)
    portal.apply()
    before = portal.database()
    first = instances.ask(start="first", database=before, hold=4)
    assert all(number > 0 for number in first["migrated"].values()), first
    running, restarts = "first", []
    for number in (1, 2):
        portal.rotate(number)
        # The secret has not reached anybody yet: an instance restarts with what it had.
        restarts.append(instances.ask(start=f"restart_{number}", database=before, hold=2))
        time.sleep(WINDOW)
        before = portal.database()
        rolled_out = instances.ask(start=f"rollout_{number}", database=before, hold=0)
        assert "error" not in rolled_out
        for name in (running, *(f"restart_{number}" for found in restarts[-1:] if "error" not in found)):
            instances.ask(stop=name)
        running = f"rollout_{number}"
        portal.retire()
        time.sleep(WINDOW)
    instances.ask(stop=running)
    counts = instances.ask(report=True)
    return counts, restarts


def check_rows_and_owners(portal: Portal, counts: dict[str, Any]) -> None:
    """No row is lost, and everything is the owner's, whoever was logged in."""
    for plugin in PLUGINS:
        assert portal.query(plugin, "SELECT count(*) FROM load") == [counts[plugin]["succeeded"]]
        assert portal.query(plugin, OWNERS) == [f"backstage_{plugin}"]


def test_with_a_pair_nothing_fails(server: EmbeddedServer, instances: Instances, tmp_path: Path) -> None:
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    portal = Portal(tmp_path, server, "pair")
    counts, restarts = rotations(portal, instances)
    assert {plugin: found["errors"] for plugin, found in counts.items()} == {plugin: {} for plugin in PLUGINS}
    assert all(found["succeeded"] > 10 for found in counts.values())
    # An instance that starts before its secret has come goes on with the login it knows, and migrates.
    assert [sorted(found) for found in restarts] == [["migrated"], ["migrated"]]
    assert any(restarts[0]["migrated"].values())
    check_rows_and_owners(portal, counts)
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        can = connection.execute("SELECT rolname FROM pg_roles WHERE rolcanlogin AND rolname LIKE 'backstage%' ORDER BY 1")
        assert [row[0] for row in can.fetchall()] == [f"backstage_{plugin}_a" for plugin in PLUGINS]


def test_in_place_an_idle_plugin_fails(server: EmbeddedServer, instances: Instances, tmp_path: Path) -> None:
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    portal = Portal(tmp_path, server, "in-place")
    counts, restarts = rotations(portal, instances)
    message = 'password authentication failed for user "backstage_scaffolder"'
    assert counts["scaffolder"]["failed"] > 0
    assert any(message in error for error in counts["scaffolder"]["errors"])
    # An instance that starts before its secret has come does not start.
    assert all("password authentication failed" in found["error"] for found in restarts)
    check_rows_and_owners(portal, counts)
