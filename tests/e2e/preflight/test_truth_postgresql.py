"""Preflight's verdict on PostgreSQL equals what the real Backstage does in the same state.

Each state is made on a real server. Preflight looks first; then the published ``DatabaseManager`` hands out the catalog's
client and the catalog's published migrations run. Nothing is expected from a table: ``starts`` has to be what Backstage did,
and the words preflight predicts have to be the ones it printed.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg
import pytest
from dimensions import POSTGRESQL, combinations, names_of, stage_on
from pair_plans import paired
from truth import PASSWORD, State, backstage, changed, same_words, settings_of, two_plugins, version_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from dimensions import Where
    from postgres_stage import Stage

    from generator.preflight.results import PreflightResult

pytestmark = pytest.mark.slow

LONG = "a database whose name is longer than the sixty-three bytes which the server keeps"


def run(stage: Stage, statements: str, database: str = "postgres") -> None:
    with stage.superuser(database) as connection:
        for statement in statements.split(";"):
            if statement.strip():
                connection.execute(statement.encode())


def fine(stage: Stage, name: str, *, schema: bool = False, **base: Any) -> State:
    """What greenroom generates, applied."""
    plan = two_plugins(name, schema=schema)
    stage.must_apply(plan, {role.delivery.env: PASSWORD for role in plan.roles})
    return State(name, plan, settings_of(plan, stage.server.host, stage.server.port, **base))


def broken(statements: str, *, inside: str = "", schema: bool = False, **base: Any) -> Callable[[Stage, str], State]:
    """A fine state and then ``statements``; ``{n}`` is the state's name, ``inside`` runs in the catalog's own database."""

    def make(stage: Stage, name: str) -> State:
        state = fine(stage, name, schema=schema, **base)
        run(stage, statements.format(n=name))
        if inside:
            run(stage, inside.format(n=name), state.plan.plugins[0].database.name)
        return state

    return make


def pair(statements: str) -> Callable[[Stage, str], State]:
    """Two logins that take turns, and then ``statements``: ``{a}`` is the live one of ``{o}``, which owns everything."""

    def make(stage: Stage, name: str) -> State:
        plan = paired(two_plugins(name))
        stage.must_apply(plan, {role.live.delivery.env: PASSWORD for role in plan.roles})
        run(stage, statements.format(o=f'"{name} catalog user"', a=f'"{name} catalog user_a"'))
        return State(name, plan, settings_of(plan, stage.server.host, stage.server.port))

    return make


def connected(**connection: Any) -> Callable[[Stage, str], State]:
    """A fine state with another connection in app-config."""
    return lambda stage, name: changed(fine(stage, name), **connection)


def truncated(stage: Stage, name: str) -> State:
    plan = two_plugins(name, database=LONG.encode()[:63].decode())
    stage.must_apply(plan, {role.delivery.env: PASSWORD for role in plan.roles})
    settings = settings_of(plan, stage.server.host, stage.server.port)
    return changed(State(name, plan, settings), database=LONG)


def ensured(statements: str, *, schema: bool = False, **base: Any) -> Callable[[Stage, str], State]:
    """``ensureExists`` is on, and the base user is one of its own."""

    def make(stage: Stage, name: str) -> State:
        state = fine(stage, name, schema=schema, ensureExists=True, **base)
        run(stage, f"CREATE ROLE \"{name} base\" LOGIN PASSWORD 'base'")
        if schema:
            run(stage, f'GRANT CONNECT ON DATABASE "{name} shared" TO "{name} base"')
        run(stage, statements.format(n=name))
        state.settings["connection"].update(user=f"{name} base", password="base")
        return state

    return make


def base_user_only(stage: Stage, name: str) -> State:
    """Backstage as everybody begins: one user who may create databases, none of which is there."""
    plan = two_plugins(name)
    run(stage, f"CREATE ROLE \"{name} catalog user\" LOGIN CREATEDB PASSWORD 'base'")
    connection = {"host": stage.server.host, "port": stage.server.port, "user": f"{name} catalog user", "password": "base"}
    return State(name, plan, {"client": "pg", "connection": connection, "prefix": f"{name} "})


def url_inside(stage: Stage, name: str) -> State:
    """A driver's own ``connectionString`` inside the object: what stands beside it does not count."""
    state = fine(stage, name)
    plugin = state.plan.plugins[0]
    user, password, database = (quote(text) for text in (plugin.role.name, PASSWORD, plugin.database.name))
    place = f"{stage.server.host}:{stage.server.port}"
    return changed(state, connectionString=f"postgres://{user}:{password}@{place}/{database}", password="another", port=1)


