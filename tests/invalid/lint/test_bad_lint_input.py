"""Bad input for `greenroom lint`: what it says, word for word, and its exit code.

``cases/NAME.txt`` is the exit code, stdout and stderr. Nothing is ever written.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import command_line
import pytest

CASES = Path(__file__).with_name("cases")
PROJECT = Path(__file__).resolve().parents[3]
UPDATE = "run `GREENROOM_UPDATE=1 pytest tests/invalid/lint` and look at the difference"

GOOD = """\
backend:
  database:
    client: pg
    connection: {host: "${POSTGRES_HOST}", user: "${POSTGRES_USER}", password: "${POSTGRES_PASSWORD}"}
"""
BACKEND = {
    "package.json": '{"private": true, "workspaces": ["packages/*"]}',
    "packages/backend/package.json": '{"name": "backend", "backstage": {"role": "backend"}, "dependencies": {}}',
}
ENTRY = "packages/backend/src/index.ts"
CODE = "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"

#: Name to files, arguments after `lint`, and exit code.
INPUTS: dict[str, tuple[dict[str, str | bytes], str, int]] = {
    "nothing-at-all": ({}, "", 1),
    "good": ({"app-config.yaml": GOOD}, "", 0),
    "missing-config": ({"app-config.yaml": GOOD}, "--config nope.yaml", 1),
    "broken-yaml": ({"app-config.yaml": 'backend:\n  database:\n    client: "pg\n'}, "", 1),
    "broken-yaml-to-fix": (
        {"app-config.yaml": 'backend:\n  database: {client: pg, connection: {ssl: "false"}\n'},
        "--fix",
        1,
    ),
    "broken-yaml-ignored": ({"app-config.yaml": "a: 1\na: 2\n"}, "--ignore GR105", 1),
    "helm-template": ({"app-config.yaml": "backend:\n  {{- if .Values.x }}\n  port: 1\n  {{- end }}\n"}, "", 1),
    "a-list": ({"app-config.yaml": "- a\n"}, "", 1),
    "not-utf-8": ({"app-config.yaml": GOOD.encode() + b"# \xe4\n"}, "", 1),
    "database-is-a-text": ({"app-config.yaml": "backend: {database: pg}\n"}, "", 1),
    "connection-is-a-list": ({"app-config.yaml": "backend: {database: {client: pg, connection: [a]}}\n"}, "", 1),
    "plugin-is-a-list": ({"app-config.yaml": GOOD + "    plugin: [catalog]\n"}, "", 1),
    "plugin-is-a-text": ({"app-config.yaml": GOOD + "    plugin: {catalog: pg}\n"}, "", 1),
    "odd-plugin-id": ({"app-config.yaml": GOOD + '    plugin: {"a b": {connection: {}}}\n'}, "", 1),
    "bad-settings": ({"app-config.yaml": GOOD, "greenroom.yaml": "version: 1\nplugin: {}\n"}, "", 1),
    "unknown-code": ({"app-config.yaml": GOOD}, "--select GR9999", 2),
    "unknown-code-ignored": ({"app-config.yaml": GOOD}, "--ignore ssl", 2),
    "unknown-format": ({"app-config.yaml": GOOD}, "--format xml", 2),
    "suppressions-gone-wrong": (
        {"app-config.yaml": "# greenroom-ignore: GR003 x\n# greenroom-ignore: GR999 x\n" + GOOD + "# greenroom-ignore\n"},
        "",
        0,
    ),
    "entry-that-does-not-parse": (
        {**BACKEND, "app-config.yaml": GOOD, ENTRY: CODE + "backend.add(import('@backstage/plugin-catalog-backend'\n"},
        "",
        0,
    ),
    "broken-package-json": (
        {**BACKEND, "app-config.yaml": GOOD, ENTRY: CODE, "packages/backend/package.json": '{"name": "backend",'},
        "",
        0,
    ),
    "a-package-json-of-odd-types": (
        {
            **BACKEND,
            "app-config.yaml": GOOD,
            ENTRY: CODE + "backend.add(import('@backstage/plugin-catalog-backend'));\n",
            "packages/backend/package.json": '{"name": "backend", "backstage": {"role": "backend"}, "dependencies": ["pg"]}',
        },
        "",
        0,
    ),
    "computed-imports": (
        {
            **BACKEND,
            "app-config.yaml": GOOD + "    plugin: {reports: {connection: {database: r}}}\n",
            ENTRY: CODE + "for (const name of names()) backend.add(import(name));\n",
        },
        "",
        0,
    ),
    "github": (
        {"app-config.yaml": "backend: {database: {client: pg, connection: {ssl: 'off, 100%'}}}\n"},
        "--format github",
        1,
    ),
    "a-link-to-fix": ({"real.yaml": GOOD.replace("{host", "{ssl: 'false', host")}, "--fix", 1),
    "from-the-environment": (
        {"app-config.yaml": GOOD, ".env": "APP_CONFIG_backend_database_connection_password=123\n"},
        "--env-file .env",
        1,
    ),
}


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_bad_input(name: str, tmp_path: Path) -> None:
    files, arguments, code = INPUTS[name]
    for file, content in files.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if name == "a-link-to-fix":
        (tmp_path / "app-config.yaml").symlink_to("real.yaml")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "PYTHONDONTWRITEBYTECODE") if key in os.environ}
    done = command_line.run(
        ["lint", *arguments.split()],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(PROJECT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    said = f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}".replace(str(tmp_path), "FOLDER")
    expected = CASES / f"{name}.txt"
    if os.environ.get("GREENROOM_UPDATE"):
        expected.parent.mkdir(exist_ok=True)
        expected.write_text(said, encoding="utf-8")
    assert said == (expected.read_text(encoding="utf-8") if expected.is_file() else "(nothing yet)"), UPDATE
    assert done.returncode == code
    assert "Traceback" not in said
    assert "internal error" not in said
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_every_expected_text_has_its_input() -> None:
    assert {path.stem for path in CASES.glob("*.txt")} == set(INPUTS)


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    """`greenroom lint | head -1` ends without a word."""
    (tmp_path / "app-config.yaml").write_text(GOOD + "".join(f"    unknown{number}: 1\n" for number in range(2000)))
    command = f"{sys.executable} -c 'from generator.cli import main; main()' lint | head -1"
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
