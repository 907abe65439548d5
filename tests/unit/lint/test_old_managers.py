"""GR085 against the resolver of the old managers, which is compared with the published packages elsewhere.

A key that is reported changes nothing, one that is not reported does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from generator import Request, load, resolve
from generator.lint import lint

if TYPE_CHECKING:
    from pathlib import Path

KEYS: dict[str, Any] = {
    "prefix": "p_",
    "schemaPrefix": "s_",
    "ensureExists": "false",
    "ensureSchemaExists": "true",
    "pluginDivisionMode": "schema",
    "role": "r",
    "knexConfig": "{pool: {max: 2}}",
    "skipMigrations": "true",
    "plugin": "{catalog: {connection: {database: own}}}",
}
CONFIG = "backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, database: d}\n"


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("manager", ["plugin-connection", "single-connection"])
def test_what_is_reported_changes_nothing(tmp_path: Path, manager: str, key: str) -> None:
    (tmp_path / "greenroom.yaml").write_text(f"version: 1\nbackstage: {{databaseManager: {manager}}}\n")
    path = tmp_path / "app-config.yaml"

    def resolved() -> Any:
        plugin = resolve(load(Request(root=tmp_path, environ={}, plugins=["catalog"])))["catalog"]
        return plugin.database_name, plugin.connection, plugin.ensure_exists, plugin.error

    path.write_text(CONFIG)
    before = resolved()
    path.write_text(f"{CONFIG}    {key}: {KEYS[key]}\n")
    after = resolved()
    report = lint(Request(root=tmp_path, environ={}, plugins=["catalog"]), select=("GR085",))
    assert [finding.diagnostic.path for finding in report.findings] == (
        [f"backend.database.{key}"] if before == after else []
    )
