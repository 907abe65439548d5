"""What the input says that an app-config fragment has to repeat, undo, or cannot do anything about."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from generator.backstage.database.origin import CERTIFICATES, driver_string
from generator.backstage.database.redaction import is_secret_name, redact
from generator.clouds import sign_in
from generator.documents.values import Placeholder
from generator.planning.access import access_of
from generator.targets.fragment.plugin_input import PluginInput

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.problems.diagnostic import Diagnostics, Location
    from generator.targets.base import RenderContext


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
        found = PluginInput(plugin)
        _check_string(found, diagnostics)
        _check_driver_string(found, diagnostics)
        _check_cloud(found, context, diagnostics)


def _check_base(context: RenderContext, diagnostics: Diagnostics) -> None:
    if not context.plan.plugins:
        return
    role = context.base.role
    if context.base.form == "driver string":
        _check_base_string(context, diagnostics)
    if isinstance(role, str) and not acts_as_base_role(context):
        diagnostics.warning(
            "GR634",
            f"the fragment takes the role {role!r} away: with it every plugin would act as that one role",
            context.base.locate("role"),
            path="backend.database.role",
            backstage="sends SET ROLE on every connection, whatever user it signed in as",
            hint="remove backend.database.role once each plugin has its own user and tables (REASSIGN OWNED); or set "
            "credentials.mode to shared, which keeps the role",
        )


def _check_base_string(context: RenderContext, diagnostics: Diagnostics) -> None:
    """A base ``connectionString`` becomes the base connection itself, unless a secret would be copied that way."""
    text = driver_string(context.base.connection)
    place = context.base.locate("connection", "connectionString")
    path = "backend.database.connection"
    if not isinstance(text, Placeholder) or not text.is_single_variable:
        _report_driver_string(place, path, diagnostics)
        return
    rest = PluginInput(context.plan.plugins[0]).origin.beside_string
    relative = [item for item in _files(rest) if not is_absolute(item)]
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
    origin = found.origin
    if origin.form == "driver string":
        _report_driver_string(origin.locate("connectionString"), found.path, diagnostics)
    elif driver_string(origin.base) is not None and _names_server(origin.written):
        diagnostics.error(
            "GR632",
            f"plugin {found.plan.plugin_id!r} names a server of its own, but the base `connectionString` wins over it",
            origin.locate("host", "port"),
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
    parts = found.origin.string_parts
    problem = hint = ""
    # `sslkey` is the path of a file; what is in the file is not repeated.
    secret = next((key for key in parts if is_secret_name(key) and key not in CERTIFICATES), None)
    if "connectionString" in parts:
        problem = "only the run-time environment knows what is in the connection string, so host and TLS cannot be repeated"
        hint = "say its value under `values` in greenroom.yaml, or write connection as an object with host and port"
    elif secret:
        problem = f"the connection string holds a secret ({secret}) that greenroom must not repeat"
        hint = "write connection as an object, with that value from the environment"
    else:
        relative = next((key for key in CERTIFICATES if parts.get(key) and not is_absolute(parts[key])), None)
        if relative:
            problem = f"{relative} of the connection string is relative to the folder Backstage runs in, and $file is not"
            hint = "write an absolute path"
    if problem:
        diagnostics.error(
            "GR631",
            f"the connection string of plugin {found.plan.plugin_id!r} cannot become an object: {problem}",
            found.origin.locate(),
            path=found.path,
            backstage="replaces a string by an object as a whole",
            hint=hint,
        )


def is_absolute(path: Any) -> bool:
    """Whether a path means the same file wherever it is written."""
    if isinstance(path, Placeholder):
        return path.startswith("/")
    return isinstance(path, str) and (PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute())


def acts_as_base_role(context: RenderContext) -> bool:
    """Whether plugins are to go on acting as the ``role`` of the base."""
    return bool(access_of(context.plan).acting_roles)


def _check_cloud(found: PluginInput, context: RenderContext, diagnostics: Diagnostics) -> None:
    if found.plan.role.iam is not None:
        from generator.targets.fragment.iam import check_iam

        check_iam(found, found.plan.role.iam, diagnostics)
        return
    origin = found.origin
    kind = origin.cloud_type
    if kind is None:
        return
    place = origin.locate("type") if isinstance(origin.written, dict) and "type" in origin.written else None
    if place is None:
        place = context.base.locate("connection", "type")
    if sign_in(kind).has_connector and not found.resolved.get("host"):
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
