"""Every rule at error level, shown with the published Backstage packages.

They fail with the bad example of the rule's page, or resolve it to what nobody can have meant, and not the good one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from resolve_oracle import Backstage
from url_texts import WITH_HOST, WITHOUT_HOST

from generator import Request
from generator.demo.embedded import embedded_server
from generator.lint import lint
from generator.lint.registry import RULES
from generator.lint.rules.drivers import BROUGHT, CLIENTS, SIGN_IN
from generator.problems.diagnostic import Severity

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "lint"))

from lint_pages import example

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.demo.embedded import EmbeddedServer

START = Path(__file__).with_name("start.mjs")
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
ADMIN, PASSWORD = "lint", "lint's secret"

#: What the real loader does not read.
LOADING = ("GR101", "GR102", "GR104", "GR105", "GR106", "GR108", "GR110", "GR111", "GR113", "GR114")
#: What resolves, to the wrong thing or not at all.
RESOLVING = ("GR051", "GR061", "GR070", "GR082", "GR201", "GR220")
#: What a server is needed for.
STARTING = ("GR001", "GR004", "GR026", "GR210", "GR215", "GR216", "GR218", "GR224", "GR232")
#: What Backstage does not decide, or not in a time a test has.
ELSEWHERE = {
    "GR103": "Backstage reads the file, with U+FFFD for what is not UTF-8; test_what_is_not_utf_8 shows it",
    "GR109": "a limit of greenroom's own, far above any configuration",
    "GR112": "Backstage does not end: it includes until the memory is used up",
    "GR115": "greenroom's --env-file",
    "GR230": "Helm decides what becomes of its templates before Backstage gets the file",
    "GR231": "greenroom's --config FILE#PATH",
}


@dataclass
class Question:
    """What ``Backstage.ask`` wants to know of a case."""

    files: list[str]
    environ: dict[str, str] = field(default_factory=dict)
    plugins: tuple[str, ...] = ("catalog",)

    def texts(self) -> dict[str, str]:
        """Nothing to write: the files are there."""
        return {}


def test_every_error_is_shown_here() -> None:
    errors = {code for code, rule in RULES.items() if rule.severity is Severity.ERROR}
    assert errors == {*LOADING, *RESOLVING, *STARTING, *ELSEWHERE}


# --- loading and resolving --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def backstage(oracle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backstage]:
    """The real packages, kept running."""
    running = Backstage(oracle_dir, tmp_path_factory.mktemp("backstage"))
    yield running
    running.close()


def ask(backstage: Backstage, folder: Path, code: str, kind: str) -> dict[str, Any]:
    """What Backstage makes of an example."""
    case = example(code, kind)
    case.write(folder)
    configs = [after for name, after in zip(case.options, case.options[1:], strict=False) if name == "--config"]
    environ = {"POSTGRES_HOST": "h", "POSTGRES_USER": "u", "POSTGRES_PASSWORD": "p", "MYSQL_PASSWORD": "p"}
    if ".env" in case.files:
        environ |= dict(line.split("=", 1) for line in case.files[".env"].decode().split())
    backstage.folder = folder
    answer = backstage.ask(Question(configs, environ))
    return {"error": answer["error"]} if "error" in answer else answer["plugins"][0]


@pytest.mark.parametrize("code", LOADING)
def test_the_real_loader_refuses_it(backstage: Backstage, tmp_path: Path, code: str) -> None:
    assert "error" in ask(backstage, tmp_path / "bad", code, "Bad")
    assert "error" not in ask(backstage, tmp_path / "good", code, "Good")


WRONG = {
    "GR051": lambda plugin: plugin["connection"]["host"] == "base",
    "GR061": lambda plugin: plugin["connection"]["user"] == "portal%40example",
    "GR070": lambda plugin: "user" not in plugin["connection"],
    "GR082": lambda plugin: "Cannot find module '@google-cloud/cloud-sql-connector'" in plugin.get("error", ""),
    "GR220": lambda plugin: plugin["connection"]["host"] == "" and plugin["connection"]["user"] == "",
    "GR201": lambda plugin: "`connection.filename` is not supported" in plugin.get("error", ""),
}


@pytest.mark.parametrize("code", RESOLVING)
def test_the_real_manager_resolves_it_wrong(backstage: Backstage, tmp_path: Path, code: str) -> None:
    bad = ask(backstage, tmp_path / "bad", code, "Bad")
    assert WRONG[code](bad), bad
    if code != "GR082":  # with the package it would sign in to a cloud
        good = ask(backstage, tmp_path / "good", code, "Good")
        assert "error" not in good
        assert not WRONG[code](good), good


def test_what_is_not_utf_8(backstage: Backstage, tmp_path: Path) -> None:
    """Bytes of another encoding become U+FFFD, in a password as well."""
    (tmp_path / "app-config.yaml").write_bytes(
        "backend:\n  database:\n    client: pg\n    connection: {user: Käthe}\n".encode("latin-1")
    )
    backstage.folder = tmp_path
    answer = backstage.ask(Question(["app-config.yaml"]))
    assert answer["plugins"][0]["connection"]["user"] == "K\ufffdthe"


def test_which_drivers_backstage_brings(oracle_dir: Path) -> None:
    manifest = json.loads((oracle_dir / "vendor" / "backend-defaults" / "package.json").read_text())
    known = {*CLIENTS.values(), *SIGN_IN.values()}
    assert known & manifest["dependencies"].keys() == BROUGHT
    assert manifest["peerDependencies"].keys() <= known - BROUGHT
    source = (oracle_dir / "vendor/backend-defaults/dist/entrypoints/database/connectors/postgres.cjs.js").read_text()
    assert all(f'require("{package}")' in source for package in SIGN_IN.values())
    for client in CLIENTS:
        folder = "postgres" if client == "pg" else client
        dialect = (oracle_dir / "node_modules/knex/lib/dialects" / folder / "index.js").read_text()
        assert f"require('{CLIENTS[client]}')" in dialect


def test_strings_without_a_host(backstage: Backstage, tmp_path: Path) -> None:
    """GR220 for those in which the driver finds no host, and for none of the others."""
    backstage.folder = tmp_path
    for text in (*WITHOUT_HOST, *WITH_HOST):
        connection = json.dumps({"backend": {"database": {"client": "pg", "connection": text}}})
        (tmp_path / "app-config.yaml").write_text(connection)
        host = backstage.ask(Question(["app-config.yaml"]))["plugins"][0]["connection"]["host"]
        assert (host in ("", "base") or host.startswith("//")) is (text in WITHOUT_HOST), text


# --- starting ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    """A PostgreSQL without TLS."""
    with embedded_server() as running:
        running.create_admin(ADMIN, PASSWORD)
        yield running


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmbeddedServer, Path]]:
    """A PostgreSQL with TLS, and the certificate of its authority."""
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"no PostgreSQL with TLS: there is none in {DEBIAN_15}")
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: there is nothing to make certificates with")
    folder = tmp_path_factory.mktemp("certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
    _openssl(folder, "req", "-x509", *key, "ca.key", "-days", "2", "-subj", "/CN=greenroom ca", "-out", "ca.pem")
    _openssl(folder, "req", *key, "server.key", "-subj", "/CN=localhost", "-out", "server.csr")
    (folder / "names").write_text("subjectAltName=DNS:localhost\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    _openssl(folder, "x509", "-req", "-in", "server.csr", *signed, "-out", "server.crt")
    files = {name: (folder / name).read_text() for name in ("server.crt", "server.key")}
    settings = {"ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    with embedded_server(DEBIAN_15, settings=settings, files=files) as running:
        running.create_admin(ADMIN, PASSWORD)
        yield running, folder / "ca.pem"


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def start(
    oracle_dir: Path, server: EmbeddedServer, folder: Path, code: str, kind: str, *, statement: str = "", **changes: str
) -> dict[str, Any]:
    """Start the catalog with an example, and run ``statement`` as well.

    ``changes`` are texts to replace in its files. A process that ends is an error.
    """
    case = example(code, kind)
    case.write(folder)
    for name in case.files:
        text = (folder / name).read_text()
        for old, new in changes.items():
            text = text.replace({"certificate": "/etc/ssl/rds-bundle.pem"}[old], new)
        (folder / name).write_text(text)
    return run_start(oracle_dir, server, folder, [folder / name for name in case.files], statement=statement)


def run_start(
    oracle_dir: Path, server: EmbeddedServer, folder: Path, files: list[Path], *, statement: str = ""
) -> dict[str, Any]:
    """Start the catalog with ``files``."""
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("APP_CONFIG_")},
        "POSTGRES_HOST": "localhost",
        "MYSQL_HOST": "localhost",
        "MYSQL_USER": ADMIN,
        "MYSQL_PASSWORD": PASSWORD,
        "PGPORT": str(server.port),  # the examples leave the port to the driver
        "POSTGRES_USER": ADMIN,
        "POSTGRES_PASSWORD": PASSWORD,
        "CATALOG_DB_PASSWORD": PASSWORD,
        "GREENROOM_STATEMENT": statement,
    }
    command = ["node", "--no-warnings", str(START), str(oracle_dir), "catalog", *map(str, files)]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120)
    answer = done.stdout.strip().rpartition("\n")[2]
    if done.returncode or not answer.startswith("{"):
        return {"error": f"the process ended with {done.returncode}: {done.stderr}"}
    found: dict[str, Any] = json.loads(answer)
    return found


def test_a_text_for_ssl(oracle_dir: Path, server: EmbeddedServer, tls: Any, tmp_path: Path) -> None:
    plain = start(oracle_dir, server, tmp_path / "plain", "GR001", "Bad")
    assert "The server does not support SSL connections" in plain["error"]
    encrypted = start(oracle_dir, tls[0], tmp_path / "tls", "GR001", "Bad")
    assert "the process ended with" in encrypted["error"]
    assert "Cannot use 'in' operator to search for 'key'" in encrypted["error"]
    good = start(oracle_dir, server, tmp_path / "good", "GR001", "Good")
    assert good == {"database": "backstage_plugin_catalog", "user": ADMIN, "ssl": False}


def test_the_path_of_a_certificate(oracle_dir: Path, tls: Any, tmp_path: Path) -> None:
    running, authority = tls
    bad = start(oracle_dir, running, tmp_path / "bad", "GR004", "Bad", certificate=str(authority))
    assert "certificate" in bad["error"]
    good = start(oracle_dir, running, tmp_path / "good", "GR004", "Good", certificate=str(authority))
    assert good.get("ssl") is True, good


def test_the_path_of_a_certificate_where_nothing_is_checked(oracle_dir: Path, tls: Any, tmp_path: Path) -> None:
    """It connects all the same: a warning."""
    running, authority = tls
    bad = tmp_path / "bad"
    unchecked = f"{authority}\n        rejectUnauthorized: false"
    assert start(oracle_dir, running, bad, "GR004", "Bad", certificate=unchecked).get("ssl") is True
    report = lint(Request(root=bad, environ={}), select=("GR004",))
    assert [str(finding.diagnostic.severity) for finding in report.findings] == ["warning"]


def test_the_client_that_creates_databases(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    """SQLite's client is asked to create a PostgreSQL database; without that step the plugin starts."""
    bad = start(oracle_dir, server, tmp_path / "bad", "GR026", "Bad")
    assert "Failed to connect to the database to make sure that 'backstage_plugin_catalog' exists" in bad["error"]
    assert "better-sqlite3" in bad["error"]
    execute(server, "DROP DATABASE IF EXISTS backstage_plugin_catalog", "CREATE DATABASE backstage_plugin_catalog")
    good = start(oracle_dir, server, tmp_path / "good", "GR026", "Good")
    assert good.get("database") == "backstage_plugin_catalog", good


