"""Where each value of a planned plugin was written, or what decides it where nothing was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.database.redaction import redact_value
from generator.planning.places import source
from generator.report.model import Value
from generator.run.verdict import who_asks
from generator.stores.names import makes_secrets

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase
    from generator.planning.model import Plan, PluginPlan, Server
    from generator.problems.diagnostic import Location
    from generator.run.project import Project

_BACKSTAGE: Final = "Backstage's default"
_OURS: Final = "greenroom's default"


def values_of(project: Project, plan: Plan, plugin: PluginPlan, server: Server) -> tuple[Value, ...]:
    """Every value of a plugin that a person may look for, each with its origin."""
    resolved = plugin.source
    asked = who_asks(project, plugin.plugin_id)
    kept = plugin.plugin_id in project.kept.plugins
    asks = str(asked.location) if asked.location else "the lock file" if kept else "--plugin"
    found = [
        Value("plugin", plugin.plugin_id, asks),
        Value("server", f"{server.name} ({address(server)})", _where(resolved, "connection.host", "connection")),
        Value("database", plugin.database.name, _database_origin(resolved)),
    ]
    if plugin.schema is not None:
        keys = ("schemaName", "schemaPrefix", "pluginDivisionMode")
        found.append(Value("schema", plugin.schema, _where(resolved, *keys)))
    found.append(Value("role", plugin.role.name, _role_origin(project, plugin)))
    if plugin.role.iam is not None:
        found.append(Value("password", f"none: {plugin.role.iam} signs it in", _setting(project, "mode", "iam")))
        return tuple(found)
    if makes_secrets(plan.store):
        found.append(Value("secret", plugin.role.live.secret_name, _setting(project, "secretName", "store")))
    delivery = plugin.role.live.delivery
    shown = f"$file: {delivery.file}" if delivery.file else f"${{{delivery.env}}}"
    found.append(Value("password", shown, _setting(project, "delivery.file", "delivery.env", "delivery")))
    return tuple(found)


def secret_of(plan: Plan, plugin: PluginPlan) -> str:
    """Where the password of a plugin is: its secret, or the name it is given to Backstage under."""
    role = plugin.role
    if role.iam is not None:
        return f"none ({role.iam})"
    if makes_secrets(plan.store):
        return role.live.secret_name
    return role.live.delivery.file or role.live.delivery.env


def address(server: Server) -> str:
    """Host and port of a server as app-config says them."""
    if server.kind != "existing":
        return f"created: {server.kind}"
    host = redact_value(str(server.host)) if server.host else ""
    return f"{host or 'localhost'}:{server.port}" if server.port else host or "the driver's default"


def _where(resolved: PluginDatabase | None, *keys: str, default: str = _BACKSTAGE) -> str:
    found = source(resolved, *keys) if resolved is not None else None
    return str(found) if found is not None else default


def _database_origin(resolved: PluginDatabase | None) -> str:
    keys = ["databaseName", "connection.database", "prefix"]
    if resolved is not None and "database" in resolved.own_connection:
        keys.append("connection")  # a connection string
    return _where(resolved, *keys)


def _role_origin(project: Project, plugin: PluginPlan) -> str:
    if plugin.role.is_common:
        return _setting(project, "roleName", "mode")
    if plugin.source is not None and plugin.source.own_connection.get("user") == plugin.role.name:
        return _where(plugin.source, "connection.user", "connection")
    return _setting(project, "roleName")


def _setting(project: Project, *keys: str) -> str:
    places: list[Location] = [
        place for key in keys if (place := project.settings.locations.get(f"credentials.{key}")) is not None
    ]
    return str(places[0]) if places else f"{_OURS} (credentials.{keys[0].partition('.')[0]})"
