"""What a person can run to lock or drop what a retired plugin left: comments in ``retired.tf``, never run by anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from generator.planning.access import place
from generator.targets.terraform.shape import MYSQL, Shape, database_label, role_label
from generator.targets.text import mysql as mysql_text
from generator.targets.text import postgresql as postgresql_text

if TYPE_CHECKING:
    from collections.abc import Collection

    from generator.planning.access import Place
    from generator.planning.model import Retired

#: The lock file does not say where a retired user came from. Users come from everywhere unless told otherwise.
_ANYWHERE: Final = "%"


class Statements(NamedTuple):
    """The statements of one ``removed`` block. ``database`` is the one to be connected to, where it matters."""

    lock: str = ""
    drop: str = ""
    database: str | None = None


def statements(shape: Shape, removed: Collection[str]) -> dict[str, Statements]:
    """The statements by the label of the module; ``removed`` are the labels Terraform lets go of.

    Nothing that a plugin of the plan uses is locked or dropped, and what several retired plugins shared only in the block
    that is about it.
    """
    return _Statements(shape, removed).all()


def places_left(shape: Shape, removed: Collection[str]) -> dict[str, Statements]:
    """The statements for each place that a plugin has left and nothing uses any more, by its name in the plan."""
    writer = _Statements(shape, removed)
    places = [gone for gone in shape.retired if gone.owner != gone.plugin_id and not gone.dropped]
    found = {gone.plugin_id: writer.plugin(gone) for gone in places}
    return {name: statements for name, statements in found.items() if statements.drop}


class _Statements:
    def __init__(self, shape: Shape, removed: Collection[str]) -> None:
        self.shape, self.removed = shape, removed
        self.databases = {place(database) for database in shape.plan.databases}
        self.roles = {place(role) for role in shape.roles} | {(server, name) for server, name in shape.base_roles}
        self.schemas = {(plugin.server, plugin.database.name, plugin.schema) for plugin in shape.plugins}

    def all(self) -> dict[str, Statements]:
        found: dict[str, Statements] = {}
        for gone in self.shape.retired:
            if gone.dropped:
                continue  # nothing is left of it, and its names may be somebody else's
            role, database = (gone.server, gone.role), (gone.server, gone.database)
            if gone.owner == gone.plugin_id:
                found[gone.label] = self.plugin(gone)
            if role_label(*role) in self.removed and role not in self.roles:
                drop = self._drop_role(gone, self._still_there(role))
                found[role_label(*role)] = Statements(self._lock(gone), " ".join(drop))
            if database_label(*database) in self.removed and database not in self.databases:
                found[database_label(*database)] = Statements(drop=self._drop_database(gone.database))
        return found

    def plugin(self, gone: Retired) -> Statements:
        """What locks or drops what ``gone`` left."""
        drop, lock = self._drop_data(gone), ""
        role = (gone.server, gone.role)
        if role not in self.roles and role_label(*role) not in self.removed:
            lock = self._lock(gone)
            drop += self._drop_role(gone, [] if _has_own_database(gone) else [gone.database])
        return Statements(lock, " ".join(drop), gone.database if gone.schema is not None and drop else None)

    def _drop_data(self, gone: Retired) -> list[str]:
        if gone.schema is not None:
            used = (gone.server, gone.database, gone.schema) in self.schemas
            return [] if used else [f"DROP SCHEMA {postgresql_text.identifier(gone.schema)} CASCADE;"]
        used = not _has_own_database(gone) or (gone.server, gone.database) in self.databases
        return [] if used else [self._drop_database(gone.database)]

    def _still_there(self, role: Place) -> list[str]:
        """The databases of other plugins that ``role`` has something in."""
        used = {(gone.server, gone.database) for gone in self.shape.retired if (gone.server, gone.role) == role}
        return sorted(name for _, name in used & self.databases)

    # --- the two dialects ---------------------------------------------------------------------------------------------

    def _lock(self, gone: Retired) -> str:
        if self.shape.engine == MYSQL:
            return mysql_text.statement(f"ALTER USER {_account(gone.role)} ACCOUNT LOCK")
        names = (*gone.login_names, gone.role)
        return " ".join(f"ALTER ROLE {postgresql_text.identifier(name)} NOLOGIN;" for name in names)

    def _drop_database(self, name: str) -> str:
        if self.shape.engine == MYSQL:
            return mysql_text.statement(f"DROP DATABASE {mysql_text.identifier(name)}")
        return f"DROP DATABASE {postgresql_text.identifier(name)};"

    def _drop_role(self, gone: Retired, databases: list[str]) -> list[str]:
        """PostgreSQL drops no role that has a privilege on one of ``databases``."""
        if self.shape.engine == MYSQL:
            return [mysql_text.statement(f"DROP USER {_account(gone.role)}")]
        roles = ", ".join(map(postgresql_text.identifier, (*gone.login_names, gone.role)))
        revoked = [f"REVOKE ALL ON DATABASE {postgresql_text.identifier(item)} FROM {roles};" for item in databases]
        return [*revoked, f"DROP ROLE {roles};"]


def _has_own_database(gone: Retired) -> bool:
    return not gone.shared and gone.schema is None


def _account(role: str) -> str:
    return f"{mysql_text.identifier(role)}@{mysql_text.identifier(_ANYWHERE)}"
