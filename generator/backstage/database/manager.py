"""What a Backstage database manager resolves for each plugin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from generator.backstage.config.reader import ConfigError, ConfigReader, PlaceholderError
from generator.backstage.database import postgresql, sqlite
from generator.backstage.database.misplaced import warn_about_places
from generator.backstage.database.origin import BaseOrigin
from generator.backstage.database.plugin_ids import warn_about_ids
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.database.settings import DatabaseSettings, PluginClient, Setting
from generator.backstage.versions import NEWEST, Behaviour
from generator.documents.javascript import INHERITED, is_truthy
from generator.documents.unknown import how_to_say
from generator.documents.values import UNDEFINED, ConfigMap, Placeholder
from generator.problems.diagnostic import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.problems.diagnostic import Diagnostics, Location

Manager = Literal["current", "plugin-connection", "single-connection"]

_DATABASE = "backend.database"
_CLIENTS = frozenset({"pg", "mysql", "mysql2", "sqlite3", "better-sqlite3"})
_SCHEMA_PREFIX = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")

# Part of Backstage's message to what helps.
_HINTS = {
    "at 'backend.database.client'": "the base client is required even if every plugin has its own; "
    "give --config every file that Backstage gets",
    "at 'backend.database.connection'": "required even if every plugin has its own; `{}` leaves all to PG* variables",
    "Unsupported database client": f"one of {', '.join(sorted(_CLIENTS))}",
    "got empty-string": "leave the key out instead of giving it an empty value",
    "`connection.filename` is not supported": "`connection: {directory: …}` in the base, or a file name for each plugin",
    "does not support plugin division mode": "remove pluginDivisionMode; only pg has the mode schema",
    "63-byte limit": "a shorter schemaPrefix",
    "Invalid config key": "a plugin id is letters, digits and single dashes, and starts with a letter",
    "wanted boolean": "true or false",
    "Invalid URL": "percent-encode what is special in the user or password (@ : / ? #), and check host and port",
}


def resolve_plugins(
    config: ConfigReader,
    plugin_ids: Iterable[str],
    *,
    manager: Manager = "current",
    environ: Mapping[str, str],
    diagnostics: Diagnostics,
    placeholders: Literal["keep", "backstage"] = "keep",
    behaviour: Behaviour = NEWEST,
) -> PluginDatabaseMap:
    """What Backstage resolves for each of ``plugin_ids``, sorted by id.

    ``manager`` is the database manager of the installation, ``environ`` the environment Backstage would run in.
    ``placeholders="backstage"`` also takes files and variables from this machine that Backstage would look up itself (the
    certificates a connection string names, the AWS region); ``keep`` leaves them to the run-time environment.
    ``behaviour`` is that of the version of backend-defaults.

    A plugin for which Backstage would fail has an ``error``, which is reported to ``diagnostics`` as well.
    """
    ids = sorted(set(plugin_ids))
    reported = {(item.location, item.path) for item in diagnostics if item.severity is Severity.ERROR}
    warn_about_places(config, diagnostics)
    resolve_one = _resolver(config, manager, environ, diagnostics, keep=placeholders == "keep", behaviour=behaviour)
    warn_about_ids(config, ids, diagnostics)
    guard = _Guard(resolve_one, config, diagnostics, reported)
    resolved = {plugin_id: guard.resolve(plugin_id) for plugin_id in ids}
    base = _origin(config)
    return {
        plugin_id: found._replace(origin=base.plugin(plugin_id, found.own_connection))
        for plugin_id, found in resolved.items()
    }


def _origin(config: ConfigReader) -> BaseOrigin:
    """How ``backend.database`` is written; nothing where it cannot be read, which resolving has reported."""
    try:
        value = config.get_optional(_DATABASE)
    except ConfigError:
        return BaseOrigin()
    return BaseOrigin(value) if isinstance(value, ConfigMap) else BaseOrigin()


def _resolver(
    config: ConfigReader,
    manager: Manager,
    environ: Mapping[str, str],
    diagnostics: Diagnostics,
    *,
    keep: bool,
    behaviour: Behaviour,
) -> Callable[[str], PluginDatabase]:
    """The function that resolves one plugin; what fails before a plugin is looked at fails for each of them."""
    try:
        if manager == "current":
            settings = DatabaseSettings(_factory_config(config, diagnostics), environ, keep, behaviour)
            return lambda plugin_id: _resolve_current(settings, plugin_id)
        settings = DatabaseSettings(config.get_config(_DATABASE), environ, keep, behaviour)
    except ConfigError as error:
        return _failing(error)
    from generator.backstage.database import legacy

    if manager == "plugin-connection":
        return lambda plugin_id: legacy.resolve_plugin_connection(settings, plugin_id)
    return lambda plugin_id: legacy.resolve_single_connection(settings, plugin_id)


def _factory_config(config: ConfigReader, diagnostics: Diagnostics) -> ConfigReader:
    """``backend.database``, or the in-memory SQLite that Backstage's service factory takes without one."""
    if config.data is UNDEFINED and config.fallback is None:
        config.get()  # no configuration at all: Backstage fails before it asks for a database
    value = config.get_optional(_DATABASE)
    if value is UNDEFINED or (not isinstance(value, Placeholder) and not is_truthy(value)):
        if not any(item.code == "GR229" for item in diagnostics):  # which says why there is none
            diagnostics.warning(
                "GR203",
                "there is no backend.database",
                config.locate(_DATABASE) or config.locate("backend"),
                path=_DATABASE,
                backstage="keeps everything in memory (better-sqlite3) and forgets it on restart",
                hint="give --config every file that Backstage gets, or configure backend.database",
            )
        in_memory = ConfigMap({"client": "better-sqlite3", "connection": sqlite.IN_MEMORY})
        config = ConfigReader(ConfigMap({"backend": ConfigMap({"database": in_memory})}))
    return config.get_config(_DATABASE)


