"""Preflight's verdict on MariaDB equals what the real DatabaseManager, mysql2 and the catalog's migrations do."""

from __future__ import annotations

import contextlib
import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from dimensions import MARIADB, combinations, names_of
from mariadb import mariadb_server
from sql_plans import context
from truth import PASSWORD, State, backstage, changed, same_words, settings_of, two_plugins, version_of

from generator.targets.sql import TARGET

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dimensions import Where
    from mariadb import MariaDB

    from generator.preflight.results import PreflightResult

pytestmark = pytest.mark.slow


class Server:
    """A server and the way the generated script is run on it."""

    def __init__(self, server: MariaDB, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.ca = server.ca.read_text()

    def fine(self, name: str, **base: Any) -> State:
        """What greenroom generates, applied by an admin without SUPER."""
        plan = two_plugins(name, engine="mysql")
        folder = self.folder / name
        folder.mkdir()
        for artifact in TARGET.render(context(plan)):
            (folder / artifact.path).write_text(artifact.text, encoding="utf-8")
        done = subprocess.run(
            ["sh", folder / "databases.sh", "--no-defaults", *self.server.login(self.server.admin)],
            env={
                "PATH": os.environ["PATH"],
                "CLIENT": str(self.server.client),
                "MYSQL_PWD": self.server.admin_password,
                **{role.delivery.env: PASSWORD for role in plan.roles},
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        settings = settings_of(plan, self.server.host, self.server.port, client="mysql2", **base)
        settings["connection"]["ssl"] = {"ca": self.ca}
        return State(name, plan, settings)


def broken(statements: str, **base: Any) -> Callable[[Server, str], State]:
    """A fine state and then ``statements``; ``{n}`` is its name, ``{u}`` the catalog's account, ``{d}`` its database."""

    def make(server: Server, name: str) -> State:
        state = server.fine(name, **base)
        found = {"n": name, "u": f"'{name} catalog user'@'%'", "d": f"`{name} catalog`"}
        server.server.root(statements.format(**found))
        return state

    return make


def connected(**connection: Any) -> Callable[[Server, str], State]:
    return lambda server, name: changed(server.fine(name), **connection)


def locked(prefix: str, value: int = 1) -> Callable[[Server, str], State]:
    """A migration was killed: knex's lock."""
    table = f"{{d}}.{prefix}knex_migrations_lock"
    columns = "(`index` int AUTO_INCREMENT PRIMARY KEY, is_locked int)"
    return broken(f"CREATE TABLE {table} {columns}; INSERT INTO {table} (is_locked) VALUES ({value})")


STATES: dict[str, Any] = {
    "fine": lambda server, name: server.fine(name),
    "wrong password": connected(password="another"),
    "no password": connected(password=None),
    "no user": connected(user="nobody at all"),
    "no database": broken("DROP DATABASE {d}"),
    "too long": connected(database="x" * 65),
    "no temporary": broken("REVOKE CREATE TEMPORARY TABLES ON {d}.* FROM {u}"),
    "no create": broken("REVOKE CREATE ON {d}.* FROM {u}"),
    "no alter": broken("REVOKE ALTER ON {d}.* FROM {u}"),
    "no index": broken("REVOKE INDEX ON {d}.* FROM {u}"),
    "no drop": broken("REVOKE DROP ON {d}.* FROM {u}"),
    "no insert": broken("REVOKE INSERT ON {d}.* FROM {u}"),
    "no view": broken("REVOKE CREATE VIEW ON {d}.* FROM {u}"),
    "user limit": broken("ALTER USER {u} WITH MAX_USER_CONNECTIONS 2"),
    "no grants": broken("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {u}"),
    "wildcard": broken("GRANT SELECT ON `wildcard %`.* TO {u}"),
    "everything": broken("GRANT ALL PRIVILEGES ON *.* TO {u}"),
    "other host": broken("RENAME USER {u} TO '{n} catalog user'@'192.0.2.1'"),
    "locked": broken("ALTER USER {u} ACCOUNT LOCK"),
    "expired": broken("ALTER USER {u} PASSWORD EXPIRE"),
    "anonymous": lambda server, name: server.fine(name),
    "tls wanted": connected(ssl=False),
    "no authority": lambda server, name: _ssl(server.fine(name), {}),
    "unverified": lambda server, name: _ssl(server.fine(name), {"rejectUnauthorized": False}),
    "ssl true": lambda server, name: _ssl(server.fine(name), True),
    "ssl text": lambda server, name: _ssl(server.fine(name), "require"),
    "down": connected(port=1),
    "migrations locked": locked(""),
    "keys locked": locked("backstage_backend_public_keys__"),
    "tasks locked": locked("backstage_backend_tasks__"),
    "unlocked": locked("", 0),
    "pool max 1": broken("", knexConfig={"pool": {"max": 1}}),
    "ensure exists": broken("", ensureExists=True),
    "ensure missing": broken("DROP DATABASE {d}; REVOKE ALL PRIVILEGES, GRANT OPTION FROM {u}", ensureExists=True),
    "ensure denied": broken("REVOKE CREATE ON {d}.* FROM {u}", ensureExists=True),
}
#: Looked at with the oldest Backstage as well, always.
PART = ("fine", "wrong password", "no database", "no temporary", "no create", "ssl true", "migrations locked", "pool max 1")
#: mysql2 starts, and preflight still says no: the check that does.
NOT_READY = {"no index": "create table", "wildcard": "isolated", "everything": "restricted"}


def _ssl(state: State, value: Any) -> State:
    state.settings["connection"]["ssl"] = value
    return state


class Table:
    """Every state on one server, with both verdicts."""

    def __init__(self, server: Server, packages: Path, names: Iterable[str]) -> None:
        folder, version = server.folder, version_of(packages)
        states: dict[str, State] = {name: replace(STATES[name](server, name), version=version) for name in names}
        anonymous = states.pop("anonymous", None)
        self.server = server
        self.ours: dict[str, PreflightResult] = {name: state.preflight(folder) for name, state in states.items()}
        self.theirs = backstage(packages, list(states.values()))
        if anonymous is None:
            return
        # An anonymous user changes who everybody is: looked at on its own, and taken away again.
        server.server.root("CREATE USER ''@'127.0.0.1'")
        self.ours["anonymous"] = anonymous.preflight(folder)
        self.theirs |= backstage(packages, [anonymous])
        server.server.root("DROP USER ''@'127.0.0.1'")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        found = combinations(MARIADB, STATES, PART, "truth-mariadb")
        metafunc.parametrize(("table", "name"), found, indirect=["table"], scope="module")


@contextlib.contextmanager
def made_on(where: Where, packages: Path, folder: Path) -> Iterator[Table]:
    """The table on one server."""
    with mariadb_server() as server:
        names = names_of(where, MARIADB, STATES, PART)
        yield Table(Server(server, folder), packages, names)


def explain(result: PreflightResult) -> list[tuple[str, str, str]]:
    return [(check.name, check.detail, check.backstage) for check in result.failed]


def test_the_verdict_is_backstages(table: Table, name: str) -> None:
    ours, theirs = table.ours[name], table.theirs[name]
    assert ours.starts == theirs["started"], (explain(ours), theirs)
    if not ours.starts:
        assert same_words(ours, theirs), (explain(ours), theirs)
    elif name in NOT_READY:
        assert NOT_READY[name] in {check.name for check in ours.failed}, explain(ours)
    else:
        assert ours.ready, explain(ours)
    for check in ours.failed:
        assert check.hint
        assert check.backstage
    assert PASSWORD not in str(ours)


@pytest.mark.parametrize(
    "table",
    [pytest.param(MARIADB[0], id="", marks=pytest.mark.xdist_group(f"truth-mariadb-{MARIADB[0].name}"))],
    indirect=True,
    scope="module",
)
def test_no_probe_stays_behind(table: Table) -> None:
    rows = table.server.server.root(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_name LIKE 'greenroom%'"
    )
    assert rows == []
