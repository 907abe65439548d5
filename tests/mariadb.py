"""A throw-away MariaDB on 127.0.0.1 for the tests: real server, TLS with a certificate of its own, nothing left behind.

The administrator ``admin`` has what a cloud's master user has: every privilege a database needs, ``CREATE USER``, all of it
with ``GRANT OPTION``, and no ``SUPER``. The server's own root has no password and comes in by the socket only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ADMIN = "greenroom_admin"
ADMIN_PASSWORD = "Throw-away-admin-password-1"
#: What the master user of Amazon RDS has.
ADMIN_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, "
    "EVENT, TRIGGER"
)
_CLIENT_OPTIONS = ("--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4")
_START_SECONDS = 60
_STOP_SECONDS = 15
_SYSTEM = frozenset({"mysql", "information_schema", "performance_schema", "sys"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MariaDB:
    """A running server. ``ca`` is its certificate authority's file; the certificate is for 127.0.0.1 and localhost."""

    host: str
    port: int
    socket: Path
    folder: Path
    ca: Path
    client: Path
    pid: int
    admin: str = ADMIN
    admin_password: str = field(default=ADMIN_PASSWORD, repr=False)

    def root(self, statements: str, database: str = "") -> list[list[str]]:
        """Run ``statements`` as the server's own root; the rows of all results, as texts."""
        done = self.run(
            [
                "--protocol=socket",
                f"--socket={self.socket}",
                "--user=root",
                *([f"--database={database}"] if database else []),
            ],
            statements,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    def login(self, user: str, database: str = "", *, tls: bool = True) -> list[str]:
        """The client's options to log in over TCP. The password has to come in ``MYSQL_PWD``, see :meth:`run`."""
        verify = [f"--ssl-ca={self.ca}", "--ssl-verify-server-cert"] if tls else ["--skip-ssl"]
        named = [f"--database={database}"] if database else []
        return ["--protocol=tcp", f"--host={self.host}", f"--port={self.port}", f"--user={user}", *verify, *named]

    def run(
        self, options: Sequence[str], statements: str, *, password: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the client; rows come as lines with tabs, without column names."""
        return subprocess.run(
            [
                str(self.client),
                "--no-defaults",
                "--batch",
                "--skip-column-names",
                "--default-character-set=utf8mb4",
                *options,
            ],
            input=statements,
            env={"PATH": os.environ["PATH"], "MYSQL_PWD": password, **(env or {})},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def query(
        self, user: str, password: str, statements: str, database: str = "", *, tls: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run ``statements`` as somebody over TCP, by TLS unless told otherwise."""
        return self.run(self.login(user, database, tls=tls), statements, password=password)

    @property
    def databases(self) -> set[str]:
        """The databases that are not the server's own."""
        return {row[0] for row in self.root("SHOW DATABASES")} - _SYSTEM

    @property
    def users(self) -> set[tuple[str, str]]:
        """Name and host of the users that neither the server nor :meth:`create_admin` made, anonymous ones included."""
        rows = self.root("SELECT User, Host FROM mysql.global_priv WHERE User NOT IN ('mariadb.sys', 'root', 'mysql')")
        return {(row[0], row[1]) for row in rows} - {(self.admin, "%")}

    def create_admin(self) -> None:
        """Create the user a DBA would give to greenroom."""
        self.root(
            f"CREATE OR REPLACE USER '{self.admin}'@'%' IDENTIFIED BY '{self.admin_password}' REQUIRE SSL;"
            f"GRANT {ADMIN_PRIVILEGES} ON *.* TO '{self.admin}'@'%' WITH GRANT OPTION;"
        )

    def clear(self) -> None:
        """Drop what was made, so that the next test finds an empty server with an admin."""

        def quote(name: str) -> str:
            return "`" + name.replace("`", "``") + "`"

        rows = self.root(
            "SELECT HEX(User), HEX(Host) FROM mysql.global_priv WHERE User NOT IN ('root', 'mysql', 'mariadb.sys')"
        )
        users = [tuple(bytes.fromhex(part).decode() for part in row) for row in rows]
        names = [
            bytes.fromhex(row[0]).decode() for row in self.root("SELECT HEX(schema_name) FROM information_schema.schemata")
        ]
        statements = [f"DROP USER {quote(user)}@{quote(host)};" for user, host in users]
        statements += [f"DROP DATABASE {quote(name)};" for name in names if name not in _SYSTEM]
        # Grants of an anonymous user have no user to be dropped with.
        self.root("".join(statements) + "DELETE FROM mysql.db WHERE User NOT IN ('root', 'mysql'); FLUSH PRIVILEGES;")
        self.create_admin()


def mariadb_binaries() -> tuple[Path, Path, Path] | None:
    """``mariadbd``, ``mariadb-install-db`` and the client ``mariadb``; ``None`` where they are not installed."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))
    found = [shutil.which(name, path=path) for name in ("mariadbd", "mariadb-install-db", "mariadb")]
    return (Path(found[0]), Path(found[1]), Path(found[2])) if all(found) else None  # type: ignore[arg-type]


@contextlib.contextmanager
def mariadb_server(settings: Mapping[str, str] | None = None) -> Iterator[MariaDB]:
    """Run a MariaDB server for the length of a ``with`` block; skip the test, with the reason, where there is none.

    ``settings`` are further options of the server (``{"general_log": "1"}``). The server dies with this process.
    """
    binaries = mariadb_binaries()
    if binaries is None:
        pytest.skip("MariaDB is not installed (Debian: mariadb-server)")
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed: there is nothing to make certificates with")
    daemon, installer, client = binaries
    folder = Path(tempfile.mkdtemp(prefix="greenroom-mariadb-"))
    try:
        user = _unprivileged(folder)
        make_certificates(folder)
        (folder / "tmp").mkdir()
        for path in folder.iterdir():
            if user:
                shutil.chown(path, user, pwd.getpwnam(user).pw_gid)
        _install(installer, folder, user)
        port, process = _start(daemon, folder, user, settings or {})
        try:
            server = MariaDB(
                host="127.0.0.1",
                port=port,
                socket=folder / "s",
                folder=folder,
                ca=folder / "ca.pem",
                client=client,
                pid=process.pid,
            )
            _wait(server, process)
            server.create_admin()
            yield server
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> str | None:
    """The user the server runs as when this is root: MariaDB refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("mysql", "nobody"):
        with contextlib.suppress(KeyError):
            shutil.chown(folder, name, pwd.getpwnam(name).pw_gid)
            return name
    return pytest.skip("there is no unprivileged user to run MariaDB as")


def make_certificates(folder: Path) -> None:
    """``ca.pem``, and ``server.pem`` with ``server.key`` for 127.0.0.1 and localhost."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(*new, "-subj", "/CN=greenroom test authority", "-keyout", "ca.key", "-out", "ca.pem")
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    request = ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1"]
    openssl(*request, "-keyout", "server.key", "-out", "server.csr")
    sign = ["x509", "-req", "-days", "2", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    openssl(*sign, "-in", "server.csr", "-out", "server.pem")
    (folder / "ca.pem").chmod(0o644)


#: The data folder of a new server, which every further one of this process starts with a copy of.
_NEW: list[tempfile.TemporaryDirectory[str]] = []


def _install(installer: Path, folder: Path, user: str | None) -> None:
    """Make the data folder: the first one with the installer, which takes longer than most tests."""
    if not _NEW:
        made = tempfile.TemporaryDirectory(prefix="greenroom-mariadb-new-")
        if user:
            shutil.chown(made.name, user, pwd.getpwnam(user).pw_gid)
        _run_installer(installer, Path(made.name), user)
        _NEW.append(made)
    # With the owner, which only root can give away: without root it is this user's own.
    subprocess.run(["cp", "-a", f"{_NEW[0].name}/data", str(folder / "data")], check=True, timeout=_START_SECONDS)


def _run_installer(installer: Path, folder: Path, user: str | None) -> None:
    """Make the data folder; anew once where the installer fails.

    The folder for temporary files is the server's own: a server that starts removes the temporary tables it finds there,
    those of other servers too.
    """
    data, temporary = folder / "data", folder / "tmp"
    temporary.mkdir(exist_ok=True)
    if user:
        shutil.chown(temporary, user, pwd.getpwnam(user).pw_gid)
    command = [
        str(installer),
        "--no-defaults",
        f"--datadir={data}",
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
    ]
    if user:
        command.append(f"--user={user}")
    for last in (False, True):
        environment = {**os.environ, "TMPDIR": str(temporary)}
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_START_SECONDS, env=environment
        )
        if done.returncode == 0:
            return
        if last:
            raise AssertionError(f"{installer.name} failed twice: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        shutil.rmtree(data, ignore_errors=True)


def _start(daemon: Path, folder: Path, user: str | None, settings: Mapping[str, str]) -> tuple[int, subprocess.Popen[bytes]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "datadir": str(folder / "data"),
        "tmpdir": str(folder / "tmp"),
        "socket": str(folder / "s"),
        "pid-file": str(folder / "pid"),
        "port": str(port),
        "bind-address": "127.0.0.1",
        "skip-name-resolve": "1",
        "log-error": str(folder / "error.log"),
        "general-log-file": str(folder / "general.log"),
        "ssl-ca": str(folder / "ca.pem"),
        "ssl-cert": str(folder / "server.pem"),
        "ssl-key": str(folder / "server.key"),
        "innodb-flush-log-at-trx-commit": "0",
        "innodb-buffer-pool-size": "32M",
        "secure-file-priv": str(folder / secrets.token_hex(4)),
        **settings,
    }
    (folder / options["secure-file-priv"]).mkdir(exist_ok=True)
    process = subprocess.Popen(
        [str(daemon), "--no-defaults", *(f"--{name}={value}" for name, value in options.items())],
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=_die_with_parent,
    )
    return port, process


def _die_with_parent() -> None:
    set_parent_death_signal = 1
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _wait(server: MariaDB, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        options = ["--protocol=socket", f"--socket={server.socket}", "--user=root"]
        if server.socket.exists() and server.run(options, "SELECT 1").returncode == 0:
            return
        time.sleep(0.1)
    log = (server.folder / "error.log").read_text(errors="replace")
    pytest.fail(f"MariaDB does not start:\n{log[-2000:]}", pytrace=False)
