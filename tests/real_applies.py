"""Counts the tests with real Terraform providers: how many ran, how many were skipped and why.

Without a mirror of providers all of them are skipped, one by one and each for a good reason; a line of its own at the end of
the run says so. ``.ci/run`` repeats it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

#: The fixture that every test with a real provider uses, by itself or by way of others.
FIXTURE = "mirror"
MARKER = "provider"
TITLE = "real Terraform providers"


class RealApplies:
    """A plugin of pytest. With xdist the workers mark their tests, and the process that started them counts."""

    def __init__(self) -> None:
        self.ran: set[str] = set()
        self.failed: set[str] = set()
        self.skipped: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            if FIXTURE in getattr(item, "fixturenames", ()):
                item.add_marker(getattr(pytest.mark, MARKER))

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
        return f"{TITLE}: {', '.join(parts)}"

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter) -> None:
        if line := self.summary():
            terminalreporter.write_line(line)
