"""How to reach a server as its administrator: app-config's own connection, with what the command line says instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.database.redaction import redact
from generator.documents.values import Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan, PluginPlan, Server
    from generator.problems.diagnostic import Diagnostics

#: Where the administrator's password comes from, besides app-config: never from the command line, which everybody can read.
PASSWORD_VARIABLE = "GREENROOM_ADMIN_PASSWORD"  # noqa: S105 - the name of a variable


class AdminOptions(NamedTuple):
    """What the command line says about the connection; ``None`` where app-config decides."""

    host: str | None = None
    port: int | None = None
    user: str | None = None
    database: str | None = None


def admin_connection(
    plan: Plan, server: Server, options: AdminOptions, environ: Mapping[str, str], diagnostics: Diagnostics
) -> dict[str, Any] | None:
    """The connection as Backstage would hand it to the driver, but with the administrator's user, password and database.

    Host, port and TLS are those of the plugins on ``server``; user and password are the base connection's, unless
    ``options`` and ``GREENROOM_ADMIN_PASSWORD`` say otherwise. What is missing is an error in ``diagnostics``.
    """
    plugins = [plugin for plugin in plan.plugins if plugin.server == server.name]
    found = _connection(plugins)
    overrides: dict[str, Any] = {key: value for key, value in options._asdict().items() if value is not None}
    if environ.get(PASSWORD_VARIABLE):
        overrides["password"] = environ[PASSWORD_VARIABLE]
    elif options.user is not None:
        found.pop("password", None)  # it is another user's
    found.setdefault("user", environ.get("PGUSER") if server.engine == "postgresql" else None)
    found.setdefault("password", environ.get("PGPASSWORD") if server.engine == "postgresql" else environ.get("MYSQL_PWD"))
    connection = found | overrides
    if "database" not in overrides:
        # In database mode Backstage ignores the base connection's own database; every server has this one.
        connection["database"] = "postgres" if server.engine == "postgresql" else None
    connection.pop("type", None)
    if connection.pop("connectionString", None) is not None and options.host is None:
        # Only the driver takes such a string apart; nothing in here knows the host.
        connection["host"] = Placeholder("connection.connectionString", ())
    missing = [key for key in ("host", "port", "user", "password") if isinstance(connection.get(key), Placeholder)]
    missing += [key for key in ("user", "password") if connection.get(key) in (None, "")]
    for key in missing:
        value = connection.get(key)
        diagnostics.error(
            "GR770",
            f"the administrator's {key} on server {server.name!r} is not known"
            + (f": {redact(value, key)} has no value here" if isinstance(value, Placeholder) else ""),
            _location(plugins, key),
            path=f"backend.database.connection.{key}",
            hint=_hint(key),
        )
    return None if missing else connection


def _hint(key: str) -> str:
    if key == "password":
        return f"set {PASSWORD_VARIABLE}, or give the variables of Backstage with --env-file PATH"
    return f"give it with --{key}, or the variables of Backstage with --env-file PATH"


def _connection(plugins: list[PluginPlan]) -> dict[str, Any]:
    """The connection of the plugin that says least of its own: what is left is the base connection."""
    sources = [
        plugin.source for plugin in plugins if plugin.source is not None and isinstance(plugin.source.connection, dict)
    ]
    if not sources:
        return {}
    own = min(sources, key=lambda source: (len(source.own_connection), source.plugin_id))
    return {
        key: value
        for key, value in own.connection.items()
        if key not in own.own_connection or key not in ("user", "password")
    }


def _location(plugins: list[PluginPlan], key: str) -> Any:
    for plugin in plugins:
        if plugin.source is not None and f"connection.{key}" in plugin.source.sources:
            return plugin.source.sources[f"connection.{key}"]
    return None