def silent(stage: Stage, name: str) -> State:
    """A server that takes connections and never says a word; it lives as long as the stage."""
    listener = socket.create_server(("127.0.0.1", 0))
    stage.silent = listener  # type: ignore[attr-defined]
    state = changed(fine(stage, name), port=listener.getsockname()[1])
    state.settings["acquireConnectionTimeout"] = 2000
    return state


def locked(prefix: str, *, value: int = 1, **state: Any) -> Callable[[Stage, str], State]:
    """A migration was killed: knex's lock, with the plugin's own tables."""
    table = f"{prefix}knex_migrations_lock"
    schema = "catalog" if state.get("schema") else "public"
    return broken(
        "",
        inside=f'SET ROLE "{{n}} catalog user"; CREATE TABLE {schema}.{table} ("index" serial PRIMARY KEY, is_locked int);'
        f"INSERT INTO {schema}.{table} (is_locked) VALUES ({value})",
        **state,
    )


def schema_made(by: str) -> Callable[[Stage, str], State]:
    """The schema is missing, and Backstage makes it with the base connection of the user ``by``."""

    def make(stage: Stage, name: str) -> State:
        state = fine(stage, name, schema=True, ensureSchemaExists=True)
        run(stage, "DROP SCHEMA catalog", f"{name} shared")
        base = f"{name} {by}"
        if by == "base":
            run(stage, f"CREATE ROLE \"{base}\" LOGIN PASSWORD 'base'")
        run(stage, f'GRANT CONNECT, CREATE ON DATABASE "{name} shared" TO "{base}"')
        state.settings["connection"].update(user=base, password="base" if by == "base" else PASSWORD)
        return state

    return make


OWNED_BY_ANOTHER = 'SET ROLE "greenroom admin"; CREATE TABLE knex_migrations (id int)'

