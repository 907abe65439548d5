"""What the input says that an app-config fragment has to repeat, undo, or cannot do anything about."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.appconfig.substitution import escape
from generator.appconfig.values import UNDEFINED, ConfigMap, Placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.diagnostics import Diagnostics, Location
    from generator.model import PluginPlan
    from generator.targets.base import RenderContext

CERTIFICATES: Final = {"sslrootcert": "ca", "sslcert": "cert", "sslkey": "key"}
"""Parameters of a connection string that name a file, and the keys of ``ssl`` its content goes to."""

DEFAULT_PORT: Final = 5432

_CLOUDS: Final = ("rds", "azure", "cloudsql")
# The plan has these, and nothing of the string's own may come in their place.
_PLANNED: Final = ("database", "user", "password")
# Of a base connection whose string takes over: what the string says itself, and what a cloud's sign-in needs.
_IN_STRING: Final = (*_PLANNED, "connectionString", "host", "port", "type", "instance", "region", "tokenCredential")
_SECRET: Final = re.compile(r"passw|passphrase|pwd|secret|token|credential", re.IGNORECASE)


def restate(value: Any) -> Any:
    """A value of the input as app-config has to spell it to get it again, references included."""
    if isinstance(value, Placeholder):
        return {"$file": escape(value)} if value.is_file else value
    if isinstance(value, dict):
        return {key: restate(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, list):
        return [restate(item) for item in value]
    return escape(value) if isinstance(value, str) else value


def driver_string(connection: Any) -> Any:
    """The driver's own ``connectionString`` inside a connection object, ``None`` without one."""
    return connection.get("connectionString") if isinstance(connection, dict) else None


class PluginInput(NamedTuple):
    """What the merged input (``merged``: ``backend.database``) says about one planned plugin."""

    plan: PluginPlan
    merged: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """``backend.database.plugin.<id>``."""
        plugins = self.merged.get("plugin")
        settings = plugins.get(self.plan.plugin_id) if isinstance(plugins, dict) else None
        return settings if isinstance(settings, dict) else {}

    @property
    def connection(self) -> Any:
        """The plugin's own connection as it is written, ``None`` without one."""
        return self.settings.get("connection")

    @property
    def own(self) -> Mapping[str, Any]:
        """The plugin's own connection, a string in its parts."""
        return self.plan.source.own_connection if self.plan.source is not None else {}

    @property
    def resolved(self) -> Mapping[str, Any]:
        """The connection as Backstage resolves it from the input."""
        connection = self.plan.source.connection if self.plan.source is not None else None
        return connection if isinstance(connection, dict) else {}

    @property
    def string_parts(self) -> dict[str, Any]:
        """The parts of the plugin's connection string, without what the plan decides; empty when it has none."""
        if not isinstance(self.connection, str) or self.plan.source is None:
            return {}
        own = self.plan.source.own_connection
        return {key: value for key, value in own.items() if key not in _PLANNED and value is not UNDEFINED}

    @property
    def beside_string(self) -> dict[str, Any]:
        """What stands beside the ``connectionString`` of the base connection, under the plugin's own values."""
        base = self.merged.get("connection")
        if driver_string(base) is None or not isinstance(base, dict):
            return {}
        rest = {key: value for key, value in base.items() if key not in _IN_STRING}
        if not rest.get("application_name"):  # an empty one of the base counts as none
            rest.pop("application_name", None)
        own = self.connection if isinstance(self.connection, dict) else {}
        return {key: _over(own[key], value) if key in own else value for key, value in rest.items()}

    @property
    def cloud_type(self) -> str | None:
        """The cloud sign-in that would come in the way of a password: ``rds``, ``azure``, ``cloudsql``."""
        for connection in (self.connection, self.merged.get("connection")):
            kind = connection.get("type") if isinstance(connection, dict) else None
            if kind is not None:
                return kind if kind in _CLOUDS else None
        return None

    def locate(self, *keys: str) -> Location | None:
        """Where the first of ``keys`` (of the plugin's ``connection``) was written, else the connection itself."""
        if isinstance(self.connection, ConfigMap):
            found = next((place for key in keys if (place := self.connection.locate(key))), None)
            if found:
                return found
        settings = self.settings
        return settings.locate("connection") if isinstance(settings, ConfigMap) else None

    @property
    def path(self) -> str:
        """The key of the plugin's connection."""
        return f"backend.database.plugin.{self.plan.plugin_id}.connection"


