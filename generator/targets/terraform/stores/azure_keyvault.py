"""The store ``azure-keyvault``: Terraform makes the passwords, and they live in an Azure Key Vault only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.escaping import Escaped
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, aligned
from generator.targets.terraform.inputs import optional, required
from generator.targets.terraform.stores.named import PASSWORD_VERSION, RANDOM, SECRET_NAME, NamedSecret

if TYPE_CHECKING:
    from generator.targets.terraform.stores.base import Tags

AZURE: Final = RequiredProvider(name="azurerm", source="hashicorp/azurerm", oldest="4.39.0", below="6.0.0")
AZURE_SUBSCRIPTION: Final = optional(
    "azure_subscription_id",
    "Id of the Azure subscription; the subscription of the environment (ARM_SUBSCRIPTION_ID) when null.",
    "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
    "The id of a subscription, a UUID.",
)
KEY_VAULT: Final = required(
    "key_vault_id",
    "Resource id of the Key Vault that holds the secrets.",
    "^/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\\.KeyVault/vaults/[A-Za-z0-9-]{3,24}$",
    "The resource id of a Key Vault: /subscriptions/…/resourceGroups/…/providers/Microsoft.KeyVault/vaults/….",
)


def azure_configuration() -> ProviderConfiguration:
    """The provider. Its credentials come from the environment."""
    return ProviderConfiguration(
        name=Escaped("azurerm"),
        comment="The secrets. Credentials come from the environment.",
        arguments=aligned({"subscription_id": Escaped("var.azure_subscription_id")}),
        blocks=(Escaped("features {}"),),
    )


class AzureKeyVault(NamedSecret):
    """See the module."""

    name = "azure-keyvault"
    title = "Azure Key Vault"
    pattern = r"[A-Za-z0-9-]{1,127}"
    allowed = "1 to 127 letters, digits and dashes (/ _ . and : become dashes)"
    providers = (AZURE, RANDOM)
    password = Escaped("ephemeral.azurerm_key_vault_secret.plugin.value")
    # With the secret's place, so that one of another name, which has another password, sets that of its role too.
    password_version = Escaped('"${azurerm_key_vault_secret.plugin.versionless_id}#${var.password_version}"')
    passed = {"key_vault_id": Escaped("var.key_vault_id")}  # noqa: RUF012 - read only
    module_variables = (
        KEY_VAULT,
        PASSWORD_VERSION,
        SECRET_NAME,
    )
    module_outputs = (
        Output(
            name=Escaped("secret_id"),
            description=string("Id of the secret that is the password, without a version."),
            value=Escaped("azurerm_key_vault_secret.plugin.versionless_id"),
        ),
    )
    root_variables = (AZURE_SUBSCRIPTION, KEY_VAULT)

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """The provider of the vault."""
        del tags
        return [azure_configuration()]
