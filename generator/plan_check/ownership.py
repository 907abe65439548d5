"""Which objects of a plan are greenroom's. A user's own resources may be in the same configuration, of the same types."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.plan_check.plan import parse_place, split_address
from generator.plan_check.resources import GUARD, MODULE_NAMES, MODULE_SOURCE, PROTECTED

if TYPE_CHECKING:
    from generator.plan_check.plan import Call, Change, Plan
    from generator.plan_check.resources import Protected

_SOURCE: Final = re.compile(MODULE_SOURCE, re.ASCII)


class Ownership:
    """Tells greenroom's objects from others by type, name and module: the same rule as in the generated policies.

    - The guard is ``terraform_data.kept`` with a key.
    - What plugins have is in a module, under names the templates give, and the configuration calls that module from
      ``./modules/postgresql-…`` or ``./modules/mysql-…``. A module that is not called any more cannot be asked, so it counts
      as greenroom's; one that is called from elsewhere is the user's, unless the guard has its label.
    - What belongs to a server is under the names of the templates too, in a configuration without a guard.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        keys = [item for item in (*plan.changes, *plan.prior) if _is_guard(item.type, item.name, item.key)]
        self._guarded = {(item.module_address, str(item.key)) for item in keys}
        self._levels = {item.module_address for item in keys}
        self.changes = [change for change in plan.changes if self.owns(change)]
        self.prior = [item for item in plan.prior if self.owns(item)]

    def owns(self, change: Change) -> bool:
        """Whether the object is greenroom's, or was before it was moved."""
        if _is_guard(change.type, change.name, change.key):
            return True
        before = split_address(change.previous) if change.previous is not None else None
        return self._owns(change.module_address, change.type, change.name) or (before is not None and self._owns(*before))

    def _owns(self, module_address: str, kind: str, name: str) -> bool:
        known = PROTECTED.get(kind)
        if known is None or known is GUARD or name not in known.names:
            return False
        if name not in MODULE_NAMES:
            return module_address not in self._levels
        place = parse_place(module_address)
        if not place.labels or place.keyed:
            return False
        call = self._plan.call(place)
        return call is None or is_source(call.source) or (place.around, place.label) in self._guarded


def protection(change: Change) -> Protected | None:
    """What is known about the type of an object, or about the one it had before it was moved; ``None`` for any other."""
    before = split_address(change.previous) if change.previous is not None else None
    return PROTECTED.get(change.type) or (PROTECTED.get(before[1]) if before else None)


def greenroom_calls(root: Call) -> list[tuple[str, ...]]:
    """The labels, from the root down, of greenroom's modules that the configuration calls."""
    found = []
    waiting: list[tuple[tuple[str, ...], Call]] = [((), root)]
    while waiting:
        labels, module = waiting.pop()
        waiting += [((*labels, label), call) for label, call in module.calls.items()]
        found += [(*labels, label) for label, call in module.calls.items() if is_source(call.source)]
    return sorted(found)


def is_source(source: str) -> bool:
    """Whether a module that is called from ``source`` is one of those greenroom writes."""
    return _SOURCE.fullmatch(source) is not None


def _is_guard(kind: str, name: str, key: str | int | None) -> bool:
    return kind == GUARD.type and name in GUARD.names and isinstance(key, str)
