"""RBAC's second connection: with whose credentials it logs in, and where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.rbac import PLUGIN, TOKENS_SINCE, adapter_problem, client_problem
from generator.clouds import sign_in
from generator.documents.values import ConfigMap, Placeholder
from generator.planning.places import config_key, source
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.backstage.rbac import AdapterProblem
    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics, Location


def with_base_login(plan: Plan) -> Plan:
    """``plan`` where the base connection logs in as the plugin ``permission``, whose database RBAC opens with it."""
    return plan._replace(base_login=PLUGIN) if _permission(plan) is not None else plan


def check_adapter(
    plan: Plan, resolved: PluginDatabaseMap, database: ConfigMap, excluded: bool, diagnostics: Diagnostics
) -> None:
    """Report what RBAC's adapter throws whatever is generated (GR742): better now than after an apply.

    Args:
        plan: what has to exist.
        resolved: every plugin that was asked for; RBAC's own may be among them and need nothing (SQLite).
        database: the merged ``backend.database``.
        excluded: whether ``plugins.exclude`` leaves RBAC's plugin to somebody else.
    """
    found = resolved.get(PLUGIN)
    if found is not None and found.error:
        return  # said already, and Backstage gets no further
    problem = adapter_problem(database)
    if problem is not None:
        _report_problem(problem, found is not None, diagnostics)
    elif found is None:
        if not excluded:
            _report_left_out(diagnostics)
    elif found.is_sqlite:
        check_client(resolved, database, diagnostics)
    elif (plugin := _permission(plan)) is not None:
        _check_server(found, database, diagnostics)
        _check_sign_in(plugin.role.iam, database, diagnostics)


def check_client(resolved: PluginDatabaseMap, database: ConfigMap, diagnostics: Diagnostics) -> None:
    """Report RBAC's plugin on SQLite where the base client is pg (GR742)."""
    found = resolved.get(PLUGIN)
    problem = client_problem(found, database) if found is not None and not found.error else None
    if problem is not None:
        diagnostics.error(
            "GR742",
            f"the RBAC backend needs PostgreSQL for {PLUGIN!r} as well, because the base client is pg",
            problem.location,
            path=problem.path,
            backstage=f"fails to start the plugin {PLUGIN!r}: {problem.message}",
            hint=problem.hint,
        )


def _report_problem(problem: AdapterProblem, is_planned: bool, diagnostics: Diagnostics) -> None:
    report = diagnostics.error if is_planned else diagnostics.warning
    report(
        "GR742",
        "the RBAC backend cannot connect with this base connection",
        problem.location,
        path=problem.path,
        backstage=f"fails to start the plugin {PLUGIN!r}: {problem.message}",
        hint=problem.hint,
    )


def _report_left_out(diagnostics: Diagnostics) -> None:
    diagnostics.warning(
        "GR742",
        f"the RBAC backend runs in the plugin {PLUGIN!r}, which is not among the plugins: nothing is prepared for it",
        path="permission.rbac",
        backstage=f"starts it with the database of {PLUGIN!r} and logs in as the base user",
        hint=f"add {PLUGIN} to plugins.include, or to plugins.exclude if somebody else looks after its database",
    )


def _check_server(found: PluginDatabase, database: ConfigMap, diagnostics: Diagnostics) -> None:
    own, base = found.own_connection, _base(database)
    elsewhere = [key for key in ("host", "port") if own.get(key) and _differs(own[key], base.get(key))]
    if not elsewhere:
        return
    keys = " and ".join(elsewhere)
    whole = _own_text(database)
    diagnostics.error(
        "GR742",
        f"the RBAC backend looks for the database of {PLUGIN!r} on the server of the base connection",
        source(found, f"connection.{elsewhere[0]}", "connection"),
        path=config_key(found, "connection") + ("" if whole else f".{elsewhere[0]}"),
        backstage="opens RBAC's own connection with the base host and port, whatever the plugin's are",
        hint=f"{f'write the connection as an object without {keys}' if whole else f'take {keys} out'}: "
        f"the plugin {PLUGIN!r} has to be on the base server",
    )


def _check_sign_in(iam: str | None, database: ConfigMap, diagnostics: Diagnostics) -> None:
    """It takes a token from the plugin's own connection, but dials by itself: Cloud SQL's connector is not asked."""
    if iam is None:
        return
    base = _base(database)
    place: Location | None = base.locate("type") or base.locate("host")
    if sign_in(iam).has_connector:
        diagnostics.error(
            "GR742",
            "the RBAC backend does not use the Cloud SQL connector, and without it there is no sign-in with an identity",
            place,
            path="backend.database.connection.type",
            backstage=f"fails to start the plugin {PLUGIN!r}: RBAC's own connection goes there without a password",
            hint="sign in with passwords: take `mode: iam` out of greenroom.yaml and set connection.type to default",
        )
        return
    diagnostics.add(
        Diagnostic(
            "GR742",
            Severity.INFO,
            f"the RBAC backend signs in with a token of {iam} from version {TOKENS_SINCE} on",
            place,
            path="backend.database.connection",
            backstage="opens RBAC's own connection without a token before that version, and the server refuses it",
            hint=f"see that the backend has @backstage-community/plugin-rbac-backend {TOKENS_SINCE} or newer",
        )
    )


def _differs(own: Any, base: Any) -> bool:
    """Backstage reads a port as a number or as a text; what only a variable knows is compared as it is written."""
    if isinstance(own, Placeholder) or isinstance(base, Placeholder):
        return bool(own != base)
    return str(own) != str(base)


def _own_text(database: ConfigMap) -> bool:
    """Whether the plugin's connection is written as one text."""
    plugins = database.get("plugin")
    settings = plugins.get(PLUGIN) if isinstance(plugins, ConfigMap) else None
    return isinstance(settings, ConfigMap) and isinstance(settings.get("connection"), str)


def _permission(plan: Plan) -> PluginPlan | None:
    return next((plugin for plugin in plan.plugins if plugin.plugin_id == PLUGIN), None)


def _base(database: ConfigMap) -> ConfigMap:
    connection: ConfigMap = database["connection"]
    return connection
