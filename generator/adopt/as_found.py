"""The plan in the names a server has today: what is planned under a new name may not have been renamed there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

    from generator.adopt.assessment import HandOver
    from generator.adopt.state import ServerState
    from generator.planning.model import Database, Plan, PluginPlan, Role


def as_found(plan: Plan, server: str, state: ServerState) -> Plan:
    """``plan`` with the old name of everything on ``server`` that is there under that one only."""

    def database(item: Database) -> Database:
        return item._replace(name=_found(item.name, item.renamed_from, state.databases)) if item.server == server else item

    def role(item: Role) -> Role:
        return item._replace(name=_found(item.name, item.renamed_from, state.roles)) if item.server == server else item

    def plugin(item: PluginPlan) -> PluginPlan:
        base, schema = database(item.database), item.schema
        if schema is not None and item.server == server and base.name in state.databases:
            schema = _found(schema, item.schema_renamed_from, state.databases[base.name].schemas)
        return item._replace(database=base, role=role(item.role), schema=schema)

    return plan._replace(
        databases=tuple(map(database, plan.databases)),
        roles=tuple(map(role, plan.roles)),
        plugins=tuple(map(plugin, plan.plugins)),
    )


def as_planned(hand_over: HandOver, plan: Plan, found: Plan) -> HandOver:
    """``hand_over``, which is about the names in ``found``, in those of ``plan``: it is for the time after the apply."""
    for planned, there in zip(plan.plugins, found.plugins, strict=True):
        if (there.database.name, there.schema) == (hand_over.database, hand_over.schema or there.schema):
            role = planned.role.name if hand_over.role == there.role.name else hand_over.role
            schema = planned.schema if hand_over.schema is not None else None
            return hand_over._replace(database=planned.database.name, schema=schema, role=role)
    return hand_over


def _found(name: str, before: str | None, names: Container[str]) -> str:
    return before if before is not None and name not in names and before in names else name
