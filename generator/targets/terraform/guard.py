"""The guard: a record inside the configuration of every module that has data, so that no plan can drop one unnoticed.

Terraform destroys what a configuration has no block for any more, and ``prevent_destroy`` counts only while its block is
there. The guard is a block that is always there: a configuration that has forgotten a module lacks its key, and the plan
fails before anything is changed. What was tried besides is in docs/adr/0015-nothing-is-dropped-by-an-apply.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.plan_check.resources import GUARD
from generator.planning.access import place
from generator.targets.terraform.escaping import identifier, string
from generator.targets.terraform.retired import removed_modules
from generator.targets.terraform.shape import (
    base_role_label,
    database_label,
    moved_databases,
    moved_logins,
    moved_plugins,
    moved_roles,
    role_label,
)
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.targets.terraform.shape import Shape


def guarded(shape: Shape) -> set[str]:
    """The labels of the modules that have data or had: what is planned, and what is retired.

    A label never leaves this set, except by a rename. A plugin without a module of its own has a label all the same: it
    may share a database today that it had alone before. A login has no data, but without it Backstage cannot connect.
    """
    return {
        *(plugin.label for plugin in shape.plugins),
        *(database_label(*place(database)) for database in shape.shared_databases),
        *(base_role_label(server, name) for server, name in shape.base_roles),
        *(role_label(*place(role)) for role in shape.shared_roles.values()),
        *(module for role in shape.roles for _, module in shape.login_modules(role)),
        *removed_modules(shape),
    }


def guard_view(shapes: Sequence[Shape]) -> dict[str, Any]:
    """What ``guard.tf.j2`` prints: the labels, sorted, and the addresses of keys whose module has another label now."""
    labels = {label for shape in shapes for label in guarded(shape)}
    moves = [
        move
        for shape in shapes
        for move in (*moved_plugins(shape), *moved_databases(shape), *moved_roles(shape), *moved_logins(shape))
    ]
    return {
        "type": identifier(GUARD.type),
        "name": identifier(GUARD.names[0]),
        "labels": [string(label) for label in sorted(labels)],
        "moves": [(_key(old), _key(new)) for old, new in moves],
    }


def _key(module: Escaped) -> Escaped:
    """The address of the key that stands for ``module``."""
    return Escaped(f"{GUARD.type}.{GUARD.names[0]}[{string(module.removeprefix('module.'))}]")