def _over(value: Any, base: Any) -> Any:
    """``value`` with the keys it does not have taken from ``base``, as knex gets them."""
    if not (isinstance(value, dict) and isinstance(base, dict)):
        return value
    return {**base, **{key: _over(item, base.get(key)) for key, item in value.items()}}


def check_input(context: RenderContext, diagnostics: Diagnostics) -> None:
    """Report what a fragment cannot do (errors GR630 to GR633) and what it takes away (warnings GR633, GR634)."""
    plan = context.plan
    if context.database_manager == "single-connection" and plan.plugins:
        diagnostics.error(
            "GR630",
            "the single-connection database manager has one user for all plugins, so no plugin can have its own",
            path="backstage.databaseManager",
            backstage="ignores everything below backend.database.plugin",
            hint="upgrade Backstage and set backstage.databaseManager accordingly, or leave the target app-config out",
        )
        return
    _check_base(context, diagnostics)
    for plugin in plan.plugins:
        found = PluginInput(plugin, context.merged)
        _check_string(found, diagnostics)
        _check_driver_string(found, diagnostics)
        _check_cloud(found, context, diagnostics)


def _check_base(context: RenderContext, diagnostics: Diagnostics) -> None:
    merged = context.merged
    if not context.plan.plugins:
        return
    connection, role = merged.get("connection"), merged.get("role")
    if driver_string(connection) is not None:
        _check_base_string(connection, context, diagnostics)
    if isinstance(role, str) and not acts_as_base_role(context):
        diagnostics.warning(
            "GR634",
            f"the fragment takes the role {role!r} away: with it every plugin would act as that one role",
            merged.locate("role") if isinstance(merged, ConfigMap) else None,
            path="backend.database.role",
            backstage="sends SET ROLE on every connection, whatever user it signed in as",
            hint="remove backend.database.role once each plugin has its own user and tables (REASSIGN OWNED); or set "
            "credentials.mode to shared, which keeps the role",
        )


def _check_base_string(connection: Any, context: RenderContext, diagnostics: Diagnostics) -> None:
    """A base ``connectionString`` becomes the base connection itself, unless a secret would be copied that way."""
    text = driver_string(connection)
    place = connection.locate("connectionString") if isinstance(connection, ConfigMap) else None
    path = "backend.database.connection"
    if not isinstance(text, Placeholder) or not text.is_single_variable:
        _report_driver_string(place, path, diagnostics)
        return
    from generator.backstage.redaction import redact

    rest = PluginInput(context.plan.plugins[0], context.merged).beside_string
    relative = [item for item in _files(rest) if not _is_absolute(item)]
    if redact(rest) != rest or relative:
        what = (
            f"the file {relative[0]}, relative to another folder"
            if relative
            else "a secret, which greenroom must not repeat"
        )
        diagnostics.error(
            "GR632",
            f"`connectionString` has to become the connection itself, and beside it stands {what}",
            place,
            path=path,
            hint="write the parts as host, port and ssl instead of connectionString",
        )
        return
    diagnostics.warning(
        "GR632",
        f"the fragment makes {text} the base connection: inside an object it wins over every plugin's user and database",
        place,
        path=f"{path}.connectionString",
        backstage="hands it to the driver, and so all plugins share the one database it names",
        hint=f"write `connection: {text}`",
    )


def _files(value: Any) -> Iterator[str]:
    if isinstance(value, Placeholder) and value.is_file:
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _files(item)


