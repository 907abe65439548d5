"""The real thing: Terraform, the real provider, real PostgreSQL servers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import real_terraform
from terraform_workspace import ADMIN, ADMIN_PASSWORD, Workspace

from generator.demo.embedded import EmbeddedServer, embedded_binaries, embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROJECT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(PROJECT / "tests" / "unit" / "targets"))

_DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # OpenTofu talks to the same provider: one version of the server is enough for it.
    items[:] = [item for item in items if not _is_spare(getattr(getattr(item, "callspec", None), "params", {}))]


def _is_spare(parameters: dict[str, object]) -> bool:
    return len(PROGRAMS) > 1 and parameters.get("program") == PROGRAMS[1] and parameters.get("server") == "15"


PROGRAMS = real_terraform.programs()


def find_program(name: str) -> str:
    """The path of ``name``; the test is skipped where it is not installed."""
    return real_terraform.find_program(name) or pytest.skip(f"{name} is not installed")


@pytest.fixture(params=PROGRAMS, ids=lambda name: Path(name).name)
def program(request: pytest.FixtureRequest) -> str:
    """Terraform, and OpenTofu."""
    return find_program(request.param)


def _binaries(version: str) -> Path:
    if version == "18":
        return embedded_binaries()
    if not (_DEBIAN_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    return _DEBIAN_15


@pytest.fixture
def binaries() -> Callable[[str], Path]:
    """Where the programs of a PostgreSQL of some version are."""
    return _binaries


@pytest.fixture
def program_path() -> str:
    """The first program there is: for what both need not show."""
    return find_program(PROGRAMS[0])


@pytest.fixture(scope="session", params=["15", "18"])
def server(request: pytest.FixtureRequest, mirror: Path) -> Iterator[EmbeddedServer]:
    """A PostgreSQL server with an administrator who may create roles and databases, and is no superuser."""
    with embedded_server(_binaries(request.param)) as running:
        running.create_admin(ADMIN, ADMIN_PASSWORD)
        yield running


@pytest.fixture(scope="session")
def other_server(mirror: Path) -> Iterator[EmbeddedServer]:
    """One more server."""
    with embedded_server(_binaries("18")) as running:
        running.create_admin(ADMIN, ADMIN_PASSWORD)
        yield running


@pytest.fixture
def workspace(mirror: Path, server: EmbeddedServer, tmp_path: Path) -> Iterator[Workspace]:
    """A folder to render a plan into and to run Terraform in. Nothing of it stays on the server."""
    made = Workspace(tmp_path, mirror, {"primary": server}, find_program(PROGRAMS[0]))
    yield made
    made.clean()
