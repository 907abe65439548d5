"""The atlas: what is said of published packages, and that nothing is said of what was not measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from update_docs import PLUGINS, plugins_page

from generator.backstage.repository.catalogue import Catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.backstage.repository.model import Discovery

    Discover = Callable[..., Discovery]

FILE = Path(__file__).resolve().parents[3] / "generator" / "backstage" / "repository" / "atlas.json"
DATA: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
ROWS: dict[str, dict[str, Any]] = DATA["packages"]
MEASURED = {name: row for name, row in ROWS.items() if "version" in row and ("plugin" in row or "module" in row)}


def test_enough_of_it_is_measured() -> None:
    assert len(MEASURED) >= 120
    assert DATA["measured"]["date"]
    assert DATA["measured"]["backendDefaults"]


def test_every_row_says_how_it_is_known() -> None:
    """What was not measured says why, and no more than the id is said of it."""
    for name, row in ROWS.items():
        if name not in MEASURED:
            assert row["why"], name
            if row.get("ran") == "read":
                continue  # what a person read of a package that is not to be had here
            assert not row.keys() & {"tables", "extensions", "connections", "ran"}, name
        elif "tables" not in row:
            assert row["why"], name
        else:
            assert row["ran"] in ("started", "migrated", "code", "read"), name


def test_no_plugin_fails_on_a_database_that_greenroom_created() -> None:
    """``fails`` is written where the migrations failed; what is known to fail needs an extension, and preflight knows it."""
    assert {name for name, row in ROWS.items() if "fails" in row and not row.get("extensions")} == set()


def test_the_page_is_made_from_it() -> None:
    assert PLUGINS.read_text(encoding="utf-8") == plugins_page(), "run `make goldens`, and look at the difference"


def test_what_is_not_in_it_is_unknown() -> None:
    assert Catalogue.load().tables("cost-center", "@acme/backstage-plugin-cost-center-backend") is None
    # Nobody has measured what this module adds.
    modules = ("@acme/backstage-plugin-devtools-backend-module-x",)
    assert Catalogue.load().tables("devtools", "@backstage/plugin-devtools-backend", modules) is None


@pytest.mark.parametrize(
    ("package", "version", "newer"),
    [
        ("@backstage/plugin-catalog-backend", "0.1.0", False),
        ("@backstage/plugin-catalog-backend", MEASURED["@backstage/plugin-catalog-backend"]["version"], False),
        ("@backstage/plugin-catalog-backend", "99.0.0", True),
        ("@backstage/plugin-catalog-backend", "0.0.0-nightly-20260101", False),
        ("@acme/backstage-plugin-catalog-backend", "99.0.0", False),
    ],
)
def test_a_row_that_is_older_than_the_package(backend: Discover, package: str, version: str, newer: bool) -> None:
    lock = json.dumps({"packages": {f"node_modules/{package}": {"version": version}}})
    (found,) = backend(f"backend.add(import('{package}'));\n", {"package-lock.json": lock}).plugins.values()
    assert found.is_newer == newer
    assert found.to_json()["version"] == version


def test_extensions_by_package(backend: Discover) -> None:
    found = backend("backend.add(import('@drodil/backstage-plugin-qeta-backend'));\n").plugins["qeta"]
    assert found.extensions == ("pg_trgm",)
