"""The process that owns a throw-away PostgreSQL server: starts it, and takes it away when its parent is gone.

It runs as a script of its own (``python -I -S supervisor.py``) and talks to :mod:`generator.demo.embedded` over its standard
streams: the first line of stdin is the order (JSON), stdout answers with one line (JSON), and the end of stdin is the order
to stop. The kernel closes that pipe however the parent dies, ``kill -9`` included, so server and data directory never stay
behind. Nothing but the standard library is imported, so that it starts in milliseconds.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

_START_SECONDS = 30.0
_PORT_ATTEMPTS = 5
_UNPRIVILEGED = ("nobody", "postgres", "daemon")
# Not the name that older versions used: they lock nothing, and what is unlocked is taken for left behind.
_PREFIX = "greenroom-server-"
_SILENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


class SupervisorError(Exception):
    """The server cannot be started; the text says why in one sentence."""


def unprivileged_account() -> tuple[int, int] | None:
    """User and group id the server has to run as: PostgreSQL refuses root. ``None`` when we are not root.

    An account every system has is used as it is; none is created.
    """
    if os.geteuid() != 0:
        return None
    for name in _UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            if entry.pw_uid != 0:
                return entry.pw_uid, entry.pw_gid
    raise SupervisorError(f"PostgreSQL refuses to run as root, and none of the users {', '.join(_UNPRIVILEGED)} exists")


def _places() -> list[str]:
    return list(dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"]))  # noqa: S108 - mkdtemp is used


def work_folder(account: tuple[int, int] | None) -> Path:
    """A new private folder that ``account`` owns and can reach."""
    for parent in _places():
        if account is not None and not _others_may_enter(Path(parent)):
            continue
        try:
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
            if not lock(folder):
                continue  # another supervisor took it for one that was left behind
        except OSError:
            continue
        if account is not None:
            os.chown(folder, *account)
        return folder
    raise SupervisorError("no folder for temporary files is writable and can be entered by an unprivileged user; set TMPDIR")


def _others_may_enter(folder: Path) -> bool:
    resolved = folder.resolve()
    return all(parent.is_dir() and parent.stat().st_mode & 0o001 for parent in (resolved, *resolved.parents))


def remove_left_behind() -> None:
    """Stop the servers and remove the folders of supervisors that were killed: those that no process has locked."""
    for parent in _places():
        for folder in Path(parent).glob(f"{_PREFIX}*"):
            with contextlib.suppress(OSError):
                _remove_unless_locked(folder)


def _remove_unless_locked(folder: Path) -> None:
    found = folder.lstat()
    account = unprivileged_account()
    owners = {os.geteuid(), *(account[:1] if account else ())}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners or not lock(folder):
        return
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = int((folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        # Another process may have the number by now: only one that works in that folder is the server.
        if Path(f"/proc/{pid}/cwd").resolve() == (folder / "data").resolve():
            os.kill(pid, signal.SIGQUIT)
    shutil.rmtree(folder, ignore_errors=True)


def lock(folder: Path) -> bool:
    """Lock ``folder`` for as long as this process lives; ``False`` when another one has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW)  # never closed: the lock ends with the process
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True


