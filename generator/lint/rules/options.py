"""What ``connection.options`` makes of a session of PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.database.startup_options import ACTS_AS, startup_settings
from generator.lint.model import ERROR, WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

ROLE: Final = Rule(
    "GR033",
    "role-in-options",
    WARNING,
    "Each session acts as another role, of which the plugin's user has to be a member.",
    "PostgreSQL: client connection defaults (role); node-postgres: lib/client.js (getStartupConf)",
    also=(ERROR,),
)
RULES: Final = (ROLE,)


def check(subject: Subject) -> Iterator[Finding]:
    """``-c role=…`` among the options of a connection, each place once."""
    told = set()
    for plugin in subject.healthy("postgresql"):
        role = startup_settings(plugin.connection).get("role", "none")
        location = plugin.sources.get("connection.options")
        if role == "none" or (location, role) in told:
            continue
        told.add((location, role))
        yield found(
            ROLE,
            f"connection.options lets each session act as the role {role}",
            location,
            path="backend.database.connection.options",
            backstage=ACTS_AS.format(role=role),
            hint=f"write `role: {role}` in backend.database if all plugins are to act as it; greenroom makes them members",
        )
