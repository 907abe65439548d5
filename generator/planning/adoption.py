"""What is there already, compared with what is planned: a name that nobody plans is a mistake in one of the two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.access import access_of

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def check_adopted(plan: Plan, settings: Settings, diagnostics: Diagnostics) -> None:
    """Warn of everything in ``plan.adopted`` that is not planned (GR314): nothing takes it over."""
    databases = {(item.server, item.name) for item in plan.databases}
    access = access_of(plan)
    roles, schemas = access.roles, access.schemas
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
