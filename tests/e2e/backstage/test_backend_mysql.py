"""MySQL, the whole way: app-config in, SQL applied by an admin without SUPER, a real Backstage that starts on the result."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import command_line
import pytest
from mariadb import MariaDB, mariadb_server
from test_backend import HERE, PACKAGES, PLUGINS, REST

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PORTAL, PORTAL_PASSWORD = "portal", "portal's password"
APP_CONFIG = (
    REST
    + """  database:
    client: mysql2
    connection:
      host: ${MYSQL_HOST}
      port: ${MYSQL_PORT}
      user: ${MYSQL_USER}
      password: ${MYSQL_PASSWORD}
      ssl:
        ca: {$file: CA}
    plugin:
      auth: {connection: {database: the_auth-database}}
"""
)


@dataclass
class Installation:
    """One Backstage: its app-config, the server it runs on, and what was generated for it."""

    root: Path
    server: MariaDB
    packages: Path
    passwords: dict[str, str] = field(default_factory=dict)

    def generate(self) -> None:
        command = ["generate", "--root", "."]
        for name in PLUGINS:
            command += ["--plugin", name]
            self.passwords[f"BACKSTAGE_DB_{name.upper()}_PASSWORD"] = f'{name}: it\'s ${{a}} \\ "secret"'
        command += ["--target", "sql", "--target", "app-config", "--verify"]
        done = command_line.run(command, cwd=self.root, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count("warning") == 0, done.stderr

    def apply(self) -> None:
        done = subprocess.run(
            ["sh", "infra/sql/databases.sh", "--no-defaults", *self.server.login(self.server.admin)],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "MYSQL_PWD": self.server.admin_password, **self.passwords},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    def start(self, *files: str) -> str:
        """What a real backend says, and whether it started."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("MYSQL", "APP_CONFIG_"))}
        environ |= {
            "MYSQL_HOST": self.server.host,
            "MYSQL_PORT": str(self.server.port),
            "MYSQL_USER": PORTAL,
            "MYSQL_PASSWORD": PORTAL_PASSWORD,
            "NODE_ENV": "production",
            **self.passwords,
        }
        command = ["node", str(HERE / "backend.mjs"), str(self.packages)]
        for name in files:
            command += ["--config", str(self.root / name)]
        done = subprocess.run(command, cwd=self.packages, env=environ, capture_output=True, text=True, timeout=180)
        return f"exit code {done.returncode}\n{done.stdout}{done.stderr}"

    def must_start(self) -> None:
        said = self.start("app-config.yaml", "infra/app-config.databases.yaml")
        assert "the backend has started" in said, said[-5000:]
        assert said.startswith("exit code 0\n")


@pytest.fixture
def installation(backstage_dir: Path, tmp_path: Path) -> Iterator[Installation]:
    with mariadb_server() as server:
        server.root(f"CREATE USER {PORTAL}@'%' IDENTIFIED BY \"{PORTAL_PASSWORD}\" REQUIRE SSL")
        (tmp_path / "app-config.yaml").write_text(APP_CONFIG.replace("CA", str(server.ca)))
        yield Installation(tmp_path, server, backstage_dir)


def test_a_real_backend_starts_on_what_was_generated(installation: Installation) -> None:
    server = installation.server
    refused = installation.start("app-config.yaml")
    assert "Access denied for user 'portal'@'%' to database 'backstage_plugin_catalog'" in refused
    installation.generate()
    installation.apply()
    installation.must_start()
    plugins = json.loads((installation.root / "infra" / "greenroom.lock.json").read_text())["plugins"]
    assert {plugin["database"] for plugin in plugins.values()} == server.databases
    for plugin_id, plugin in plugins.items():
        # Every published migration ran, in the plugin's own database, by TLS.
        done = {row[0] for row in server.root("SELECT name FROM knex_migrations", plugin["database"])}
        folder = installation.packages / "node_modules" / PACKAGES[plugin_id] / "migrations"
        published = {path.name for path in folder.iterdir() if path.suffix in (".js", ".cjs", ".mjs")}
        assert done == {name for name in published if ".d." not in name}
        password = installation.passwords[f"BACKSTAGE_DB_{plugin_id.upper()}_PASSWORD"]
        seen = server.query(plugin["role"], password, "SHOW DATABASES").stdout.split()
        assert set(seen) == {plugin["database"], "information_schema"}
    # Once more, on what is there now; and the script, on what Backstage has made of it.
    installation.apply()
    installation.must_start()


def test_without_tls_the_server_refuses_and_greenroom_had_said_so(installation: Installation) -> None:
    """What GR319 warns of."""
    installation.generate()
    installation.apply()
    path = installation.root / "app-config.yaml"
    text = path.read_text()
    path.write_text(text[: text.index("      ssl:")] + text[text.index("    plugin:") :])
    said = installation.start("app-config.yaml", "infra/app-config.databases.yaml")
    assert "Access denied for user 'backstage_catalog'" in said
    command = [
        "generate",
        "--plugin",
        "catalog",
        "--out",
        "x",
    ]
    warned = command_line.run(command, cwd=installation.root, capture_output=True, text=True)
    assert "GR319" in warned.stderr
