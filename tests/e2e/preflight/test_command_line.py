"""`greenroom preflight` as people and containers run it: output formats, waiting, signals, terminals, silent servers."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from installation import CONFIG
from jsonschema import Draft202012Validator
from junitparser import JUnitXml

from generator.cli.app import run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("preflight-command")]

SCHEMA = json.loads((Path(__file__).resolve().parents[3] / "schemas" / "preflight.schema.json").read_text())


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        yield listener.getsockname()[1]


# --- results ----------------------------------------------------------------------------------------------------------


def test_json_is_what_its_schema_says(installed: Installation) -> None:
    for env, code in (({}, 0), ({"BACKSTAGE_DB_AUTH_PASSWORD": "a wrong one"}, 4), ({"POSTGRES_PORT": "1"}, 4)):
        done = installed.run("--format", "json", env=env)
        assert done.returncode == code, done.stderr
        report = json.loads(done.stdout)
        Draft202012Validator(SCHEMA).validate(report)
        assert report["ready"] is (code == 0)
        assert bool(report["diagnostics"]) is (code != 0)
    assert {item["code"] for item in report["diagnostics"]} == {"GR712"}


def test_junit(installed: Installation) -> None:
    done = installed.run("--junit", "report.xml", env={"BACKSTAGE_DB_AUTH_PASSWORD": "a wrong one"})
    assert done.returncode == 4
    assert "NOT READY: login" in done.stdout
    report = JUnitXml.fromfile(str(installed.root / "report.xml"))
    suites = {suite.name: suite for suite in report}
    assert list(suites) == ["auth", "catalog", f"server {installed.server.host}:{installed.server.port}"]
    assert (suites["auth"].failures, suites["catalog"].failures, report.failures) == (1, 0, 1)
    assert report.tests == sum(len(list(suite)) for suite in suites.values())
    (case,) = [case for case in suites["auth"] if not case.is_passed]
    (failure,) = case.result
    assert (case.name, failure.type) == ("login", "GR721")
    assert "Backstage: Plugin 'auth' startup failed" in failure.text
    assert "help: " in failure.text
    # The same on stdout.
    text = installed.run("--format", "junit").stdout
    assert JUnitXml.fromstring(text.encode()).failures == 0
    assert installed.run("--junit", "no/such/folder/report.xml").returncode == 2


def test_replicas(installed: Installation) -> None:
    done = installed.run("--replicas", "20")
    assert done.returncode == 0
    assert "2 plugins x pool.max x 20 replicas = 400" in done.stdout
    assert "warning[GR729]" in done.stderr
    assert "warning" not in installed.run("--replicas", "20", "--quiet").stderr
    done = installed.run("--replicas", "60")
    assert done.returncode == 4
    assert "error[GR729]" in done.stderr


def test_a_failure_says_what_backstage_prints_and_what_to_run(installed: Installation) -> None:
    installed.sql("REVOKE TEMPORARY ON DATABASE backstage_plugin_catalog FROM backstage_catalog")
    try:
        done = installed.run()
    finally:
        installed.sql("GRANT TEMPORARY ON DATABASE backstage_plugin_catalog TO backstage_catalog")
    assert done.returncode == 4
    message = 'permission denied to create temporary tables in database "backstage_plugin_catalog"'
    assert done.stderr == (
        f"error[GR716] backend.database.plugin.catalog: plugin 'catalog': temporary table: {message}\n"
        f"    Backstage: Plugin 'catalog' startup failed; caused by error: create temp table … - {message}\n"
        '    help: GRANT TEMPORARY ON DATABASE "backstage_plugin_catalog" TO "backstage_catalog"\n'
        "1 error\n"
    )
    assert installed.run().returncode == 0


def test_nothing_to_prove_is_said(installed: Installation, tmp_path: Path) -> None:
    """The default lookup finds the development database of create-app, and that must not look like a verdict."""
    config = tmp_path / "app-config.yaml"
    config.write_text("backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n")
    arguments = ("--config", str(config), "--plugin", "catalog", "--out", str(tmp_path), "--wait", "30")
    started = time.monotonic()
    done = installed.run(*arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert time.monotonic() - started < 28  # not the 30 of --wait
    assert (
        "error[GR708] backend.database: no plugin is on a PostgreSQL or MySQL server: there is nothing to prove"
        in done.stderr
    )
    assert f"info[GR707] there is no {tmp_path}/app-config.databases.yaml: app-config is looked at without" in done.stderr
    assert "GR707" not in installed.run().stderr


# --- waiting ----------------------------------------------------------------------------------------------------------


def test_waiting_ends_as_soon_as_all_is_ready(installed: Installation) -> None:
    installed.sql("ALTER ROLE backstage_auth NOLOGIN")
    process = installed.start("--wait", "60")
    try:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert first == 'auth: waiting: login: role "backstage_auth" is not permitted to log in\n'
        installed.sql("ALTER ROLE backstage_auth LOGIN")
        fixed = time.monotonic()
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        installed.sql("ALTER ROLE backstage_auth LOGIN")
    assert process.returncode == 0
    assert stderr == "auth: ready\n"
    assert time.monotonic() - fixed < 40  # the longest pause is five seconds
    assert "NOT READY" not in stdout


def test_waiting_has_an_end_and_says_each_change_once(installed: Installation) -> None:
    started = time.monotonic()
    done = installed.run("--wait", "4", env={"POSTGRES_PORT": "1"})
    assert done.returncode == 4
    assert 4 <= time.monotonic() - started < 40
    assert done.stderr.count("waiting") == 1
    assert "auth, catalog: waiting: reachable: 127.0.0.1:1 refuses connections" in done.stderr
    assert "waiting" not in installed.run("--wait", "1", "--quiet", env={"POSTGRES_PORT": "1"}).stderr


# --- signals ----------------------------------------------------------------------------------------------------------


def wait_for_a_connection(port: int) -> None:
    """Until somebody has a connection to ``port``."""
    table = Path("/proc/net/tcp")
    if not table.exists():
        time.sleep(3)
        return
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = [line.split() for line in table.read_text().splitlines()[1:]]
        if any(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows):
            return
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGTERM, 143, "Terminated."), (signal.SIGINT, 130, "Aborted.")]
)
@pytest.mark.parametrize("options", [("--wait", "60"), ("--timeout", "60")], ids=["waiting", "hanging"])
def test_a_signal_ends_it_at_once(
    installed: Installation, silent: int, options: tuple[str, ...], number: signal.Signals, code: int, word: str
) -> None:
    port = 1 if "--wait" in options else silent
    process = installed.start(*options, env={"POSTGRES_PORT": str(port)})
    try:
        if "--wait" in options:
            assert process.stderr is not None
            assert "waiting" in process.stderr.readline()
        else:
            wait_for_a_connection(silent)  # it waits for a word now
        sent = time.monotonic()
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == code, stderr
    assert time.monotonic() - sent < 25
    assert word in stderr
    assert "Traceback" not in stderr


# --- terminals --------------------------------------------------------------------------------------------------------


def on_a_terminal(installed: Installation, *options: str, **env: str) -> str:
    """What preflight writes to a terminal as its stderr."""
    leader, follower = pty.openpty()
    process = installed.start(*options, env={"TERM": "xterm-256color", **env}, stderr=follower)
    os.close(follower)
    seen = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            part = os.read(leader, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        seen += part
    process.communicate(timeout=60)
    os.close(leader)
    assert process.returncode == 0
    return seen.decode()


def test_progress_is_for_terminals_only(installed: Installation) -> None:
    assert re.search(r"preflight.*2/2", on_a_terminal(installed), re.S)
    assert on_a_terminal(installed, "--quiet") == ""
    assert on_a_terminal(installed, NO_COLOR="1") == ""
    assert on_a_terminal(installed, TERM="dumb") == ""
    assert installed.run().stderr == ""


# --- silence ----------------------------------------------------------------------------------------------------------


def test_a_silent_server_is_not_asked_by_every_plugin(installed: Installation, silent: int) -> None:
    plugins = [word for number in range(60) for word in ("--plugin", f"plugin-{number}")]
    config = CONFIG.replace("nobody", "me").replace('"${POSTGRES_PASSWORD}"', "secret") + "    ensureExists: false\n"
    (installed.root / "silent.yaml").write_text(config)
    started = time.monotonic()
    done = installed.run(
        "--config", "silent.yaml", "--out", "elsewhere", "--timeout", "2", *plugins, env={"POSTGRES_PORT": str(silent)}
    )
    assert done.returncode == 4
    assert time.monotonic() - started < 15  # 60 plugins, 12 at once, one after the other would be 10 s of waiting alone
    assert f"127.0.0.1:{silent} does not answer (two plugins of this run gave up on it already)" in done.stderr
    assert done.stdout.count("NOT READY: reachable") == 60


def test_a_name_server_that_never_answers(
    installed: Installation, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The system's own resolver knows no timeout that a program could set."""
    for name, value in {**installed.environ, "POSTGRES_HOST": "db.example.com"}.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: time.sleep(60))
    started = time.monotonic()
    assert run(["preflight", "--timeout", "1"]) == 4
    assert time.monotonic() - started < 40
    said = capsys.readouterr().err
    assert "reachable: no name server answers for 'db.example.com' within 1 s" in said
    assert "getaddrinfo EAI_AGAIN db.example.com" in said


# --- input that cannot work -------------------------------------------------------------------------------------------


def test_a_variable_that_is_missing(installed: Installation) -> None:
    done = installed.run(env={"BACKSTAGE_DB_AUTH_PASSWORD": ""})
    assert done.returncode == 4
    assert "GR711" in done.stderr
    assert "set BACKSTAGE_DB_AUTH_PASSWORD" in done.stderr


def test_a_password_from_a_file(installed: Installation) -> None:
    fragment = installed.root / "infra" / "app-config.databases.yaml"
    text = fragment.read_text()
    assert "${BACKSTAGE_DB_AUTH_PASSWORD}" in text
    fragment.write_text(
        text.replace("${BACKSTAGE_DB_AUTH_PASSWORD}", "{$file: auth.password}").replace("'{", "{").replace("}'", "}")
    )
    missing = installed.run()
    assert missing.returncode == 1
    assert "auth.password" in missing.stderr
    (installed.root / "infra" / "auth.password").write_text("correct horse\n")
    done = installed.run()
    assert done.returncode == 0, done.stderr


def test_no_plugin_at_all(installed: Installation) -> None:
    done = installed.run("--out", "elsewhere")
    assert done.returncode == 1
    assert "GR407" in done.stderr
