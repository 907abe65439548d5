"""Who can run the scripts: a superuser always, and the administrator where it may act as the owners of today."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from generator.adopt.assessment import Repair
    from generator.adopt.state import FoundDatabase, ServerState

_PG16: Final = 160000
_PLAIN: Final = re.compile(r"[a-z_][a-z0-9_$]*")


class Runner(NamedTuple):
    """Whether the administrator can run what is about some owners, and the statements that a superuser has to say first.

    ``only_superuser``: no statement helps, because one of the owners is a superuser itself.
    """

    administrator: str
    grants: tuple[str, ...] = ()
    only_superuser: bool = False

    @property
    def sentence(self) -> str:
        """Who can run it."""
        if self.only_superuser:
            return "only a superuser can run it, because the owner of today is one"
        if not self.grants:
            return f"{self.administrator!r} or a superuser can run it"
        said = " ".join(self.grants)
        return f"a superuser can run it, or {self.administrator!r} after a superuser has said `{said}`; the owner cannot"


def runner(state: ServerState, owners: Iterable[str]) -> Runner:
    """Who can hand over what belongs to ``owners``: for that a role has to be a member of each, or may make itself one.

    From PostgreSQL 16 on that takes the ADMIN option on the owner, before it CREATEROLE. The owner itself would have to be
    a member of the administrator, which it cannot make itself.
    """
    admin = state.administrator
    others = sorted({owner for owner in owners if owner not in (admin.name, "pg_database_owner")} - admin.member_of)
    if admin.is_superuser:
        return Runner(admin.name)
    if any("SUPERUSER" in state.roles[owner].powers for owner in others if owner in state.roles):
        return Runner(admin.name, only_superuser=True)
    blocked = [owner for owner in others if owner in state.roles and not state.roles[owner].can_be_managed]
    name = quoted(admin.name)
    grants = [f"GRANT {quoted(owner)} TO {name} WITH ADMIN OPTION;" for owner in blocked] if state.version >= _PG16 else []
    if blocked and not grants:
        grants.append(f"ALTER ROLE {name} CREATEROLE;")
    if not admin.makes_databases:  # nobody becomes the owner of a database who may not make one
        grants.append(f"ALTER ROLE {name} CREATEDB;")
    return Runner(admin.name, tuple(grants))


def script_runner(state: ServerState, repairs: Iterable[Repair], found: Mapping[str, FoundDatabase]) -> str:
    """Who can run the script with all of ``repairs``."""
    owners: set[str] = set()
    kinds: set[str] = set()
    words: set[str] = set()
    for item in repairs:
        kinds.add(item.kind)
        words.update(item.subjects if item.kind == "powers" else ())
        if item.kind == "database-owner" and item.database is not None:
            owners.add(found[item.database].owner)
        elif item.kind == "schema-owner" and item.database is not None:
            owners.add(found[item.database].schemas[item.subjects[0]])
    if not state.administrator.is_superuser:
        if "NOSUPERUSER" in words:
            return "only a superuser can run it, because it takes that away from a role"
        if "admin-option" in kinds:
            return "a superuser can run it: it grants the ADMIN option on roles that somebody else made"
    return runner(state, owners).sentence


def quoted(name: str) -> str:
    """A role's name as SQL wants it."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'
