"""Names that are cut, ignored or shared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.documents.values import ConfigMap, Placeholder
from generator.engines import ENGINES, MYSQL
from generator.engines.names import length
from generator.lint.model import WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.database.resolved import PluginDatabase
    from generator.engines import Engine
    from generator.lint.model import Finding
    from generator.lint.subject import Subject

_PG = "backend-defaults: connectors/postgres.ts"

NO_DATABASE: Final = Rule(
    "GR036",
    "schema-mode-without-database",
    WARNING,
    "Schema mode without a database uses one named after the user.",
    f"{_PG} (computePgPluginConfig), pg/lib/connection-parameters.js",
)
TOO_LONG: Final = Rule(
    "GR040",
    "name-too-long",
    WARNING,
    "The name of a database is longer than the server allows.",
    f"{_PG} (ensurePgDatabase); PostgreSQL NAMEDATALEN; MySQL error 1102",
)
IGNORED: Final = Rule(
    "GR041",
    "base-database-ignored",
    WARNING,
    "The database of the base connection is ignored: each plugin gets its own.",
    f"{_PG} (omit(baseConnection, 'database')); issue 34743",
)
SHARED: Final = Rule(
    "GR042",
    "shared-database",
    WARNING,
    "Several plugins use one database, and keep their migrations in the same table.",
    "knex: knex_migrations; docs/tutorials/configuring-plugin-databases.md",
)
RULES: Final = (NO_DATABASE, TOO_LONG, IGNORED, SHARED)


def check(subject: Subject) -> Iterator[Finding]:
    """The names of the plugins' databases."""
    yield from _no_database(subject)
    yield from _ignored(subject)
    cut: dict[tuple[Any, ...], list[PluginDatabase]] = {}
    for plugin in subject.healthy("postgresql", "mysql"):
        name = plugin.database_name
        if not isinstance(name, str) or not name:
            continue
        engine = ENGINES[plugin.engine or "postgresql"]
        if not isinstance(name, Placeholder) and length(name, engine=engine.name) > engine.database_limit:
            yield _too_long(plugin, name, engine)
        if plugin.plugin_division_mode != "schema":
            connection = plugin.connection if isinstance(plugin.connection, dict) else {}
            key = (
                plugin.engine,
                str(connection.get("host")),
                str(connection.get("port")),
                name if engine is MYSQL else name.encode(errors="replace")[: engine.database_limit],
            )
            cut.setdefault(key, []).append(plugin)
    for sharing in cut.values():
        if len(sharing) > 1:
            yield _shared(sharing)


def _too_long(plugin: PluginDatabase, name: str, engine: Engine) -> Finding:
    place = plugin.sources.get("databaseName") or plugin.sources.get("connection")
    path = f"backend.database.plugin.{plugin.plugin_id}.connection.database"
    size = f"{length(name, engine=engine.name)} {'characters' if engine is MYSQL else 'bytes'}"
    what = f"{plugin.plugin_id}'s database has a name of {size}, and {engine.database_limit} is the most"
    if engine is MYSQL:
        return found(
            TOO_LONG, what, place, path=path, backstage="fails: Incorrect database name", hint="choose a shorter name"
        )
    return found(
        TOO_LONG,
        what,
        place,
        path=path,
        backstage="creates it, and PostgreSQL silently cuts the name: plugins whose names begin alike share one database",
        hint=f"set {path} to a shorter name, or choose a shorter prefix",
    )


def _ignored(subject: Subject) -> Iterator[Finding]:
    base = subject.base
    connection = base.connection
    in_database_mode = subject.database.get("pluginDivisionMode", "database") != "schema"
    if isinstance(connection, ConfigMap) and connection.get("database") and in_database_mode and not base.is_sqlite:
        yield found(
            IGNORED,
            "no plugin uses this database",
            connection.locate("database"),
            path="backend.database.connection.database",
            backstage="drops it, and creates a database for each plugin at start, named by prefix and plugin id",
            hint="remove it; or `pluginDivisionMode: schema` for schemas in this one database",
        )


def _shared(sharing: list[PluginDatabase]) -> Finding:
    names = ", ".join(plugin.plugin_id for plugin in sharing)
    last = sharing[-1]
    return found(
        SHARED,
        f"the plugins {names} use one database",
        last.sources.get("databaseName") or last.sources.get("connection"),
        path=f"backend.database.plugin.{last.plugin_id}.connection.database",
        backstage="keeps the migrations of all in the table knex_migrations: the second plugin with tables does not start",
        hint="give each a database of its own, or use pluginDivisionMode: schema",
    )


def _no_database(subject: Subject) -> Iterator[Finding]:
    if not subject.in_schema_mode or not subject.base.is_postgres:
        return
    lacking = [plugin.plugin_id for plugin in subject.healthy("postgresql") if plugin.database_name in (None, "")]
    opaque = isinstance(subject.base.connection, Placeholder)  # a whole URL may name one
    if lacking and not opaque:
        yield found(
            NO_DATABASE,
            "no database is named for the schemas",
            subject.base.locate("pluginDivisionMode"),
            path="backend.database.connection.database",
            backstage="connects to the database that is called like the user, or fails where there is none",
            hint="set backend.database.connection.database",
        )