class Server:
    """One PostgreSQL server in one temporary folder."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.order = order
        self.account = unprivileged_account()
        self.folder = work_folder(self.account)
        self.bin_dir = Path(order["bin_dir"])
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def start(self) -> None:
        """Make a data directory and start the server on a free port of 127.0.0.1."""
        if not all((self.bin_dir / name).is_file() for name in ("initdb", "postgres")):
            raise SupervisorError(f"there is no PostgreSQL server in {self.bin_dir}")
        if not self._runs():
            self.bin_dir = self._copy_binaries()
            if not self._runs():
                raise SupervisorError(f"PostgreSQL does not run from {self.folder.parent}; set TMPDIR to another folder")
        self._initdb()
        for name, text in self.order["files"].items():
            self._write(self.data / name, text)
        for _ in range(_PORT_ATTEMPTS):
            self.port = _free_port()
            if self._start_on(self.port):
                return
        raise SupervisorError(f"the server did not start: {self._last_words()}")

    def stop(self) -> None:
        """Stop the server at once (nothing in it is worth keeping) and remove its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _identity(self) -> dict[str, Any]:
        if self.account is None:
            return {}
        return {"user": self.account[0], "group": self.account[1], "extra_groups": []}

    def _runs(self) -> bool:
        try:
            result = subprocess.run(  # noqa: S603
                [self.bin_dir / "postgres", "--version"],
                capture_output=True,
                cwd=self.folder,
                env=_SILENT,
                check=False,
                **self._identity(),
            )
        except PermissionError:
            return False
        return result.returncode == 0

    def _copy_binaries(self) -> Path:
        """Copy the server to where the unprivileged user can read it: the original may lie below ``/root``."""
        source = self.bin_dir.parent
        package = self.folder / "binaries" / source.parent.name
        target = package / source.name
        (target / "bin").mkdir(parents=True)
        for name in ("initdb", "postgres"):
            shutil.copy2(self.bin_dir / name, target / "bin" / name)
        for name in ("lib", "share"):
            if (source / name).is_dir():
                shutil.copytree(
                    source / name, target / name, symlinks=True, ignore=shutil.ignore_patterns("*.a", "pkgconfig")
                )
        # Where wheels keep the shared libraries they bring along: beside the package on Linux, inside it on macOS.
        for libraries in (source.parent.parent / f"{source.parent.name}.libs", source.parent / ".dylibs"):
            if libraries.is_dir():
                shutil.copytree(libraries, package / os.path.relpath(libraries, source.parent), symlinks=True)
        for path in [self.folder / "binaries", *(self.folder / "binaries").rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
        return target / "bin"

    def _initdb(self) -> None:
        password_file = self.folder / "password"
        self._write(password_file, self.order["password"] + "\n")
        command: list[str | Path] = [self.bin_dir / "initdb", "-D", self.data, "-U", self.order["superuser"]]
        command += ["--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--no-locale", "--no-sync"]
        result = subprocess.run(  # noqa: S603
            command, capture_output=True, cwd=self.folder, env=_SILENT, check=False, **self._identity()
        )
        password_file.unlink()
        if result.returncode:
            # Its last words are about the folder that it removes again.
            said = result.stderr.decode(errors="replace").strip().splitlines()
            reasons = [line for line in said if not line.startswith("initdb: removing")]
            raise SupervisorError(f"initdb failed: {'; '.join(reasons[-3:]) or f'exit code {result.returncode}'}")

    def _start_on(self, port: int) -> bool:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "password_encryption": "scram-sha-256",
            **self.order["settings"],
        }
        command: list[str | Path] = [self.bin_dir / "postgres", "-D", self.data]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=_SILENT,
                **self._identity(),
            )
        return self._wait_until_ready()

    def _wait_until_ready(self) -> bool:
        assert self.process is not None
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                if "Address already in use" in (self.folder / "log").read_text(errors="replace"):
                    return False  # somebody took the port in between: try another one
                raise SupervisorError(f"the server did not start: {self._last_words()}")
            with contextlib.suppress(OSError, IndexError):
                # Line 8 of postmaster.pid is the server's own word on whether it takes connections.
                if (self.data / "postmaster.pid").read_text().splitlines()[7].strip() == "ready":
                    return True
            time.sleep(0.02)
        raise SupervisorError(f"the server was not ready after {_START_SECONDS:.0f} s: {self._last_words()}")

    def _last_words(self) -> str:
        lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def _write(self, path: Path, text: str) -> None:
        """Write a file only the server's own user can read."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        if self.account is not None:
            os.chown(path, *self.account)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _answer(**message: object) -> None:
    # The parent may be gone already; the end of stdin tells us next.
    with contextlib.suppress(OSError):
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def _wait_for_the_end(server: Server) -> None:
    """Until the parent closes the pipe or dies, or the server ends by itself."""
    assert server.process is not None
    while server.process.poll() is None:
        if select.select([sys.stdin], [], [], 1.0)[0]:
            return


def _terminate(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


def main() -> None:
    """Read the order, run the server until stdin ends, clean up."""
    for name in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _terminate)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it decides when the server goes
    order = json.loads(sys.stdin.readline())
    server = None
    try:
        remove_left_behind()
        server = Server(order)
        server.start()
        assert server.process is not None
        _answer(port=server.port, pid=server.process.pid, folder=str(server.folder))
        _wait_for_the_end(server)
    except (SupervisorError, OSError) as error:
        _answer(error=str(error))
    finally:
        if server is not None:
            server.stop()


if __name__ == "__main__":
    main()
