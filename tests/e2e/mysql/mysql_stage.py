"""A server without anything on it but an admin who has no ``SUPER``, and what tests do with it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sql_plans import Want, context, make_plan, passwords

from generator.targets.sql import TARGET

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mariadb import MariaDB

    from generator.planning.model import Plan


def want(plugin: str, **fields: Any) -> Want:
    """A plugin on MySQL."""
    return Want(plugin=plugin, engine="mysql", **fields)


def plan_for(*wanted: Want) -> Plan:
    return make_plan(*wanted)


@dataclass
class Stage:
    """One server during one test."""

    server: MariaDB
    folder: Path
    shell: str = "sh"

    def apply(
        self,
        plan: Plan,
        env: Mapping[str, str] | None = None,
        *,
        options: list[str] | None = None,
        password: str | None = None,
        general_log: str = "accept",
    ) -> subprocess.CompletedProcess[str]:
        """Render the only script of ``plan`` and run it as its README says, as the admin."""
        for artifact in TARGET.render(context(plan)):
            (self.folder / artifact.path).write_text(artifact.text, encoding="utf-8")
        return subprocess.run(
            [
                self.shell,
                str(self.folder / "databases.sh"),
                "--no-defaults",
                *(self.server.login(self.server.admin) if options is None else options),
            ],
            env={
                "PATH": os.environ["PATH"],
                "CLIENT": str(self.server.client),
                "MYSQL_PWD": self.server.admin_password if password is None else password,
                "GENERAL_LOG": general_log,
                **(passwords(plan) if env is None else env),
            },
            capture_output=True,
            text=True,
            timeout=120,
        )

    def must_apply(self, plan: Plan, env: Mapping[str, str] | None = None) -> list[str]:
        """The lines it printed."""
        done = self.apply(plan, env)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert done.stderr == ""
        return done.stdout.splitlines()

    def as_plugin(
        self, plan: Plan, plugin_id: str, statements: str, database: str | None = None, *, tls: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run statements as the plugin's user, in its own database when no other is named."""
        plugin = next(item for item in plan.plugins if item.plugin_id == plugin_id)
        password = passwords(plan)[plugin.role.delivery.env].strip()
        name = plugin.database.name if database is None else database
        return self.server.query(plugin.role.name, password, statements, name, tls=tls)

    def everything(self) -> list[list[str]]:
        """All that the server knows about users, privileges and databases."""
        tables = ("mysql.global_priv", "mysql.db", "mysql.tables_priv", "information_schema.schemata")
        return [row for table in tables for row in self.server.root(f"SELECT * FROM {table}")]
