"""Search paths that lead to a schema nothing is generated for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.database.search_path import LEAVE_OUT, NO_SCHEMA, PUBLIC, describe, search_paths_away

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics


def refuse_search_paths(plan: Plan, diagnostics: Diagnostics) -> None:
    """Report plugins that would not work in the schema their grants are for (GR740)."""
    wanted = [plugin.source for plugin in plan.plugins if plugin.source is not None and plugin.schema is None]
    for location, plugins in search_paths_away(plugin for plugin in wanted if plugin.engine == "postgresql"):
        path = plugins[0].search_path or ()
        schemas = " or ".join(path) or "(none)"
        diagnostics.error(
            "GR740",
            f"{describe(plugins)} in the schema {schemas}, and greenroom generates the grants for {PUBLIC}",
            location,
            path="backend.database.knexConfig.searchPath",
            backstage=NO_SCHEMA,
            hint=LEAVE_OUT,
        )
