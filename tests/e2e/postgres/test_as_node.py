"""Preflight sees what Backstage's own driver (node-postgres through knex) sees: TLS settings and error messages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage
from sql_plans import Want, make_plan

from generator.backstage.database.resolved import PluginDatabase
from generator.demo.embedded import embedded_binaries, embedded_server, find_psql
from generator.preflight.options import PreflightOptions
from generator.preflight.postgresql.libpq import ConnectionSettingError, parameters
from generator.preflight.postgresql.session import connect
from generator.preflight.preflight import run_preflight
from generator.preflight.private_files import PrivateFiles
from generator.preflight.probes import targets_from_map

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.preflight.results import PreflightResult

HERE = Path(__file__).parent
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
PLAN = make_plan(Want(plugin="catalog"), Want(plugin="search"))
SCHEMA_PLAN = make_plan(Want(plugin="auth", database="schemas", schema="auth"))
PASSWORD = "it's secret"


def node(oracle_dir: Path, cases: list[dict[str, Any]], **env: str) -> list[dict[str, Any]]:
    """What node-postgres makes of each case."""
    done = subprocess.run(
        ["node", HERE / "connect.mjs", oracle_dir],
        input=json.dumps(cases),
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


# --- TLS --------------------------------------------------------------------------------------------------------------


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A certificate authority, a server certificate for ``localhost`` (no IP address), and another authority."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: there is nothing to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "other"):
        new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        _openssl(folder, *new, "-subj", f"/CN=greenroom {name}", "-keyout", f"{name}.key", "-out", f"{name}.pem")
    request = ("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost")
    _openssl(folder, *request, "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    sign = ("x509", "-req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    _openssl(folder, *sign, "-in", "server.csr", "-out", "server.pem")
    return {path.name: path.read_text() for path in folder.iterdir()} | {"folder": str(folder)}


@pytest.fixture(scope="module")
def tls_server(certificates: dict[str, str]) -> Iterator[Any]:
    """PostgreSQL with TLS. The embedded one is built without it."""
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"no PostgreSQL with TLS: there is none in {DEBIAN_15}")
    files = {"server.crt": certificates["server.pem"], "server.key": certificates["server.key"]}
    settings = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    with embedded_server(DEBIAN_15, settings=settings, files=files) as server:
        server.create_admin("tls", PASSWORD)
        yield server


#: Values of ``connection.ssl``; ``CA`` and ``OTHER`` stand for the certificates. ``...`` leaves the key out.
SSL = {
    "absent": ...,
    "false": False,
    "null": None,
    "true": True,
    "text true": "true",
    "no-verify": "no-verify",
    "empty": {},
    "ca": {"ca": "CA"},
    "list of cas": {"ca": ["OTHER", "CA"]},
    "another ca": {"ca": "OTHER"},
    "unverified": {"rejectUnauthorized": False},
    "unverified with another ca": {"ca": "OTHER", "rejectUnauthorized": False},
    "text instead of a boolean": {"ca": "CA", "rejectUnauthorized": "false"},
    "verified ca": {"ca": "CA", "rejectUnauthorized": True},
    "server name": {"ca": "CA", "servername": "localhost"},
    "wrong server name": {"ca": "CA", "servername": "elsewhere"},
    "unverified TLS 1.3": {"rejectUnauthorized": False, "minVersion": "TLSv1.3"},
    "zero": 0,
    "empty text": "",
}


def _filled(value: Any, certificates: dict[str, str]) -> Any:
    texts = {"CA": certificates["ca.pem"], "OTHER": certificates["other.pem"]}
    if isinstance(value, dict):
        return {key: _filled(item, certificates) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, certificates) for item in value]
    return texts.get(value, value) if isinstance(value, str) else value


def _libpq_connects(connection: dict[str, Any], environment: dict[str, str]) -> tuple[bool, bool, str]:
    """Whether libpq connects, whether over TLS, and what it says."""
    try:
        with PrivateFiles() as files:
            opened = connect(parameters(connection, environment, files), 5)
    except psycopg.OperationalError as error:
        return False, False, str(error)
    with opened:
        row = opened.execute("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
        return True, bool(row[0]), ""


@pytest.mark.parametrize(
    "variables",
    [{}, {"NODE_EXTRA_CA_CERTS": "ca.pem"}, {"NODE_TLS_REJECT_UNAUTHORIZED": "0"}, {"PGSSLMODE": "require"}],
    ids=str,
)
def test_tls_settings_mean_what_they_mean_to_node(
    tls_server: Any, certificates: dict[str, str], oracle_dir: Path, tmp_path: Path, variables: dict[str, str]
) -> None:
    environment = {
        key: str(Path(certificates["folder"]) / value) if value.endswith(".pem") else value
        for key, value in variables.items()
    }
    cases, labels = [], []
    for host in ("localhost", "127.0.0.1"):
        for name, value in SSL.items():
            connection = {"host": host, "port": tls_server.port, "user": "tls", "password": PASSWORD, "database": "postgres"}
            if value is not ...:
                connection["ssl"] = _filled(value, certificates)
            cases.append({"connection": connection})
            labels.append(f"{name} at {host}")
    theirs = {label: found["ok"] for label, found in zip(labels, node(oracle_dir, cases, **environment), strict=True)}
    ours = {label: _libpq_connects(case["connection"], environment) for label, case in zip(labels, cases, strict=True)}
    assert {label: found[0] for label, found in ours.items()} == theirs, {label: found[2] for label, found in ours.items()}
    assert True in theirs.values()
    encrypted = {label for label, found in ours.items() if found[1]}
    plain = {"absent", "false", "null", "zero", "empty text"} - ({"absent"} if "PGSSLMODE" in variables else set())
    assert {label for label, found in ours.items() if found[0]} - encrypted == {
        label for label in labels if label.rsplit(" at ", 1)[0] in plain
    }


@pytest.mark.parametrize("value", ["false", "0", "require", 1])
def test_other_scalars_end_nodes_process(tls_server: Any, oracle_dir: Path, tmp_path: Path, value: Any) -> None:
    connection = {"host": "localhost", "port": tls_server.port, "user": "tls", "password": PASSWORD, "ssl": value}
    with pytest.raises(AssertionError, match="TypeError: Cannot use 'in' operator to search for 'key' in"):
        node(oracle_dir, [{"connection": connection}])
    with pytest.raises(ConnectionSettingError) as caught:
        parameters(connection, {}, PrivateFiles())
    assert f"TypeError: Cannot use 'in' operator to search for 'key' in {value} " in caught.value.backstage


def test_keys_and_certificates_are_private_files() -> None:
    pem = "-----BEGIN CERTIFICATE-----\n"
    connection = {"host": "h", "ssl": {"ca": pem, "cert": pem, "key": pem + "key", "passphrase": "x"}}
    with PrivateFiles() as files:
        found = parameters(connection, {}, files)
        assert (found["sslmode"], found["sslpassword"], found["sslcert"]) == ("verify-full", "x", found["sslrootcert"])
        assert Path(found["sslkey"]).read_text() == pem + "key"
        assert all(Path(found[key]).stat().st_mode & 0o077 == 0 for key in ("sslrootcert", "sslcert", "sslkey"))


# --- what Backstage prints --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A server with the plugins' databases on it, and some of them broken."""
    with embedded_server() as server:
        server.create_admin(ADMIN, ADMIN_PASSWORD)
        stage = Stage(server=server, folder=tmp_path_factory.mktemp("scripts"), psql=find_psql(embedded_binaries()))
        for plan in (PLAN, SCHEMA_PLAN):
            stage.must_apply(plan, {role.delivery.env: PASSWORD for role in plan.roles})
        yield stage


