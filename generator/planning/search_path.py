"""What a session is told before a plugin's first statement, and leads away from what is generated for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.database.search_path import NO_SCHEMA, PUBLIC, describe, search_paths_away
from generator.backstage.database.startup_options import ACTS_AS, startup_settings

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics


def refuse_search_paths(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report plugins that would not work in the schema their grants are for (GR740)."""
    wanted = [plugin.source for plugin in plan.plugins if plugin.source is not None and plugin.schema is None]
    for away in search_paths_away(plugin for plugin in wanted if plugin.engine == "postgresql"):
        schemas = " or ".join(away.schemas) or "(none)"
        diagnostics.error(
            "GR740",
            f"{describe(away.plugins)} in the schema {schemas}, and greenroom generates the grants for {PUBLIC}",
            away.location,
            path=away.key,
            backstage=NO_SCHEMA,
            hint=away.hint,
        )


def refuse_roles(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report plugins whose generated role would have to act as another one, and may not (GR033)."""
    told = set()
    for plugin in plan.plugins:
        if plugin.source is None or plugin.source.engine != "postgresql":
            continue
        role = startup_settings(plugin.source.connection).get("role")
        location = plugin.source.sources.get("connection.options")
        if role in {None, "none", plugin.role.name, plugin.role.group} or (location, role) in told:
            continue
        told.add((location, role))
        diagnostics.error(
            "GR033",
            f"connection.options lets each session act as the role {role}, and greenroom makes no role a member of it",
            location,
            path="backend.database.connection.options",
            backstage=ACTS_AS.format(role=role),
            hint=f"take role out of options, and write `role: {role}` in backend.database if all plugins are to act as it",
        )
