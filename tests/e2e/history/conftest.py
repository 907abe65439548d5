"""Every server on which the history of a repository is played: PostgreSQL 15 and 18, MariaDB."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from history_servers import Maria, PostgreSQL, Server
from mariadb import mariadb_server

from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def pg15() -> Iterator[Server]:
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL server in {DEBIAN_15}")
    with embedded_server(DEBIAN_15, settings={"fsync": "off"}) as running:
        yield PostgreSQL(running)


@pytest.fixture(scope="session")
def pg18() -> Iterator[Server]:
    with embedded_server(settings={"fsync": "off"}) as running:
        yield PostgreSQL(running)


@pytest.fixture(scope="session")
def maria() -> Iterator[Server]:
    with mariadb_server() as running:
        yield Maria(running)


def _groups(*names: str) -> list[object]:
    return [pytest.param(name, id=name, marks=pytest.mark.xdist_group(f"history-{name}")) for name in names]


@pytest.fixture(params=_groups("pg15", "pg18", "maria"))
def server(request: pytest.FixtureRequest) -> Server:
    """Every server, empty."""
    found: Server = request.getfixturevalue(request.param)
    found.clear()
    return found


@pytest.fixture(params=_groups("pg15", "pg18"))
def postgresql(request: pytest.FixtureRequest) -> Server:
    """Every PostgreSQL, empty."""
    found: Server = request.getfixturevalue(request.param)
    found.clear()
    return found
