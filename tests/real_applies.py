"""Counts the tests with real Terraform providers: how many ran, how many were skipped and why.

Without a mirror of providers all of them are skipped, one by one and each for a good reason; a line of its own at the end of
the run says so. ``.ci/run`` repeats it.

A test that takes long and would do the same on PostgreSQL 15 and on 18 runs on one of the two, some on the one and some on
the other: those with real providers, with whole CloudFormation stacks, with a real backend, and the histories and moves of
whole installations. What differs between the two is told by the tests that take less, which run on both.
``GREENROOM_APPLIES=all``, which ``make applies`` sets, runs each on both; so does naming a file or a test.
"""

from __future__ import annotations

import os
import re
import zlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

#: The fixture that every test with a real provider uses, by itself or by way of others.
FIXTURE = "mirror"
MARKER = "provider"
#: What runs on one of the two.
ONE_OF_TWO = "one_of_two"
#: What compares the two, or moves from one to the other.
BOTH = "on_both_servers"
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
_LONG_FIXTURES = {FIXTURE, "cloud_stack", "backstage_dir"}
_LONG_FOLDERS = ("tests/e2e/history/", "tests/e2e/moves/")
#: How the name of a test says which PostgreSQL.
SERVERS = ("15", "18")
_SERVER_ID = re.compile(rf"(?<=[\[-])(?:pg)?({'|'.join(SERVERS)})(?=[\]-])")
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
        few = os.environ.get("GREENROOM_APPLIES") != "all" and not any(".py" in argument for argument in config.args)
        names = {item.nodeid for item in items}
        left_out = []
        for item in items:
            fixtures = getattr(item, "fixturenames", ())
            if FIXTURE in fixtures:
                item.add_marker(getattr(pytest.mark, MARKER))
            if _SERVER_ID.search(item.nodeid) and (_LONG_FIXTURES & set(fixtures) or item.nodeid.startswith(_LONG_FOLDERS)):
                item.add_marker(getattr(pytest.mark, ONE_OF_TWO))
                if few and _is_left_out(item, names):
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


def _is_left_out(item: pytest.Item, all_of_them: set[str]) -> bool:
    """Whether this test runs on the other server, in a run of few."""
    found = _SERVER_ID.search(item.nodeid)
    assert found is not None
    start, end = found.span(1)
    others = {f"{item.nodeid[:start]}{other}{item.nodeid[end:]}" for other in SERVERS if other != found[1]}
    if item.get_closest_marker(BOTH) or not others & all_of_them:
        return False
    # The name without the server is the same in every process that collects, and for both servers.
    name = item.nodeid[:start] + item.nodeid[end:]
    return found[1] != (SERVERS[zlib.crc32(name.encode()) % len(SERVERS)] if DEBIAN_15.is_dir() else "18")
