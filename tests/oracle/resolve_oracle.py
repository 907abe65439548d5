"""Greenroom and the real Backstage asked the same question, and their answers side by side."""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.backstage.config.loader import load_config
from generator.backstage.config.reader import ConfigReader
from generator.backstage.database import Manager, resolve_plugins
from generator.backstage.versions import NEWEST, Behaviour
from generator.backstage.versions import Backstage as PinnedBackstage
from generator.documents.javascript import FUNCTION
from generator.documents.values import UNDEFINED
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from resolve_strategies import Case

    from generator.backstage.database.resolved import PluginDatabase

SCRIPT = Path(__file__).with_name("resolve.mjs")

#: Result of greenroom ↔ result of Backstage.
FIELDS = {
    "client": "client",
    "client_overridden": "clientOverridden",
    "plugin_division_mode": "pluginDivisionMode",
    "database_name": "databaseName",
    "schema_name": "schemaName",
    "role": "role",
    "set_role": "setRole",
    "search_path": "searchPath",
    "ensure_exists": "ensureExists",
    "ensure_schema_exists": "ensureSchemaExists",
    "skip_migrations": "skipMigrations",
    "connection": "connection",
}


#: What knex knows and Backstage does not: the oldest manager passes it on, greenroom says that it cannot.
OTHER_DATABASES = ("cockroachdb", "mssql", "oracledb", "redshift")


class Backstage:
    """The real packages, kept running: one line of JSON for each question."""

    def __init__(self, packages: Path, folder: Path, extra: Path | None = None) -> None:
        self.folder = folder
        manifest = packages / "vendor" / "backend-defaults" / "package.json"
        self.version: str = json.loads(manifest.read_text(encoding="utf-8"))["version"]
        #: What this line does; the Cloud SQL connector is a package of its own.
        self.behaviour = PinnedBackstage(self.version, connector=_connector(extra)).behaviour
        self._process = subprocess.Popen(
            ["node", "--no-warnings", str(SCRIPT), str(packages)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # rds signs a token with whatever credentials there are; nothing is sent anywhere.
            env={**_environment(), "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "key", "NODE_PATH": str(extra or "")},
        )

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)

    def ask(self, case: Case, manager: str = "current", legacy: Path | None = None) -> dict[str, Any]:
        """``{"plugins": […]}`` in the order of the case's plugins, or ``{"error": …}`` when loading fails."""
        for name, text in case.texts().items():
            (self.folder / name).write_text(text, encoding="utf-8")
        question = {
            "root": str(self.folder),
            "files": list(case.files),
            "plugins": list(case.plugins),
            "env": case.environ,
            "manager": manager,
            "legacy": str(legacy) if legacy else None,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "node ended"
        answer: dict[str, Any] = json.loads(line)
        return answer


def _connector(extra: Path | None) -> str:
    manifest = extra / "@google-cloud" / "cloud-sql-connector" / "package.json" if extra else None
    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"]) if manifest else ""


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("APP_CONFIG_", "AWS_"))}


def greenroom(
    case: Case, folder: Path, manager: Manager = "current", behaviour: Behaviour = NEWEST
) -> tuple[dict[str, PluginDatabase], str | None]:
    """What greenroom resolves from the files in ``folder``, and the error its loader expects of Backstage's."""
    config = load_config(
        root=folder, config=[str(folder / name) for name in case.files], environ=case.environ, placeholders="backstage"
    )
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    resolved = resolve_plugins(
        reader,
        case.plugins,
        manager=manager,
        environ=case.environ,
        diagnostics=Diagnostics(),
        placeholders="backstage",
        behaviour=behaviour,
    )
    return resolved, config.error


def differences(case: Case, mine: dict[str, PluginDatabase], theirs: dict[str, Any]) -> list[str]:
    """Every field in which the two disagree, in words."""
    found = []
    for plugin_id, real in zip(case.plugins, theirs["plugins"], strict=True):
        plugin = mine[plugin_id]
        if plugin.error and real.get("client") in OTHER_DATABASES:
            continue
        if plugin.error or "error" in real:
            if plugin.error != real.get("error"):
                found.append(f"{plugin_id}: error\n    greenroom {plugin.error}\n    backstage {real.get('error')}")
            continue
        for field, key in FIELDS.items():
            if key == "connection" and real.get("dynamic"):
                continue
            value, wanted = as_json(getattr(plugin, field)), real.get(key)
            if not same(value, wanted):
                found.append(f"{plugin_id}: {key}\n    greenroom {value!r}\n    backstage {wanted!r}")
    return found


def as_json(value: Any) -> Any:
    """``JSON.parse(JSON.stringify(value))``."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items() if item is not UNDEFINED and item is not FUNCTION}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if value is UNDEFINED or value is FUNCTION or (isinstance(value, float) and not math.isfinite(value)):
        return None
    return value


def same(one: Any, other: Any) -> bool:
    """Equality of JSON values: ``true`` is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return isinstance(one, bool) is isinstance(other, bool) and float(one) == float(other)
    return bool(one == other)
