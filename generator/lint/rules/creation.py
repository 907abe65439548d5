"""Databases and schemas that Backstage makes at start, as whom and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.engines import POSTGRESQL
from generator.lint.model import ERROR, INFO, WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.database.resolved import PluginDatabase
    from generator.lint.model import Finding
    from generator.lint.subject import Subject

_PG = "backend-defaults: connectors/postgres.ts"

CREATOR: Final = Rule(
    "GR020",
    "created-by-base-user",
    WARNING,
    "The base user creates the database of a plugin that has its own user.",
    f"{_PG} (getClient, from 0.15.2); issues 6090, 12853, 15419",
)
OTHER_HOST: Final = Rule(
    "GR021",
    "created-on-base-host",
    WARNING,
    "The database of a plugin on another host is created on the base host.",
    f"{_PG} (getClient, from 0.15.2)",
)
SCHEMA_ENSURE: Final = Rule(
    "GR022",
    "schema-mode-creates",
    INFO,
    "Schema mode creates databases and schemas as the base user unless ensureExists is false.",
    f"{_PG} (getClient); issues 17838, 35296",
)
SCHEMA_ELSEWHERE: Final = Rule(
    "GR023",
    "schema-in-base-database",
    WARNING,
    "The schema of a plugin with its own database is created in the base database.",
    f"{_PG} (PG_SCHEMA_ADMIN_OVERRIDES)",
)
MYSQL: Final = Rule(
    "GR025",
    "mysql-ensure-with-plugin-user",
    WARNING,
    "On MySQL the plugin's own user creates its database at every start.",
    "backend-defaults: connectors/mysql.ts (ensureMysqlDatabaseExists)",
)
ADMIN: Final = Rule(
    "GR026",
    "admin-client-is-not-postgres",
    ERROR,
    "The database of a PostgreSQL plugin is created with the base client, which is another one.",
    f"{_PG} (createAdminClient uses the base configuration)",
)
RULES: Final = (CREATOR, OTHER_HOST, SCHEMA_ENSURE, SCHEMA_ELSEWHERE, MYSQL, ADMIN)

_OFF = "ensureExists: false here, and the database from Terraform or SQL (greenroom generate)"


def check(subject: Subject) -> Iterator[Finding]:
    """Every plugin whose database Backstage would make itself."""
    if not subject.is_current:
        return
    yield from _schema_mode(subject)
    for plugin in subject.healthy("postgresql", "mysql"):
        if plugin.ensure_exists or (plugin.engine == "postgresql" and plugin.ensure_schema_exists):
            yield from _plugin(subject, plugin)


def _plugin(subject: Subject, plugin: PluginDatabase) -> Iterator[Finding]:
    own, base = plugin.own_connection, subject.base_connection
    path = f"backend.database.plugin.{plugin.plugin_id}"
    place = plugin.sources.get("connection.user") or plugin.sources.get("connection")
    if plugin.engine == "mysql":
        if own.get("user") and own.get("user") != base.get("user"):
            yield found(
                MYSQL,
                f"{plugin.plugin_id}'s own user runs CREATE DATABASE at every start",
                place,
                path=f"{path}.connection.user",
                backstage="is denied without the privilege CREATE, even when the database exists",
                hint=_OFF,
            )
        return
    if plugin.client_overridden:
        if plugin.ensure_exists:
            yield found(
                ADMIN,
                f"the database would be created with the client {subject.base.client or 'of the base'}",
                plugin.sources.get("client"),
                path=f"{path}.client",
                backstage="fails: Failed to connect to the database to make sure that it exists",
                hint=f"{_OFF} at {path}",
            )
        return
    yield from _postgres(subject, plugin, path)


def _postgres(subject: Subject, plugin: PluginDatabase, path: str) -> Iterator[Finding]:
    own, base = plugin.own_connection, subject.base_connection
    if _another_server(own, base):
        yield found(
            OTHER_HOST,
            f"Backstage would create {plugin.plugin_id}'s database on the base host, and look for it on this one",
            plugin.sources.get("connection.host") or plugin.sources.get("connection"),
            path=f"{path}.connection",
            backstage="runs CREATE DATABASE through the base connection, never through the plugin's",
            hint=_OFF,
        )
    elif subject.in_schema_mode and own.get("database") and own.get("database") != base.get("database"):
        yield found(
            SCHEMA_ELSEWHERE,
            f"Backstage would create {plugin.plugin_id}'s schema in the base database, and look for it in this one",
            plugin.sources.get("databaseName"),
            path=f"{path}.connection.database",
            backstage="runs CREATE SCHEMA through the base connection, whatever database the plugin names",
            hint="ensureExists: false, no ensureSchemaExists, and the schema from Terraform or SQL (greenroom generate)",
        )
    elif own.get("user") and own.get("user") != base.get("user"):
        yield found(
            CREATOR,
            f"{plugin.plugin_id} has a user of its own, and Backstage creates its database as the base user",
            plugin.sources.get("connection.user") or plugin.sources.get("connection"),
            path=f"{path}.connection.user",
            backstage="makes the base user the owner: from PostgreSQL 15 on the plugin's user may then create nothing in it",
            hint=_OFF,
        )


def _another_server(own: Any, base: Any) -> bool:
    host, port = own.get("host"), own.get("port")
    return bool((host and host != base.get("host")) or (port and str(port) != str(base.get("port") or POSTGRESQL.port)))


def _schema_mode(subject: Subject) -> Iterator[Finding]:
    database = subject.database
    if not subject.in_schema_mode or not subject.base.is_postgres or "ensureExists" in database:
        return
    yield found(
        SCHEMA_ENSURE,
        "without ensureExists: false, Backstage creates the database and a schema for each plugin as the base user",
        database.locate("pluginDivisionMode"),
        path="backend.database.pluginDivisionMode",
        backstage="connects to the database postgres and needs CREATE on the shared database, also when the schemas exist",
        hint="ensureExists: false, and the schemas from Terraform or SQL (greenroom generate)",
    )
