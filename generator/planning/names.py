"""The names of one plugin's database, schema and role, and what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.values import Placeholder
from generator.engines import POSTGRESQL
from generator.engines.names import database_problem, role_problem, schema_problem
from generator.planning.places import config_key, source
from generator.settings.name_template import expand

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.planning.credentials import SignIn
    from generator.planning.model import Server
    from generator.planning.unknown_names import UnknownNames
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.settings.model import Settings


class Names(NamedTuple):
    """The names of one plugin, before anything is shared or compared."""

    plugin: PluginDatabase
    server: Server
    database: str
    schema: str | None
    role: str
    role_is_explicit: bool
    sign_in: SignIn


def name_plugin(
    plugin: PluginDatabase,
    server: Server,
    sign_in: SignIn,
    settings: Settings,
    diagnostics: Diagnostics,
    unknown: UnknownNames,
) -> Names | None:
    """The names of ``plugin`` on ``server``; ``None`` when one cannot be used, which is then in ``diagnostics``, or in
    ``unknown`` where it has no value here.
    """
    schema_mode = plugin.plugin_division_mode == "schema"
    database = _database_name(plugin, server, schema_mode, diagnostics, unknown)
    schema = plugin.schema_name if schema_mode else None
    role, explicit = _role_name(plugin, server, sign_in, settings, diagnostics, unknown)
    if isinstance(schema, str) and (problem := schema_problem(schema)):
        diagnostics.error(
            "GR306",
            f"the schema name {schema!r} of plugin {plugin.plugin_id!r} {problem}",
            source(plugin, "schemaName", "pluginDivisionMode"),
            path="backend.database.schemaPrefix",
            hint="change backend.database.schemaPrefix",
        )
        return None
    if database is None or role is None:
        return None
    return Names(
        plugin=plugin,
        server=server,
        database=database,
        schema=schema,
        role=role,
        role_is_explicit=explicit,
        sign_in=sign_in,
    )


def _database_name(
    plugin: PluginDatabase, server: Server, schema_mode: bool, diagnostics: Diagnostics, unknown: UnknownNames
) -> str | None:
    name: Any = plugin.database_name
    location = source(plugin, "databaseName", "connection.database", "prefix", "connection")
    path = config_key(plugin, "connection.database")
    if schema_mode and name in (None, ""):
        return _implied_database(plugin, location, diagnostics)
    if isinstance(name, Placeholder):
        unknown.add("database", name, plugin, location, path)
        return None
    if not isinstance(name, str):
        diagnostics.error(
            "GR303",
            f"the database of plugin {plugin.plugin_id!r} is not a string",
            location,
            path=path,
            hint="put the name in quotes",
        )
        return None
    problem = database_problem(name, engine=server.engine)
    if problem:
        diagnostics.error(
            "GR303",
            f"the database name {name[:80]!r} of plugin {plugin.plugin_id!r} {problem}",
            location,
            path=path,
            backstage=_too_long(name, server, plugin),
            hint=f"set {path} to a name of its own",
        )
        return None
    return name


def _too_long(name: str, server: Server, plugin: PluginDatabase) -> str:
    if server.engine != "postgresql" or len(name.encode(errors="replace")) <= POSTGRESQL.database_limit:
        return ""
    cut = name.encode(errors="replace")[: POSTGRESQL.database_limit].decode(errors="ignore")
    return (
        f"PostgreSQL silently cuts the name to {cut!r}; every plugin whose name starts like {plugin.plugin_id!r} would "
        "share that database"
    )


def _implied_database(plugin: PluginDatabase, location: Location | None, diagnostics: Diagnostics) -> str | None:
    """Schema mode without a database: the driver falls back to one named after the *base* user."""
    connection = plugin.connection if isinstance(plugin.connection, dict) else {}
    user = connection.get("user")
    if "user" not in plugin.own_connection and isinstance(user, str) and user and not isinstance(user, Placeholder):
        diagnostics.warning(
            "GR304",
            f"schema mode without a database: generating for {user!r}, the database the driver falls back to",
            location or source(plugin, "pluginDivisionMode"),
            path="backend.database.connection.database",
            backstage="connects to a database named after the user: with a user for each plugin, another one each time",
            hint="set backend.database.connection.database",
        )
        return user
    diagnostics.error(
        "GR304",
        "schema mode needs the name of the database that holds the schemas",
        location or source(plugin, "pluginDivisionMode"),
        path="backend.database.connection.database",
        backstage="connects to a database named after the user",
        hint="set backend.database.connection.database",
    )
    return None


def _role_name(
    plugin: PluginDatabase,
    server: Server,
    sign_in: SignIn,
    settings: Settings,
    diagnostics: Diagnostics,
    unknown: UnknownNames,
) -> tuple[str | None, bool]:
    if sign_in.common is not None:
        if problem := role_problem(sign_in.common, engine=server.engine):
            diagnostics.error(
                "GR305",
                f"the role name {sign_in.common[:80]!r}, which all plugins of server {server.name!r} share, {problem}",
                settings.locations.get("credentials.roleName"),
                path="credentials.roleName",
                hint="choose another name",
            )
            return None, False
        return sign_in.common, False
    explicit = plugin.own_connection.get("user")
    path = config_key(plugin, "connection.user")
    if isinstance(explicit, Placeholder):
        unknown.add("user", explicit, plugin, source(plugin, "connection.user"), path)
        return None, True
    is_explicit = isinstance(explicit, str) and bool(explicit)
    name = (
        str(explicit)
        if is_explicit
        else expand(settings.role_name, plugin=plugin.plugin_id, environment=settings.environment, server=server.name)
    )
    problem = role_problem(name, engine=server.engine)
    if problem:
        diagnostics.error(
            "GR305",
            f"the role name {name[:80]!r} of plugin {plugin.plugin_id!r} {problem}",
            source(plugin, "connection.user") if is_explicit else settings.locations.get("credentials.roleName"),
            path=path if is_explicit else "credentials.roleName",
            hint=f"set {path} to a name of its own" if not is_explicit else "choose another name",
        )
        return None, is_explicit
    return name, is_explicit
