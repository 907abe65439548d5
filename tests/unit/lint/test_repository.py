"""What lint says of the backend's code: drivers, old managers, plugins nobody adds."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from lint_pages import example

from generator import Request
from generator.lint import Report, lint

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """\
backend:
  database:
    client: pg
    connection: {host: h, port: 5432, user: u, type: TYPE}
    plugin:
      PLUGIN
"""
ENTRY = """\
import { createBackend } from '@backstage/backend-defaults';
const backend = createBackend();
backend.add(import('@backstage/plugin-catalog-backend'));
backend.add(import('@backstage/plugin-auth-backend'));
"""


def look(root: Path, *, dependencies: dict[str, str], config: str, **files: Any) -> Report:
    backend = root / "packages" / "backend"
    (backend / "src").mkdir(parents=True)
    (backend / "src" / "index.ts").write_text(ENTRY)
    added = dict.fromkeys(["@backstage/plugin-catalog-backend", "@backstage/plugin-auth-backend"], "1")
    manifest = {"name": "backend", "backstage": {"role": "backend"}, "dependencies": {**added, **dependencies}}
    (backend / "package.json").write_text(json.dumps(manifest, indent=2))
    (root / "package.json").write_text(json.dumps({"private": True, "workspaces": ["packages/*"]}))
    (root / "app-config.yaml").write_text(config)
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return lint(Request(root=root, environ={}), select=("GR08",))


def config(kind: str = "default", plugin: str = "other: {}") -> str:
    return CONFIG.replace("TYPE", kind).replace("PLUGIN", plugin)


def states(report: Report) -> dict[str, str]:
    (drivers,) = report.drivers
    return {driver.package: driver.state for driver in drivers.drivers}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (config(), {"pg": "brought"}),
        (config("rds"), {"@aws-sdk/rds-signer": "brought", "pg": "brought"}),
        (config("azure"), {"@azure/identity": "brought", "pg": "brought"}),
        (
            config("cloudsql").replace("user: u", "instance: 'p:r:i'"),
            {"@google-cloud/cloud-sql-connector": "missing", "pg": "brought"},
        ),
        (
            config("default", "auth: {client: better-sqlite3, connection: ':memory:'}"),
            {"better-sqlite3": "missing", "pg": "brought"},
        ),
        (config("default", "auth: {client: mysql2, connection: {}}"), {"mysql2": "brought", "pg": "brought"}),
        (config("default", "auth: {client: mysql, connection: {}}"), {"mysql": "missing", "pg": "brought"}),
        (config("rds", "auth: {connection: {type: default}}"), {"@aws-sdk/rds-signer": "brought", "pg": "brought"}),
        # No plugin is left that signs in.
        (config("rds", "{auth: {connection: {type: default}}, catalog: {connection: {type: default}}}"), {"pg": "brought"}),
    ],
)
def test_what_the_clients_need(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert states(look(tmp_path, dependencies={}, config=text)) == expected


def test_what_is_declared_needs_no_word(tmp_path: Path) -> None:
    report = look(tmp_path, dependencies={"pg": "^8.11.3"}, config=config(plugin="catalog: {}"))
    assert states(report) == {"pg": "declared"}
    assert not report.findings
    assert not report.drivers[0].command


@pytest.mark.parametrize(
    ("lock", "command"),
    [
        (None, "yarn --cwd packages/backend add better-sqlite3"),
        ("yarn.lock", "yarn --cwd packages/backend add better-sqlite3"),
        ("pnpm-lock.yaml", "pnpm --dir packages/backend add better-sqlite3"),
        ("package-lock.json", "npm install --workspace packages/backend better-sqlite3"),
    ],
)
def test_the_command_is_the_repositorys_own(tmp_path: Path, lock: str | None, command: str) -> None:
    text = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"
    report = look(tmp_path, dependencies={}, config=text, **({lock: "{}"} if lock else {}))
    (finding,) = report.findings
    assert (finding.diagnostic.code, finding.diagnostic.hint) == ("GR082", command)


def test_what_is_installed_decides_what_is_brought(tmp_path: Path) -> None:
    """An old backend-defaults, or a root that lists the driver."""
    installed = {"node_modules/@backstage/backend-defaults/package.json": {"name": "x", "dependencies": {"knex": "3"}}}
    assert states(look(tmp_path, dependencies={}, config=config(), **installed)) == {"pg": "missing"}


@pytest.mark.parametrize(
    ("files", "dev", "by"),
    [
        ({"node_modules/better-sqlite3/package.json": {"name": "x"}}, {}, "another installed package"),
        ({}, {"better-sqlite3": "1"}, "devDependencies, which a production build leaves out,"),
    ],
)
def test_who_brings_a_driver_that_is_not_declared(
    tmp_path: Path, files: dict[str, Any], dev: dict[str, str], by: str
) -> None:
    text = "backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n"
    report = look(tmp_path, dependencies={}, config=text, **files)
    path = tmp_path / "packages/backend/package.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "devDependencies": dev}))
    report = lint(Request(root=tmp_path, environ={}), select=("GR08",), ignore=("GR80",))
    (finding,) = report.findings
    assert (finding.diagnostic.code, finding.diagnostic.severity) == ("GR083", "info")
    assert finding.diagnostic.summary == f"better-sqlite3 is needed by auth, catalog, and only {by} brings it"


# --- the old manager --------------------------------------------------------------------------------------------------


def patched(tmp_path: Path, entry: str) -> tuple[Report, str]:
    """The report for an entry file, and the file after `git apply` of its patch."""
    case = example("GR084", "Bad")
    case.write(tmp_path)
    path = tmp_path / "packages/backend/src/index.ts"
    path.write_bytes(entry.encode())
    report = lint(case.request(tmp_path), select=("GR084",))
    patches = [finding.patch for finding in report.findings if finding.patch]
    if patches:
        prefix = str(path.parent.parent.parent.parent)
        text = patches[0].replace(f"a/{prefix}/", "a/").replace(f"b/{prefix}/", "b/")
        (tmp_path / "p.diff").write_bytes(text.replace(f"a{prefix}/", "a/").replace(f"b{prefix}/", "b/").encode())
        done = subprocess.run(["git", "apply", "p.diff"], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr + text
    return report, path.read_bytes().decode()


COMMON = "@backstage/backend-common"
IMPORT = "import { createServiceBuilder, SingleConnectionDatabaseManager } from '@backstage/backend-common';\n"
USE = "const manager = SingleConnectionDatabaseManager.fromConfig(config);\ncreateEnv('catalog');\n"


@pytest.mark.parametrize(
    ("entry", "after"),
    [
        (IMPORT + USE, (IMPORT + USE).replace("SingleConnectionDatabaseManager", "DatabaseManager")),
        # It is imported under another name: only the import changes.
        (
            f"import {{ SingleConnectionDatabaseManager as M }} from '{COMMON}';\nM.fromConfig(c);\n",
            f"import {{ DatabaseManager as M }} from '{COMMON}';\nM.fromConfig(c);\n",
        ),
        # Both are imported.
        (
            "import {\n  SingleConnectionDatabaseManager,\n  DatabaseManager,\n} from '@backstage/backend-common';\n" + USE,
            "import {\n  DatabaseManager,\n} from '@backstage/backend-common';\n"
            + USE.replace("SingleConnectionDatabaseManager", "DatabaseManager"),
        ),
        # A comment and a text are left alone, umlauts and Windows lines too.
        (
            (
                "// SingleConnectionDatabaseManager für alle\n"
                + IMPORT
                + "const t = 'SingleConnectionDatabaseManager';\n"
                + USE
            ).replace("\n", "\r\n"),
            (
                "// SingleConnectionDatabaseManager für alle\n"
                + IMPORT.replace("Single", "").replace("Connection", "")
                + "const t = 'SingleConnectionDatabaseManager';\n"
                + USE.replace("SingleConnection", "")
            ).replace("\n", "\r\n"),
        ),
    ],
)
def test_the_patch_of_an_old_backend(tmp_path: Path, entry: str, after: str) -> None:
    report, text = patched(tmp_path, entry)
    assert [finding.diagnostic.code for finding in report.findings] == ["GR084"]
    assert text == after


@pytest.mark.parametrize(
    "entry",
    [
        "// SingleConnectionDatabaseManager\ncreateEnv('catalog');\n",
        "import { SingleConnectionDatabaseManager } from './mine';\nSingleConnectionDatabaseManager.fromConfig(c);\n",
        f"import {{ SingleConnectionDatabaseManager }} from '{COMMON}';\n",
        f"import {{ DatabaseManager }} from '{COMMON}';\nDatabaseManager.fromConfig(c);\n",
    ],
)
def test_no_patch_where_it_does_not_apply(tmp_path: Path, entry: str) -> None:
    report, text = patched(tmp_path, entry)
    assert not report.findings
    assert text == entry


def test_a_single_connection_seen_in_the_code_reads_no_plugin(tmp_path: Path) -> None:
    case = example("GR084", "Bad")
    case.write(tmp_path)
    path = tmp_path / "app-config.yaml"
    path.write_text(path.read_text() + "    prefix: p_\n    plugin: {catalog: {connection: {database: c}}}\n")
    report = lint(case.request(tmp_path), select=("GR084", "GR085"))
    assert [(item.diagnostic.code, item.diagnostic.path) for item in report.findings] == [
        ("GR085", "backend.database.prefix"),
        ("GR085", "backend.database.plugin"),
        ("GR084", ""),
    ]


# --- plugins ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plugin", "found"),
    [("reports: {}", ["GR080"]), ("catalog: {}", []), ("authn: {}", ["GR080"])],
)
def test_a_plugin_nobody_adds(tmp_path: Path, plugin: str, found: list[str]) -> None:
    report = look(tmp_path, dependencies={"pg": "1"}, config=config(plugin=plugin))
    assert [item.diagnostic.code for item in report.findings] == found
    if plugin.startswith("authn"):
        assert report.findings[0].diagnostic.hint == "did you mean 'auth'?"


def test_with_the_repository_a_slip_is_said_once(tmp_path: Path) -> None:
    """`Catalog` for `catalog`: the resolver says it already."""
    look(tmp_path, dependencies={"pg": "1"}, config=config(plugin="Catalog: {}"))
    report = lint(Request(root=tmp_path, environ={}), ignore=("GR805",))
    assert [item.diagnostic.code for item in report.findings] == ["GR204"]
    assert "which is there as well" in report.findings[0].diagnostic.summary


def test_a_plugin_that_was_asked_for_is_somewhere_else(tmp_path: Path) -> None:
    look(tmp_path, dependencies={"pg": "1"}, config=config(plugin="reports: {}"))
    assert not lint(Request(root=tmp_path, environ={}, plugins=["reports"]), select=("GR080",)).findings


@pytest.mark.parametrize("client", ["pg", "better-sqlite3"])
def test_rbac_goes_by_the_base_client(tmp_path: Path, client: str) -> None:
    entry = ENTRY.replace("@backstage/plugin-auth-backend", "@backstage-community/plugin-rbac-backend")
    text = config(plugin='permission: {client: better-sqlite3, connection: ":memory:"}').replace(
        "client: pg", f"client: {client}"
    )
    more = {"@backstage-community/plugin-rbac-backend": "8.1.3", "pg": "*", "better-sqlite3": "*"}
    report = look(tmp_path, dependencies=more, config=text, **{"packages/backend/src/index.ts": entry})
    found = [item.diagnostic for item in report.findings if item.diagnostic.code == "GR081"]
    assert ["missing database name" in item.backstage for item in found] == ([True] if client == "pg" else [])
