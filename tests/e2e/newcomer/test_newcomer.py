"""A newcomer's path, as docs/start.md has it: from the wheel to a green gate, on three kinds of repository.

Everything is the installed program in an environment that has nothing else; PostgreSQL and psql are real.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from setup_venv import SetupError
from wheel import build, install

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, embedded_server, find_psql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.demo.embedded import EmbeddedServer

pytestmark = pytest.mark.xdist_group("packaging")

PROJECT = Path(__file__).resolve().parents[3]
PORTAL = PROJECT / "tests/e2e/whole/portal"
DBA, BASE = ("dba", "the dba's password"), ("portal", "the portal's password")
CONNECTION = """client: pg
    connection:
      host: ${POSTGRES_HOST}
      port: ${POSTGRES_PORT}
      user: ${POSTGRES_USER}
      password: ${POSTGRES_PASSWORD}
"""
LEGACY = """import { DatabaseManager } from '@backstage/backend-common';
const databaseManager = DatabaseManager.fromConfig(config);
async function main() {
  const catalogEnv = useHotMemoize(module, () => createEnv('catalog'));
  const authEnv = useHotMemoize(module, () => createEnv('auth'));
}
"""
#: Where the package of the plugin that is added later is named as well.
NEW = "@backstage/plugin-mcp-actions-backend"


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text)


def create_app(root: Path) -> None:
    """What `npx @backstage/create-app` leaves, with ten plugins."""
    shutil.copytree(PORTAL, root)


def legacy(root: Path) -> None:
    """A backend of the old system, its plugins named in code."""
    manifest = {
        "name": "backend",
        "backstage": {"role": "backend"},
        "dependencies": {"@backstage/backend-common": "^0.20.0", "pg": "^8.11.0"},
    }
    write(root, "package.json", '{"private": true, "workspaces": ["packages/*"]}')
    write(root, "packages/backend/package.json", json.dumps(manifest))
    write(root, "packages/backend/src/index.ts", LEGACY)
    write(root, "app-config.yaml", f"backend:\n  database:\n    {CONNECTION}")


def helm(root: Path) -> None:
    """App-config in the values of Backstage's chart, and no file of its own for production."""
    shutil.copytree(PORTAL, root)
    (root / "app-config.production.yaml").unlink()
    inner = f"backend:\n  database:\n    {CONNECTION}".replace("\n", "\n    ").rstrip()
    write(root, "chart/values.yaml", f"backstage:\n  image: {{repository: portal}}\n  appConfig:\n    {inner}\n")


@dataclass(frozen=True)
class Kind:
    """A kind of repository: how it is made, what `init` is told, and what a pull request adds."""

    make: Callable[[Path], None]
    init: tuple[str, ...]
    plugins: int
    added: str
    before: str
    plugin: str = "mcp-actions"


KINDS = {
    "create-app": Kind(create_app, (), 10, f"backend.add(import('{NEW}'));\n", "\nbackend.start();"),
    "legacy": Kind(legacy, (), 2, "  const todoEnv = useHotMemoize(module, () => createEnv('todo'));\n", "}\n", "todo"),
    "helm": Kind(
        helm,
        ("--config", "chart/values.yaml#backstage.appConfig"),
        10,
        f"backend.add(import('{NEW}'));\n",
        "\nbackend.start();",
    ),
}


