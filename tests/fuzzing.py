"""How property tests choose their examples: the same ones in every run, or, for ``make fuzz``, many new ones.

A test run that fails now and then by chance says nothing about the change it ran for: without ``GREENROOM_FUZZ`` the
examples follow from the test itself. ``GREENROOM_FUZZ=10`` runs ten times as many, chosen by ``--hypothesis-seed``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    import pytest
    from _pytest.terminal import TerminalReporter

VARIABLE = "GREENROOM_FUZZ"
TIMES = int(os.environ.get(VARIABLE) or 0)
#: Where hypothesis keeps what ``@settings`` says about a test.
_SETTINGS = "_hypothesis_internal_use_settings"

# Other work on the machine makes a single example slow, or all of them, which says nothing about the code.
settings.register_profile("greenroom", deadline=None, print_blob=True, derandomize=not TIMES)
settings.load_profile("greenroom")


class Fuzzing:
    """A plugin of pytest: more examples for each property test, and how to play a failure again."""

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        tests = {getattr(test, "__func__", test) for item in items if (test := getattr(item, "obj", None))}
        for test in tests:
            if getattr(test, "is_hypothesis_test", False):
                said = getattr(test, _SETTINGS, None) or settings()
                setattr(
                    test,
                    _SETTINGS,
                    settings(
                        said,
                        max_examples=said.max_examples * (TIMES or 1),
                        suppress_health_check=[*said.suppress_health_check, HealthCheck.too_slow],
                    ),
                )

    def pytest_terminal_summary(self, terminalreporter: TerminalReporter, config: pytest.Config) -> None:
        seed = config.getoption("--hypothesis-seed", None)
        if not TIMES or not seed:
            return
        failed = sorted({report.nodeid for report in terminalreporter.getreports("failed")})
        for test in failed:
            terminalreporter.write_line(f"again: make fuzz TIMES={TIMES} SEED={seed} ARGS='-n0 {test}'")
        if not failed:
            terminalreporter.write_line(f"{TIMES} times as many examples as in `make test`, SEED={seed}: none failed")
