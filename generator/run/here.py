"""What a plan looks like where greenroom runs now: how to reach a server depends on the environment of who asks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from generator.run import steps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan
    from generator.run.project import Project


def in_this_environment(project: Project, plan: Plan) -> tuple[Plan, Mapping[str, str]]:
    """The plan with connections as they are where greenroom runs now, and the variables there.

    What is planned depends on files; how to reach the server depends on the environment of the administrator.
    """
    request = project.request._replace(environ=dict(os.environ), plugins=project.plugin_ids, anywhere=True)
    live = steps.load(request, settings=project.settings._replace(discover=False))
    resolved = steps.resolve(live)
    plugins = (
        plugin._replace(source=found) if (found := resolved.get(plugin.plugin_id)) and not found.error else plugin
        for plugin in plan.plugins
    )
    return plan._replace(plugins=tuple(plugins)), live.environ
