"""The stores of passwords there are. A new one is a new module, its two templates, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.stores.aws_secretsmanager import AwsSecretsManager
from generator.targets.terraform.stores.aws_ssm import AwsSsm
from generator.targets.terraform.stores.azure_keyvault import AzureKeyVault
from generator.targets.terraform.stores.google_secretmanager import GoogleSecretManager
from generator.targets.terraform.stores.kubernetes import Kubernetes
from generator.targets.terraform.stores.variables import Variables
from generator.targets.terraform.stores.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping

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
