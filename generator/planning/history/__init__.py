"""``greenroom.lock.json``: what was generated, so that nothing of it is ever lost or taken for somebody else's."""

from __future__ import annotations

from generator.planning.history.base import Base, base_of_ci
from generator.planning.history.file import LOCK_VERSION, digest_of, parse_lock, read_lock
from generator.planning.history.moves import leave, place_of
from generator.planning.history.outputs import files_to_delete, owner, report_left_behind
from generator.planning.history.past import Past, read_past
from generator.planning.history.reconcile import reconcile
from generator.planning.history.record import Lock, LockedPlugin, Names
from generator.planning.history.remember import Forgotten
from generator.planning.history.stacks import assign_stacks
from generator.planning.history.write import write_lock

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
    "report_left_behind",
    "write_lock",
]
