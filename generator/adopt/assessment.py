"""The result of holding a plan against a server, as records."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from generator.adopt.names import KeptNames
    from generator.settings.model import Adopted


class Stranger(NamedTuple):
    """A database nobody planned, with the plugin it looks like."""

    name: str
    owner: str
    plugin: str | None


class HandOver(NamedTuple):
    """What has to change hands in one place, after the role is there: everything in ``schema`` (everywhere, when it is
    ``None``) of ``database`` that belongs to ``owners`` goes to ``role``. ``objects`` is how many that is today."""

    database: str
    schema: str | None
    role: str
    owners: tuple[str, ...]
    objects: int


class Repair(NamedTuple):
    """What has to be fixed before the first apply, in one database (``None``: anywhere). ``subjects`` are names.

    ``kind``: ``database-owner``, ``schema-owner``, ``admin-option``, ``powers`` or ``timeout``.
    """

    kind: str
    database: str | None
    subjects: tuple[str, ...]


class Standing(NamedTuple):
    """The pair of one role on the server: who of it may log in there, and by the lock file. ``state``: ``not there``,
    ``in step``, ``not applied``, ``ahead``, or ``would be cut off``."""

    role: str
    live: str
    here: tuple[str, ...]
    planned: tuple[str, ...]
    state: str


class Assessment(NamedTuple):
    """One server's part of the plan, held against the server. ``runners`` say who can run each of the two scripts,
    ``standings`` where the rotation of each pair of logins stands."""

    server: str
    engine: str
    administrator: str
    adopted: Adopted
    missing: Adopted
    strangers: tuple[Stranger, ...]
    keep: KeptNames
    repairs: tuple[Repair, ...] = ()
    hand_overs: tuple[HandOver, ...] = ()
    runners: tuple[str, str] = ("", "")
    standings: tuple[Standing, ...] = ()
