"""States of a whole server: TLS, a replica, no room, PgBouncer, tables of the user before. Both verdicts on each."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pair_plans import paired
from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage
from servers import pgbouncer, standby
from truth import PASSWORD, State, backstage, changed, same_words, settings_of, two_plugins, version_of

from generator.demo.embedded import embedded_binaries, embedded_server, find_psql

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.demo.embedded import EmbeddedServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("truth-servers")]

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
RULES = 'host all postgres,"greenroom admin" all scram-sha-256\nhostssl all all all scram-sha-256\n'


def staged(server: EmbeddedServer, folder: Path) -> Stage:
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    binaries = server.bin_dir if (server.bin_dir / "psql").exists() else embedded_binaries()
    return Stage(server=server, folder=folder, psql=find_psql(binaries))


def fine(stage: Stage, name: str, *, schema: bool = False, **base: Any) -> State:
    plan = two_plugins(name, schema=schema)
    stage.must_apply(plan, {role.delivery.env: PASSWORD for role in plan.roles})
    return State(name, plan, settings_of(plan, stage.server.host, stage.server.port, **base))


def pair(stage: Stage, name: str) -> State:
    plan = paired(two_plugins(name))
    stage.must_apply(plan, {role.live.delivery.env: PASSWORD for role in plan.roles})
    return State(name, plan, settings_of(plan, stage.server.host, stage.server.port))


def debian() -> Path:
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"the embedded server has neither TLS nor pg_basebackup, and there is no other in {DEBIAN_15}")
    return DEBIAN_15


def same_verdicts(states: list[State], packages: Path, folder: Path) -> dict[str, Any]:
    """Preflight first, then Backstage; the same verdict and the same words. Returns preflight's."""
    states = [replace(state, version=version_of(packages)) for state in states]
    ours = {state.name: state.preflight(folder) for state in states}
    theirs = backstage(packages, states)
    for name, found in ours.items():
        assert found.starts == theirs[name]["started"], (name, found.failed, theirs[name])
        if not found.starts:
            assert same_words(found, theirs[name]), (name, found.failed, theirs[name])
    return ours


# --- TLS --------------------------------------------------------------------------------------------------------------


