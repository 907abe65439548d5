"""Counts the tests with real Terraform providers: how many ran, how many were skipped and why.

Without a mirror of providers all of them are skipped, one by one and each for a good reason; a line of its own at the end of
the run says so. ``.ci/run`` repeats it.

``GREENROOM_APPLIES=few`` runs each of them on one of the two PostgreSQL servers, some on the one and some on the other.
``make applies`` runs all.
"""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

#: The fixture that every test with a real provider uses, by itself or by way of others.
FIXTURE = "mirror"
MARKER = "provider"
#: The values of the fixture ``server`` that say which PostgreSQL.
SERVERS = ("15", "18")
_SERVER_ID = re.compile(rf"(?<=[\[-])(?:{'|'.join(SERVERS)})(?=[\]-])")
TITLE = "real Terraform providers"


class RealApplies:
    """A plugin of pytest. With xdist the workers mark their tests, and the process that started them counts."""

    def __init__(self) -> None:
        self.ran: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: dict[str, str] = {}
        self.left_out = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item], config: pytest.Config) -> None:
        few = os.environ.get("GREENROOM_APPLIES") == "few"
        left_out = []
        for item in items:
            if FIXTURE in getattr(item, "fixturenames", ()):
                item.add_marker(getattr(pytest.mark, MARKER))
                if few and _is_left_out(item):
                    left_out.append(item)
        if left_out:
            items[:] = [item for item in items if item not in set(left_out)]
            config.hook.pytest_deselected(items=left_out)
        self.left_out = len(left_out)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(session.config, "workeroutput"):  # a worker of xdist
            session.config.workeroutput["left_out"] = self.left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        self.left_out = max(self.left_out, getattr(node, "workeroutput", {}).get("left_out", 0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if MARKER not in report.keywords:
            return
        if report.failed:
            self.failed.add(report.nodeid)
        elif report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            self.skipped[report.nodeid] = str(reason).removeprefix("Skipped: ")
        elif report.when == "call":
            self.ran.add(report.nodeid)

    def summary(self) -> str | None:
        """One line, or nothing where no such test was asked for."""
        if not (self.ran or self.failed or self.skipped):
            return None
        parts = [f"{len(self.ran | self.failed)} tests ran"]
        if self.failed:
            parts.append(f"{len(self.failed)} of them failed")
        if self.skipped:
            reasons = Counter(self.skipped.values()).most_common()
            parts.append(
                f"{len(self.skipped)} were skipped: " + "; ".join(f"{count} x {reason}" for reason, count in reasons)
            )
        else:
            parts.append("none was skipped")
        if self.left_out:
            parts.append(f"{self.left_out} were left out (the other PostgreSQL: `make applies`)")
        return f"{TITLE}: {', '.join(parts)}"

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if line := self.summary():
            terminalreporter.write_line(line)


def _is_left_out(item: pytest.Item) -> bool:
    """Whether this test runs on the other server, in a run of few."""
    server = getattr(getattr(item, "callspec", None), "params", {}).get("server")
    if server not in SERVERS:
        return False
    # The name without the server is the same in every process that collects, and for both servers.
    name = _SERVER_ID.sub("", item.nodeid, count=1)
    return SERVERS[zlib.crc32(name.encode()) % len(SERVERS)] != server
