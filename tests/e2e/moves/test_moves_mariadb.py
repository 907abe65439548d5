"""The ways of docs/moving-data.md on MariaDB, with the real provider and with the script; and to another engine and back."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from mariadb import MariaDB, mariadb_server
from moves_page import commands, instead, shell
from moves_repository import Repository, TerraformRepository, password_of
from mysql_workspace import MysqlWorkspace
from terraform_workspace import ADMIN, clean_server

from generator.demo.embedded import EmbeddedServer, embedded_binaries, embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CATALOG = "backstage_plugin_catalog"
TWO: dict[str, Any] = {"plugin": {"auth": {}, "catalog": {}}}

_FILL = """
CREATE TABLE kept (id INT AUTO_INCREMENT PRIMARY KEY, value INT, mood ENUM('sad', 'fine'));
INSERT INTO kept (value, mood) VALUES ({value}, 'sad'), (7, 'fine');
CREATE TABLE child (kept_id INT, FOREIGN KEY (kept_id) REFERENCES kept (id));
INSERT INTO child VALUES (1);
CREATE VIEW seen AS SELECT value, mood FROM kept;
CREATE TABLE days (day INT, value INT) PARTITION BY RANGE (day)
  (PARTITION early VALUES LESS THAN (10), PARTITION late VALUES LESS THAN MAXVALUE);
