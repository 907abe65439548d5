"""What CloudFormation allows in one template, and whether a plan stays within it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.planning.access import place
from generator.targets.cloudformation.shape import ROOT, Shape, stack_file

if TYPE_CHECKING:
    from generator.problems.diagnostic import Diagnostics

RESOURCES: Final = 500
OUTPUTS: Final = 200
PARAMETERS: Final = 200
BYTES: Final = 1_000_000

#: Resources of the first template that are nobody's: the key; log group, role and function twice, retries of one; the
#: security group; the policy to sign in with.
_FIXED: Final = 10
#: Outputs of the first template that are nobody's.
_FIXED_OUTPUTS: Final = 2
_FIXED_PARAMETERS: Final = 4
#: No server asks for more parameters.
_SERVER_PARAMETERS: Final = 8
#: Bytes that two resources and their output take at most without their names, and what a character of a name may become.
_BLOCK_BYTES: Final = 2_400
_TAG_BYTES: Final = 40
_CHARACTER_BYTES: Final = 12


def check_limits(shape: Shape, diagnostics: Diagnostics) -> None:
    """GR677: a template that would have more of something than CloudFormation takes."""
    for stack in shape.stacks:
        resources, outputs = count(shape, stack)
        checks = [("resources", resources, RESOURCES), ("outputs", outputs, OUTPUTS)]
        if stack == ROOT:
            checks.append(("parameters", _FIXED_PARAMETERS + _SERVER_PARAMETERS * len(shape.plan.servers), PARAMETERS))
        size = _largest_size(shape, stack)
        if size > BYTES:
            size = _size(shape, stack)
        checks.append(("bytes", size, BYTES))
        for what, number, limit in checks:
            if number > limit:
                diagnostics.error(
                    "GR677",
                    f"{stack_file(stack)} would have {number:,} {what}, and CloudFormation takes {limit:,}",
                    path="targets.cloudformation",
                    hint="generate for a part of the plugins at a time, each part with greenroom.yaml and --out of its own",
                )


def count(shape: Shape, stack: int) -> tuple[int, int]:
    """The number of resources and of outputs of a template, without rendering it (as many as there can be)."""
    plugins = shape.stacks[stack]
    secrets = sum(1 for plugin in plugins if not plugin.role.iam and place(plugin.role) not in shape.shared_roles)
    resources, outputs = len(plugins) + secrets, secrets
    if stack == ROOT:
        shared_secrets = sum(1 for role in shape.shared_roles.values() if not role.iam)
        resources += _FIXED + len(shape.plan.servers) + len(shape.stacks) - 1
        resources += len(shape.shared_databases) + len(shape.shared_roles) + shared_secrets
        outputs += _FIXED_OUTPUTS + shared_secrets
    return resources, outputs


def _largest_size(shape: Shape, stack: int) -> int:
    """More bytes than the template can have."""
    tags = sum(_TAG_BYTES + _CHARACTER_BYTES * len(f"{key}{value}") for key, value in shape.plan.tags)
    resources, _ = count(shape, stack)
    names = 0
    for plugin in shape.stacks[stack]:
        role = plugin.role
        three_times = len(plugin.plugin_id) + len(plugin.database.name) + len(role.name)
        names += 3 * three_times + len(role.secret_name) + len(plugin.schema or "")
    if stack == ROOT:
        names += sum(5 * len(item.name) + sum(map(len, item.plugins)) for item in shape.shared_databases)
        names += sum(5 * len(item.name) + sum(map(len, item.plugins)) for item in shape.shared_roles.values())
    return 30_000 + resources * (_BLOCK_BYTES // 2 + tags) + names * _CHARACTER_BYTES


def _size(shape: Shape, stack: int) -> int:
    """The bytes of the template, rendered."""
    from generator.targets.cloudformation.escaping import FILTERS
    from generator.targets.cloudformation.templates import nested_view, root_view
    from generator.targets.text.templates import render_template

    if stack == ROOT:
        return len(render_template("cloudformation", "databases.yaml.j2", root_view(shape), FILTERS).encode())
    return len(render_template("cloudformation", "nested.yaml.j2", nested_view(shape, stack), FILTERS).encode())
