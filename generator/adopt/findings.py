"""What would go wrong at the first apply, or silently not work: each a warning (GR76x), with what fixes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.adopt.assessment import HandOver, Repair
from generator.adopt.runners import quoted, runner
from generator.planning.access import access_of, owner
from generator.planning.marks import stranger, to_be_ours
from generator.stores.names import makes_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.adopt.state import FoundDatabase, ServerState
    from generator.planning.model import Plan, PluginPlan, Server
    from generator.problems.diagnostic import Diagnostics

_PG16: Final = 160000
#: Settings of a role that Terraform's provider reads as whole numbers, whatever unit they were written in.
TIMEOUTS: Final = ("idle_in_transaction_session_timeout", "statement_timeout")


def check_administrator(server: Server, state: ServerState, diagnostics: Diagnostics) -> None:
    admin = state.administrator
    if state.is_replica:
        diagnostics.warning(
            "GR772",
            f"the server {server.name!r} is a read-only replica: nothing can be made or fixed on it",
            path=f"servers.{server.name}",
            hint="look at the one it follows instead: --host, --port",
        )
    lacking = [name for name, has in (("CREATEROLE", admin.makes_roles), ("CREATEDB", admin.makes_databases)) if not has]
    if not admin.exists:
        diagnostics.warning(
            "GR760",
            f"there is no role {admin.name!r} on server {server.name!r}; Terraform or CloudFormation is to work as it",
            path=f"servers.{server.name}",
            hint="create it (LOGIN CREATEROLE CREATEDB), or name another one with --administrator",
        )
    elif lacking:
        diagnostics.warning(
            "GR760",
            f"the role {admin.name!r} on server {server.name!r} has no {' and no '.join(lacking)}",
            path=f"servers.{server.name}",
            hint="what has to be made cannot be made as this role; name the one that can with --administrator",
        )


def check_marks(
    server: Server,
    plan: Plan,
    found: dict[str, FoundDatabase],
    state: ServerState,
    names: list[str],
    planned: Mapping[tuple[str, str], str],
    diagnostics: Diagnostics,
) -> None:
    """What another environment made is not this one's to take over: an error (GR776).

    Args:
        planned: by kind and name on the server, what is planned to have another name.
    """
    kinds = [("role", name, state.roles[name].comment) for name in names]
    kinds += [("database", name, item.comment) for name, item in sorted(found.items())]
    for kind, name, comment in kinds:
        whose = stranger(comment, plan.environment)
        if whose is None:
            continue
        key = "credentials.roleName" if kind == "role" else "backend.database.prefix"
        way = f"name another one ({key})"
        if (new := planned.get((kind, name))) is not None:
            way = f"if this environment never had it, add {name}: {new} to plugins.renamesApplied and generate again"
        diagnostics.error(
            "GR776",
            f"the {kind} {name!r} on server {server.name!r} {whose}, and this is environment {plan.environment}",
            path=f"servers.{server.name}",
            hint=f"{way}; if it is to be this one's: {to_be_ours(kind, quoted(name), plan.environment)}",
        )


def check_roles(
    server: Server, plan: Plan, state: ServerState, names: list[str], repairs: list[Repair], diagnostics: Diagnostics
) -> None:
    admin = state.administrator
    for name in names:
        role = state.roles[name]
        if role.powers and name == admin.name:
            diagnostics.warning(
                "GR765",
                f"the role {name!r} on server {server.name!r} is {' and '.join(role.powers)}: the administrator, "
                "and a plugin's role too",
                path=f"servers.{server.name}",
                backstage="works, and so would everything an attacker sends through that plugin",
                hint="name another one for the plugin (credentials.roleName), or with --administrator",
            )
        elif role.powers:
            diagnostics.warning(
                "GR765",
                f"the role {name!r} on server {server.name!r} is {' and '.join(role.powers)}: more than a plugin may be",
                path=f"servers.{server.name}",
                backstage="works, and so would everything an attacker sends through that plugin",
                hint="before-apply.sql takes it away; if people use this role too, name another one for the plugin",
            )
            repairs.append(Repair("powers", None, (name, *(f"NO{power}" for power in role.powers))))
        # Before 16, CREATEROLE was enough for every role that is no superuser; and that is being fixed.
        fixed = "SUPERUSER" in role.powers and state.version < _PG16 and admin.makes_roles
        if not role.can_be_managed and not admin.is_superuser and not fixed and name != admin.name:
            diagnostics.warning(
                "GR762",
                f"the role {name!r} on server {server.name!r} was made by somebody else: {admin.name!r} may not change its "
                "password or grant it"
                + (" (PostgreSQL 16 and newer ask for the ADMIN option)" if state.version >= _PG16 else ""),
                path=f"servers.{server.name}",
                hint="before-apply.sql grants what is missing; it has to be run as the role's maker or a superuser"
                if state.version >= _PG16
                else "name the administrator that can with --administrator: one with CREATEROLE, or a superuser",
            )
            if state.version >= _PG16:
                repairs.append(Repair("admin-option", None, (name, admin.name)))
        access = access_of(plan)
        login = access.logins.get((server.name, name))
        others = [
            group
            for group in role.member_of
            if (server.name, group) not in access.groups and not (login is not None and group == login.owner)
        ]
        if others:
            diagnostics.warning(
                "GR767",
                f"the role {name!r} on server {server.name!r} is a member of {', '.join(others)}: Terraform ends that",
                path=f"servers.{server.name}",
                hint="if something depends on it, let the plugin have a role of its own",
            )


def check_timeouts(
    server: Server,
    plugins: list[PluginPlan],
    found: dict[str, FoundDatabase],
    state: ServerState,
    names: list[str],
    repairs: list[Repair],
    diagnostics: Diagnostics,
) -> None:
    """A timeout with a unit fails every plan; the same one set for the role in its database is not Terraform's business."""
    for name in names:
        databases = sorted(
            {item.database.name for item in plugins if name in (item.role.name, *item.role.login_names)} & found.keys()
        )
        for setting, _, value in (item.partition("=") for item in state.roles[name].settings):
            if setting not in TIMEOUTS or value.isdecimal():
                continue
            diagnostics.warning(
                "GR775",
                f"the role {name!r} on server {server.name!r} has {setting} = {value!r}: Terraform's provider reads only "
                "whole numbers there, and every plan fails",
                path=f"servers.{server.name}",
                hint="before-apply.sql sets it for the role in its database instead (ALTER ROLE … IN DATABASE … SET …)",
            )
            repairs += [Repair("timeout", database, (name, setting, value)) for database in databases]
            repairs.append(Repair("timeout", None, (name, setting)))


