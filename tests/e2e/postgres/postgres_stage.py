"""A server without anything on it but an admin who is no superuser, and what tests do with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql
from sql_plans import passwords, write_scripts

from generator.demo.apply import ApplyResult, apply_script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.model import Plan

ADMIN = "greenroom admin"
ADMIN_PASSWORD = "admin's password"


@dataclass
class Stage:
    """One server during one test."""

    server: EmbeddedServer
    folder: Path
    psql: Path
    admin: str = ADMIN
    scripts: int = field(default=0)

    def connect(self, user: str, password: str, database: str) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.server.host,
            port=self.server.port,
            user=user,
            password=password,
            dbname=database,
            connect_timeout=10,
            autocommit=True,
        )

    def superuser(self, database: str = "postgres") -> psycopg.Connection[Any]:
        return psycopg.connect(self.server.dsn(database), autocommit=True)

    def as_plugin(self, plan: Plan, plugin_id: str, database: str | None = None) -> psycopg.Connection[Any]:
        """Connect as the plugin's role, to its own database when no other is named."""
        plugin = next(item for item in plan.plugins if item.plugin_id == plugin_id)
        password = passwords(plan)[plugin.role.delivery.env].strip()
        return self.connect(plugin.role.name, password, database or plugin.database.name)

    def apply(self, plan: Plan, env: Mapping[str, str] | None = None, *, user: str | None = None) -> ApplyResult:
        """Render the plan's only script and run it as the admin."""
        self.scripts += 1
        folder = self.folder / f"script-{self.scripts}"
        folder.mkdir()
        (path,) = write_scripts(plan, folder).values()
        return apply_script(
            path,
            host=self.server.host,
            port=self.server.port,
            user=user or self.admin,
            password=ADMIN_PASSWORD,
            env=passwords(plan) if env is None else env,
            psql=self.psql,
            timeout=120,
        )

    def must_apply(self, plan: Plan, env: Mapping[str, str] | None = None) -> ApplyResult:
        result = self.apply(plan, env)
        assert result.ok, f"exit code {result.returncode}\n{result.stdout}\n{result.stderr}"
        return result

    def names(self, catalog: str, column: str, database: str = "postgres") -> set[str]:
        query = sql.SQL("SELECT {}::text FROM {}").format(sql.Identifier(column), sql.Identifier(catalog))
        with self.superuser(database) as connection:
            return {row[0] for row in connection.execute(query)}

    @property
    def databases(self) -> set[str]:
        return self.names("pg_database", "datname") - {"postgres", "template0", "template1"}

    @property
    def roles(self) -> set[str]:
        return {name for name in self.names("pg_roles", "rolname") if not name.startswith("pg_")} - {"postgres", ADMIN}

    def clear(self) -> None:
        databases, roles = self.databases, self.roles
        with self.superuser() as connection:
            for name in databases:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for name in [*roles, ADMIN]:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
