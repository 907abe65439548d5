"""What goes wrong on the way to a server: an answer comes in any case, and the same request again brings the right state."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import socket
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cfn_stage import Context, sql_function
from cfn_wire import Cutter, running
from mariadb import make_certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cfn_stage import Cloud

#: Each n-th statement; 1 takes an hour on three servers.
STEP = int(os.environ.get("GREENROOM_CUT_STEP", "15"))
#: Where each server begins, so that together they are cut at more places.
FIRST = {"pg15": 0, "pg18": STEP // 3, "mariadb": 0}


def _cuts(cloud: Cloud, statements: int, first: int = 1) -> range:
    return range(first + FIRST[cloud.target.label], statements + 1, STEP)


def test_a_server_that_is_down(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRY_SECONDS", "2")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    properties = {**cloud.plugin("catalog"), "Port": str(port)}
    assert f"localhost:{port}: Connection refused" in cloud.refused("Create", properties)


def test_a_server_that_says_nothing_is_given_up_in_time(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        properties = {**cloud.plugin("catalog"), "Port": str(silent.getsockname()[1])}
        cloud.seconds = 19
        started = time.monotonic()
        assert "timed out" in cloud.refused("Create", properties)
        assert time.monotonic() - started < 19


def test_a_wrong_password_of_the_administrator(cloud: Cloud) -> None:
    cloud.secrets["admin"]["password"] = "wrong wrong"
    reason = cloud.refused("Create", cloud.plugin("catalog"))
    assert "cannot log in" in reason
    assert "wrong wrong" not in reason


def test_a_certificate_of_nobody_we_know(cloud: Cloud) -> None:
    for bundle in ("system", _other_authority()):
        reason = cloud.refused("Create", {**cloud.plugin("catalog"), "CaBundle": bundle})
        assert "cannot be verified" in reason
        assert "CaBundle" in reason
    wrong = {**cloud.plugin("catalog"), "Host": socket.gethostname()}
    assert not cloud.target.databases
    assert cloud.send("Create", wrong)["Status"] == "FAILED"


def _other_authority() -> str:
    with tempfile.TemporaryDirectory() as folder:
        make_certificates(Path(folder))
        return (Path(folder) / "ca.pem").read_text()


def test_a_server_without_tls(pg_cloud: Cloud, pg18: Any) -> None:
    reason = pg_cloud.refused("Create", {**pg_cloud.plugin("catalog"), "Port": str(pg18.running.port)})
    assert "has no TLS" in reason


# --- the line is cut ---------------------------------------------------------------------------------------------------


@pytest.fixture
def cutter(cloud: Cloud) -> Iterator[Cutter]:
    first = 8 if cloud.target.is_postgresql else 36
    with running(Cutter(("127.0.0.1", cloud.target.port), first)) as made:
        yield made


def _state(cloud: Cloud) -> Any:
    """What is on the server, without what is different each time (salts, request ids)."""
    markers = [cloud.target.marker("database", name) for name in sorted(cloud.target.databases)]
    markers += [cloud.target.marker("role", name) for name in sorted(cloud.target.roles)]
    shown = [marker and {key: value for key, value in marker.items() if key != "request"} for marker in markers]
    if cloud.target.is_postgresql:
        acls = cloud.target.rows("SELECT datname, datacl::text FROM pg_database WHERE datname LIKE '%plugin%' ORDER BY 1")
    else:
        acls = cloud.target.rows("SHOW GRANTS FOR backstage_catalog") if "backstage_catalog" in cloud.target.roles else []
        acls = [[line[0].partition("IDENTIFIED")[0]] for line in acls]
    return sorted(cloud.target.databases), sorted(cloud.target.roles), shown, acls


def _requests(cloud: Cloud, port: int) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """A request of each kind, and those that come before it."""
    plain = {**cloud.plugin("catalog"), "Port": str(port)}
    renamed = {**plain, "Role": "portal_catalog"}
    if cloud.target.is_postgresql:
        renamed["Database"] = "portal_plugin"
    armed = {**plain, "OnDelete": "Drop"}
    physical_id = f"123456789012/eu-central-1/backstage/Catalog@localhost:{port}"
    create = cloud.event("Create", plain, request_id="create")
    return {
        "Create": (create, []),
        "Update": (cloud.event("Update", renamed, old=plain, physical_id=physical_id, request_id="update"), [create]),
        "Delete": (
            cloud.event("Delete", armed, physical_id=physical_id, request_id="delete"),
            [cloud.event("Create", armed, request_id="create")],
        ),
    }


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
def test_a_line_that_is_cut_in_the_middle_of_each_statement(
    cloud: Cloud, cutter: Cutter, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.secrets["secret-catalog"] = {}
    request, before = _requests(cloud, cutter.port)[kind]
    cloud.secrets["secret-catalog"] = {"username": "", "password": "secret"}

    def prepare() -> None:
        cloud.target.clear()
        for event in before:
            assert cloud.deliver(event)["Status"] == "SUCCESS"

    prepare()
    cutter.arm(0, "before")
    assert cloud.deliver(request)["Status"] == "SUCCESS"
    wanted, statements = _state(cloud), cutter.count
    assert statements > 8
    failures = 0
    for first, mode in enumerate(("before", "after"), start=1):
        for number in _cuts(cloud, statements, first):
            prepare()
            cutter.arm(number, mode)
            monkeypatch.setenv("RETRY_SECONDS", "0")
            answer = cloud.deliver(request)
            failures += answer["Status"] == "FAILED"
            cutter.arm(0, mode)
            monkeypatch.setenv("RETRY_SECONDS", "30")
            again = cloud.deliver(request)
            assert again["Status"] == "SUCCESS", (mode, number, answer["Reason"], again["Reason"])
            assert _state(cloud) == wanted, (mode, number)
    assert failures > statements // STEP, "hardly any cut was noticed, so this proves little"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["Create", "Delete"])
def test_a_function_that_is_killed_between_two_statements(cloud: Cloud, cutter: Cutter, kind: str) -> None:
    cloud.plugin("catalog")
    request, before = _requests(cloud, cutter.port)[kind]
    cloud.secrets["secret-catalog"] = {"username": "", "password": "secret"}
    payload = {
        "request": request,
        "admin": {"username": cloud.target.admin, "password": cloud.target.admin_password},
        "password": "secret",
        "ca": cloud.target.ca,
        "seconds": 60,
    }
    cutter.arm(0, "before")
    for event in before:
        cloud.deliver(event)
    cutter.arm(0, "before")
    cloud.deliver(request)
    wanted, statements = _state(cloud), cutter.count
    fork = multiprocessing.get_context("fork")
    for number in _cuts(cloud, statements - 1, 2):  # after the last one it may have ended before it is killed
        cloud.target.clear()
        cutter.arm(0, "before")
        for event in before:
            assert cloud.deliver(event)["Status"] == "SUCCESS"
        process = fork.Process(target=sql_function.handler, args=(payload, Context()), daemon=True)
        cutter.arm(number, "after", lambda process=process: os.kill(process.pid, signal.SIGKILL))
        process.start()
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        cutter.arm(0, "before")
        answer = cloud.deliver(request)
        assert answer["Status"] == "SUCCESS", (number, answer)
        assert _state(cloud) == wanted, number


def test_a_cut_line_is_mended_within_one_request(cloud: Cloud, cutter: Cutter) -> None:
    """The function tries again by itself."""
    properties = {**cloud.plugin("catalog"), "Port": str(cutter.port)}
    cutter.arm(6, "after")
    cloud.must("Create", properties)
    assert cutter.count > 6


# --- many at once -------------------------------------------------------------------------------------------------------


def test_forty_at_once(cloud: Cloud) -> None:
    names = [f"p{number:02}" for number in range(40)]
    events = [cloud.event("Create", cloud.plugin(name), logical_id=name) for name in names]
    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(cloud.deliver, events))
    failed = [answer["Reason"] for answer in answers if answer["Status"] != "SUCCESS"]
    assert not failed, failed
    assert cloud.target.databases == {f"plugin_{name}" for name in names}
    assert cloud.target.roles == {f"backstage_{name}" for name in names}


def test_no_connections_left_is_waited_for(pg_cloud: Cloud) -> None:
    """53300, until somebody leaves; and nobody leaves before the function was turned away."""
    import threading

    import psycopg

    target = pg_cloud.target
    taken = []
    try:
        while True:
            taken.append(psycopg.connect(target.running.dsn(), autocommit=True))
    except psycopg.OperationalError:
        pass
    log = target.running.folder / "log"
    begin, turned_away = log.stat().st_size, []

    def leave() -> None:
        until = time.monotonic() + 60
        while time.monotonic() < until and not turned_away:
            said = log.read_bytes()[begin:].decode(errors="replace")
            turned_away.extend(re.findall(r"FATAL: .*(?:too many clients|connection slots)", said))
            time.sleep(0.05)
        for connection in taken:
            connection.close()

    waiting = threading.Thread(target=leave)
    waiting.start()
    try:
        pg_cloud.must("Create", pg_cloud.plugin("catalog"))
        assert turned_away, "it found a connection at once: nothing was waited for"
    finally:
        waiting.join()


def test_no_secret_in_logs_and_answers(cloud: Cloud, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    secret = "Sesam'öffne\\dich"
    cloud.must("Create", cloud.plugin("catalog", secret))
    cloud.secrets["admin"]["password"] = "wrong-secret"
    answer = cloud.send("Create", cloud.plugin("search", secret), logical_id="Search")
    captured = capsys.readouterr().out
    for text in (secret, "wrong-secret", cloud.target.admin_password, "SCRAM-SHA-256$", "Sesam"):
        assert text not in captured
        assert text not in str(answer)