def _check_driver_string(found: PluginInput, diagnostics: Diagnostics) -> None:
    """The plugin's own ``connectionString``, or its own server beside that of the base."""
    own = found.connection
    if driver_string(own) is not None:
        _report_driver_string(found.locate("connectionString"), found.path, diagnostics)
    elif driver_string(found.merged.get("connection")) is not None and _names_server(own):
        diagnostics.error(
            "GR632",
            f"plugin {found.plan.plugin_id!r} names a server of its own, but the base `connectionString` wins over it",
            found.locate("host", "port"),
            path=found.path,
            backstage="connects the plugin to the server of the base connection all the same",
            hint="remove the plugin's host and port, or write the base connection as host, port and ssl",
        )


def _names_server(connection: Any) -> bool:
    if isinstance(connection, dict):
        return any(connection.get(key) is not None for key in ("host", "port"))
    return isinstance(connection, str)


def _report_driver_string(place: Location | None, path: str, diagnostics: Diagnostics) -> None:
    diagnostics.error(
        "GR632",
        "`connectionString` wins over every user and database beside it, so no plugin can have its own",
        place,
        path=f"{path}.connectionString",
        backstage="hands it to the driver, which replaces user, password, host and database with those of the string",
        hint="write the string as `connection` itself, or its parts as host, port and ssl",
    )


def _check_string(found: PluginInput, diagnostics: Diagnostics) -> None:
    """Whether everything in the plugin's connection string can be said by an object."""
    parts = found.string_parts
    problem = hint = ""
    secret = next((key for key in parts if _SECRET.search(key)), None)
    if "connectionString" in parts:
        problem = "only the run-time environment knows what is in the connection string, so host and TLS cannot be repeated"
        hint = "give its value with --env-file, or write connection as an object with host and port"
    elif secret:
        problem = f"the connection string holds a secret ({secret}) that greenroom must not repeat"
        hint = "write connection as an object, with that value from the environment"
    else:
        relative = next((key for key in CERTIFICATES if parts.get(key) and not _is_absolute(parts[key])), None)
        if relative:
            problem = f"{relative} of the connection string is relative to the folder Backstage runs in, and $file is not"
            hint = "write an absolute path"
    if problem:
        diagnostics.error(
            "GR631",
            f"the connection string of plugin {found.plan.plugin_id!r} cannot become an object: {problem}",
            found.locate(),
            path=found.path,
            backstage="replaces a string by an object as a whole",
            hint=hint,
        )


def _is_absolute(path: Any) -> bool:
    if isinstance(path, Placeholder):
        return path.startswith("/")
    return isinstance(path, str) and (PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute())


def acts_as_base_role(context: RenderContext) -> bool:
    """Whether plugins shall go on acting as the ``role`` of the base."""
    return any(role.is_common and role.group is not None for role in context.plan.roles)


def _check_cloud(found: PluginInput, context: RenderContext, diagnostics: Diagnostics) -> None:
    if found.plan.role.iam is not None:
        from generator.targets.app_config_iam import check_iam

        check_iam(found, found.plan.role.iam, diagnostics)
        return
    kind = found.cloud_type
    if kind is None:
        return
    base = context.merged.get("connection")
    place = found.locate("type") if isinstance(found.connection, dict) and "type" in found.connection else None
    if place is None and isinstance(base, ConfigMap):
        place = base.locate("type")
    source = found.plan.source
    connection = source.connection if source is not None and isinstance(source.connection, dict) else {}
    if kind == "cloudsql" and not connection.get("host"):
        diagnostics.error(
            "GR633",
            f"plugin {found.plan.plugin_id!r} connects through the Cloud SQL connector, which knows no passwords",
            place,
            path="backend.database.connection.type",
            hint="set connection.host to the instance's address or a proxy, and connection.type to default",
        )
        return
    diagnostics.warning(
        "GR633",
        f"the fragment replaces the {kind} sign-in by a password for each plugin",
        place,
        path="backend.database.connection.type",
        backstage=f"fetches a token instead of a password while connection.type is {kind}",
        hint="set connection.type to default, and see that the server takes passwords",
    )
