"""What is there already, compared with what is planned: a name that nobody plans is a mistake in one of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def check_adopted(plan: Plan, settings: Settings, diagnostics: Diagnostics) -> None:
    """Warn of everything in ``plan.adopted`` that is not planned (GR314): nothing takes it over."""
    databases = {(item.server, item.name) for item in plan.databases}
    roles = {(item.server, item.name) for item in plan.roles}
    roles |= {(item.server, item.group) for item in plan.databases if item.group}
    roles |= {(item.server, item.group) for item in plan.roles if item.group}
    schemas = {(plugin.server, plugin.database.name, plugin.schema) for plugin in plan.plugins if plugin.schema is not None}
    for entry in plan.adopted:
        unplanned = [
            *(f"database {name!r}" for name in entry.databases if (entry.server, name) not in databases),
            *(f"schema {f'{base}.{name}'!r}" for base, name in entry.schemas if (entry.server, base, name) not in schemas),
            *(f"role {name!r}" for name in entry.roles if (entry.server, name) not in roles),
            *(f"secret of the role {name!r}" for name, _ in entry.secrets if (entry.server, name) not in roles),
        ]
        for what in unplanned:
            diagnostics.warning(
                "GR314",
                f"the {what} of server {entry.server!r} is to be adopted, but no plugin uses it: it stays as it is",
                settings.locations.get(f"adopt.{entry.server}"),
                path=f"adopt.{entry.server}",
                hint="correct the name, or take it out of the list",
            )
