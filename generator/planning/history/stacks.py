"""Which CloudFormation stack each plugin belongs to: one stack as long as there is room, further ones after that.

A plugin never moves: CloudFormation would have to make it anew in the other stack, and its database is there already. So
the number stays in the lock file, for a retired plugin too.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from generator.planning.history.record import Lock
    from generator.planning.model import Plan

STACK_PLUGINS: Final = 160
"""New plugins go into a stack until it has so many: a secret, a database and an output each, of 500 resources and 200
outputs that a template may have."""


def assign_stacks(plan: Plan, previous: Lock | None, *, wanted: bool) -> Plan:
    """``plan`` with the stack of every plugin: what the lock file says, and the first one with room for a new plugin.

    ``wanted``: CloudFormation is to be generated. Otherwise new plugins get no stack yet.
    """
    stacks = {name: before.stack for name, before in previous.latest.items()} if previous else {}
    # A retired plugin may come back, and its place has to be free then.
    sizes = Counter(stack for stack in stacks.values() if stack)
    free = 1
    plugins = []
    for plugin in plan.plugins:
        stack = stacks.get(plugin.plugin_id)
        if stack is None and wanted:
            while sizes[free] >= STACK_PLUGINS:
                free += 1
            stack = free
            sizes[stack] += 1
        plugins.append(plugin._replace(stack=stack) if stack else plugin)
    return plan._replace(plugins=tuple(plugins))
