"""Preflight's verdict on the plugin ``permission`` equals what the published RBAC backend does in the same state.

Its casbin TypeORM adapter opens a connection of its own: here it really does, creates its table, loads its policies and
writes one; then the migrations of RBAC run on the plugin's client, as its policy builder does it.
"""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from dimensions import POSTGRESQL, combinations, names_of, stage_on
from sql_plans import Want, make_plan
from truth import PASSWORD, State, backstage, changed, same_words, settings_of, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dimensions import Where
    from postgres_stage import Stage

    from generator.preflight.results import PreflightResult

pytestmark = pytest.mark.slow

TOKEN = "a token of the cloud"


def run(stage: Stage, statements: str, database: str = "postgres") -> None:
    with stage.superuser(database) as connection:
        for statement in statements.split(";"):
            if statement.strip():
                connection.execute(statement.encode())


def rbac(
    statements: str = "", *, inside: str = "", schema: bool = False, base: dict[str, Any] | None = None, **more: Any
) -> Callable[[Stage, str], State]:
    """What greenroom generates, applied: the base connection logs in as the plugin. Then ``statements``, with ``{n}`` the
    state's name, and ``inside`` the plugin's database; ``base`` changes the base connection (None takes a key away).
    """

    def make(stage: Stage, name: str) -> State:
        shared = f"{name} shared" if schema else None
        wanted = [
            Want(
                plugin=plugin,
                database=shared or f"{name} {plugin}",
                role=f"{name} {plugin} user",
                schema=plugin if schema else None,
                env=f"PW_{plugin.upper()}",
            )
            for plugin in ("catalog", "permission")
        ]
        plan = make_plan(*wanted)._replace(base_login="permission")
        stage.must_apply(plan, {role.delivery.env: PASSWORD for role in plan.roles})
        run(stage, f"CREATE ROLE \"{name} base\" LOGIN PASSWORD 'base'")
        run(stage, statements.format(n=name))
        database = next(item.database.name for item in plan.plugins if item.plugin_id == "permission")
        run(stage, inside.format(n=name), database)
        settings = settings_of(plan, stage.server.host, stage.server.port, **more)
        login = {"user": f"{name} permission user", "password": PASSWORD}
        connection = {**settings["connection"], **login, **_filled(base or {}, name)}
        settings["connection"] = {key: value for key, value in connection.items() if value is not None}
        # What is wrong with the base connection is the adapter's affair: the plugin has all it needs of its own.
        own = {"host": stage.server.host, "port": stage.server.port, "ssl": False}
        for plugin in settings["plugin"].values():
            plugin["connection"] = {**own, **plugin["connection"]}
        return State(name, plan, settings, rbac=True)

    return make


def _filled(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value.format(n=name) if isinstance(value, str) else value for key, value in values.items()}


def url(stage: Stage, name: str) -> State:
    """The base connection as a string."""
    state = rbac()(stage, name)
    base = state.settings["connection"]
    state.settings["connection"] = f"postgres://{name}:x@{base['host']}:{base['port']}/postgres"
    return state


def own_string(stage: Stage, name: str) -> State:
    """The plugin's own connection as a string: it is parsed before the adapter looks."""
    from urllib.parse import quote

    state = rbac()(stage, name)
    server = stage.server
    login = f"{quote(f'{name} permission user')}:{quote(PASSWORD)}"
    text = f"postgres://{login}@{server.host}:{server.port}/{quote(f'{name} permission')}"
    state.settings["plugin"]["permission"]["connection"] = text
    return state


def another_base(stage: Stage, name: str, client: str) -> State:
    state = rbac()(stage, name)
    base = state.settings["connection"]
    state.settings |= {"client": client, "connection": ":memory:" if client == "better-sqlite3" else base}
    state.settings["plugin"]["permission"] |= {"client": "pg"}
    state.settings["plugin"]["permission"]["connection"] |= {"host": base["host"], "port": base["port"]}
    return state