STATES: dict[str, Any] = {
    "fine": fine,
    "fine schema": broken("", schema=True),
    "no database": broken('DROP DATABASE "{n} catalog"'),
    "wrong password": connected(password="another"),
    "no password": connected(password=None),
    "number password": connected(password=12345),
    "no such role": connected(user="nobody at all"),
    "no temporary": broken('REVOKE TEMPORARY ON DATABASE "{n} catalog" FROM "{n} catalog user"'),
    "no create": broken("", inside='REVOKE CREATE ON SCHEMA public FROM "{n} catalog user", PUBLIC'),
    "no usage": broken("", inside='REVOKE ALL ON SCHEMA public FROM "{n} catalog user", PUBLIC'),
    "no connect": broken('REVOKE CONNECT ON DATABASE "{n} catalog" FROM "{n} catalog user"'),
    "public connect": broken('GRANT CONNECT ON DATABASE "{n} search" TO PUBLIC'),
    "no login": broken('ALTER ROLE "{n} catalog user" NOLOGIN'),
    "superuser": broken('ALTER ROLE "{n} catalog user" SUPERUSER'),
    "createdb": broken('ALTER ROLE "{n} catalog user" CREATEDB'),
    "expired": broken("ALTER ROLE \"{n} catalog user\" VALID UNTIL '2001-01-01'"),
    "role limit 0": broken('ALTER ROLE "{n} catalog user" CONNECTION LIMIT 0'),
    "database limit 0": broken('ALTER DATABASE "{n} catalog" CONNECTION LIMIT 0'),
    "no connections": broken('ALTER DATABASE "{n} catalog" ALLOW_CONNECTIONS false'),
    "table of another": broken("", inside=OWNED_BY_ANOTHER),
    "read only": broken('ALTER DATABASE "{n} catalog" SET default_transaction_read_only = on'),
    "read only role": broken('ALTER ROLE "{n} catalog user" SET default_transaction_read_only = on'),
    "truncated": truncated,
    "down": connected(port=1),
    "silent": silent,
    "unknown host": connected(host="no-such-host.invalid"),
    "tls there is none": connected(ssl={}),
    "url inside": url_inside,
    "tls as text": connected(ssl="require"),
    "no schema": broken("", schema=True, inside="DROP SCHEMA catalog"),
    "schema no create": broken("", schema=True, inside='REVOKE CREATE ON SCHEMA catalog FROM "{n} catalog user"'),
    "schema no usage": broken("", schema=True, inside='REVOKE USAGE ON SCHEMA catalog FROM "{n} catalog user"'),
    "ensure exists": ensured(""),
    "ensure missing": ensured('DROP DATABASE "{n} catalog"'),
    "ensure may": ensured('DROP DATABASE "{n} catalog"; ALTER ROLE "{n} base" CREATEDB'),
    "ensure password": ensured("ALTER ROLE \"{n} base\" PASSWORD 'other'"),
    "ensure schema": ensured("", schema=True),
    "ensure schema may": ensured('GRANT CREATE ON DATABASE "{n} shared" TO "{n} base"', schema=True),
    "schema to come": schema_made("catalog user"),
    "schema of base to come": schema_made("base"),
    "base user only": base_user_only,
    "role of nobody": broken('CREATE ROLE "{n} app"', role="role of nobody app"),
    "role": broken(
        'CREATE ROLE "{n} app"; GRANT "{n} app" TO "{n} catalog user";'
        'GRANT TEMPORARY ON DATABASE "{n} catalog" TO "{n} app"',
        inside='GRANT USAGE, CREATE ON SCHEMA public TO "{n} app"',
        role="role app",
    ),
    "pool max 1": broken("", knexConfig={"pool": {"max": 1}}),
    "pool of one": broken("", knexConfig={"pool": {"min": 0, "max": 1, "acquireTimeoutMillis": 3000}}),
    "pool as text": broken("", knexConfig={"pool": {"max": "10"}}),
    "search path": broken("", knexConfig={"searchPath": ["portal_app"]}),
    "search path there": broken(
        "",
        inside='CREATE SCHEMA portal_app; GRANT USAGE, CREATE ON SCHEMA portal_app TO "{n} catalog user"',
        knexConfig={"searchPath": ["portal_app"]},
    ),
    "search path and public": broken("", knexConfig={"searchPath": ["portal_app", "public"]}),
    "search path of base": broken("", searchPath="portal_app"),
    "search path of none": broken("", knexConfig={"searchPath": []}),
    "search path number": broken("", knexConfig={"searchPath": 5}),
    "search path empty name": broken("", knexConfig={"searchPath": [""]}),
    "search paths": broken("", knexConfig={"searchPaths": ["portal_app"]}),
    "schema and path": broken("", schema=True, knexConfig={"searchPath": ["other", "public"]}),
    "no schema and path": broken(
        "",
        schema=True,
        inside='DROP SCHEMA catalog; GRANT USAGE, CREATE ON SCHEMA public TO "{n} catalog user"',
        knexConfig={"searchPath": ["other", "public"]},
    ),
    "locked": locked(""),
    "locked keys": locked("backstage_backend_public_keys__"),
    "locked tasks": locked("backstage_backend_tasks__"),
    "locked schema": locked("", schema=True),
    "unlocked": locked("", value=0),
    "pair": pair(""),
    "pair lost": pair("ALTER ROLE {a} RESET role"),
    # With a grant that inherits everything seems to work: the catalog's tables belong to the login.
    "pair lost quietly": pair("ALTER ROLE {a} INHERIT; GRANT {o} TO {a}; ALTER ROLE {a} RESET role"),
    "pair inherits": pair("ALTER ROLE {a} INHERIT; GRANT {o} TO {a}"),
    "pair locked": pair("ALTER ROLE {a} NOLOGIN"),
    "pool of two": broken("", pool={"min": 0, "max": 2}),
}
#: What may differ between versions of the server and of Backstage: looked at on a second combination always.
PART = (
    *("fine", "fine schema", "no database", "no temporary", "no create", "public connect", "expired", "table of another"),
    *("read only", "truncated", "ensure missing", "ensure may", "ensure schema", "base user only", "role", "role of nobody"),
    *(
        "locked",
        "locked schema",
        "pool max 1",
        "search path",
        "no schema and path",
        "pair",
        "pair lost",
        "pair lost quietly",
    ),
)
#: Backstage starts, and preflight still says no: the check that does.
NOT_READY = {
    "public connect": "isolated",
    "superuser": "restricted",
    "createdb": "restricted",
    "truncated": "database",
    "base user only": "isolated",
    "no schema and path": "search path",
    "pair lost quietly": "owner",
    "pair inherits": "pair",
}