def test_a_name_that_postgresql_cuts(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    """A warning: it starts, twice even, in a database with another name."""
    for _ in range(2):
        assert len(start(oracle_dir, server, tmp_path / "bad", "GR040", "Bad")["database"]) == 63


def test_a_password_that_is_a_number(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    bad = start(oracle_dir, server, tmp_path / "bad", "GR210", "Bad")
    assert "client password must be a string" in bad["error"]
    assert "error" not in start(oracle_dir, server, tmp_path / "good", "GR210", "Good")


def test_an_include_nobody_knows(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    bad = start(oracle_dir, server, tmp_path / "bad", "GR215", "Bad")
    assert "error" in bad, bad
    assert "error" not in start(oracle_dir, server, tmp_path / "good", "GR215", "Good")


def test_a_boolean_for_the_ssl_of_mysql(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    """The driver throws before it connects; with an object it looks for a server."""
    bad = start(oracle_dir, server, tmp_path / "bad", "GR224", "Bad")
    assert "SSL profile must be an object, instead it's a boolean" in bad["error"]
    assert "SSL profile" not in start(oracle_dir, server, tmp_path / "good", "GR224", "Good")["error"]


def test_several_hosts(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    bad = start(oracle_dir, server, tmp_path / "bad", "GR232", "Bad")
    assert "getaddrinfo" in bad["error"]
    assert "db-1.example.com,db-2.example.com" in bad["error"]
    assert "error" not in start(oracle_dir, server, tmp_path / "good", "GR232", "Good")


@pytest.mark.parametrize("code", ["GR216", "GR218"])
def test_a_host_that_holds_more(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path, code: str) -> None:
    bad = start(oracle_dir, server, tmp_path / "bad", code, "Bad")
    assert "getaddrinfo" in bad["error"]
    assert "db.example:5432" in bad["error"]


# --- TLS that another key switches ------------------------------------------------------------------------------------

#: What stands in a connection besides host and user, and what comes of it on a server without and on one with TLS.
#: There, "refused" is a certificate of a private authority that was checked.
TLS_KEYS = {
    "sslmode: require": (False, False),
    "sslMode: verify-full": (False, False),
    "useSSL: true": (False, False),
    "rejectUnauthorized: false": (False, False),
    "sslmode: disable, ssl: true": ("no TLS", "refused"),
    "ssl: {require: false}": ("no TLS", "refused"),
    "ssl: {mode: disable}": ("no TLS", "refused"),
    "ssl: {mode: require}": ("no TLS", "refused"),
    "ssl: {enabled: false, rejectUnauthorized: false}": ("no TLS", True),
    "ssl: {verify: false}": ("no TLS", "refused"),
}


@pytest.mark.parametrize("keys", TLS_KEYS)
def test_keys_that_do_not_switch_tls(
    oracle_dir: Path, server: EmbeddedServer, tls: tuple[EmbeddedServer, Path], tmp_path: Path, keys: str
) -> None:
    """GR222 and GR223: a warning for each of them, and what the driver does."""
    file = tmp_path / "app-config.yaml"
    found = []
    for running in (server, tls[0]):
        connection = f"{{host: localhost, port: {running.port}, user: {ADMIN}, password: '${{POSTGRES_PASSWORD}}', {keys}}}"
        file.write_text(f"backend: {{database: {{client: pg, connection: {connection}}}}}\n")
        answer = run_start(oracle_dir, running, tmp_path, [file])
        error = answer.get("error", "")
        told = "no TLS" if "does not support SSL" in error else "refused" if "certificate" in error else error
        found.append(answer.get("ssl", told))
    assert tuple(found) == TLS_KEYS[keys]
    report = lint(Request(root=tmp_path, config=[str(file)], environ={}))
    assert {"GR222", "GR223"} & {finding.diagnostic.code for finding in report.findings}


# --- warnings that a server shows -------------------------------------------------------------------------------------


def execute(server: EmbeddedServer, *statements: str) -> None:
    """Run statements as the superuser."""
    import psycopg

    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def catalog_user(server: EmbeddedServer) -> Iterator[None]:
    """A user of the catalog's own, and no database."""
    execute(
        server,
        "DROP DATABASE IF EXISTS backstage_plugin_catalog",
        f"CREATE ROLE backstage_catalog LOGIN PASSWORD '{PASSWORD.replace(chr(39), chr(39) * 2)}'",
    )
    yield
    execute(server, "DROP DATABASE IF EXISTS backstage_plugin_catalog", "DROP ROLE backstage_catalog")


@pytest.mark.usefixtures("catalog_user")
def test_a_database_that_the_base_user_created(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    """The plugin's own user may create no table in it; in a database it owns it may (GR020)."""
    table = "create table t ()"
    bad = start(oracle_dir, server, tmp_path / "bad", "GR020", "Bad", statement=table)
    assert "permission denied for schema public" in bad["error"]
    execute(
        server, "DROP DATABASE backstage_plugin_catalog", "CREATE DATABASE backstage_plugin_catalog OWNER backstage_catalog"
    )
    good = start(oracle_dir, server, tmp_path / "good", "GR020", "Good", statement=table)
    assert good.get("user") == "backstage_catalog", good


@pytest.mark.usefixtures("catalog_user")
def test_a_base_role_that_a_plugins_user_is_no_member_of(oracle_dir: Path, server: EmbeddedServer, tmp_path: Path) -> None:
    """The process ends (GR031)."""
    execute(server, "CREATE ROLE backstage_owner", "CREATE DATABASE backstage_plugin_catalog OWNER backstage_catalog")
    try:
        bad = start(oracle_dir, server, tmp_path / "bad", "GR031", "Bad", statement="select pg_sleep(1)")
        assert "the process ended with" in bad["error"]
        assert "backstage_owner" in bad["error"]
        good = start(oracle_dir, server, tmp_path / "good", "GR031", "Good")
        assert good.get("user") == "backstage_catalog", good
    finally:
        execute(server, "DROP ROLE backstage_owner")


# --- real files -------------------------------------------------------------------------------------------------------

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
REAL = sorted(path for path in CORPUS.iterdir() if path.is_file()) if CORPUS.is_dir() else []


@pytest.mark.skipif(not REAL, reason="the collection of real app-configs is not beside this checkout")
def test_backstage_fails_with_every_real_file_that_gets_an_error(backstage: Backstage, tmp_path: Path) -> None:
    """Loading or resolving fails, or the driver gets an object where a text belongs."""
    backstage.folder = CORPUS
    seen = 0
    for file in REAL:
        report = lint(Request(root=tmp_path, config=[str(file)], environ={}))
        names = set(re.findall(r"\$\{\s*([A-Za-z_]\w*)", file.read_text(encoding="utf-8", errors="replace")))
        answer = backstage.ask(Question([file.name], dict.fromkeys(names, "1")))
        plugin = answer["plugins"][0] if "plugins" in answer else answer
        parts = plugin.get("connection")
        odd = isinstance(parts, dict) and any(isinstance(parts.get(key), dict) for key in ("user", "password", "host"))
        fails = "error" in plugin or odd
        # Values of a chart without an app-config in them are no app-config: Backstage finds nothing in them, and starts.
        errors = {item.code for item in report.diagnostics if item.severity is Severity.ERROR} - {"GR434"}
        assert fails or not errors, file.name
        seen += bool(errors)
    assert seen
