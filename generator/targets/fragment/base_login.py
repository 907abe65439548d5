"""The base user that RBAC's own connection needs, and the plugins outside the plan that would log in as it.

Backstage itself logs in as no base user any more once every plugin has a user, except for plugins that somebody else looks
after: those go on with the login they had, which is said again as their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.documents.values import Placeholder
from generator.targets.fragment.input import is_absolute
from generator.targets.fragment.plugin_input import restate

if TYPE_CHECKING:
    from generator.planning.model import PluginPlan
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.base import RenderContext

LOGIN: Final = ("user", "password")
"""The keys of a connection that say who logs in."""


class Other(NamedTuple):
    """A plugin outside the plan with what it had of the base login; ``lost`` are the keys that cannot be said again."""

    plugin_id: str
    connection: dict[str, Any]
    lost: tuple[str, ...]


def base_login(context: RenderContext) -> dict[str, Any]:
    """The user (and password) of the base connection in the fragment; empty where it stays what it is."""
    plan = context.plan
    plugin = next((item for item in plan.plugins if item.plugin_id == plan.base_login), None)
    if plugin is None or not isinstance(context.base.connection, dict):
        return {}
    connection: dict[str, Any] = {"user": restate(plugin.role.live.name)}
    if plugin.role.iam is None:
        connection["password"] = password_of(plugin)
    return connection


def password_of(plugin: PluginPlan) -> Any:
    """The password of a plugin's live login as app-config refers to it."""
    delivery = plugin.role.live.delivery
    return {"$file": restate(delivery.file)} if delivery.file else delivery.app_config


def others(context: RenderContext) -> list[Other]:
    """The plugins on PostgreSQL outside the plan that log in with the base connection, which the fragment changes."""
    login, base = base_login(context), context.base.connection
    if not isinstance(base, dict) or all(restate(base.get(key)) == value for key, value in login.items()):
        return []
    planned = {plugin.plugin_id for plugin in context.plan.plugins}
    found: list[Other] = []
    for plugin_id in sorted({*context.base.configured, *context.excluded} - planned):
        origin = context.base.plugin(plugin_id)
        if origin.client != "pg" or origin.form == "string":
            continue
        own = origin.written if isinstance(origin.written, dict) else {}
        inherited = [key for key in login if own.get(key) is None]
        known = {key: restate(base[key]) for key in inherited if _may_be_repeated(key, base.get(key))}
        if inherited:
            found.append(Other(plugin_id, known, tuple(key for key in inherited if key not in known)))
    return found


def check_others(context: RenderContext, diagnostics: Diagnostics) -> None:
    """Report plugins whose login the fragment would change without a way to say it again (GR742)."""
    lost = [other for other in others(context) if other.lost]
    if not lost:
        return
    names = ", ".join(repr(other.plugin_id) for other in lost)
    keys = [key for key in LOGIN if any(key in other.lost for other in lost)]
    what = " and ".join(keys)
    diagnostics.error(
        "GR742",
        f"RBAC needs the base user for itself, and the {what} of plugins outside the plan cannot be said again: {names}",
        next((place for key in (*keys, *LOGIN, "host") if (place := context.base.locate("connection", key))), None),
        path=f"backend.database.connection.{keys[0]}",
        backstage=f"logs them in as the user of the plugin {context.plan.base_login!r}, who may not use their databases",
        hint=f"give each its own {what} below backend.database.plugin.<id>.connection, "
        "or write those of the base connection as variables: ${NAME}",
    )


def _may_be_repeated(key: str, value: Any) -> bool:
    """Not a secret that is written out, and no file whose name is relative to another folder."""
    if isinstance(value, Placeholder) and value.is_file:
        return is_absolute(value)
    if key == "user":
        return isinstance(value, str) and bool(value)
    return isinstance(value, Placeholder) and value.is_single_variable
