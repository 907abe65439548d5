"""The three servers: PostgreSQL 15 (Debian's, with TLS), 18 (embedded, TLS in front of it) and MariaDB."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cfn_portal import Portal, clean_up
from cfn_stage import ADMIN, ADMIN_PASSWORD, Cloud, Target, provider, response_server
from cfn_wire import TlsFront, running
from mariadb import make_certificates, mariadb_server
from ministack import MiniStack, ministack

from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator


def _oracle_fixture() -> Any:
    """The fixture that sets up the real Backstage packages for the oracle tests."""
    path = Path(__file__).parents[2] / "oracle" / "conftest.py"
    spec = spec_from_file_location("greenroom_oracle_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.oracle_dir


oracle_dir = _oracle_fixture()

DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
MANY = {"max_connections": "100", "fsync": "off"}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a certificate authority and a server certificate for localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture(scope="session")
def pg15(certificates: Path) -> Iterator[Target]:
    if not (DEBIAN_15 / "postgres").exists():
        pytest.skip(f"there is no PostgreSQL server in {DEBIAN_15}")
    files = {"server.crt": "server.pem", "server.key": "server.key"}
    texts = {name: (certificates / source).read_text() for name, source in files.items()}
    settings = {**MANY, "ssl": "on", "ssl_cert_file": "server.crt", "ssl_key_file": "server.key"}
    with embedded_server(DEBIAN_15, settings=settings, files=texts) as server:
        yield Target("postgresql", server.port, (certificates / "ca.pem").read_text(), ADMIN, ADMIN_PASSWORD, server, "pg15")


@pytest.fixture(scope="session")
def pg18(certificates: Path) -> Iterator[Target]:
    with embedded_server(settings=MANY) as server:
        front = TlsFront((server.host, server.port), str(certificates / "server.pem"), str(certificates / "server.key"))
        with running(front):
            ca = (certificates / "ca.pem").read_text()
            yield Target("postgresql", front.port, ca, ADMIN, ADMIN_PASSWORD, server, "pg18")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[Target]:
    with mariadb_server() as server:
        ca = server.ca.read_text()
        yield Target("mysql", server.port, ca, server.admin, server.admin_password, server, "mariadb")


@pytest.fixture(params=["pg15", "pg18", "mariadb"])
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Every server, empty."""
    found: Target = request.getfixturevalue(request.param)
    found.clear()
    yield found
    found.clear()


@pytest.fixture(params=["pg15", "pg18"])
def postgresql(request: pytest.FixtureRequest) -> Iterator[Target]:
    """Every PostgreSQL, empty."""
    found: Target = request.getfixturevalue(request.param)
    found.clear()
    yield found
    found.clear()


def _cloud(target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    cloud = Cloud(target)
    monkeypatch.setattr(provider, "_client", cloud.client)
    monkeypatch.setenv("SQL_FUNCTION", "sql")
    monkeypatch.setenv("RETRY_SECONDS", "20")
    with response_server(cloud):
        yield cloud


@pytest.fixture
def mysql_cloud(mariadb: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Requests to the handlers, on MariaDB."""
    mariadb.clear()
    yield from _cloud(mariadb, monkeypatch)
    mariadb.clear()


@pytest.fixture
def cloud(target: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Requests to the handlers, on every server."""
    yield from _cloud(target, monkeypatch)


@pytest.fixture
def pg_cloud(postgresql: Target, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    """Requests to the handlers, on every PostgreSQL."""
    yield from _cloud(postgresql, monkeypatch)


@pytest.fixture(scope="session")
def cloud_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MiniStack]:
    """A running MiniStack."""
    try:
        with ministack(tmp_path_factory.mktemp("ministack")) as running_one:
            yield running_one
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"MiniStack cannot be installed: {error}")


@pytest.fixture
def portal(target: Target, cloud_stack: MiniStack, tmp_path: Path) -> Iterator[Portal]:
    """A portal on each server."""
    made = Portal(tmp_path, target, cloud_stack)
    yield made
    clean_up(made)


@pytest.fixture
def large_portal(pg18: Target, cloud_stack: MiniStack, tmp_path: Path) -> Iterator[Portal]:
    """A portal on one server."""
    pg18.clear()
    made = Portal(tmp_path, pg18, cloud_stack)
    yield made
    clean_up(made)
    pg18.clear()
