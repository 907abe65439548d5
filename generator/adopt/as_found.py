"""The plan in the names a server has today: what is planned under a new name may not have been renamed there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from generator.adopt.assessment import HandOver
    from generator.adopt.state import ServerState
    from generator.planning.history.record import Lock, Names
    from generator.planning.model import Database, Plan, PluginPlan, Role


def as_found(plan: Plan, server: str, state: ServerState, previous: Lock | None) -> Plan:
    """``plan`` with the newest earlier name of everything on ``server`` that is there under that one only.

    A server may have missed any number of renames: ``previous`` knows all names there were. A name that something else is
    planned to have is nobody's past.
    """
    known = previous.present.items() if previous else ()
    had = {name: (plugin.names, *reversed(plugin.formerly)) for name, plugin in known if plugin.server == server}
    planned_databases = {item.name for item in plan.databases if item.server == server}
    planned_roles = {item.name for item in plan.roles if item.server == server}
    planned_schemas: dict[str, set[str | None]] = {}
    for plugin in plan.plugins:
        planned_schemas.setdefault(plugin.database.name, set()).add(plugin.schema)

    def history(plugins: Iterable[str]) -> list[Names]:
        return [names for plugin_id in plugins for names in had.get(plugin_id, ())]

    def database(item: Database) -> Database:
        if item.server != server:
            return item
        before = [item.renamed_from, *(names.database for names in history(item.plugins))]
        return item._replace(name=_found(item.name, before, state.databases, planned_databases))

    def role(item: Role) -> Role:
        if item.server != server:
            return item
        before = [item.renamed_from, *(names.role for names in history(item.plugins))]
        return item._replace(name=_found(item.name, before, state.roles, planned_roles))

    def place(item: PluginPlan) -> PluginPlan:
        base, schema = database(item.database), item.schema
        if schema is not None and item.server == server and base.name in state.databases:
            before = [item.schema_renamed_from, *(names.schema for names in history([item.plugin_id]))]
            schema = _found(schema, before, state.databases[base.name].schemas, planned_schemas[item.database.name])
        return item._replace(database=base, role=role(item.role), schema=schema)

    return plan._replace(
        databases=tuple(map(database, plan.databases)),
        roles=tuple(map(role, plan.roles)),
        plugins=tuple(map(place, plan.plugins)),
    )


def as_planned(hand_over: HandOver, plan: Plan, found: Plan) -> HandOver:
    """``hand_over``, which is about the names in ``found``, in those of ``plan``: it is for the time after the apply."""
    for planned, there in zip(plan.plugins, found.plugins, strict=True):
        if (there.database.name, there.schema) == (hand_over.database, hand_over.schema or there.schema):
            role = planned.role.name if hand_over.role == there.role.name else hand_over.role
            schema = planned.schema if hand_over.schema is not None else None
            return hand_over._replace(database=planned.database.name, schema=schema, role=role)
    return hand_over


def _found(name: str, before: Iterable[str | None], names: Container[str], planned: Container[str | None]) -> str:
    if name in names:
        return name
    return next((old for old in before if old is not None and old in names and old not in planned), name)
