"""The store ``azure-keyvault``: Terraform makes the passwords, and they live in an Azure Key Vault only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, aligned
from generator.targets.terraform.inputs import optional, required
from generator.targets.terraform.stores.named import (
    EXISTING_VERSION,
    HAS_SECRETS,
    PASSWORD_VERSION,
    RANDOM,
    SECRET_NAME,
    NamedSecret,
)
from generator.targets.text.escaped import Escaped

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


#: What is deleted can be had back, and comes back when its name is used again.
_FEATURES: Final = """features {{{overwrite}
    key_vault {{
      purge_soft_deleted_secrets_on_destroy = false
      recover_soft_deleted_secrets          = true
    }}
  }}"""
#: A secret that is there cannot be imported without its value getting into the state; a new version of it can be written.
_OVERWRITE: Final = f"""
    skip_import_check_on_create_and_allow_overwriting_existing_resources = {HAS_SECRETS}
"""


def azure_configuration(*, takes_over: bool = False) -> ProviderConfiguration:
    """The provider. Its credentials come from the environment."""
    return ProviderConfiguration(
        name=Escaped("azurerm"),
        comment="The secrets. Credentials come from the environment.",
        arguments=aligned({"subscription_id": Escaped("var.azure_subscription_id")}),
        blocks=(Escaped(_FEATURES.format(overwrite=_OVERWRITE if takes_over else "")),),
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
        EXISTING_VERSION,
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
    # The first known to let a secret that is there get a new version.
    to_take_over = (AZURE._replace(oldest="5.2.0"),)

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider of the vault."""
        del tags
        return [azure_configuration(takes_over=takes_over)]


STORE = AzureKeyVault
