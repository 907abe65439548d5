"""Servers beside the embedded one: a standby made with pg_basebackup, and PgBouncer."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

_START_SECONDS = 30


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _account() -> int | None:
    """The user to run servers as: they refuse to be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    pytest.skip("there is no unprivileged user to run a server as")


def _hand_over(folder: Path, account: int | None) -> None:
    if account is not None:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, account, -1, follow_symlinks=False)
        for parent in folder.parents:  # pytest's folders are closed to others
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(parent.stat().st_mode | 0o055)


@contextlib.contextmanager
def _running(command: Callable[[int], list[str]], folder: Path, account: int | None) -> Iterator[int]:
    """A server for the length of a ``with`` block; ``command`` makes its command line for a port, which is yielded."""
    for _ in range(3):
        port = _free_port()
        words = command(port)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=account, cwd=folder)
        if _takes_connections(process, port):
            break
        process.kill()
        process.wait()
        said = (folder / "log").read_text(errors="replace")
        assert "in use" in said, said[-2000:]  # somebody else took the port in between: another one
    try:
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _takes_connections(process: subprocess.Popen[bytes], port: int) -> bool:
    until = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            time.sleep(0.5)  # it may have been somebody else's: then this one ends by now
            return process.poll() is None
        time.sleep(0.05)
    return False


@contextlib.contextmanager
def standby(primary: EmbeddedServer, folder: Path) -> Iterator[int]:
    """A read-only replica of ``primary``; yields its port."""
    account = _account()
    data = folder / "standby"
    where = ("-h", primary.host, "-p", str(primary.port), "-U", "postgres")
    done = subprocess.run(
        [primary.bin_dir / "pg_basebackup", "-D", data, *where, "-R", "-c", "fast"],
        env={**os.environ, "PGPASSWORD": primary.password},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    data.chmod(0o700)
    _hand_over(data, account)
    program = [str(primary.bin_dir / "postgres"), "-D", str(data)]
    program += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    (folder / "run").mkdir()
    _hand_over(folder / "run", account)
    with _running(lambda port: [*program, "-p", str(port)], folder / "run", account) as port:
        dsn = f"host=127.0.0.1 port={port} user=postgres password={primary.password} dbname=postgres"
        until = time.monotonic() + _START_SECONDS
        while True:  # it takes connections before it has caught up, and refuses them
            try:
                psycopg.connect(dsn).close()
                break
            except psycopg.OperationalError as error:
                log = (folder / "run" / "log").read_text(errors="replace")
                if time.monotonic() > until:
                    pytest.fail(f"{error}\n{log[-2000:]}")
                time.sleep(0.1)
        yield port


@contextlib.contextmanager
def pgbouncer(server: EmbeddedServer, folder: Path, mode: str, users: dict[str, str]) -> Iterator[int]:
    """PgBouncer in front of ``server``; yields its port."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    account = _account()
    folder.mkdir()
    (folder / "users").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
    settings = folder / "pgbouncer.ini"

    def command(port: int) -> list[str]:
        settings.write_text(
            f"[databases]\n* = host={server.host} port={server.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = {mode}\n"
            f"auth_type = scram-sha-256\nauth_file = {folder / 'users'}\ndefault_pool_size = 20\nserver_login_retry = 1\n"
        )
        _hand_over(folder, account)
        return [program, str(settings)]

    with _running(command, folder, account) as port:
        yield port
