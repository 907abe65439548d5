"""The store ``google-secretmanager``: Terraform makes the passwords, and they live in Google Secret Manager only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, aligned, mapping
from generator.targets.terraform.inputs import optional, texts
from generator.targets.terraform.stores.base import Left
from generator.targets.terraform.stores.named import EXISTING_VERSION, PASSWORD_VERSION, RANDOM, SECRET_NAME, NamedSecret
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Role
    from generator.targets.terraform.stores.base import Tags

GOOGLE: Final = RequiredProvider(name="google", source="hashicorp/google", oldest="7.6.0", below="8.0.0")
GOOGLE_PROJECT: Final = optional(
    "google_project",
    "Id of the Google Cloud project; the project of the environment when null.",
    "^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
    "The id of a project: 6 to 30 lower-case letters, digits and dashes.",
)
_REGION: Final = ("^[a-z]+-[a-z]+[0-9]+$", "Names of regions, such as europe-west3.")
_LOCATIONS: Final = texts(
    "google_secret_locations", "Regions that hold the secrets; Google picks them when empty.", *_REGION
)


def google_configuration(tags: Tags, arguments: Mapping[str, Escaped] | None = None) -> ProviderConfiguration:
    """The provider. Its credentials come from the environment."""
    labels = {key: string(value) for key, value in tags}
    return ProviderConfiguration(
        name=Escaped("google"),
        comment="The secrets. Credentials come from the environment.",
        arguments=aligned({"project": Escaped("var.google_project"), **(arguments or {})}),
        blocks=(mapping("default_labels", labels, "  "),) if tags else (),
    )


class GoogleSecretManager(NamedSecret):
    """See the module."""

    name = "google-secretmanager"
    title = "Google Secret Manager"
    pattern = r"[A-Za-z0-9_-]{1,255}"
    allowed = "1 to 255 letters, digits, dashes and underscores (a / becomes a dash)"
    # 7.6 is the first whose ephemeral takes the full name of a secret, which holds the project.
    providers = (GOOGLE, RANDOM)
    has_labels = True
    password = Escaped("ephemeral.google_secret_manager_secret_version.plugin.secret_data")
    # No other version has it, of no other secret: whatever is made anew sets the password of its role too. The version's
    # number begins at 1 again in another secret.
    password_version = Escaped("google_secret_manager_secret_version.plugin.create_time")
    passed = {"secret_locations": Escaped("var.google_secret_locations")}  # noqa: RUF012 - read only
    module_variables = (
        EXISTING_VERSION,
        PASSWORD_VERSION,
        texts("secret_locations", "Regions that hold the secret; Google picks them when empty.", *_REGION),
        SECRET_NAME,
    )
    module_outputs = (
        Output(
            name=Escaped("secret_id"),
            description=string("Full name of the secret that is the password."),
            value=Escaped("google_secret_manager_secret.plugin.id"),
        ),
    )
    root_variables = (GOOGLE_PROJECT, _LOCATIONS)

    def left(self, role: Role, label: Escaped) -> Left | None:
        """The secret. Its value is another resource, which is made anew."""
        del label
        return Left(resource=Escaped("google_secret_manager_secret.plugin"), id=string(role.secret_name))

    def resource(self, role: Role) -> str:
        """The newest version of the secret."""
        return f"projects/PROJECT/secrets/{role.secret_name}/versions/latest"

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider of the secrets."""
        del takes_over
        return [google_configuration(tags)]


STORE = GoogleSecretManager
