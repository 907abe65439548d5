"""The stores of passwords there are. A new one is a new module, its two templates, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.stores.aws_secretsmanager import AwsSecretsManager
from generator.targets.terraform.stores.aws_ssm import AwsSsm
from generator.targets.terraform.stores.azure_keyvault import AzureKeyVault
from generator.targets.terraform.stores.google_secretmanager import GoogleSecretManager
from generator.targets.terraform.stores.iam import CLOUDS
from generator.targets.terraform.stores.kubernetes import Kubernetes
from generator.targets.terraform.stores.variables import Variables
from generator.targets.terraform.stores.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.model import Plan
    from generator.targets.terraform.stores.base import Store

STORES: Final[Mapping[str, Store]] = {
    store.name: store
    for store in (
        Variables(),
        AwsSecretsManager(),
        AwsSsm(),
        GoogleSecretManager(),
        AzureKeyVault(),
        Vault(),
        Kubernetes(),
    )
}


def store_of(plan: Plan) -> Store | None:
    """What stands behind the roles of ``plan``: a store of passwords, or the cloud that signs in without any.

    ``None`` for a store there is none of, and where servers of several clouds sign in.
    """
    if plan.credentials != "iam":
        return STORES.get(plan.store)
    clouds = {role.iam for role in plan.roles if role.iam is not None}
    return CLOUDS[clouds.pop() if clouds else "rds"] if len(clouds) < 2 else None