@dataclass
class Newcomer:
    """Somebody with a repository, an installed greenroom and a server; everything that greenroom printed."""

    root: Path
    program: Path
    server: EmbeddedServer
    home: Path
    passwords: dict[str, str] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)

    def run(self, *arguments: str, code: int = 0, live: bool = False) -> str:
        """Run the program where nothing is set that a new machine does not have; what it prints."""
        environ = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "LANG": "C.UTF-8"}
        if live:
            environ |= {"POSTGRES_HOST": self.server.host, "POSTGRES_PORT": str(self.server.port), **self.passwords}
            environ |= {"POSTGRES_USER": BASE[0], "POSTGRES_PASSWORD": BASE[1], "NODE_ENV": "production"}
        done = subprocess.run(
            [self.program, *arguments],
            cwd=self.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )
        assert done.returncode == code, f"greenroom {' '.join(arguments)}: {done.returncode}\n{done.stdout}"
        self.printed += [f"$ greenroom {' '.join(arguments)}", *done.stdout.splitlines()]
        return done.stdout

    def apply(self) -> None:
        """The DBA runs the script, with a password for each variable that the fragment names."""
        (fragment,) = (self.root / "infra").glob("*.databases.yaml")  # of app-config, or of a chart's values
        for name in re.findall(r"\$\{(BACKSTAGE_DB_\w+)\}", fragment.read_text()):
            self.passwords.setdefault(name, f"{name} 'secret'")
        binaries = self.server.bin_dir if (self.server.bin_dir / "psql").exists() else embedded_binaries()
        done = apply_script(
            self.root / "infra/sql/databases.sql",
            host=self.server.host,
            port=self.server.port,
            user=DBA[0],
            password=DBA[1],
            env=self.passwords,
            psql=find_psql(binaries),
            timeout=120,
        )
        assert done.ok, done.stderr


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, installed from the wheel as a newcomer would: a fresh environment, away from the checkout."""
    folder = tmp_path_factory.mktemp("newcomer")
    try:
        wheel, _ = build(folder / "dist")
        return install(wheel, folder / "venv", extra="live") / "greenroom"
    except SetupError as error:
        pytest.skip(f"the wheel or what it needs cannot be had: {str(error).splitlines()[-1]}")


@pytest.fixture
def postgresql() -> Iterator[EmbeddedServer]:
    with embedded_server(None) as running:
        running.create_admin(*DBA)
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(BASE[0]), sql.Literal(BASE[1])))
        yield running


@pytest.mark.parametrize("name", KINDS)
def test_the_path_of_a_newcomer(name: str, program: Path, postgresql: EmbeddedServer, tmp_path: Path) -> None:
    kind = KINDS[name]
    root = tmp_path / "portal"
    kind.make(root)
    (tmp_path / "home").mkdir()
    subprocess.run(["git", "init", "-q", root], check=True, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")})
    newcomer = Newcomer(root, program, postgresql, tmp_path / "home")

    newcomer.run("init", *kind.init)
    assert newcomer.run("generate").count("\n+ ") + 1 == kind.plugins
    newcomer.apply()
    proved = newcomer.run("preflight", live=True)
    assert proved.count(" ready") >= kind.plugins

    # A pull request adds a plugin: red, at the line that adds it.
    newcomer.run("generate", "--check")
    index = root / "packages/backend/src/index.ts"
    head, mark, tail = index.read_text().rpartition(kind.before)
    index.write_text(f"{head}{kind.added}{mark}{tail}")
    line = head.count("\n") + 1
    if kind.plugin != "todo":
        manifest = root / "packages/backend/package.json"
        manifest.write_text(manifest.read_text().replace('"dependencies": {', f'"dependencies": {{\n    "{NEW}": "*",', 1))
    red = newcomer.run("generate", "--check", "--format", "github", code=3)
    (annotation,) = [text for text in red.splitlines() if text.startswith("::error")]
    assert f"file=packages/backend/src/index.ts,line={line}" in annotation
    assert kind.plugin in annotation

    newcomer.run("generate")
    newcomer.run("generate", "--check")
    newcomer.apply()
    said = [text for text in newcomer.printed if not text.startswith("$ ")]
    told = set(re.findall(r"^\$ greenroom .*$", (PROJECT / "docs/start.md").read_text(), re.MULTILINE))
    assert told <= {*newcomer.printed, "$ greenroom init"}, "docs/start.md says what was done here"
    assert newcomer.run("preflight", live=True).count(" ready") >= kind.plugins + 1
    print(f"{name}: {len(said)} lines", *newcomer.printed, sep="\n")
    assert len(said) < 40