def tokens(base_password: str | None, *, user: str = "{n} permission user") -> Callable[[Stage, str], State]:
    """``type: azure``: the plugin's connection is a function, and its token is the password of the adapter too."""

    def make(stage: Stage, name: str) -> State:
        statement = f"ALTER ROLE \"{{n}} permission user\" PASSWORD '{TOKEN}'"
        state = rbac(statement, base={"user": user, "password": base_password})(stage, name)
        state = changed(state, plugin="permission", type="azure", password=None)
        environ = {"IDENTITY_ENDPOINT": f"http://127.0.0.1:{stage.identity}/token", "IDENTITY_HEADER": "h"}  # type: ignore[attr-defined]
        return replace(state, environ={**environ, "GREENROOM_AZURE_TOKEN": TOKEN})

    return make


BASE = {"user": "{n} base", "password": "base"}
TABLE = (
    "CREATE TABLE casbin_rule (id serial PRIMARY KEY, ptype varchar, v0 varchar, v1 varchar, v2 varchar, v3 varchar,"
    " v4 varchar, v5 varchar, v6 varchar)"
)
BASE_MAY = 'GRANT USAGE, CREATE ON SCHEMA public TO "{n} base"'
CONNECT = 'GRANT CONNECT ON DATABASE "{n} permission" TO "{n} base"'

STATES: dict[str, Any] = {
    "rbac": rbac(),
    "rbac schema": rbac(schema=True),
    "denied": rbac(base=BASE),
    "may connect": rbac(CONNECT, base=BASE),
    "may create": rbac(CONNECT, inside=BASE_MAY, base=BASE),
    "only create": rbac(CONNECT, inside='GRANT CREATE ON SCHEMA public TO "{n} base"', base=BASE),
    "schema denied": rbac('GRANT CONNECT ON DATABASE "{n} shared" TO "{n} base"', schema=True, base=BASE),
    "wrong base password": rbac(base={"password": "another"}),
    "no base password": rbac(base={"password": None}),
    "number base password": rbac(base={"password": 12345}),
    "no such base user": rbac(base={"user": "nobody at all"}),
    "base user without login": rbac('ALTER ROLE "{n} base" NOLOGIN; ' + CONNECT, base=BASE),
    "base limit": rbac('ALTER ROLE "{n} base" CONNECTION LIMIT 0; ' + CONNECT, base=BASE),
    "no base port": rbac(base={"port": None}),
    "base port as text": rbac(),
    "blank base port": rbac(base={"port": " "}),
    "no base host": rbac(base={"host": None}),
    "base down": rbac(base={"port": 1}),
    "base host unknown": rbac(base={"host": "no-such-host.invalid"}),
    "base tls there is none": rbac(base={"ssl": True}),
    "base tls settings": rbac(base={"ssl": {"rejectUnauthorized": False}}),
    "base tls other settings": rbac(base={"ssl": {"servername": "h"}}),
    "base tls as text": rbac(base={"ssl": "require"}),
    "base url": url,
    "plugin url": own_string,
    "base sqlite": lambda stage, name: another_base(stage, name, "better-sqlite3"),
    "table of the plugin": rbac(CONNECT, inside=BASE_MAY + '; SET ROLE "{n} permission user"; ' + TABLE, base=BASE),
    "table granted": rbac(
        CONNECT,
        inside=BASE_MAY + '; SET ROLE "{n} permission user"; ' + TABLE + '; GRANT ALL ON casbin_rule TO "{n} base"; '
        'GRANT ALL ON SEQUENCE casbin_rule_id_seq TO "{n} base"',
        base=BASE,
    ),
    "table without sequence": rbac(
        CONNECT,
        inside=BASE_MAY + '; SET ROLE "{n} permission user"; ' + TABLE + '; GRANT ALL ON casbin_rule TO "{n} base"',
        base=BASE,
    ),
    "table without schema": rbac(
        CONNECT,
        inside='SET ROLE "{n} permission user"; ' + TABLE + '; GRANT ALL ON casbin_rule TO "{n} base"; '
        'GRANT ALL ON SEQUENCE casbin_rule_id_seq TO "{n} base"; RESET ROLE; REVOKE ALL ON SCHEMA public FROM PUBLIC',
        base=BASE,
    ),
    "read only": rbac('ALTER ROLE "{n} permission user" SET default_transaction_read_only = on'),
    "search path": rbac(
        inside='CREATE SCHEMA portal AUTHORIZATION "{n} permission user"', knexConfig={"searchPath": ["portal"]}
    ),
    "search path missing": rbac(knexConfig={"searchPath": ["portal"]}),
    "plugin wrong password": lambda stage, name: changed(rbac()(stage, name), plugin="permission", password="another"),
    "pool of the adapter": rbac(knexConfig={"pool": {"max": 4}}),
    "token": tokens(None),
    "token and a base password": tokens("left over"),
    "token of another base user": tokens(None, user="{n} base"),
    "role": rbac(
        'CREATE ROLE "{n} app"; GRANT "{n} app" TO "{n} permission user"; '
        'GRANT TEMPORARY ON DATABASE "{n} permission" TO "{n} app"',
        inside='GRANT USAGE, CREATE ON SCHEMA public TO "{n} app"',
        role="role app",
    ),
}
PART = (
    "rbac",
    "rbac schema",
    "denied",
    "may connect",
    "no base port",
    "table granted",
    "token",
    "token of another base user",
)


