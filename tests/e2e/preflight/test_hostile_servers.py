"""Whatever a server streams, or leaves out, preflight ends in time, in little memory, and with a verdict."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hostile_server import MYSQL, POSTGRESQL, HostileServer, hostile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hostile_server import Line

pytestmark = pytest.mark.slow

PLUGINS = 60
#: Twelve plugins are looked at at once, so as many may have begun before the first two give up.
AT_ONCE = 12
#: What preflight needs with a good server is about 50 MiB. These servers send gigabytes.
MOST_MEMORY = 250 * 1024**2
#: A fuse for the machine of the tests, far above what a run needs: threads reserve more than they use.
FUSE = 6 * 1024**3


class Ended(NamedTuple):
    code: int
    report: dict[str, Any]
    errors: str
    memory: int
    seconds: float


def preflight(folder: Path, client: str, server: HostileServer, plugins: int = PLUGINS) -> Ended:
    """`greenroom preflight --timeout 1` of many plugins on ``server``, in a process of its own that is measured."""
    connection = {"host": "127.0.0.1", "port": server.port, "user": "u", "password": "p", "database": "d"}
    names = {f"plugin{number}": {} for number in range(plugins)}
    database = {"client": client, "connection": connection, "plugin": names}
    (folder / "app-config.yaml").write_text(json.dumps({"backend": {"database": database}}))
    command = [sys.executable, "-c", "from generator.cli import main; main()", "preflight", "--timeout", "1"]
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        begin = time.monotonic()
        process = subprocess.Popen(
            [*command, "--format", "json", "--config", "app-config.yaml"],
            cwd=folder,
            stdout=out,
            stderr=err,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (FUSE, FUSE)),
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        alarm = threading.Timer(120, process.kill)
        alarm.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            alarm.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    errors = (folder / "err").read_text()
    text = (folder / "out").read_text()
    assert process.returncode >= 0, f"it did not end by itself: {errors[-2000:]}"
    return Ended(process.returncode, json.loads(text or "{}"), errors, usage.ru_maxrss * 1024, time.monotonic() - begin)


def check(client: str, behave: Callable[[Line], None], folder: Path) -> int:
    """How many connections such a server got in one run, after everything that must hold of every run."""
    with hostile(behave) as server:
        ended = preflight(folder, client, server)
        connections = server.connections
    assert ended.code == 4, ended.errors[-2000:]
    assert "Traceback" not in ended.errors
    assert ended.memory < MOST_MEMORY, f"{ended.memory / 1024**2:.0f} MiB"
    plugins = ended.report["plugins"]
    assert len(plugins) == PLUGINS
    assert not any(found["ready"] for found in plugins.values())
    assert all(len(item["detail"]) < 3000 for found in plugins.values() for item in found["checks"])
    print(f"{ended.seconds:.1f} s, {ended.memory / 1024**2:.0f} MiB, {connections} connections")
    print(sorted({item["detail"] for found in plugins.values() for item in found["checks"]})[:9])
    return connections


#: Servers that answer at once, if not with what was asked for: every plugin may ask them.
_QUICK = (
    "a giant error before the login",
    "a giant request",
    "asks for a file",
    "endless errors",
    "endless noise",
    "endless switches of authentication",
    "other answers",
)


@pytest.mark.parametrize("name", POSTGRESQL)
def test_postgresql(name: str, tmp_path: Path) -> None:
    connections = check("pg", POSTGRESQL[name], tmp_path)
    assert name in _QUICK or connections <= 2 * AT_ONCE, "a server that was given up is not asked again"


@pytest.mark.parametrize("name", MYSQL)
def test_mysql(name: str, tmp_path: Path) -> None:
    connections = check("mysql2", MYSQL[name], tmp_path)
    assert name in _QUICK or connections <= 2 * AT_ONCE, "a server that was given up is not asked again"
