"""The target ``app-config``: the smallest fragment which, merged last, makes Backstage resolve to the plan.

Every plugin gets a connection *object* with its database, its user and a reference to its password. What a connection
string of the input said besides (host, TLS) is said again, because an object replaces a string as a whole. Settings that
would stand in the way are undone: creation by Backstage, a ``role`` that every connection would switch to, cloud sign-in;
unless the plan is to share that role, or to sign in that way, without a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.backstage.database.origin import CERTIFICATES, Origin, driver_string
from generator.clouds import sign_in
from generator.engines import POSTGRESQL
from generator.targets import TARGETS
from generator.targets.base import Artifact, Entrance, Target
from generator.targets.fragment.base_login import LOGIN, base_login, check_others, others, password_of
from generator.targets.fragment.formats import Format, check_format, steps, unwrapped, wrap
from generator.targets.fragment.input import acts_as_base_role, check_input
from generator.targets.fragment.plugin_input import PluginInput, restate
from generator.targets.text.templates import render_template
from generator.targets.text.yaml import FILTERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import Inside, ReadFrom, RenderContext

FILE_NAME: Final = TARGETS["app-config"].default_path


class AppConfigTarget(Target):
    """The target ``app-config``. It writes one file: its path is that file."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what a fragment cannot say (GR63x), and what it takes away."""
        check_input(context, diagnostics)
        check_others(context, diagnostics)
        if not diagnostics.has_errors and context.plan.plugins:
            check_format(context, _content(context), diagnostics)

    def render(self, context: RenderContext) -> list[Artifact]:
        """The one file; none when nothing has to exist."""
        plan = context.plan
        if not plan.plugins:
            return []
        with_password = [role for role in plan.roles if role.iam is None]
        by_file = any(role.live.delivery.file for role in with_password)
        by_env = any(not role.live.delivery.file for role in with_password)
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
                    "settings": list(_lines(_plugin_settings(found.origin))),
                    "connection": list(_lines(_connection(plugin, found))),
                }
                for plugin in plan.plugins
                for found in (PluginInput(plugin),)
            ]
            + [
                {"id": item.plugin_id, "is_other": True, "settings": [], "connection": list(_lines(item.connection))}
                for item in others(context)
            ],
        }
        text = render_template("app-config", f"{FILE_NAME}.j2", view, FILTERS)
        return [Artifact(FILE_NAME, wrap(text, context))]

    def steps(self, context: RenderContext, file: str) -> list[str]:
        """How ``file`` gets into the cluster, and the passwords to Backstage."""
        return steps(Format.of(context.options, context.read_from), context.plan, file)

    def inside(self, options: Mapping[str, Any], read_from: ReadFrom | None) -> Inside:
        """Where the settings want it: a file of its own, values, a ConfigMap."""
        return Format.of(options, read_from).inside

    def entrance(
        self,
        context: RenderContext,
        at: str,  # noqa: ARG002 - as the others
        artifacts: list[Artifact],
    ) -> Entrance | None:
        """The file for Backstage, and the passwords that it has to be given."""
        roles = [role for role in context.plan.roles if role.iam is None]
        names = sorted({role.delivery.env for role in roles if not role.delivery.file})
        files = sorted({role.delivery.file for role in roles if role.delivery.file})
        what = "Backstage reads it as its last --config"
        if names or files:
            what += f", with the passwords in {'these variables' if names else ', '.join(files)}"
        commands = tuple(f"export {name}=…" for name in names)
        return Entrance("Backstage", what, commands, one_of=False) if artifacts else None

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
        return databases | {("role", "", plugin.role.live.name) for plugin in plan.plugins}


def _connections(text: str) -> Iterator[Mapping[str, str]]:
    import yaml

    try:
        document = unwrapped(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))  # noqa: S506 - both safe
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


def _content(context: RenderContext) -> dict[str, Any]:
    """Everything the fragment says below ``backend.database``."""
    plugins: dict[str, Any] = {item.plugin_id: {"connection": item.connection} for item in others(context)}
    for plugin in context.plan.plugins:
        found = PluginInput(plugin)
        plugins[plugin.plugin_id] = {**_plugin_settings(found.origin), "connection": _connection(plugin, found)}
    return {**_base_settings(context), "plugin": plugins}


def _lines(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key, value in settings.items():
        yield {"key": key, "value": value}


def _base_settings(context: RenderContext) -> dict[str, Any]:
    base = context.base
    settings: dict[str, Any] = {"ensureExists": False}
    if base.creates_schemas:
        settings["ensureSchemaExists"] = False
    if base.role is not None and not acts_as_base_role(context):
        settings["role"] = None
    if (text := driver_string(base.connection)) is not None:
        settings["connection"] = restate(text)
    if login := base_login(context):
        settings["connection"] = login
    return settings


def _plugin_settings(origin: Origin) -> dict[str, Any]:
    settings: dict[str, Any] = dict.fromkeys(origin.creates, False)
    return {**settings, "role": None} if origin.sets_role else settings


def _connection(plugin: PluginPlan, found: PluginInput) -> dict[str, Any]:
    connection: dict[str, Any] = {}
    iam = plugin.role.iam
    if iam is not None:
        connection["type"] = iam
    elif found.origin.cloud_type is not None:
        connection["type"] = "default"
    connection |= _string_parts(found.origin)
    connection |= restate(found.origin.beside_string)
    connection["database"] = restate(plugin.database.name)
    connection["user"] = restate(plugin.role.live.name)
    if iam is not None:
        if sign_in(iam).signs_for_port and not found.resolved.get("port"):
            connection["port"] = POSTGRESQL.port  # for a token Backstage has to know it; a password needs none
        if found.origin.written is not None and "password" in found.origin.parts:
            connection["password"] = None
        return connection
    connection["password"] = password_of(plugin)
    return connection


def _string_parts(origin: Origin) -> dict[str, Any]:
    """What the plugin's connection string says besides database, user and password."""
    parts: dict[str, Any] = {}
    written = origin.string_parts
    for key, value in written.items():
        if key in CERTIFICATES or value is None:
            continue
        if key == "ssl" and isinstance(value, dict):
            # The content of these files may be known here, and a key is a secret: their names are repeated.
            plain = {name: restate(item) for name, item in value.items() if name not in CERTIFICATES.values()}
            files = {
                name: {"$file": restate(written[parameter])}
                for parameter, name in CERTIFICATES.items()
                if written.get(parameter)
            }
            parts[key] = plain | files
        else:
            parts[key] = restate(value)
    return parts


TARGET: Final = AppConfigTarget()