class Table:
    """States on one server, with both verdicts."""

    def __init__(self, stage: Stage, packages: Path, folder: Path, names: Iterable[str]) -> None:
        self.stage = stage
        version = version_of(packages)
        self.states = {name: replace(STATES[name](stage, name), version=version) for name in names}
        self.ours: dict[str, PreflightResult] = {name: state.preflight(folder) for name, state in self.states.items()}
        self.theirs = backstage(packages, list(self.states.values()))
        #: Once more, where Backstage has been.
        self.after = {name: state.preflight(folder) for name, state in self.states.items() if self.theirs[name]["started"]}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "name" in metafunc.fixturenames:
        found = combinations(POSTGRESQL, STATES, PART, "truth-postgresql")
        metafunc.parametrize(("table", "name"), found, indirect=["table"], scope="module")


@contextlib.contextmanager
def made_on(where: Where, packages: Path, folder: Path) -> Iterator[Table]:
    """The table on one server."""
    with stage_on(where, folder) as stage:
        yield Table(stage, packages, folder, names_of(where, POSTGRESQL, STATES, PART))


def explain(result: PreflightResult) -> list[tuple[str, str, str]]:
    return [(check.name, check.detail, check.backstage) for check in result.failed]


def test_the_verdict_is_backstages(table: Table, name: str) -> None:
    ours, theirs = table.ours[name], table.theirs[name]
    assert ours.starts == theirs["started"], (explain(ours), theirs)
    if name == "tls as text":
        # Without TLS at the server it fails before that; with it the process ends: see the servers with TLS.
        assert theirs["error"] == "Error: The server does not support SSL connections"
    elif not ours.starts:
        assert same_words(ours, theirs), (explain(ours), theirs)
    elif name in NOT_READY:
        assert NOT_READY[name] in {check.name for check in ours.failed}, explain(ours)
    else:
        assert ours.ready, explain(ours)
        assert table.after[name].ready, explain(table.after[name])
    for check in ours.failed:
        assert check.hint, f"{check.name} does not say what to do"
        assert check.backstage
    assert PASSWORD not in str(ours)


@pytest.mark.parametrize(
    "table",
    [pytest.param(POSTGRESQL[0], id="", marks=pytest.mark.xdist_group(f"truth-postgresql-{POSTGRESQL[0].name}"))],
    indirect=True,
    scope="module",
)
def test_what_preflight_calls_open_is_open(table: Table) -> None:
    """Backstage starts where every plugin may read another one's data: here is the proof that it is so."""
    with table.stage.connect("public connect catalog user", PASSWORD, "public connect search") as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("public connect search",)
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        table.stage.connect("fine catalog user", PASSWORD, "fine search")
