"""What greenroom knows of a database server of some kind."""

from __future__ import annotations

from typing import NamedTuple


class Engine(NamedTuple):
    """A kind of database server.

    ``database_limit`` and ``role_limit`` are the longest names: bytes of UTF-8 on PostgreSQL, characters on MySQL.
    ``databases``, ``schemas`` and ``roles`` are those of the server itself or of the cloud that runs it: nothing of a plugin
    can have such a name. ``administrators`` are roles that no plugin should sign in as, though a server may have one by that
    name.
    """

    name: str
    title: str
    port: int
    database_limit: int
    role_limit: int
    databases: frozenset[str]
    schemas: frozenset[str]
    roles: frozenset[str]
    administrators: frozenset[str]