class Table:
    """States on one server, with both verdicts."""

    def __init__(self, stage: Stage, packages: Path, folder: Path, names: Iterable[str]) -> None:
        version = version_of(packages)
        self.states = {name: replace(STATES[name](stage, name), version=version) for name in names}
        if "base port as text" in self.states:
            connection = self.states["base port as text"].settings["connection"]
            connection["port"] = str(connection["port"])
        self.ours: dict[str, PreflightResult] = {name: state.preflight(folder) for name, state in self.states.items()}
        self.theirs = backstage(packages, list(self.states.values()))
        #: Once more, where Backstage has been.
        self.after = {name: state.preflight(folder) for name, state in self.states.items() if self.theirs[name]["started"]}


class Identity(BaseHTTPRequestHandler):
    """The endpoint of a managed identity, as Azure's App Service has it: the real SDK asks it for a token."""

    def do_GET(self) -> None:
        answer = json.dumps({"access_token": TOKEN, "expires_on": "4102444800", "resource": "r", "token_type": "Bearer"})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    found = combinations(POSTGRESQL, STATES, PART, "truth-rbac")
    metafunc.parametrize(("table", "name"), found, indirect=["table"], scope="module")


@contextlib.contextmanager
def made_on(where: Where, packages: Path, folder: Path) -> Iterator[Table]:
    """The table on one server."""
    identity = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=identity.serve_forever, daemon=True).start()
    with stage_on(where, folder) as stage:
        stage.identity = identity.server_address[1]  # type: ignore[attr-defined]
        yield Table(stage, packages, folder, names_of(where, POSTGRESQL, STATES, PART))
    identity.shutdown()


def test_the_verdict_is_the_adapters(table: Table, name: str) -> None:
    ours, theirs = table.ours[name], table.theirs[name]
    if name == "base sqlite":  # it opens no second connection to PostgreSQL; its own needs a native module
        assert "better-sqlite3" in theirs["error"]
        assert ours.starts
        return
    failed = [(check.name, check.detail, check.backstage) for check in ours.failed]
    assert ours.starts == theirs["started"], (failed, theirs)
    if not ours.starts:
        # Where the plugin's own connection has the same trouble, it is told with the words of its migrations.
        assert same_words(ours, theirs) or name in ("read only", "search path missing"), (failed, theirs)
        assert all(check.hint for check in ours.failed)
    else:
        assert ours.ready, failed
        assert table.after[name].ready, [(check.name, check.detail) for check in table.after[name].failed]
    assert PASSWORD not in str(ours)
    assert TOKEN not in str(ours)
