"""What plugins have in common: databases, roles, and names that must not meet."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from generator.engines.names import role_problem
from generator.planning.model import Database, Delivery, Role
from generator.planning.naming import label
from generator.planning.pair import new_pair
from generator.planning.pair_checks import check_pairs, wants_pair
from generator.planning.places import config_key, source
from generator.planning.servers import PRIMARY
from generator.planning.transport import goes_without_tls, warn_without_tls
from generator.settings.model import SHARED_SECRET, SHARED_VARIABLE
from generator.settings.name_template import expand
from generator.stores.names import secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.planning.model import PluginPlan
    from generator.planning.names import Names
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def plan_databases(named: list[Names], diagnostics: Diagnostics) -> dict[tuple[str, str], Database]:
    """The databases by server and name."""
    users: dict[tuple[str, str], list[Names]] = defaultdict(list)
    for names in named:
        users[names.server.name, names.database].append(names)
    _warn_same_but_for_case(named, diagnostics)
    servers = {names.server.name for names in named}
    databases: dict[tuple[str, str], Database] = {}
    labels: dict[str, tuple[str, str]] = {}
    for (server, name), sharing in sorted(users.items()):
        schema_mode = sharing[0].schema is not None
        several = len(sharing) > 1
        different = several and not schema_mode and len({names.role for names in sharing}) > 1
        # Nobody owns a table in MySQL: there each user gets the privileges itself.
        group = f"{name}_plugins" if different and sharing[0].server.engine == "postgresql" else sharing[0].sign_in.acts_as
        made = label(name if len(servers) == 1 else f"{server}_{name}")
        if (schema_mode or several) and labels.setdefault(made, (server, name)) != (server, name):
            other = labels[made][1]
            diagnostics.error(
                "GR308",
                f"the databases {other!r} and {name!r} both make the label {made!r}",
                source(sharing[0].plugin, "databaseName", "connection.database"),
                hint="rename one of them",
            )
        if several and not schema_mode:
            _warn_shared_database(name, sharing, diagnostics)
        databases[server, name] = Database(
            name=name,
            server=server,
            plugins=tuple(names.plugin.plugin_id for names in sharing),
            label=made,
            shared=schema_mode or several,
            group=group,
        )
        if group and (problem := role_problem(group, engine=sharing[0].server.engine)):
            diagnostics.error(
                "GR305",
                f"the role {group!r}, which the plugins of database {name!r} would share, {problem}",
                source(sharing[0].plugin, "databaseName", "connection.database"),
                hint="choose a shorter name for the shared database",
            )
    return databases


def _warn_same_but_for_case(named: list[Names], diagnostics: Diagnostics) -> None:
    """MySQL tells upper from lower case in names of databases only where its file system and settings do."""
    seen: dict[tuple[str, str], Names] = {}
    for names in named:
        if names.server.engine != "mysql":
            continue
        other = seen.setdefault((names.server.name, names.database.lower()), names)
        if other.database != names.database:
            diagnostics.warning(
                "GR318",
                f"the databases {other.database!r} of plugin {other.plugin.plugin_id!r} and {names.database!r} of plugin "
                f"{names.plugin.plugin_id!r} differ in upper and lower case only",
                source(names.plugin, "connection.database", "databaseName"),
                path=config_key(names.plugin, "connection.database"),
                backstage="uses one database for both where the server runs with lower_case_table_names = 1 or 2",
                hint=f"set {config_key(names.plugin, 'connection.database')} to a name of its own",
            )


def _warn_shared_database(name: str, sharing: list[Names], diagnostics: Diagnostics) -> None:
    ids = ", ".join(names.plugin.plugin_id for names in sharing)
    for names in sharing:
        location = source(names.plugin, "connection.database", "databaseName")
        diagnostics.warning(
            "GR307",
            f"the plugins {ids} share the database {name!r}, so each can read and change what the others store",
            location,
            path=config_key(names.plugin, "connection.database"),
            backstage="keeps the migrations of each plugin in the table knex_migrations of its database: two plugins with "
            "tables of their own stop each other's start",
            hint="give each plugin a database of its own"
            + ("" if names.server.engine == "mysql" else ", or use pluginDivisionMode: schema"),
        )
        break


def plan_roles(
    named: list[Names], databases: dict[tuple[str, str], Database], settings: Settings, diagnostics: Diagnostics
) -> dict[tuple[str, str], Role]:
    """The roles by server and name."""
    users: dict[tuple[str, str], list[Names]] = defaultdict(list)
    for names in named:
        users[names.server.name, names.role].append(names)
    roles: dict[tuple[str, str], Role] = {}
    for (server, name), sharing in sorted(users.items()):
        first = sharing[0].plugin.plugin_id
        sign_in = sharing[0].sign_in
        if len(sharing) > 1 and sign_in.common is None:
            _report_shared_role(name, sharing, diagnostics)
        warn_without_tls(sharing, diagnostics)
        expanded = {"plugin": first, "environment": settings.environment, "server": server}
        groups = {databases[server, names.database].group for names in sharing} - {None}
        version = max(settings.password_versions.get(names.plugin.plugin_id, 1) for names in sharing)
        adopted = any(entry.server == server and name in entry.roles for entry in settings.adopt)
        if groups and sign_in.acts_as is None and len({names.database for names in sharing}) > 1:
            diagnostics.error(
                "GR309",
                f"the user {name!r} works in a database shared with other users and in another one",
                source(sharing[0].plugin, "connection.user"),
                path=config_key(sharing[0].plugin, "connection.user"),
                hint="give each plugin a user of its own",
            )
        roles[server, name] = Role(
            name=name,
            server=server,
            plugins=tuple(names.plugin.plugin_id for names in sharing),
            label=label(first),
            delivery=Delivery(
                env=expand(_of_server(SHARED_VARIABLE, settings.delivery_env, server), **expanded),
                file=expand(settings.delivery_file, **expanded) if settings.delivery_file else None,
            ),
            secret_name=secret_name(
                expand(_of_server(SHARED_SECRET, settings.secret_name, server), **expanded), store=settings.store
            ),
            password_version=version,
            group=next(iter(groups), None),
            requires_tls=not all(map(goes_without_tls, sharing)),
            is_common=sign_in.common is not None,
            iam=sign_in.iam,
            # What exists already may be in use by running instances.
            pair=new_pair(version, owner_logs_in=adopted) if wants_pair(sharing, settings) else None,
        )
    _check_role_names(roles, databases, named, diagnostics)
    check_pairs(roles, databases, named, settings, diagnostics)
    return roles


def _of_server(names: tuple[str, str], template: str, server: str) -> str:
    """``template``, or the default name for another server than the first where it is the default for that one."""
    return names[1] if template == names[0] and server != PRIMARY else template


def _report_shared_role(name: str, sharing: list[Names], diagnostics: Diagnostics) -> None:
    ids = ", ".join(names.plugin.plugin_id for names in sharing)
    generated = [names for names in sharing if not names.role_is_explicit]
    plugin = (generated or sharing)[0].plugin
    if generated:
        diagnostics.error(
            "GR305",
            f"the role name {name!r} is made for plugin {plugin.plugin_id!r} and also written down for another of {ids}",
            source(next(names.plugin for names in sharing if names not in generated[:1]), "connection.user"),
            path=config_key(plugin, "connection.user"),
            hint="choose another connection.user, or another credentials.roleName",
        )
        return
    diagnostics.warning(
        "GR307",
        f"the plugins {ids} share the user {name!r}, so each can read and change what the others store",
        source(plugin, "connection.user"),
        path=config_key(plugin, "connection.user"),
        hint="leave `user` out and every plugin gets a user of its own",
    )


def _check_role_names(
    roles: dict[tuple[str, str], Role],
    databases: dict[tuple[str, str], Database],
    named: list[Names],
    diagnostics: Diagnostics,
) -> None:
    """Two roles must not end in the same variable, file or secret; a group must not be somebody's login."""
    place = {names.plugin.plugin_id: source(names.plugin, "connection.user", "client") for names in named}
    seen: dict[tuple[str, str], Role] = {}
    for role in roles.values():
        if role.iam is not None:
            continue  # no password, no secret
        for kind, name in _of_passwords(role):
            other = seen.setdefault((kind, name), role)
            if other is not role:
                diagnostics.error(
                    "GR308",
                    f"the plugins {other.plugins[0]!r} and {role.plugins[0]!r} would both use the {kind} {name!r}",
                    place.get(role.plugins[0]),
                    path=f"backend.database.plugin.{role.plugins[0]}",
                    hint="rename one of the plugins, or generate for them apart",
                )
    for database in databases.values():
        if database.group and (database.server, database.group) in roles:
            diagnostics.error(
                "GR308",
                f"the role {database.group!r} of the shared database {database.name!r} is also a plugin's user",
                place.get(database.plugins[0]),
                hint="choose another connection.user",
            )


def _of_passwords(role: Role) -> Iterator[tuple[str, str]]:
    """Where the passwords of a role are: a kind, and a name of which there may be one only."""
    for login in role.logins or (role.own_login,):
        yield "environment variable", login.delivery.env
        yield "secret", login.secret_name
        if login.delivery.file:
            yield "file", login.delivery.file


def check_labels(plugins: tuple[PluginPlan, ...], diagnostics: Diagnostics) -> None:
    """Two plugins must not make the same identifier."""
    seen: dict[str, str] = {}
    for plugin in plugins:
        other = seen.setdefault(plugin.label, plugin.plugin_id)
        if other != plugin.plugin_id:
            diagnostics.error(
                "GR308",
                f"the plugins {other!r} and {plugin.plugin_id!r} both make the label {plugin.label!r}",
                path=f"backend.database.plugin.{plugin.plugin_id}",
                hint="rename one of the plugins",
            )