def _resolve_current(settings: DatabaseSettings, plugin_id: str) -> PluginDatabase:
    """``DatabaseManager.fromConfig(…).forPlugin(id)`` and the connector it picks."""
    prefix = _text(settings.base_string("prefix"), "backstage_plugin_")
    schema_prefix = _schema_prefix(settings)
    client, overridden = settings.client(plugin_id)
    known = client.value in _CLIENTS
    if not known and client.value not in INHERITED:
        raise ConfigError("Error", _unsupported(client.value, plugin_id), client.location, f"{_DATABASE}.client")
    # The base value is read only where the plugin has none: a broken one does not always matter.
    skip = settings.plugin_boolean(plugin_id, "skipMigrations")
    if skip.value is None:
        skip = settings.base_boolean("skipMigrations")
    if not known:  # the table of connectors answers to the names every JavaScript object answers to
        message = "connector.getClient is not a function"
        raise ConfigError("TypeError", message, client.location, f"{_DATABASE}.client")
    plugin = PluginClient(plugin_id, client, overridden, Setting(bool(skip.value), skip.location))
    if client.value == "pg":
        found = postgresql.resolve(settings, plugin, prefix, schema_prefix)
    elif client.value in ("mysql", "mysql2"):
        from generator.backstage.database import mysql

        found = mysql.resolve(settings, plugin, prefix)
    else:
        found = sqlite.resolve(settings, plugin)
    if settings.behaviour.reads_keepalive:
        settings.base_boolean("keepalive")  # last of all, and throws for what is no boolean
    return found


def _schema_prefix(settings: DatabaseSettings) -> Setting[str]:
    found = _text(settings.base_string("schemaPrefix"), "")
    value = found.value
    if value and not isinstance(value, Placeholder) and not _SCHEMA_PREFIX.fullmatch(value):
        message = (
            f'Invalid schemaPrefix "{value}". Schema prefix must start with a letter or underscore and contain only '
            "letters, numbers, and underscores."
        )
        raise ConfigError("Error", message, found.location, f"{_DATABASE}.schemaPrefix")
    return found


def _text(found: Setting[str | None], default: str) -> Setting[str]:
    return Setting(default if found.value is None else found.value, found.location)


def _unsupported(client: str, plugin_id: str) -> str:
    return f"Unsupported database client type '{client}' specified for plugin '{plugin_id}'"


def _failing(error: ConfigError) -> Callable[[str], PluginDatabase]:
    def fail(_plugin_id: str) -> PluginDatabase:
        raise error.with_traceback(None)

    return fail


class _Guard(NamedTuple):
    """Turns what a plugin fails with into its ``error`` and a diagnostic.

    ``reported`` are the values that were complained about before.
    """

    resolve_one: Callable[[str], PluginDatabase]
    config: ConfigReader
    diagnostics: Diagnostics
    reported: set[tuple[Location | None, str]]

    def resolve(self, plugin_id: str) -> PluginDatabase:
        try:
            return self.resolve_one(plugin_id)
        except ConfigError as error:
            from generator.backstage.database.redaction import redact_text

            self._report(error)
            return PluginDatabase(plugin_id=plugin_id, error=redact_text(str(error)))
        except PlaceholderError as error:
            from generator.backstage.database.redaction import redact_text

            what = redact_text(str(error))
            self.diagnostics.error(
                "GR202",
                what,
                error.location,
                path=error.path,
                hint=how_to_say(error.references),
            )
            return PluginDatabase(plugin_id=plugin_id, error=f"not known at generation time: {what}")

    def _report(self, error: ConfigError) -> None:
        if error.location is not None and (error.location, error.path) in self.reported:
            return
        from generator.backstage.database.redaction import redact_text

        self.diagnostics.error(
            "GR201",
            redact_text(error.message),
            error.location or _nearest(self.config, error.path),
            path=error.path,
            backstage=f"fails with {error.name}",
            hint=_hint(error.message),
        )


def _nearest(config: ConfigReader, path: str) -> Location | None:
    """Where the innermost object was written that lacks the rest of ``path``."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        try:
            found = config.locate(".".join(parts[:length]))
        except ConfigError:
            continue
        if found:
            return found
    return None


def _hint(message: str) -> str:
    return next((hint for part, hint in _HINTS.items() if part in message), "")
