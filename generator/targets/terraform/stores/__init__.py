"""The stores of passwords there are. A new one is a new module, its two templates, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan
    from generator.targets.terraform.stores.base import Store

STORES: Final[Mapping[str, Store]] = Registry(
    __name__,
    {
        "variables": ("variables", "Variables"),
        "aws-secretsmanager": ("aws_secretsmanager", "AwsSecretsManager"),
        "aws-ssm": ("aws_ssm", "AwsSsm"),
        "google-secretmanager": ("google_secretmanager", "GoogleSecretManager"),
        "azure-keyvault": ("azure_keyvault", "AzureKeyVault"),
        "vault": ("vault", "Vault"),
        "kubernetes": ("kubernetes", "Kubernetes"),
    },
)


def store_of(plan: Plan) -> Store | None:
    """What stands behind the roles of ``plan``: a store of passwords, or the cloud that signs in without any.

    ``None`` for a store there is none of, and where servers of several clouds sign in.
    """
    if plan.credentials != "iam":
        return STORES.get(plan.store)
    from generator.targets.terraform.stores.iam import CLOUDS

    clouds = {role.iam for role in plan.roles if role.iam is not None}
    return CLOUDS[clouds.pop() if clouds else "rds"] if len(clouds) < 2 else None
