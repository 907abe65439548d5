"""Places that plugins have left (``plugins.moved``), as a script sees them: who has no business there any more."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.planning.model import Plan, Retired


def places_left(plan: Plan, server: str, engine: str) -> dict[str, set[str]]:
    """The databases of ``server`` that plugins have left, with the roles they worked as there."""
    found: dict[str, set[str]] = defaultdict(set)
    for gone in _retired(plan, server, engine):
        if gone.owner != gone.plugin_id:
            found[gone.database].update((gone.role, *gone.login_names))
    return found


def without_used_places(plan: Plan, server: str, engine: str) -> list[Retired]:
    """What is retired on ``server`` and still there, without places that plugins use all the same (with another role)."""
    used = {(plugin.database.name, plugin.schema) for plugin in plan.plugins if plugin.server == server}
    return [
        gone
        for gone in _retired(plan, server, engine)
        if gone.owner == gone.plugin_id or (gone.database, gone.schema) not in used
    ]


def _retired(plan: Plan, server: str, engine: str) -> list[Retired]:
    return [gone for gone in plan.retired if (gone.server, gone.engine, gone.dropped) == (server, engine, False)]
