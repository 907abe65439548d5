"""``greenroom.lock.json``: what was generated, so that nothing of it is ever lost or taken for somebody else's."""

from __future__ import annotations

from generator.lock.base import Base, base_of_ci
from generator.lock.file import LOCK_VERSION, digest_of, parse_lock, read_lock
from generator.lock.moves import leave, place_of
from generator.lock.outputs import files_to_delete, owner
from generator.lock.past import Past, read_past
from generator.lock.reconcile import reconcile
from generator.lock.record import Lock, LockedPlugin, Names
from generator.lock.remember import Forgotten
from generator.lock.stacks import assign_stacks
from generator.lock.write import write_lock

__all__ = [
    "LOCK_VERSION",
    "Base",
    "Forgotten",
    "Lock",
    "LockedPlugin",
    "Names",
    "Past",
    "assign_stacks",
    "base_of_ci",
    "digest_of",
    "files_to_delete",
    "leave",
    "owner",
    "parse_lock",
    "place_of",
    "read_lock",
    "read_past",
    "reconcile",
    "write_lock",
]