def check_passwords(server: Server, store: str, names: list[str], diagnostics: Diagnostics) -> None:
    """GR766: a role that exists gets another password, unless the store has the one of today, or it is brought."""
    keep = (
        "put the password of today into the store and run `greenroom adopt --secrets`: Terraform keeps it then"
        if makes_secrets(store)
        else "bring the password of today in plugin_passwords"
    )
    what = "user" if server.engine == "mysql" else "role"
    for name in names:
        diagnostics.warning(
            "GR766",
            f"the {what} {name!r} on server {server.name!r} gets a new password at the first apply",
            path=f"servers.{server.name}",
            backstage="loses its connections to the database until it knows the new one",
            hint=f"apply while Backstage is down, or {keep}",
        )


def check_databases(
    server: Server,
    found: dict[str, FoundDatabase],
    state: ServerState,
    schemas: set[tuple[str, str]],
    repairs: list[Repair],
    diagnostics: Diagnostics,
) -> None:
    admin = state.administrator
    for name, database in found.items():
        if database.unread:
            diagnostics.warning(
                "GR764",
                f"nobody could look into the database {name!r} of server {server.name!r}: {database.unread}",
                path=f"servers.{server.name}",
                hint="connect as a superuser or as its owner, and run `greenroom adopt` again",
            )
        if admin.is_superuser:
            continue
        if database.owner != admin.name and database.owner not in admin.member_of:
            diagnostics.warning(
                "GR761",
                f"the database {name!r} of server {server.name!r} belongs to {database.owner!r}: what "
                f"{admin.name!r} grants or revokes on it silently does nothing, so every role could still connect",
                path=f"servers.{server.name}",
                hint=f"before-apply.sql makes it the owner: {runner(state, [database.owner]).sentence}",
            )
            repairs.append(Repair("database-owner", name, (admin.name,)))
        wanted = ["public", *(schema for base, schema in sorted(schemas) if base == name)]
        for schema in wanted:
            owner = database.schemas.get(schema)
            # pg_database_owner is whoever owns the database: the administrator, once that is fixed.
            if owner is None or owner in (admin.name, "pg_database_owner") or owner in admin.member_of:
                continue
            diagnostics.warning(
                "GR763",
                f"the schema {schema!r} of database {name!r} belongs to {owner!r}: "
                f"{admin.name!r} cannot give a plugin anything in it",
                path=f"servers.{server.name}",
                hint=f"before-apply.sql makes it the owner: {runner(state, [owner]).sentence}",
            )
            repairs.append(Repair("schema-owner", name, (schema, admin.name)))


