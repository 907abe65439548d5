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
    from contextlib import AbstractContextManager

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
def kept() -> Iterator[Callable[[object, Callable[[], AbstractContextManager[Any]]], Any]]:
    """A function that makes something once and keeps it to the end of the run.

    Parametrized fixtures of a module are not kept: pytest sorts the tests by state, and each would make its table anew.
    """
    made: dict[object, Any] = {}
    with ExitStack() as stack:

        def keep(key: object, make: Callable[[], AbstractContextManager[Any]]) -> Any:
            if key not in made:
                made[key] = stack.enter_context(make())
            return made[key]

        yield keep


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
