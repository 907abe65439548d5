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
    from collections.abc import Iterator
    from pathlib import Path

    from generator.live.embedded import EmbeddedServer

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
def _running(command: list[str], folder: Path, port: int, account: int | None) -> Iterator[int]:
    """A server on ``port`` for the length of a ``with`` block."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, user=account, cwd=folder)
    try:
        until = time.monotonic() + _START_SECONDS
        while True:
            if process.poll() is not None or time.monotonic() > until:
                pytest.fail((folder / "log").read_text(errors="replace")[-2000:])
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


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
    port = _free_port()
    command = [str(primary.bin_dir / "postgres"), "-D", str(data), "-p", str(port)]
    command += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
    (folder / "run").mkdir()
    _hand_over(folder / "run", account)
    dsn = f"host=127.0.0.1 port={port} user=postgres password={primary.password} dbname=postgres"
    with _running(command, folder / "run", port, account):
        until = time.monotonic() + _START_SECONDS
        while True:  # it takes connections before it has caught up, and refuses them
            try:
                psycopg.connect(dsn).close()
                break
            except psycopg.OperationalError:
                assert time.monotonic() < until
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
    port = _free_port()
    (folder / "users").write_text("".join(f'"{name}" "{password}"\n' for name, password in users.items()))
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={server.host} port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\npool_mode = {mode}\n"
        f"auth_type = scram-sha-256\nauth_file = {folder / 'users'}\ndefault_pool_size = 20\nserver_login_retry = 1\n"
    )
    _hand_over(folder, account)
    with _running([program, str(folder / "pgbouncer.ini")], folder, port, account):
        yield port
