"""The throw-away server: quick, local, with real passwords, and gone afterwards, however its process ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from command_line import default_signals

from generator.demo.embedded import embedded_binaries, embedded_server
from generator.problems.diagnostic import GreenroomError

PROJECT = Path(__file__).resolve().parents[3]

HOLDER = """
import json, sys, time
from generator.demo.embedded import embedded_server
with embedded_server() as server:
    print(json.dumps([server.pid, str(server.folder), server.port]), flush=True)
    time.sleep(120)
"""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return os.name == "posix" and sys.platform != "linux"


def gone(pid: int, folder: Path) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not is_running(pid) and not folder.exists():
            return True
        time.sleep(0.05)
    return False


def test_it_starts_quickly_and_takes_everything_with_it() -> None:
    started = time.monotonic()
    with embedded_server() as server:
        seconds = time.monotonic() - started
        with psycopg.connect(server.dsn()) as connection:
            assert connection.info.server_version >= 180000
        assert server.folder.stat().st_mode & 0o077 == 0
    assert seconds < 30, f"{seconds:.1f} s"
    assert gone(server.pid, server.folder)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.dsn())


def test_it_listens_on_this_machine_alone_and_wants_passwords() -> None:
    with embedded_server() as server:
        server.create_admin("the admin", "it's secret")
        good = {
            "host": server.host,
            "port": server.port,
            "user": "the admin",
            "password": "it's secret",
            "dbname": "postgres",
        }
        with psycopg.connect(**good) as connection:
            row = connection.execute(
                "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
                " WHERE rolname = current_user"
            ).fetchone()
            assert row == (False, True, True, False, False)
        for wrong in ({"password": "wrong"}, {"password": ""}, {"user": "postgres"}, {"user": "nobody"}):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(**{**good, **wrong})
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
            assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)
            rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
            assert rules == [("scram-sha-256",)]
        assert server.password not in repr(server)


def test_it_goes_when_the_block_fails() -> None:
    with pytest.raises(ZeroDivisionError), embedded_server() as server:
        raise ZeroDivisionError
    assert gone(server.pid, server.folder)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP], ids=lambda item: item.name)
def test_it_goes_with_the_process_that_started_it(how: signal.Signals) -> None:
    import json

    with subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
        text=True,
        preexec_fn=default_signals,
    ) as holder:
        assert holder.stdout is not None
        pid, folder, port = json.loads(holder.stdout.readline())
        assert is_running(pid)
        holder.send_signal(how)
        holder.wait(timeout=30)
    assert gone(pid, Path(folder))
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_it_goes_when_the_process_dies_while_it_starts() -> None:
    # A place of its own: other workers and other checkouts start servers at the same moment.
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)  # the server of an administrator runs as somebody else
        with subprocess.Popen(
            [sys.executable, "-c", HOLDER],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=PROJECT,
            env={**os.environ, "TMPDIR": place},
            text=True,
        ) as holder:
            deadline = time.monotonic() + 60
            while not list(Path(place).glob("greenroom-server-*")) and time.monotonic() < deadline:
                time.sleep(0.001)
            assert list(Path(place).glob("greenroom-server-*"))
            holder.kill()
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and list(Path(place).glob("greenroom-server-*")):
            time.sleep(0.1)
        assert not list(Path(place).glob("greenroom-server-*"))


def test_binaries_that_an_unprivileged_user_cannot_read_are_copied(tmp_path: Path) -> None:
    """As in a virtual environment below /root: PostgreSQL refuses root, and its own user may not enter there."""
    if os.geteuid() != 0:
        pytest.skip("only root has to run the server as somebody else")
    source = embedded_binaries().parents[1]
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    shutil.copytree(source, private / source.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
    libraries = source.with_name(f"{source.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, private / libraries.name, symlinks=True)
    with embedded_server(private / source.name / "pginstall" / "bin") as server:
        assert (server.folder / "binaries").is_dir()
        with psycopg.connect(server.dsn()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert gone(server.pid, server.folder)


def test_an_ordinary_user_can_run_it() -> None:
    if os.geteuid() != 0:
        pytest.skip("every other test here already runs as an ordinary user")
    code = "from generator.demo.embedded import embedded_server\nwith embedded_server() as s: print(s.folder.stat().st_uid)"
    packages = str(embedded_binaries().parents[2])
    outcomes = []
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            done = subprocess.run(
                [python, "-c", code],
                cwd="/",
                env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join([str(PROJECT), packages])},
                user=65534,
                group=65534,
                extra_groups=[],
                capture_output=True,
                text=True,
            )
        except OSError as error:
            outcomes.append(f"{python}: {error}")
            continue
        if "SyntaxError" in done.stderr or "cannot import name 'StrEnum'" in done.stderr:
            outcomes.append(f"{python} is older than 3.11")
            continue
        assert (done.stdout, done.returncode) == ("65534\n", 0), done.stderr
        return
    pytest.skip(f"no interpreter that an ordinary user may run: {'; '.join(outcomes)}")


@pytest.mark.parametrize(
    ("folder", "words"), [("missing", "there is no PostgreSQL server in"), ("broken", "does not run from")]
)
def test_a_server_that_does_not_start_is_one_clear_error(tmp_path: Path, folder: str, words: str) -> None:
    broken = tmp_path / "broken" / "bin"
    broken.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (broken / name).write_text("#!/bin/sh\nexit 1\n")
        (broken / name).chmod(0o755)
    with pytest.raises(GreenroomError) as caught, embedded_server(tmp_path / folder / "bin"):
        pass
    (problem,) = caught.value.diagnostics
    assert problem.code == "GR703"
    assert words in problem.summary


def test_a_setting_the_server_does_not_know_is_one_clear_error() -> None:
    with pytest.raises(GreenroomError, match="no_such_setting"), embedded_server(settings={"no_such_setting": "1"}):
        pass


def test_the_next_server_removes_what_a_killed_supervisor_left() -> None:
    """The pipe to the supervisor ends with this process; what nobody hears of is `kill -9` of the supervisor itself."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER], stdout=subprocess.PIPE, text=True, preexec_fn=default_signals)
    assert holder.stdout is not None
    pid, name, _ = json.loads(holder.stdout.readline())
    folder = Path(name)
    try:
        supervisor = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert b"supervisor.py" in Path(f"/proc/{supervisor}/cmdline").read_bytes()
        with embedded_server():
            assert folder.exists(), "a server in use stays"
        os.kill(supervisor, signal.SIGKILL)
        with embedded_server():
            assert gone(pid, folder)
    finally:
        holder.kill()
        holder.wait()
