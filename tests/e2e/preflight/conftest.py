"""Servers in every broken state, and the real Backstage beside preflight on each of them."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.cli.app import run
from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.demo.embedded import EmbeddedServer

TESTS = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TESTS), *(str(TESTS / name) for name in ("unit/targets", "e2e/postgres"))]

from backstage_packages import NEWEST, OLDEST  # noqa: E402
from dimensions import WHOLE  # noqa: E402
from installation import CONFIG, PASSWORDS, Installation  # noqa: E402


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whole servers: with the newest Backstage always, with the oldest supported one as well in ``make truth``."""
    if "backstage_dir" in metafunc.fixturenames:
        metafunc.parametrize("backstage_dir", (NEWEST, OLDEST) if WHOLE else (NEWEST,), indirect=True, scope="session")


@pytest.fixture(scope="session")
def tables() -> Iterator[tuple[dict[object, Any], ExitStack]]:
    """Truth tables that were made, and what closes their servers at the end of the run."""
    with ExitStack() as stack:
        yield {}, stack


@pytest.fixture(scope="module")
def table(
    request: pytest.FixtureRequest,
    tables: tuple[dict[object, Any], ExitStack],
    backend_of: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Any:
    """The module's table on the server of the parameter: ``made_on`` of the module makes it, once.

    A parametrized fixture of a module does not last: pytest sorts the tests by state, and each would make its table anew.
    """
    made, stack = tables
    key = (request.module.__name__, request.param)
    if key not in made:
        packages, folder = backend_of(request.param.line), tmp_path_factory.mktemp("truth")
        made[key] = stack.enter_context(request.module.made_on(request.param, packages, folder))
    return made[key]


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedServer]:
    with embedded_server() as running:
        running.create_admin("admin", "admin's password")
        yield running


@pytest.fixture
def installed(server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    assert run(["generate", "--plugin", "auth", "--plugin", "catalog", "--target", "sql", "--target", "app-config"]) == 0
    applied = apply_script(
        tmp_path / "infra" / "sql" / "databases.sql",
        host=server.host,
        port=server.port,
        user="admin",
        password="admin's password",
        env=PASSWORDS,
        psql=server.bin_dir / "psql",
    )
    assert applied.ok, applied.stderr
    return Installation(tmp_path, server)
