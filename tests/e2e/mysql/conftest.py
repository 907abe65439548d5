"""A real MariaDB for the tests of this folder. Each finds it empty but for an admin without ``SUPER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mariadb import MariaDB, mariadb_server

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS / "unit" / "targets"))

from mysql_stage import Stage  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def running() -> Iterator[MariaDB]:
    """The server. It logs everything clients send, and everything it would tell a replica."""
    with mariadb_server({"general-log": "1", "log-bin": "binlog", "server-id": "1"}) as server:
        yield server


@pytest.fixture
def stage(running: MariaDB, tmp_path: Path) -> Stage:
    """An empty server with an admin, for one test."""
    running.clear()
    return Stage(running, tmp_path)
