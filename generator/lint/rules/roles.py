"""``role``: what Backstage reports and what it really sets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.lint.model import WARNING, Rule, found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

_PG = "backend-defaults: connectors/postgres.ts (createPgDatabaseClient)"

NOT_SET: Final = Rule(
    "GR030",
    "plugin-role-not-set",
    WARNING,
    "A plugin's own role is never set: SET ROLE uses the base role.",
    f"{_PG}, from 0.15.2",
)
MEMBERSHIP: Final = Rule(
    "GR031",
    "role-needs-membership",
    WARNING,
    "Every plugin's user has to be a member of the base role, or the process ends.",
    f"{_PG}: an unhandled rejection; issue 16355",
)
NO_ROLES: Final = Rule(
    "GR032",
    "role-without-postgres",
    WARNING,
    "Only PostgreSQL connections have a role.",
    "backend-defaults: connectors/mysql.ts, sqlite3.ts",
)
RULES: Final = (NOT_SET, MEMBERSHIP, NO_ROLES)


def check(subject: Subject) -> Iterator[Finding]:
    """The base role and the plugins' roles."""
    if not subject.is_current:
        return
    base = subject.database.get("role")
    for entry in subject.entries:
        role = entry.data.get("role")
        if role is None:
            continue
        if entry.client is not None and not entry.is_postgres and not any(subject.healthy("postgresql")):
            yield found(
                NO_ROLES,
                f"the client {entry.client} has no roles",
                entry.locate("role"),
                path=f"{entry.path}.role",
                backstage="ignores it",
                hint="remove it",
            )
        elif entry.plugin_id is not None and entry.is_postgres and role != base:
            yield found(
                NOT_SET,
                "this role is never set",
                entry.locate("role"),
                path=f"{entry.path}.role",
                backstage=f"runs SET ROLE with backend.database.role ({'another' if base else 'none'}), never with this",
                hint="give the plugin's user the rights themselves, or make it own the database",
            )
    own = [
        plugin.plugin_id
        for plugin in subject.healthy("postgresql")
        if plugin.own_connection.get("user") and plugin.own_connection.get("user") != subject.base_connection.get("user")
    ]
    if isinstance(base, str) and own:
        yield found(
            MEMBERSHIP,
            f"the users of {', '.join(own)} have to be members of this role as well",
            subject.base.locate("role"),
            path="backend.database.role",
            backstage="runs SET ROLE on every connection; where that is refused the whole process ends",
            hint="GRANT the role to each of these users, or leave role out and let each plugin own its database",
        )
