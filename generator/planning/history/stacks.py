"""Which stack each plugin belongs to, for a target that has them: one as long as there is room, further ones after that.

A plugin never moves: the target would have to make it anew in the other stack, and its database is there already. So
the number stays in the lock file, for a retired plugin too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.planning.history.record import Lock
    from generator.planning.model import Plan


def assign_stacks(plan: Plan, previous: Lock | None, *, size: int | None) -> Plan:
    """``plan`` with the stack of every plugin: what the lock file says, and the first one with room for a new plugin.

    ``size``: new plugins go into a stack until it has so many. Without it no target wants stacks, and they get none yet.
    """
    stacks = {name: before.stack for name, before in previous.latest.items()} if previous else {}
    # A retired plugin may come back, and its place has to be free then.
    sizes = Counter(stack for stack in stacks.values() if stack)
    free = 1
    plugins = []
    for plugin in plan.plugins:
        stack = stacks.get(plugin.plugin_id)
        if stack is None and size is not None:
            while sizes[free] >= size:
                free += 1
            stack = free
            sizes[stack] += 1
        plugins.append(plugin._replace(stack=stack) if stack else plugin)
    return plan._replace(plugins=tuple(plugins))
