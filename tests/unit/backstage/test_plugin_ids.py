"""Ids that look like another one written wrong."""

from __future__ import annotations

import pytest
from growth import count_calls

from generator.backstage.config.reader import ConfigReader
from generator.backstage.database.plugin_ids import KNOWN, warn_about_ids
from generator.problems.diagnostic import Diagnostics


def warnings(*ids: str) -> dict[str, str]:
    diagnostics = Diagnostics()
    warn_about_ids(ConfigReader(), sorted(ids), diagnostics)
    assert all(item.code == "GR204" for item in diagnostics)
    return {item.path.rpartition(".")[2]: item.summary.split("'")[3] for item in diagnostics}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("techInsights", "tech-insights"),
        ("tech_insights", "tech-insights"),
        ("TechDocs", "techdocs"),
        ("mcpActions", "mcp-actions"),
        ("catalogg", "catalog"),
        ("ctalog", "catalog"),
        ("catlaog", "catalog"),
        ("scafolder", "scaffolder"),
        ("catalog-backend", "catalog"),
        ("plugin-catalog", "catalog"),
        ("backstage-plugin-todo-backend", "todo"),
        ("userSettingsBackend", "user-settings"),
    ],
)
def test_slips(written: str, meant: str) -> None:
    assert warnings(written) == {written: meant}


@pytest.mark.parametrize(
    "name", ["my-plugin", "apps", "org", "a", "billing", "catalogue-of-everything", "authz", "MyPlugin", "x" * 300]
)
def test_plugins_of_ones_own_are_normal(name: str) -> None:
    assert warnings(name) == {}


def test_published_ids_are_right() -> None:
    assert warnings(*KNOWN) == {}
    assert {"catalog", "auth", "mcp-actions", "tech-insights", "permission"} <= KNOWN


def test_two_spellings_of_a_plugin_of_ones_own() -> None:
    assert warnings("my-own", "myOwn") == {"myOwn": "my-own"}
    assert warnings("myOwn") == {}


def test_work_grows_no_faster_than_the_number_of_ids() -> None:
    def work(number: int) -> int:
        return count_calls(lambda: warnings(*(f"our-plugin-{index:04}" for index in range(number))))

    assert work(3_000) < 11 * work(300)
