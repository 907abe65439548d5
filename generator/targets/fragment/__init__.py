"""The target ``app-config``: the smallest fragment which, merged last, makes Backstage resolve to the plan.

Every plugin gets a connection *object* with its database, its user and a reference to its password. What a connection
string of the input said besides (host, TLS) is said again, because an object replaces a string as a whole. Settings that
would stand in the way are undone: creation by Backstage, a ``role`` that every connection would switch to, cloud sign-in;
unless the plan is to share that role, or to sign in that way, without a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.engines import POSTGRESQL
from generator.targets import TARGETS
from generator.targets.base import Artifact, Target
from generator.targets.fragment.base_login import LOGIN, base_login, check_others, others, password_of
from generator.targets.fragment.input import acts_as_base_role, check_input
from generator.targets.fragment.plugin_input import CERTIFICATES, PluginInput, driver_string, restate
from generator.targets.text.templates import render_template
from generator.targets.text.yaml import FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import RenderContext

FILE_NAME: Final = TARGETS["app-config"].default_path
# Read only to stop Backstage from creating things; the second is how its code spells the plugin's `ensureSchemaExists`.
_ENSURE_SCHEMA: Final = ("ensureSchemaExists", "getEnsureSchemaExistsConfig")


class AppConfigTarget(Target):
    """The target ``app-config``. It writes one file: its path is that file."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what a fragment cannot say (GR63x), and what it takes away."""
        check_input(context, diagnostics)
        check_others(context, diagnostics)

    def render(self, context: RenderContext) -> list[Artifact]:
        """The one file; none when nothing has to exist."""
        plan = context.plan
        if not plan.plugins:
            return []
        with_password = [role for role in plan.roles if role.iam is None]
        by_file = any(role.delivery.file for role in with_password)
        by_env = any(not role.delivery.file for role in with_password)
        ways = [way for way, used in (("the environment variables", by_env), ("the files", by_file)) if used]
        view = {
            "environment": plan.environment,
            "file": FILE_NAME,
            "delivery": " and ".join(ways),
            "base_login": plan.base_login,
            "base": list(_lines(_base_settings(context))),
            "plugins": [
                {
                    "id": plugin.plugin_id,
                    "is_other": False,
                    "settings": list(_lines(_plugin_settings(found))),
                    "connection": list(_lines(_connection(plugin, found))),
                }
                for plugin in plan.plugins
                for found in (PluginInput(plugin, context.merged),)
            ]
            + [
                {"id": item.plugin_id, "is_other": True, "settings": [], "connection": list(_lines(item.connection))}
                for item in others(context)
            ],
        }
        return [Artifact(FILE_NAME, render_template("app-config", f"{FILE_NAME}.j2", view, FILTERS))]

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """The databases and users the fragment names. It does not say on which server they are: that part is ``""``.

        Raises:
            ValueError: the fragment is not YAML of the shape this target writes.
        """
        found: set[tuple[str, ...]] = set()
        for artifact in artifacts:
            for connection in _connections(artifact.text):
                found.add(("database", "", connection["database"]))
                found.add(("role", "", connection["user"]))
        return found

    def creates(self, plan: Plan) -> set[tuple[str, ...]]:
        """What the plugins use, on whatever server."""
        databases = {("database", "", plugin.database.name) for plugin in plan.plugins}
        return databases | {("role", "", plugin.role.name) for plugin in plan.plugins}


def _connections(text: str) -> Iterator[Mapping[str, str]]:
    import yaml

    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe
        plugins = document["backend"]["database"]["plugin"].values()
        for plugin in plugins:
            connection = plugin["connection"]
            if connection.keys() <= set(LOGIN):  # of a plugin outside the plan
                continue
            if not all(isinstance(connection[key], str) for key in ("database", "user")):
                raise ValueError("a name in the fragment is not a text")
            yield connection
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the fragment cannot be read back: {type(error).__name__}") from error


def _lines(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in settings.items():
        yield {"key": key, "value": value}


def _base_settings(context: RenderContext) -> dict[str, Any]:
    merged = context.merged
    settings: dict[str, Any] = {"ensureExists": False}
    if merged.get("ensureSchemaExists") not in (None, False):
        settings["ensureSchemaExists"] = False
    if merged.get("role") is not None and not acts_as_base_role(context):
        settings["role"] = None
    if (text := driver_string(merged.get("connection"))) is not None:
        settings["connection"] = restate(text)
    if login := base_login(context):
        settings["connection"] = login
    return settings


def _plugin_settings(found: PluginInput) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key in ("ensureExists", *_ENSURE_SCHEMA):
        if found.settings.get(key) not in (None, False):
            settings[key] = False
    if found.settings.get("role") is not None:
        settings["role"] = None
    return settings


def _connection(plugin: PluginPlan, found: PluginInput) -> dict[str, Any]:
    connection: dict[str, Any] = {}
    iam = plugin.role.iam
    if iam is not None:
        connection["type"] = iam
    elif found.cloud_type is not None:
        connection["type"] = "default"
    connection |= _string_parts(found)
    connection |= restate(found.beside_string)
    connection["database"] = restate(plugin.database.name)
    connection["user"] = restate(plugin.role.name)
    if iam is not None:
        if iam == "rds" and not found.resolved.get("port"):
            connection["port"] = POSTGRESQL.port  # for a token Backstage has to know it; a password needs none
        if found.connection is not None and "password" in found.own:
            connection["password"] = None
        return connection
    connection["password"] = password_of(plugin)
    return connection


def _string_parts(found: PluginInput) -> dict[str, Any]:
    """What the plugin's connection string says besides database, user and password."""
    parts: dict[str, Any] = {}
    for key, value in found.string_parts.items():
        if key in CERTIFICATES or value is None:
            continue
        if key == "ssl" and isinstance(value, dict):
            # The content of these files may be known here, and a key is a secret: their names are repeated.
            plain = {name: restate(item) for name, item in value.items() if name not in CERTIFICATES.values()}
            files = {
                name: {"$file": restate(found.string_parts[parameter])}
                for parameter, name in CERTIFICATES.items()
                if found.string_parts.get(parameter)
            }
            parts[key] = plain | files
        else:
            parts[key] = restate(value)
    return parts


TARGET: Final = AppConfigTarget()