BROKEN: dict[str, tuple[str, dict[str, Any], str]] = {
    "wrong password": ("catalog", {"password": "wrong"}, ""),
    "missing database": ("catalog", {"database": "not there"}, ""),
    "connect denied": ("catalog", {"database": "backstage_plugin_search"}, ""),
    "number as password": ("catalog", {"password": 12345}, ""),
    "no password": ("catalog", {"password": None}, ""),
    "no TLS at the server": ("catalog", {"ssl": {}}, ""),
    "server down": ("catalog", {"port": 1}, ""),
    "unknown host": ("catalog", {"host": "no-such-host.invalid"}, ""),
    "no create on the schema": ("search", {}, "REVOKE CREATE ON SCHEMA public FROM backstage_search"),
    "no schema": ("auth", {}, "DROP SCHEMA auth"),
}


def _preflight(plugin_id: str, connection: dict[str, Any], schema: str | None) -> PreflightResult:
    plan = SCHEMA_PLAN if schema else PLAN
    resolved = {
        plugin_id: PluginDatabase(
            plugin_id=plugin_id,
            client="pg",
            schema_name=schema,
            search_path=(schema,) if schema else None,
            connection=connection,
        )
    }
    variables = {role.delivery.env: "set" for role in plan.roles}
    wanted = [target for target in targets_from_map(resolved, plan, variables) if target.plugin_id == plugin_id]
    (result,) = run_preflight(wanted, PreflightOptions(connect_timeout=3)).results
    return result


@pytest.mark.parametrize("name", BROKEN)
def test_it_says_what_backstage_would_print(prepared: Stage, oracle_dir: Path, name: str) -> None:
    plugin_id, changes, statement = BROKEN[name]
    plugin = next(item for plan in (PLAN, SCHEMA_PLAN) for item in plan.plugins if item.plugin_id == plugin_id)
    if statement:
        with prepared.superuser(plugin.database.name) as opened:
            opened.execute(statement)
    connection = {
        "host": "127.0.0.1",
        "port": prepared.server.port,
        "user": plugin.role.name,
        "password": PASSWORD,
        "database": plugin.database.name,
        **changes,
    }
    connection = {key: value for key, value in connection.items() if value is not None}
    case = {"connection": connection, "statement": "create table" if statement else ""}
    if plugin.schema:
        case["searchPath"] = [plugin.schema]
    (theirs,) = node(oracle_dir, [case])
    assert not theirs["ok"]
    said = _preflight(plugin_id, connection, plugin.schema).failed[0].backstage.split("startup failed; caused by ", 1)[1]
    if statement:  # knex puts its whole statement in front; ours says which kind it is
        begin, end = said.split(" … - ")
        assert theirs["error"].startswith(begin)
        assert theirs["error"].endswith(f" - {end}")
    else:
        assert theirs["error"] == said