INSERT INTO days VALUES (1, {value}), (20, {value});
"""
_CONTENT = (
    "SELECT * FROM kept; SELECT * FROM child; SELECT * FROM seen; SELECT * FROM days PARTITION (late);"
    "SELECT DEFINER FROM information_schema.VIEWS WHERE TABLE_SCHEMA = DATABASE();"
)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, MariaDB]]:
    with mariadb_server() as one, mariadb_server() as another:
        yield {"primary": one, "other": another}


class OnMariaDB(Repository):
    """A repository whose plugins are on MariaDB."""

    servers: dict[str, MariaDB]  # type: ignore[assignment]

    def write(self, database: Mapping[str, Any], settings: dict[str, Any]) -> None:
        connection = {"ssl": {"ca": {"$file": str(self.servers["primary"].ca)}}, **database.get("connection", {})}
        super().write({"client": "mysql2", **database, "connection": connection}, settings)

    def use(self, user: str, statements: str, server: str = "primary", database: str = CATALOG) -> str:
        done = self.servers[server].query(user, password_of(user), statements, database)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_as(self, user: str, text: str) -> None:
        """Run commands of the page; ``user`` is who they ask the password of."""
        admin = self.servers["primary"].admin
        password = self.servers["primary"].admin_password if user == admin else password_of(user)
        names = {" -p ": " "}
        for name, server in (("old", "primary"), ("db", "primary"), ("new", "other")):
            where = self.servers[server]
            names[f"-h {name}.example.com"] = f"-h {where.host} -P {where.port} --protocol=tcp --ssl-ca={where.ca}"
        shell(instead(text, names), self.folder, programs=self.folder, environment={"MYSQL_PWD": password})

    def clean(self) -> None:
        for server in self.servers.values():
            server.clear()


class TerraformOnMariaDB(OnMariaDB, TerraformRepository):
    """Terraform applies what was generated."""

    def __init__(self, folder: Path, servers: dict[str, MariaDB], mirror: Path, program: str) -> None:
        Repository.__init__(self, folder, servers, folder)  # type: ignore[arg-type]
        self.terraform = MysqlWorkspace(self.output, mirror, servers, program=program)


class ScriptOnMariaDB(OnMariaDB):
    """The shell script runs the SQL script of each server."""

    def apply(self) -> str:
        said = ""
        for name, server in self.servers.items():
            paths = [
                self.output / "sql" / f"{name}.sh",
                *([self.output / "sql" / "databases.sh"] if name == "primary" else []),
            ]
            for path in filter(lambda path: path.exists(), paths):
                done = subprocess.run(
                    ["sh", str(path), "--no-defaults", *server.login(server.admin)],
                    env={"PATH": "/usr/bin:/bin", "MYSQL_PWD": server.admin_password, **self.environment()},
                    capture_output=True,
                    text=True,
                    timeout=60,
                )
                assert done.returncode == 0, done.stdout + done.stderr
                said += done.stdout
        return said

    def assert_nothing_to_do(self) -> None:
        assert "created" not in self.apply()


def _provider(mirror: Path) -> None:
    if not (mirror / "registry.terraform.io" / "petoju" / "mysql").is_dir():
        pytest.skip(f"the provider petoju/mysql is not in {mirror.name}")


@pytest.fixture
def with_terraform(mirror: Path, program: str, servers: dict[str, MariaDB], tmp_path: Path) -> Iterator[TerraformOnMariaDB]:
    _provider(mirror)
    made = TerraformOnMariaDB(tmp_path, servers, mirror, program)
    yield made
    made.clean()


@pytest.fixture
def with_script(servers: dict[str, MariaDB], tmp_path: Path) -> Iterator[ScriptOnMariaDB]:
    made = ScriptOnMariaDB(tmp_path, servers, tmp_path)  # type: ignore[arg-type]
    yield made
    made.clean()


def fill(repository: OnMariaDB, user: str, value: int = 42, database: str = CATALOG) -> str:
    repository.use(user, _FILL.format(value=value), database=database)
    return repository.use(user, _CONTENT, database=database)


def another_server(repository: OnMariaDB) -> None:
    repository.start(TWO)
    before = fill(repository, "backstage_catalog")
    assert "backstage_catalog@%" in before
    other = repository.servers["other"]
    host = {"host": other.host, "port": other.port}
    moved = {"plugin": {"auth": {}, "catalog": {"connection": {**host, "ssl": {"ca": {"$file": str(other.ca)}}}}}}
    settings = {"servers": {"primary": {}, "other": host}}
    codes, lines, said = repository.refused(moved, settings)
    assert (codes, lines) == ({"GR520"}, {"catalog": f"backstage_catalog@primary/{CATALOG}"})
    dump, restore = commands("GR520", "MySQL and MariaDB")
    page = {"old.example.com": "OLD", "new.example.com": "NEW", "greenroom_admin": "ADMIN"}
    assert instead(dump.strip(), page) in said
    assert instead(restore.strip(), page) in said
    repository.run_as(repository.servers["primary"].admin, dump)
    repository.generate(moved, settings | {"plugins": {"moved": lines}})
    repository.apply()
    repository.run_as("backstage_catalog", restore)
    repository.settle()
    assert repository.use("backstage_catalog", _CONTENT, "other") == before
    repository.use(
        "backstage_catalog", "INSERT INTO kept (value) VALUES (1); DROP VIEW seen; ALTER TABLE kept ADD n INT", "other"
    )
    assert repository.use("backstage_catalog", _CONTENT) == before


def others_come_into_a_database_and_one_leaves(repository: OnMariaDB) -> None:
    three = {"plugin": {"auth": {}, "catalog": {}, "search": {}}}
    repository.start(three)
    before = fill(repository, "backstage_catalog")
    left = fill(repository, "backstage_search", 7, "backstage_plugin_search")
    together = {"plugin": {"auth": {}, "catalog": {}, "search": {"connection": {"database": CATALOG}}}}
    codes, lines, _ = repository.refused(together)
    assert codes == {"GR523"}
    repository.generate(together, {"plugins": {"moved": lines}})
    repository.apply()
    repository.settle()
    for user in ("backstage_catalog", "backstage_search"):
        assert repository.use(user, _CONTENT) == before
        repository.use(user, "INSERT INTO kept (value) VALUES (99); DELETE FROM kept WHERE value = 99")

    codes, lines, _ = repository.refused(three)
    assert (codes, lines) == ({"GR523"}, {"search": f"backstage_search@primary/{CATALOG}"})
    repository.generate(three, {"plugins": {"moved": lines}})
    repository.apply()
    repository.settle()
    assert repository.use("backstage_search", _CONTENT, database="backstage_plugin_search") == left
    assert repository.use("backstage_catalog", _CONTENT) == before
    primary = repository.servers["primary"]
    refused = primary.query("backstage_search", password_of("backstage_search"), "SELECT * FROM kept", CATALOG)
    assert "denied" in refused.stderr


def from_one_user_to_a_user_for_each_and_back(repository: OnMariaDB) -> None:
    shared = {"credentials": {"mode": "shared"}}
    repository.start(TWO, shared)
    before = fill(repository, "backstage")
    for settings, old, new in (({}, "backstage", "backstage_catalog"), (shared, "backstage_catalog", "backstage")):
        codes, lines, said = repository.refused(TWO, settings)
        assert codes == {"GR532"}
        assert lines["catalog"] == f"{old}@primary/{CATALOG}"
        assert "then make its views anew" in said
        save, make = commands("GR532", "MySQL and MariaDB")
        repository.run_as(repository.servers["primary"].admin, save)
        repository.generate(TWO, settings | {"plugins": {"moved": lines}})
        repository.apply()
        repository.run_as(new, instead(make, {"-u backstage_catalog": f"-u {new}"}))
        repository.settle()
        assert repository.use(new, _CONTENT) == before.replace("backstage@%", f"{new}@%")


WAYS = (another_server, others_come_into_a_database_and_one_leaves, from_one_user_to_a_user_for_each_and_back)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_with_terraform(with_terraform: TerraformOnMariaDB, way: Callable[[OnMariaDB], None]) -> None:
    way(with_terraform)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_with_the_script(with_script: ScriptOnMariaDB, way: Callable[[OnMariaDB], None]) -> None:
    way(with_script)


# --- GR522 ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def postgresql() -> Iterator[EmbeddedServer]:
    with embedded_server(embedded_binaries()) as running:
        running.create_admin(ADMIN, "throw-away-admin-password")
        yield running
        clean_server(running)


def test_another_engine_starts_empty(
    mirror: Path, program: str, postgresql: EmbeddedServer, servers: dict[str, MariaDB], tmp_path: Path
) -> None:
    """Nothing is destroyed, and nobody asks the old server; and back to what was left there."""
    _provider(mirror)
    repository = TerraformRepository(tmp_path, {"primary": postgresql}, embedded_binaries(), mirror, program)
    new = servers["primary"]
    repository.start(TWO)
    repository.keep("catalog", CATALOG, value=42)
    before, left = repository.content("backstage_catalog", CATALOG), repository.picture(CATALOG)

    connection = {"host": new.host, "port": new.port, "ssl": {"ca": {"$file": str(new.ca)}}}
    moved = {"client": "mysql2", "connection": connection, **TWO}
    codes, lines, said = repository.refused(moved)
    assert codes == {"GR522"}
    assert "cannot move rows between engines" in said
    repository.generate(moved, {"plugins": {"moved": lines}})
    on_mariadb = MysqlWorkspace(repository.output, mirror, {"primary": new}, {}, program)
    on_postgresql, repository.terraform = repository.terraform, on_mariadb
    assert "6 added, 0 changed, 0 destroyed" in repository.apply()
    repository.settle()
    assert new.databases == {CATALOG, "backstage_plugin_auth"}
    assert repository.picture(CATALOG) == left

    codes, lines, _ = repository.refused(TWO)
    assert (codes, lines["catalog"]) == ({"GR522"}, f"backstage_catalog@primary/{CATALOG}")
    repository.generate(TWO, {"plugins": {"moved": lines}})
    repository.terraform = on_postgresql
    assert "0 destroyed" in repository.apply()
    repository.settle()
    repository.assert_moved(before, "backstage_catalog", CATALOG)
    assert new.databases == {CATALOG, "backstage_plugin_auth"}
    assert not re.findall(r"mysql_", json.dumps(sorted(on_postgresql.state())))
    new.clear()
