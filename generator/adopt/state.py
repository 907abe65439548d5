"""What a reader finds on a live server. Plain records; nothing in here knows how they were read, or what is planned."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class OwnedObject(NamedTuple):
    """Something in a database that has an owner: a table, a sequence, a view, a function, a type.

    ``kind`` is the word ``ALTER … OWNER TO`` wants (``TABLE``), ``signature`` the schema-qualified name as SQL would say it.
    """

    schema: str
    kind: str
    signature: str
    owner: str


class FoundDatabase(NamedTuple):
    """A database. ``owner`` is empty on MySQL, which knows no owners; ``schemas`` maps a schema to its owner.

    ``objects`` are the things in it that belong to somebody, without those of extensions. ``unread`` says why nobody could
    look inside, and is empty when somebody did. ``tables`` are the names of its tables, to recognise a plugin by.
    ``definers`` are the MySQL users that views, triggers, routines and events work as, with the number of them.
    ``comment`` is what the server has to say about it, on PostgreSQL.
    """

    name: str
    owner: str = ""
    schemas: Mapping[str, str] = _NOTHING
    objects: tuple[OwnedObject, ...] = ()
    tables: frozenset[str] = frozenset()
    unread: str = ""
    definers: Mapping[str, int] = _NOTHING
    comment: str | None = None


class FoundRole(NamedTuple):
    """A login role or a user. ``powers`` are what a plugin's role must not have (``SUPERUSER``).

    ``can_be_managed``: the administrator may change its password and grant it. ``member_of`` are the roles it is in, and
    ``inherits`` those of them whose rights it has without acting as them.
    ``hosts`` is where a MySQL user may come from, ``settings`` (``name=value``) what a role has in every database,
    ``comment`` what the server has to say about it, on PostgreSQL.
    """

    name: str
    powers: tuple[str, ...] = ()
    can_be_managed: bool = True
    member_of: tuple[str, ...] = ()
    inherits: tuple[str, ...] = ()
    can_log_in: bool = True
    hosts: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    comment: str | None = None


class Administrator(NamedTuple):
    """The role the infrastructure code will work as, and what it may do.

    ``member_of`` are the roles whose rights it has, which membership alone does not always give (INHERIT).
    """

    name: str
    exists: bool = True
    is_superuser: bool = False
    makes_roles: bool = True
    makes_databases: bool = True
    member_of: frozenset[str] = frozenset()


class ServerState(NamedTuple):
    """What is on a server: the databases that are not its own, its roles, and the administrator to be.

    ``version`` is the server's as a number (``180006``), ``user`` who looked. Nothing can be changed on an ``is_replica``.
    """

    engine: str
    version: int
    user: str
    administrator: Administrator
    databases: Mapping[str, FoundDatabase]
    roles: Mapping[str, FoundRole]
    is_replica: bool = False
