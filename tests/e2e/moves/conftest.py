"""Real servers, and the two ways to apply what was generated: Terraform with the real provider, and the SQL script."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import real_terraform

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "terraform"))

from moves_repository import SqlRepository, TerraformRepository
from terraform_workspace import ADMIN, ADMIN_PASSWORD

from generator.demo.embedded import EmbeddedServer, embedded_binaries, embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session", params=["15", "18"])
def server(request: pytest.FixtureRequest) -> Iterator[EmbeddedServer]:
    """A PostgreSQL server with an administrator who may create roles and databases, and is no superuser."""
    if request.param == "15" and not (_DEBIAN_15 / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed")
    with embedded_server(_DEBIAN_15 if request.param == "15" else embedded_binaries()) as running:
        running.create_admin(ADMIN, ADMIN_PASSWORD)
        yield running


@pytest.fixture(scope="session")
def other_server() -> Iterator[EmbeddedServer]:
    """One more, of the newest version."""
    with embedded_server(embedded_binaries()) as running:
        running.create_admin(ADMIN, ADMIN_PASSWORD)
        yield running


@pytest.fixture(scope="session")
def program() -> str:
    """Terraform, or OpenTofu where there is nothing else."""
    found = next(filter(None, map(real_terraform.find_program, real_terraform.programs())), None)
    return found or pytest.skip("neither terraform nor tofu is installed")


@pytest.fixture
def terraform(mirror: Path, server: EmbeddedServer, program: str, tmp_path: Path) -> Iterator[TerraformRepository]:
    """A repository on one server."""
    made = TerraformRepository(tmp_path, {"primary": server}, server.bin_dir, mirror, program)
    yield made
    made.clean()


@pytest.fixture
def terraform_two(
    mirror: Path, server: EmbeddedServer, other_server: EmbeddedServer, program: str, tmp_path: Path
) -> Iterator[TerraformRepository]:
    """A repository on two servers."""
    servers = {"primary": server, "other": other_server}
    made = TerraformRepository(tmp_path, servers, embedded_binaries(), mirror, program)
    yield made
    made.clean()


@pytest.fixture
def script(server: EmbeddedServer, tmp_path: Path) -> Iterator[SqlRepository]:
    """A repository on one server, without Terraform."""
    made = SqlRepository(tmp_path, {"primary": server}, server.bin_dir)
    yield made
    made.clean()


@pytest.fixture
def script_two(server: EmbeddedServer, other_server: EmbeddedServer, tmp_path: Path) -> Iterator[SqlRepository]:
    """A repository on two servers, without Terraform."""
    made = SqlRepository(tmp_path, {"primary": server, "other": other_server}, embedded_binaries())
    yield made
    made.clean()
