"""Repositories that were made to take long: each of these took minutes once. None is timed here, all come to an end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.repository import packages

if TYPE_CHECKING:
    from tests.unit.discover.conftest import Discover

pytestmark = pytest.mark.slow  # hundreds of processes

CATALOG = "backend.add(import('@backstage/plugin-catalog-backend'));\n"


@pytest.mark.parametrize(
    "code",
    [
        f"const x={'f(' * 3000}1{')' * 3000};\n",
        f"const x={'f(' * 3000}1{')' * 3000};\nbackend.add(x);\n",
        f"const x=import('a'){'.then(m=>m)' * 2000};\nbackend.add(x);\n",
        f"{'function f(a) { return ' * 300}1{'}' * 300}\n",
        "if (false) {\n" + "f();\n" * 3000 + "}\n",
        "f();\n" * 5000,
        "backend.add(x());\n" * 5000,
    ],
    ids=["nested calls", "nested calls, added", "a chain", "nested functions", "dead code", "many calls", "many unknown"],
)
def test_code(backend: Discover, code: str) -> None:
    assert "catalog" in backend(code + CATALOG).plugins


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pnpm-workspace.yaml", "packages:\n  - " + " " * 100_000 + "'packages/*\n"),
        ("pnpm-workspace.yaml", "packages:\n  - 'packages/*'" + " " * 100_000 + "x\n"),
        ("pnpm-workspace.yaml", "packages: " + "[" * 100_000 + "\n"),
        ("pnpm-lock.yaml", "packages:\n  " + "a" * 1_000_000 + "\n"),
        ("pnpm-lock.yaml", "packages:\n  " + "1@1" * 300_000 + "\n"),
        ("yarn.lock", ("a@b:\n" + "  x\n" * 10) * 10_000),
        ("yarn.lock", "a@" * 500_000 + "\n"),
    ],
)
def test_files(backend: Discover, name: str, text: str) -> None:
    assert "catalog" in backend(CATALOG, {name: text}).plugins


def test_a_repository_that_takes_too_long(backend: Discover, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was not read is not known, and that is said: silence would be taken for "there is nothing"."""
    monkeypatch.setattr(packages, "_SECONDS", -1000.0)
    found = backend(CATALOG)
    (unknown,) = found.unknown
    assert (unknown[0].line, unknown[1]) == (
        2,
        "the repository takes too long to read: what is added from here on is not known",
    )
    assert [item.code for item in found.diagnostics] == ["GR803"]


def test_a_lock_file_of_yarn_with_long_entries(backend: Discover) -> None:
    listed = ", ".join(f"@backstage/plugin-catalog-backend@^1.{number}.0" for number in range(500))
    files: dict[str, Any] = {"yarn.lock": f'"{listed}":\n  version: 1.2.3\n  resolution: x\n'}
    assert backend(CATALOG, files).plugins["catalog"].version == "1.2.3"
