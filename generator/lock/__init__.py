"""``greenroom.lock.json``: what was generated, so that nothing of it is ever lost or taken for somebody else's."""

from __future__ import annotations

from generator.lock.file import LOCK_VERSION, read_lock, write_lock
from generator.lock.moves import leave, place_of, settle
from generator.lock.outputs import files_to_delete, owner
from generator.lock.reconcile import reconcile
from generator.lock.record import Lock, LockedPlugin, Names
from generator.lock.stacks import assign_stacks

__all__ = [
    "LOCK_VERSION",
    "Lock",
    "LockedPlugin",
    "Names",
    "assign_stacks",
    "files_to_delete",
    "leave",
    "owner",
    "place_of",
    "read_lock",
    "reconcile",
    "settle",
    "write_lock",
]
