"""What the README of the generated folder says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.engines import ENGINES
from generator.planning.access import place
from generator.targets.cloudformation.escaping import logical_id
from generator.targets.cloudformation.servers.base import server_id, server_stack
from generator.targets.cloudformation.shape import ROOT, shared_id, stack_file
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Role
    from generator.targets.cloudformation.shape import Shape


def readme_view(shape: Shape) -> dict[str, Any]:
    """What ``README.md.j2`` prints."""
    plan = shape.plan
    number = len(plan.plugins)
    roles = [role for role in plan.roles if not role.iam]
    first = roles[0] if roles else None
    return {
        "environment": plan.environment,
        "plugins": Escaped(f"{number} plugin{'' if number == 1 else 's'}"),
        "stack": Escaped(server_stack(plan.environment, "databases")),
        "data_api": shape.data_api,
        "created": [
            {
                "name": server.name,
                "engine": Escaped(ENGINES[server.engine].title),
                "file": Escaped(f"server-{server.name}"),
                "stack": Escaped(server_stack(plan.environment, server.name)),
                "parameter": server_id(server.name, "Stack"),
                "host": server.host,
                "port": server.port,
            }
            for server in plan.servers
            if server.kind != "existing"
        ],
        "has_existing": any(server.kind == "existing" for server in plan.servers),
        "engines": sorted({server.engine for server in plan.servers}),
        "nested": [Escaped(stack_file(stack)) for stack in shape.stacks if stack != ROOT],
        "has_iam": len(roles) < len(plan.roles),
        "secret": None
        if first is None
        else {
            "name": first.secret_name,
            "env": first.delivery.env,
            "plugin": first.plugins[0],
            "output": _secret_output(shape, first),
        },
    }


def _secret_output(shape: Shape, role: Role) -> Escaped:
    shared = place(role) in shape.shared_roles
    return logical_id(shared_id(role, "Secret") if shared else shape.logical_id(role.plugins[0], "Secret"), "Arn")