def _certificates(folder: Path) -> None:
    """An authority, a certificate of it for ``localhost`` alone, and another authority."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: there is nothing to make certificates with")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    for name in ("ca", "other"):
        run("req", "-x509", *new, "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    run("req", *new, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    sign = ("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    run(*sign, "-in", "server.csr", "-out", "server.pem")


def test_tls(backstage_dir: Path, tmp_path: Path) -> None:
    binaries = debian()
    _certificates(tmp_path)
    ca, other = (tmp_path / "ca.pem").read_text(), (tmp_path / "other.pem").read_text()
    files = {
        "server.crt": (tmp_path / "server.pem").read_text(),
        "server.key": (tmp_path / "server.key").read_text(),
        "pg_hba.conf": RULES,
    }
    settings = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    with embedded_server(binaries, settings=settings, files=files) as server:
        state = fine(staged(server, tmp_path), "tls")
        connections: dict[str, dict[str, Any]] = {
            "verified": {"ssl": {"ca": ca}},
            "unverified": {"ssl": {"rejectUnauthorized": False}},
            "none": {},
            "false": {"ssl": False},
            "no authority": {"ssl": {}},
            "true": {"ssl": True},
            "another authority": {"ssl": {"ca": other}},
            "another name": {"ssl": {"ca": ca}, "host": "127.0.0.1"},
            "text": {"ssl": "require"},
        }
        states = [
            replace(changed(state, **{"host": "localhost", **connection}), name=name)
            for name, connection in connections.items()
        ]
        ours = same_verdicts(states, backstage_dir, tmp_path)
    assert {name for name, found in ours.items() if found.starts} == {"verified", "unverified"}
    assert {found.failed[0].name for found in ours.values() if found.failed} == {"tls"}
    checks = {name: {check.name: check for check in ours[name].checks}["tls"] for name in ("verified", "unverified")}
    assert {name: check.status for name, check in checks.items()} == {"verified": "ok", "unverified": "warning"}


# --- the server as a whole --------------------------------------------------------------------------------------------


def test_a_replica(backstage_dir: Path, tmp_path: Path) -> None:
    with embedded_server(debian(), files={"pg_hba.conf": "host all,replication all all scram-sha-256\n"}) as server:
        state = fine(staged(server, tmp_path), "replica")
        with standby(server, tmp_path) as port:
            ours = same_verdicts([changed(state, port=port)], backstage_dir, tmp_path)
    assert {check.name: check.detail for check in ours["replica"].failed} == {
        "writable": "the server is a read-only replica"
    }


def test_no_connection_is_left(backstage_dir: Path, tmp_path: Path) -> None:
    settings = {"max_connections": "10", "superuser_reserved_connections": "3", "max_wal_senders": "0"}
    with embedded_server(settings=settings) as server, ExitStack() as others:
        stage = staged(server, tmp_path)
        state = fine(stage, "full")
        # Two plugins whose pools may open twenty connections, and seven there are.
        (room,) = state.report(tmp_path).servers
        assert (room.check.status, room.connections, room.available) == ("warning", 20, 7)
        (room,) = state.report(tmp_path, replicas=4).servers
        assert (room.check.status, room.plugins, room.replicas) == ("failed", 2, 4)
        for _ in range(7):
            others.enter_context(stage.connect(ADMIN, ADMIN_PASSWORD, "postgres"))
        ours = same_verdicts([state], backstage_dir, tmp_path)
        assert ours["full"].failed[0].name == "reachable"
        others.close()
        assert same_verdicts([state], backstage_dir, tmp_path)["full"].ready


def test_tables_of_the_user_before(backstage_dir: Path, tmp_path: Path) -> None:
    """Backstage ran with another user; now the plugin has its own, on the same tables."""
    with embedded_server() as server:
        stage = staged(server, tmp_path)
        states = [fine(stage, name) for name in ("refused", "granted", "handed over", "one of them")]
        before = []
        for state in states:
            database = state.plan.plugins[0].database.name
            with stage.superuser(database) as connection:
                connection.execute(f"CREATE ROLE \"{state.name} old\" LOGIN PASSWORD 'old'".encode())
                connection.execute(f'GRANT ALL ON DATABASE "{database}" TO "{state.name} old"'.encode())
                connection.execute(f'GRANT ALL ON SCHEMA public TO "{state.name} old"'.encode())
            before.append(changed(state, user=f"{state.name} old", password="old"))
        assert all(found["started"] for found in backstage(backstage_dir, before).values())
        for state in states:
            user = f"{state.name} catalog user"
            statements = {
                "granted": f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{user}";'
                f'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "{user}"',
                "handed over": f'REASSIGN OWNED BY "{state.name} old" TO "{user}"',
                "one of them": f'REASSIGN OWNED BY "{state.name} old" TO "{user}";'
                f'ALTER TABLE refresh_state OWNER TO "{ADMIN}"',
            }.get(state.name, "SELECT 1")
            with stage.superuser(state.plan.plugins[0].database.name) as connection:
                for statement in statements.split(";"):
                    connection.execute(statement.encode())
        ours = same_verdicts(states, backstage_dir, tmp_path)
    assert {name: (found.starts, found.ready) for name, found in ours.items()} == {
        "refused": (False, False),
        "granted": (True, False),
        "handed over": (True, True),
        "one of them": (True, False),
    }
    hint = ours["refused"].failed[0].hint
    assert 'ALTER TABLE "public"."knex_migrations" OWNER TO "refused catalog user"' in hint


# --- PgBouncer --------------------------------------------------------------------------------------------------------


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[tuple[Stage, dict[str, State], dict[str, int]]]:
    with embedded_server() as server, ExitStack() as stack:
        stage = staged(server, tmp_path)
        states = {
            "database": fine(stage, "database"),
            "schema": fine(stage, "schema", schema=True),
            "default path": fine(stage, "default path", schema=True),
            "role": fine(stage, "role", role="role app"),
            "pair": pair(stage, "pair"),
        }
        with stage.superuser() as connection:
            for state in states.values():  # the pooler asks for a password, and the generated role has its own path
                for plugin in state.plan.plugins:
                    connection.execute(f'ALTER ROLE "{plugin.role.name}" RESET search_path'.encode())
                    if plugin.schema:
                        database = f'IN DATABASE "{plugin.database.name}" RESET search_path'
                        connection.execute(f'ALTER ROLE "{plugin.role.name}" {database}'.encode())
            connection.execute(b'ALTER ROLE "default path catalog user" SET search_path = catalog')
            connection.execute(b'CREATE ROLE "role app"')
            connection.execute(b'GRANT "role app" TO "role catalog user"')
            connection.execute(b'GRANT TEMPORARY ON DATABASE "role catalog" TO "role app"')
        with stage.superuser("role catalog") as connection:
            connection.execute(b'GRANT ALL ON SCHEMA public TO "role app"')
        users = {plugin.role.live.name: PASSWORD for state in states.values() for plugin in state.plan.plugins}
        ports = {
            mode: stack.enter_context(pgbouncer(server, tmp_path / mode, mode, users)) for mode in ("transaction", "session")
        }
        yield stage, states, ports


@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_behind_pgbouncer(
    pooled: tuple[Stage, dict[str, State], dict[str, int]], mode: str, backstage_dir: Path, tmp_path: Path
) -> None:
    """Backstage works when its migrations run and ten transactions at once are all where they have to be."""
    _, states, ports = pooled
    places = {
        "database": "public database catalog user",
        "schema": "catalog schema catalog user",
        "default path": "catalog default path catalog user",
        "role": "public role app",
        "pair": "public pair catalog user",  # not its login: a role default is set by the server, on each connection
    }
    version = version_of(backstage_dir)
    moved = [
        replace(changed(state, port=ports[mode]), name=name, probe=True, version=version) for name, state in states.items()
    ]
    ours = {state.name: state.preflight(tmp_path) for state in moved}
    theirs = backstage(backstage_dir, moved)
    for name, found in ours.items():
        works = theirs[name]["started"] and theirs[name]["places"] == [places[name]]
        assert found.starts == works, (name, found.failed, theirs[name])
    if mode == "transaction":  # it starts, and works in several places at once
        assert theirs["schema"]["started"]
        assert len(theirs["schema"]["places"]) > 1
    broken = {"schema", "role"} if mode == "transaction" else set()
    assert {name for name, found in ours.items() if not found.starts} == broken
    assert {check.name for found in ours.values() for check in found.failed} == ({"pooler"} if broken else set())
    details = {check.name: check.detail for check in ours["database"].checks}
    assert f"{mode} mode" in details["pooler"]


def test_behind_pgbouncer_a_lost_role_default_is_seen_before_it_is_felt(
    pooled: tuple[Stage, dict[str, State], dict[str, int]], tmp_path: Path
) -> None:
    """The pooler's server connections still act as the owner; the next one it opens would not."""
    stage, states, ports = pooled
    state = changed(states["pair"], port=ports["transaction"])
    assert state.preflight(tmp_path).ready
    with stage.superuser() as connection:
        connection.execute(b'ALTER ROLE "pair catalog user_a" RESET role')
    result = state.preflight(tmp_path)
    found = next(check for check in result.checks if check.name == "owner")
    assert not result.ready
    assert "this session acts as pair catalog user, and a new one would not" in found.detail
    assert found.hint.endswith("; then RECONNECT in the pooler")
    statement = found.hint.removeprefix("as the administrator: ").removesuffix("; then RECONNECT in the pooler")
    with stage.superuser() as connection:
        connection.execute(statement.encode())
    assert state.preflight(tmp_path).ready
