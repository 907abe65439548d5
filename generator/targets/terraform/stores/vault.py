"""The store ``vault``: Terraform makes the passwords, and they live in a KV engine (version 2) of HashiCorp Vault only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, aligned
from generator.targets.terraform.inputs import optional, required
from generator.targets.terraform.stores.named import EXISTING_VERSION, PASSWORD_VERSION, RANDOM, SECRET_NAME, NamedSecret
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Role
    from generator.targets.terraform.stores.base import Tags

_IS_PATH = ("^[A-Za-z0-9_.~-]+(/[A-Za-z0-9_.~-]+)*$", "A path, such as kv.")


class Vault(NamedSecret):
    """See the module."""

    name = "vault"
    title = "Vault"
    pattern = r"(?!.{513})[A-Za-z0-9_.~-]*[A-Za-z0-9_~-](/[A-Za-z0-9_.~-]*[A-Za-z0-9_~-])*"
    allowed = "a path: up to 512 letters, digits and _.~-, with single slashes between"
    providers = (RequiredProvider(name="vault", source="hashicorp/vault", oldest="5.0.0", below="6.0.0"), RANDOM)
    has_keys = True
    overwrites = True
    password = Escaped('ephemeral.vault_kv_secret_v2.plugin.data["password"]')
    # With the secret's place, so that one of another name, which has another password, sets that of its role too.
    password_version = Escaped('"${vault_kv_secret_v2.plugin.path}#${var.password_version}"')
    passed = {"vault_mount": Escaped("var.vault_mount")}  # noqa: RUF012 - read only
    module_variables = (
        EXISTING_VERSION,
        PASSWORD_VERSION,
        SECRET_NAME,
        required("vault_mount", "Path of the KV engine (version 2) with the secret.", *_IS_PATH),
    )
    module_outputs = (
        Output(
            name=Escaped("secret_path"),
            description=string("Path of the secret; the password is its key `password`."),
            value=Escaped("vault_kv_secret_v2.plugin.path"),
        ),
    )
    root_variables = (
        required("vault_mount", "Path of the KV engine (version 2) that holds the secrets.", *_IS_PATH),
        optional("vault_namespace", "Namespace of Vault Enterprise; the one of the environment when null."),
    )

    def resource(self, role: Role) -> str:
        """The path of the secret's data."""
        return f"MOUNT/data/{role.secret_name}"

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider. Address and token come from the environment."""
        del tags, takes_over
        return [
            ProviderConfiguration(
                name=Escaped("vault"),
                comment="The secrets. VAULT_ADDR and VAULT_TOKEN, or another way to log in, come from the environment.",
                arguments=aligned({"namespace": Escaped("var.vault_namespace")}),
            )
        ]


STORE = Vault