def hand_overs(
    plan: Plan,
    server: Server,
    plugins: list[PluginPlan],
    found: dict[str, FoundDatabase],
    state: ServerState,
    diagnostics: Diagnostics,
) -> list[HandOver]:
    """What belongs to another role than the one that will use it: migrations of the plugin would fail on it."""
    wanted: list[tuple[str, str | None, str, str]] = []
    logins = access_of(plan).logins
    for plugin in plugins:
        place = (plugin.database.name, plugin.schema, owner(plugin), plugin.plugin_id)
        if place[:2] not in [other[:2] for other in wanted]:
            wanted.append(place)
    made = []
    for name, schema, role, plugin_id in wanted:
        objects = found[name].objects if name in found else ()
        foreign = [item for item in objects if item.owner != role and schema in (None, item.schema)]
        of_logins = {item.owner for item in foreign if (server.name, item.owner) in logins}
        _report_logins_objects(server, name, role, sorted(of_logins), diagnostics)
        foreign = [item for item in foreign if item.owner not in of_logins]
        if not foreign:
            continue
        owners = tuple(sorted({item.owner for item in foreign}))
        where = f"the schema {schema!r} of database {name!r}" if schema else f"the database {name!r}"
        diagnostics.warning(
            "GR768",
            f"{len(foreign)} object{'s' if len(foreign) != 1 else ''} in {where} of server {server.name!r} "
            f"belong{'s' if len(foreign) == 1 else ''} to {', '.join(map(repr, owners))}, and the plugin {plugin_id!r} "
            f"will be {role!r}",
            path=f"servers.{server.name}",
            backstage="fails at start: permission denied for table knex_migrations, or must be owner of table …",
            hint=f"after-apply.sql hands them over, and touches no row: {runner(state, owners).sentence}",
        )
        made.append(HandOver(name, schema, role, owners, len(foreign)))
    return made


def _report_logins_objects(server: Server, database: str, role: str, logins: list[str], diagnostics: Diagnostics) -> None:
    """What a login of a pair made without acting as its owner: an apply refuses it, so it has to go before."""
    for login in logins:
        diagnostics.warning(
            "GR768",
            f"the login {login!r} owns something in the database {database!r} of server {server.name!r}, and all of it is "
            f"to belong to {role!r}",
            path=f"servers.{server.name}",
            backstage="fails after the next rotation: must be owner of table …",
            hint=f"in that database, as a superuser, before an apply: REASSIGN OWNED BY {quoted(login)} TO {quoted(role)}",
        )


def check_users(server: Server, state: ServerState, names: list[str], diagnostics: Diagnostics) -> None:
    for name in names:
        if powers := state.roles[name].powers:
            diagnostics.warning(
                "GR765",
                f"the user {name!r} on server {server.name!r} has {' and '.join(powers)} everywhere: more than a plugin may",
                path=f"servers.{server.name}",
                backstage="works, and so would everything an attacker sends through that plugin",
                hint="revoke it; if people use this user too, name another one for the plugin",
            )
        narrower = [host for host in state.roles[name].hosts if host != "%"]
        if narrower:
            diagnostics.warning(
                "GR769",
                f"the user {name!r} on server {server.name!r} also exists for {', '.join(narrower)}: from there the "
                "server takes that one, with its own password and privileges",
                path=f"servers.{server.name}",
                hint="drop it when nothing uses it: DROP USER … (only '%' is taken over)",
            )


def check_definers(
    server: Server, plugins: list[PluginPlan], found: dict[str, FoundDatabase], diagnostics: Diagnostics
) -> None:
    """What works as another user than the plugin's goes on working, until somebody drops that user."""
    users: dict[str, set[str]] = {}
    for plugin in plugins:
        users.setdefault(plugin.database.name, set()).add(plugin.role.name)
    for name, database in sorted(found.items()):
        foreign = {who: count for who, count in database.definers.items() if who.rpartition("@")[0] not in users[name]}
        count = sum(foreign.values())
        if not count:
            continue
        what = "view, routine or trigger" if count == 1 else "views, routines or triggers"
        diagnostics.warning(
            "GR773",
            f"{count} {what} in the database {name!r} of server {server.name!r} work{'s' if count == 1 else ''} as "
            f"{', '.join(map(repr, sorted(foreign)))}",
            path=f"servers.{server.name}",
            backstage="fails as soon as that user is dropped: The user specified as a definer does not exist",
            hint="let that user exist (it may be locked), or have them made again with the plugin's user as DEFINER",
        )
