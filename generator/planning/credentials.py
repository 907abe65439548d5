"""How the plugins of a server sign in: each as its own role, all as one, with a password or with the cloud's identities."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.clouds import CLOUDS, cloud_of, sign_in
from generator.documents.unknown import how_to_say
from generator.documents.values import Placeholder
from generator.engines import ENGINES
from generator.engines.names import role_problem
from generator.planning.places import config_key, source
from generator.settings.model import SHARED_ROLE
from generator.settings.name_template import expand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.backstage.database.resolved import PluginDatabase
    from generator.planning.model import Server
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings

_SERVICE_ACCOUNT: Final = re.compile(r"[a-z0-9-]+@[a-z0-9.:-]+\.iam", re.ASCII)
_SERVICE_ACCOUNT_HINT: Final = (
    "set it to the service account Backstage runs as, without `.gserviceaccount.com`: backstage@my-project.iam"
)


class SignIn(NamedTuple):
    """How a server's plugins sign in. ``common`` is the name of the one role of all of them, ``None`` when each has its own;
    ``iam`` the cloud that knows the role (``rds``, ``cloudsql``, ``azure``), ``None`` for a password; ``acts_as`` the role
    that Backstage switches to once the common one is connected.
    """

    common: str | None = None
    iam: str | None = None
    acts_as: str | None = None


PASSWORD_EACH: Final = SignIn()


def plan_sign_in(
    plugins: Sequence[PluginDatabase], server_of: Mapping[str, Server], settings: Settings, diagnostics: Diagnostics
) -> dict[str, SignIn]:
    """How the plugins of each server sign in, by the server's name.

    Errors in ``diagnostics``: IAM with MySQL (GR310), a plugin with a user of its own where all share one (GR311), an IAM
    server of an unknown cloud (GR312), a role for each plugin where Backstage has one identity only, or one that Cloud SQL
    cannot sign in (GR313), a role to act as whose name is not known or not possible (GR302, GR305).
    """
    if settings.credentials_mode == "per-plugin":
        return {server.name: PASSWORD_EACH for server in server_of.values()}
    found: dict[str, SignIn] = {}
    for name, server in sorted({server.name: server for server in server_of.values()}.items()):
        users = [plugin for plugin in plugins if server_of[plugin.plugin_id].name == name]
        iam = _cloud(server, users, settings, diagnostics) if settings.credentials_mode == "iam" else None
        common = _common_role(server, users, iam, settings, diagnostics)
        acts_as = _acts_as(users, common, diagnostics) if common is not None else None
        found[name] = SignIn(common=common, iam=iam, acts_as=acts_as)
    return found


def _cloud(server: Server, users: Sequence[PluginDatabase], settings: Settings, diagnostics: Diagnostics) -> str | None:
    place = settings.locations.get("credentials.mode")
    if server.engine == "mysql":
        diagnostics.error(
            "GR310",
            f"credentials.mode is iam, and server {server.name!r} (plugins {_ids(users)}) is MySQL",
            place,
            path="credentials.mode",
            backstage="knows connection.type rds, cloudsql and azure for PostgreSQL only",
            hint="use credentials.mode per-plugin, or generate for the other plugins alone (--plugin)",
        )
        return None
    cloud = cloud_of(server.kind) or settings.iam or _written(users)
    if cloud is None:
        diagnostics.error(
            "GR312",
            f"credentials.mode is iam, and nothing says which cloud signs in to server {server.name!r}",
            place,
            path="credentials.mode",
            hint="set credentials.iam to rds, cloudsql or azure",
        )
    return cloud


def _written(users: Sequence[PluginDatabase]) -> str | None:
    """The cloud that app-config names for all of ``users``."""
    clouds = {plugin.cloud for plugin in users}
    return next(iter(clouds)) if len(clouds) == 1 else None


def _common_role(
    server: Server, users: Sequence[PluginDatabase], iam: str | None, settings: Settings, diagnostics: Diagnostics
) -> str | None:
    explicit = settings.locations.get("credentials.roleName")
    template = settings.role_name
    per_plugin = "{plugin}" in template
    if settings.credentials_mode == "iam" and per_plugin:
        if explicit is not None and sign_in(iam).makes_users:
            diagnostics.error(
                "GR313",
                "a role for each plugin needs a Google identity for each plugin, and Backstage has one",
                explicit,
                path="credentials.roleName",
                backstage="signs in to Cloud SQL as the service account its process runs as, whatever the plugin",
                hint=_SERVICE_ACCOUNT_HINT,
            )
            return None
        if explicit is not None or iam is None or not CLOUDS[iam].has_one_identity:
            return None
    if explicit is not None and not per_plugin:
        name = expand(template, plugin="", environment=settings.environment, server=server.name)
    else:
        name = _written_user(users, server.engine) or SHARED_ROLE
    _check_own_users(name, users, diagnostics)
    if sign_in(iam).makes_users and not _SERVICE_ACCOUNT.fullmatch(name):
        diagnostics.error(
            "GR313",
            f"the role {name!r} is no service account, and Cloud SQL signs nobody else in without a password",
            explicit or settings.locations.get("credentials.mode"),
            path="credentials.roleName",
            hint=_SERVICE_ACCOUNT_HINT,
        )
    return name


def _written_user(users: Sequence[PluginDatabase], engine: str) -> str | None:
    """The user app-config has for all of ``users``, where it names one that is no administrator."""
    names = {plugin.connection.get("user") if isinstance(plugin.connection, dict) else None for plugin in users}
    name = next(iter(names)) if len(names) == 1 else None
    known = isinstance(name, str) and name and not isinstance(name, Placeholder)
    return name if known and name not in ENGINES[engine].administrators else None


def _check_own_users(name: str, users: Sequence[PluginDatabase], diagnostics: Diagnostics) -> None:
    for plugin in users:
        own = plugin.own_connection.get("user")
        if own and own != name:
            diagnostics.error(
                "GR311",
                f"plugin {plugin.plugin_id!r} has the user {own!r}, where all plugins of the server share {name!r}",
                source(plugin, "connection.user", "connection"),
                path=config_key(plugin, "connection.user"),
                hint="leave `user` out, or set credentials.mode to per-plugin",
            )


def _acts_as(users: Sequence[PluginDatabase], common: str, diagnostics: Diagnostics) -> str | None:
    """The role of ``SET ROLE``: what plugins make belongs to it, so it has to be there and ``common`` a member of it."""
    role = next((plugin.set_role for plugin in users if plugin.set_role), None)
    if role is None or role == common:
        return None
    plugin = users[0]
    place = source(plugin, "setRole", "role")
    if isinstance(role, Placeholder):
        diagnostics.error(
            "GR302",
            f"the role that plugins act as is {role}, which has no value here; its name has to be known",
            place,
            path="backend.database.role",
            hint=how_to_say(role.references),
        )
        return None
    if problem := role_problem(role, engine="postgresql"):
        diagnostics.error(
            "GR305",
            f"the role name {role[:80]!r}, which plugins act as, {problem}",
            place,
            path="backend.database.role",
            hint="choose another name",
        )
        return None
    return role


def _ids(users: Sequence[PluginDatabase]) -> str:
    return ", ".join(plugin.plugin_id for plugin in users)
