"""The stores of passwords: a module and two templates for each that ``generator.stores`` lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.stores import names
from generator.targets.terraform.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan
    from generator.targets.terraform.stores.base import Store

#: ``aws-ssm`` is ``STORE`` in the module ``aws_ssm``.
STORES: Final[Mapping[str, Store]] = Registry(__name__, {name: (name.replace("-", "_"), "STORE") for name in names.STORES})


def store_of(plan: Plan) -> Store | None:
    """What stands behind the roles of ``plan``: a store of passwords, or the cloud that signs in without any.

    ``None`` for a store there is none of, and where servers of several clouds sign in.
    """
    if plan.credentials != "iam":
        return STORES.get(plan.store)
    from generator.targets.terraform.stores.iam import CLOUDS

    clouds = {role.iam for role in plan.roles if role.iam is not None}
    return CLOUDS[clouds.pop() if clouds else "rds"] if len(clouds) < 2 else None
