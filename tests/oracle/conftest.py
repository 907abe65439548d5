"""The real Backstage packages for every comparison in this folder: the oldest supported ones, and the newest verified.

``tools/upstream/pins.json`` has the versions. Without node or npm the comparisons are skipped;
``GREENROOM_REQUIRE_ORACLE=1`` makes that a failure (CI). ``GREENROOM_ORACLE_EXAMPLES`` is the number of random cases each
comparison runs (200 when it is not set).
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from backstage_packages import LINES, NEWEST, UnavailableError, packages

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.slow)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "oracle_dir" in metafunc.fixturenames:
        metafunc.parametrize("oracle_dir", LINES, indirect=True, scope="session")


def unavailable(reason: str) -> None:
    if os.environ.get("GREENROOM_REQUIRE_ORACLE"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def oracle_dir(request: pytest.FixtureRequest) -> Path:
    """The folder that holds one line of Backstage packages (the newest, where a test does not ask for both)."""
    line: str = getattr(request, "param", NEWEST)
    try:
        return packages("oracle", line)
    except UnavailableError as error:
        unavailable(str(error))
        raise
