"""Warnings about what Backstage resolves, shown with the published packages.

They do what the page of the rule says with its bad example, and do not with the good one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from resolve_oracle import Backstage

from generator.lint.registry import RULES

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "unit" / "lint"))

from lint_pages import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Plugin = dict[str, Any]

ENVIRON = {
    "POSTGRES_HOST": "h",
    "POSTGRES_USER": "base",
    "POSTGRES_PASSWORD": "base password",
    "MYSQL_HOST": "h",
    "MYSQL_USER": "base",
    "MYSQL_PASSWORD": "base password",
    "CATALOG_DB_PASSWORD": "own password",
    "DATABASE_CA": "certificate",
    "DATABASE_URL": "postgresql://base:p@other/one",
    "POSTGRES_SSL": "false",
}


def connection(plugin: Plugin) -> dict[str, Any]:
    found: dict[str, Any] = plugin["connection"]
    return found


#: Rule to what Backstage does with the bad example and not with the good one.
SURPRISES: dict[str, Callable[[Plugin], bool]] = {
    "GR002": lambda plugin: connection(plugin).get("ssl") == "false",
    "GR003": lambda plugin: connection(plugin)["ssl"].get("rejectUnauthorized") is False,
    "GR006": lambda plugin: connection(plugin)["ssl"]["rejectUnauthorized"] is False and "ca" in connection(plugin)["ssl"],
    "GR007": lambda plugin: connection(plugin)["ssl"]["rejectUnauthorized"] == "false",
    "GR010": lambda plugin: connection(plugin)["password"] == "base password",
    "GR011": lambda plugin: connection(plugin)["user"] == "base",
    "GR012": lambda plugin: connection(plugin)["host"] == "",
    "GR020": lambda plugin: plugin["ensureExists"] is True and connection(plugin)["user"] == "backstage_catalog",
    "GR021": lambda plugin: plugin["ensureExists"] is True and connection(plugin)["host"] == "catalog-db.example.com",
    "GR022": lambda plugin: plugin["ensureExists"] is True,
    "GR023": lambda plugin: plugin["ensureExists"] is True and plugin["databaseName"] == "backstage_catalog",
    "GR024": lambda plugin: plugin["ensureSchemaExists"] is False,
    "GR025": lambda plugin: plugin["ensureExists"] is True and connection(plugin)["user"] == "backstage_catalog",
    "GR030": lambda plugin: plugin["role"] == "catalog_owner" and not plugin.get("setRole"),
    "GR031": lambda plugin: plugin.get("setRole") == "backstage_owner" and connection(plugin)["user"] == "backstage_catalog",
    "GR032": lambda plugin: plugin.get("role") == "backstage_owner" and "role" not in connection(plugin),
    "GR035": lambda plugin: plugin.get("schemaName") is None,
    "GR036": lambda plugin: plugin.get("databaseName") is None,
    "GR045": lambda plugin: "ssl" not in connection(plugin),
    "GR050": lambda plugin: connection(plugin)["filename"] == ":memory:" if "filename" in connection(plugin) else False,
    "GR052": lambda plugin: connection(plugin).get("filename") == "catalog.sqlite",
    "GR060": lambda plugin: connection(plugin)["host"] == "" and connection(plugin)["user"] == "",
    "GR062": lambda plugin: connection(plugin).get("connectionString", "").endswith("/one"),
    "GR072": lambda plugin: "ssl" not in connection(plugin),
    "GR075": lambda plugin: "user" not in connection(plugin),
    "GR076": lambda plugin: connection(plugin)["user"] == "${POSTGRES_USER}",
    "GR077": lambda plugin: connection(plugin)["user"] == "$POSTGRES_USER",
    "GR117": lambda plugin: "port" not in connection(plugin),
    "GR222": lambda plugin: "ssl" not in connection(plugin),
    "GR223": lambda plugin: connection(plugin)["ssl"] == {"require": False},
    "GR227": lambda plugin: plugin["schemaName"] == "catalog",
    "GR226": lambda plugin: "ssl" not in connection(plugin),
    "GR212": lambda plugin: "ssl" not in connection(plugin),
}

#: Where the good example is another way to say what the bad one does; what counts is what the bad one does.
ALIKE: dict[str, Callable[[Plugin], bool]] = {
    "GR063": lambda plugin: plugin["client"] == "mysql2" and connection(plugin)["type"] == "rds",
    "GR221": lambda plugin: connection(plugin)["host"] == "h" and plugin["client"] == "pg",
    "GR041": lambda plugin: plugin["databaseName"] == "backstage_plugin_catalog",
    "GR071": lambda plugin: plugin["databaseName"] == "backstage_plugin_catalog",
}


@pytest.fixture(scope="module")
def backstage(oracle_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backstage]:
    """The real packages, kept running."""
    running = Backstage(oracle_dir, tmp_path_factory.mktemp("backstage"))
    yield running
    running.close()


class Question:
    """What ``Backstage.ask`` wants to know of an example."""

    def __init__(self, code: str, kind: str, folder: Path) -> None:
        case = example(code, kind)
        case.write(folder)
        self.files = [after for name, after in zip(case.options, case.options[1:], strict=False) if name == "--config"]
        # What an empty default is for is a variable that is not set.
        self.environ = {name: value for name, value in ENVIRON.items() if code != "GR075" or name != "POSTGRES_USER"}
        self.plugins = ("catalog",)

    def texts(self) -> dict[str, str]:
        """Nothing to write: the files are there."""
        return {}


def ask(backstage: Backstage, folder: Path, code: str, kind: str) -> Plugin:
    """What Backstage resolves for the catalog. A file that an example includes is put beside it."""
    folder.mkdir()
    question = Question(code, kind, folder)
    (folder / "included.pem").write_text("certificate")
    for name in question.files:
        text = (folder / name).read_text()
        for path in ("/etc/ssl/rds-bundle.pem", "/etc/ssl/catalog-ca.pem", "/etc/ssl/database-ca.pem", "/etc/ssl/ca.pem"):
            text = text.replace(path, "included.pem")
        (folder / name).write_text(text)
    backstage.folder = folder
    answer = backstage.ask(question)
    assert "error" not in answer, answer
    plugin: Plugin = answer["plugins"][0]
    assert "error" not in plugin, plugin
    return plugin


@pytest.mark.parametrize("code", sorted(SURPRISES))
def test_backstage_does_what_the_page_says(backstage: Backstage, tmp_path: Path, code: str) -> None:
    assert code in RULES
    bad = ask(backstage, tmp_path / "bad", code, "Bad")
    assert SURPRISES[code](bad), bad
    good = ask(backstage, tmp_path / "good", code, "Good")
    try:
        surprised = SURPRISES[code](good)
    except KeyError:
        surprised = False
    assert not surprised, good


@pytest.mark.parametrize("code", sorted(ALIKE))
def test_what_is_ignored(backstage: Backstage, tmp_path: Path, code: str) -> None:
    assert ALIKE[code](ask(backstage, tmp_path / "bad", code, "Bad"))
