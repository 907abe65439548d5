"""RBAC's second connection: with whose credentials it logs in, and where it cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.rbac import PLUGIN, adapter_problem

if TYPE_CHECKING:
    from generator.documents.values import ConfigMap
    from generator.planning.model import Plan, PluginPlan
    from generator.problems.diagnostic import Diagnostics


def with_base_login(plan: Plan) -> Plan:
    """``plan`` where the base connection logs in as the plugin ``permission``, whose database RBAC opens with it."""
    return plan._replace(base_login=PLUGIN) if _permission(plan) is not None else plan


def check_adapter(plan: Plan, database: ConfigMap, diagnostics: Diagnostics) -> None:
    """Report what RBAC's adapter throws whatever is generated (GR742): better now than after an apply."""
    plugin = _permission(plan)
    if plugin is None:
        return
    problem = adapter_problem(database)
    if problem is not None:
        diagnostics.error(
            "GR742",
            "the RBAC backend cannot connect with this base connection",
            problem.location,
            path=problem.path,
            backstage=f"fails to start the plugin {PLUGIN!r}: {problem.message}",
            hint=problem.hint,
        )
        return
    source = plugin.source
    own = source.own_connection if source is not None else {}
    elsewhere = [key for key in ("host", "port") if own.get(key) and own.get(key) != _base(database).get(key)]
    if elsewhere:
        diagnostics.error(
            "GR742",
            f"the RBAC backend looks for the database of {PLUGIN!r} on the server of the base connection",
            source.sources.get(f"connection.{elsewhere[0]}") if source is not None else None,
            path=f"backend.database.plugin.{PLUGIN}.connection.{elsewhere[0]}",
            backstage="opens RBAC's own connection with the base host and port, whatever the plugin's are",
            hint=f"take {' and '.join(elsewhere)} out: the plugin {PLUGIN!r} has to be on the base server",
        )


def _permission(plan: Plan) -> PluginPlan | None:
    return next((plugin for plugin in plan.plugins if plugin.plugin_id == PLUGIN), None)


def _base(database: ConfigMap) -> ConfigMap:
    connection: ConfigMap = database["connection"]
    return connection
