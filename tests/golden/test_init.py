"""What ``greenroom init`` writes for several repositories, word for word, and that `generate` runs with it as it is."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.cli.app import run
from generator.documents.schema import schema_text
from generator.init import HEAD
from generator.init.text import settings_text
from generator.problems.diagnostic import Diagnostics
from generator.settings.read import read_settings

HERE = Path(__file__).with_name("init")
PORTAL = Path(__file__).resolve().parents[1] / "e2e/whole/portal"
UPDATE = "run `make goldens` and look at the difference"

Files = dict[str, str]

VARIABLES = "{host: '${POSTGRES_HOST}', user: '${POSTGRES_USER}', password: '${POSTGRES_PASSWORD}'}"


def greenroom(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command line, in this process: many short runs."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(list(arguments))
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def database(connection: str = VARIABLES, more: str = "") -> str:
    return f"backend:\n  database:\n    client: pg\n    connection: {connection}\n{more}"


def backend(entry: str, **dependencies: str) -> Files:
    manifest = {"name": "backend", "backstage": {"role": "backend"}, "dependencies": dependencies}
    return {
        "package.json": '{"workspaces": ["packages/*"]}',
        "packages/backend/package.json": json.dumps(manifest),
        "packages/backend/src/index.ts": entry,
    }


NEW = (
    "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"
    "backend.add(import('@backstage/plugin-catalog-backend'));\nbackend.add(import('@backstage/plugin-auth-backend'));\n"
)
TODAY = backend(
    NEW,
    **dict.fromkeys(
        ("@backstage/backend-defaults", "@backstage/plugin-catalog-backend", "@backstage/plugin-auth-backend"), "*"
    ),
)
OLD = (
    "import {{\n  // not SingleConnectionDatabaseManager\n  createServiceBuilder,\n  {0},\n}} "
    "from '@backstage/backend-common';\n"
    "const databaseManager = {0}.fromConfig(config);\n"
    "const catalogEnv = useHotMemoize(module, () => createEnv('catalog'));\n"
    "const techdocsEnv = useHotMemoize(module, () => createEnv('techdocs'));\n"
)

CASES: dict[str, Files] = {
    "amazon": {
        **TODAY,
        "app-config.yaml": database("':memory:'").replace("client: pg", "client: better-sqlite3"),
        "app-config.local.yaml": "backend: {database: {client: nonsense}}\n",
        "app-config.staging.yaml": "app: {title: Staging}\n",
        "app-config.production.yaml": database(
            "{host: portal.abc123.eu-west-1.rds.amazonaws.com, user: portal, password: '${PASSWORD}'}"
        ),
    },
    "cloud-identities": {
        **TODAY,
        "app-config.yaml": database("{type: cloudsql, instance: 'portal-1:europe-west1:db', user: portal@portal-1.iam}"),
    },
    "computed-imports": {
        **backend(
            f"{NEW}backend.add(import(process.env.EXTRA!));\nfor (const name of names()) backend.add(import(name));\n",
            **{"@backstage/backend-defaults": "*"},
        ),
        "app-config.yaml": database(),
    },
    "dockerfile": {
        **TODAY,
        "app-config.yaml": database(),
        "app-config.docker.yaml": "app: {title: Docker}\n",
        "app-config.production.yaml": "app: {title: Production}\n",
        "packages/backend/Dockerfile": (
            'FROM node\nCMD ["node", "packages/backend"]\n'
            'CMD ["node", "packages/backend", "--config", "app-config.yaml", \\\n'
            '  "--config", "app-config.docker.yaml", "--config", "infra/app-config.databases.yaml"]\n'
        ),
    },
    "legacy-per-plugin": {
        **backend(OLD.format("DatabaseManager"), **{"@backstage/backend-common": "^0.9.0"}),
        "app-config.yaml": database(),
        "app-config.prod.yaml": "app: {title: Production}\n",
    },
    "legacy-single-connection": {
        **backend(OLD.format("SingleConnectionDatabaseManager"), **{"@backstage/backend-common": "^0.8.0"}),
        "app-config.yaml": database(),
    },
    "no-backend": {"app-config.yaml": database(VARIABLES, "    plugin: {catalog: {}}\n")},
    "several-servers": {
        **TODAY,
        "app-config.yaml": database(
            "{host: db.portal.svc.cluster.local, user: portal, password: '${PASSWORD}'}",
            "    plugin:\n      auth: {connection: {host: '${AUTH_HOST}'}}\n"
            "      search: {connection: {host: db.portal.svc.cluster.local, port: 5433}}\n",
        ),
    },
    "vault": {
        **TODAY,
        "app-config.yaml": database("{host: '${HOST}', user: portal, password: {$file: /vault/secrets/db-password}}"),
    },
}


@pytest.fixture(params=[*CASES, "the-whole"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def root(case: str, tmp_path: Path) -> Path:
    folder = tmp_path / "portal"
    if case == "the-whole":
        shutil.copytree(PORTAL, folder)
    for name, text in CASES.get(case, {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def keys(schema: dict[str, Any], values: Any, prefix: str = "") -> set[str]:
    """Every key the schema has a property for."""
    found = set()
    for name, entry in schema.get("properties", {}).items():
        found |= {f"{prefix}{name}"} | keys(entry, values, f"{prefix}{name}.")
    return found


def essence(text: str) -> str:
    """What was found: without the descriptions and the keys that every file has."""
    values = {"servers": {"primary": {}}}
    everywhere = settings_text(json.loads(schema_text("settings")), values, {}, HEAD).splitlines()
    known = {line.lstrip("# ") for line in everywhere}
    lines = [line for line in text.splitlines() if line and (line.lstrip()[0] != "#" or line.lstrip("# ") not in known)]
    return "\n".join([*lines, ""])


def test_the_file_is_the_expected_one(case: str, root: Path) -> None:
    done = greenroom("init", "--root", "portal", cwd=root.parent)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
    assert done.stderr.splitlines()[-1].endswith("`greenroom generate --root portal`")
    path, golden = root / "greenroom.yaml", HERE / f"{case}.yaml"
    text = path.read_text()
    recorded = essence(text)
    if os.environ.get("GREENROOM_UPDATE"):
        golden.write_text(recorded)
    assert recorded == golden.read_text(), UPDATE

    # Valid; every key there is stands in it; the same on every run and from everywhere.
    diagnostics = Diagnostics()
    read_settings(path, root=root, diagnostics=diagnostics)
    assert not list(diagnostics)
    schema = json.loads(schema_text("settings"))
    for key in keys(schema, None):
        if not key.startswith("credentials.delivery.") and key != "$schema":  # one of the two; the first line has it
            assert f"{key.rsplit('.', 1)[-1]}: " in text or f"{key.rsplit('.', 1)[-1]}:\n" in text, key
    assert greenroom("init", "--stdout", cwd=root).stdout == text
    assert text.startswith(f"# yaml-language-server: $schema={schema['$id']}\n")
    assert max(map(len, text.splitlines())) <= 120

    # It is there to be used.
    made = greenroom("generate", cwd=root)
    assert made.returncode == 0, made.stderr
    assert "GR405" not in made.stderr
    assert greenroom("generate", "--check", cwd=root).returncode == 0
    assert greenroom("init", "--stdout", cwd=root).stdout == text


def test_what_is_commented_out_is_valid_too(case: str, root: Path) -> None:
    """A key whose sign is removed has its default or an example; each at its place."""
    text = greenroom("init", "--root", "portal", "--stdout", cwd=root.parent).stdout
    lines = text.splitlines()
    starts = [index for index, line in enumerate(lines) if line.lstrip().startswith("#") and line.lstrip()[1:2].isalpha()]
    assert starts
    for start in starts:
        end = start + 1
        indent = len(lines[start]) - len(lines[start].lstrip())
        while end < len(lines) and lines[end].startswith(" " * indent + "#  "):
            end += 1
        uncommented = [line.replace("#", "", 1) for line in lines[start:end]]
        document = "\n".join([*lines[:start], *uncommented, *lines[end:]])
        (root / "greenroom.yaml").write_text(document)
        diagnostics = Diagnostics()
        read_settings(None, root=root, diagnostics=diagnostics)
        assert not [item.render() for item in diagnostics if item.code == "GR401"], document
        assert yaml.safe_load(document) != yaml.safe_load(text)
