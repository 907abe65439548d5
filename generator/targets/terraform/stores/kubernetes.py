"""The store ``kubernetes``: the passwords are made from a seed, and live in Secrets of Kubernetes.

Its provider has no ephemeral that reads a Secret, and a data source would write the password to the state. So there is no
way to read back what an apply that stopped half-way has written. Instead the password follows from a seed, the Secret's
name and the version: whichever of Secret and role is written, and when, it is the same. A password of today that is to be
kept has to be brought, for the same reason. See docs/adr.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import (
    FALSE,
    TRUE,
    Output,
    ProviderConfiguration,
    RequiredProvider,
    Validation,
    Variable,
    aligned,
)
from generator.targets.terraform.inputs import TEXT, optional, required
from generator.targets.terraform.stores.named import HAS_SECRETS, PASSWORD_VERSION, SECRET_NAME, NamedSecret
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Role
    from generator.targets.terraform.stores.base import Tags

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_IS_NAMESPACE = (f"^{_LABEL}$", "The name of a namespace.")
_EXISTING: Final = optional(
    "existing_password",
    "The password of today, where it is to be kept; one that is made when null.",
    "^.+$",
    "Null, or a password.",
)


def _seed(description: str) -> Variable:
    return Variable(
        name=Escaped("password_seed"),
        type=TEXT,
        description=string(description),
        settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
        validations=(
            Validation(
                condition=Escaped("length(var.password_seed) >= 32"),
                message=string("At least 32 random characters, such as `openssl rand -hex 32` prints."),
            ),
        ),
    )


class Kubernetes(NamedSecret):
    """See the module."""

    name = "kubernetes"
    title = "Kubernetes"
    pattern = rf"(?!.{{254}}){_LABEL}(\.{_LABEL})*"
    allowed = "up to 253 lower-case letters, digits, dashes and dots (/ _ and : become dashes)"
    providers = (RequiredProvider(name="kubernetes", source="hashicorp/kubernetes", oldest="3.2.1", below="4.0.0"),)
    has_keys = True
    by_hand = True
    password = Escaped("local.password")
    # The Secret's own id as well, so that a Secret that was made anew sets the password of its role too.
    password_version = Escaped('"${var.password_version}-${kubernetes_secret_v1.plugin.metadata[0].uid}"')
    passed = {  # noqa: RUF012 - read only
        "namespace": Escaped("var.kubernetes_namespace"),
        "password_seed": Escaped("var.password_seed"),
    }
    module_variables = (
        _EXISTING._replace(settings={**_EXISTING.settings, "ephemeral": TRUE, "sensitive": TRUE}),
        required("namespace", "Namespace of the Secret.", *_IS_NAMESPACE),
        _seed("What the password is made from, besides the Secret's name and the version."),
        PASSWORD_VERSION,
        SECRET_NAME,
    )
    module_outputs = (
        Output(
            name=Escaped("secret_name"),
            description=string("Name of the Secret; the password is its key `password`."),
            value=Escaped("kubernetes_secret_v1.plugin.metadata[0].name"),
        ),
    )
    root_variables = (
        optional("kubernetes_config_context", "Context of the kubeconfig; its current context when null."),
        optional("kubernetes_config_path", "The kubeconfig; KUBE_CONFIG_PATH, or the cluster Terraform runs in, when null."),
        required("kubernetes_namespace", "Namespace of the Secrets: the one Backstage runs in.", *_IS_NAMESPACE),
        _seed("A long random text that the passwords are made from. Neither state nor plan holds it."),
    )

    def existing(self, role: Role, version: int) -> dict[str, Escaped]:
        """The password of today, as long as no other one is asked for."""
        if version != role.password_version:
            return {}
        return {"existing_password": Escaped(f"{HAS_SECRETS} ? var.existing_passwords[{string(role.secret_name)}] : null")}

    def existing_variables(self, kept: list[Role]) -> list[Variable]:
        """``existing_passwords``: a plan says which one is missing."""
        if not kept:
            return []
        return [
            Variable(
                name=Escaped("existing_passwords"),
                type=Escaped("map(string)"),
                description=string("Passwords that are kept, by the Secret's name. Neither state nor plan holds them."),
                settings={"default": Escaped("{}"), "ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
            )
        ]

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider of the cluster."""
        del tags, takes_over
        return [
            ProviderConfiguration(
                name=Escaped("kubernetes"),
                comment="The cluster Backstage runs in.",
                arguments=aligned(
                    {
                        "config_path": Escaped("var.kubernetes_config_path"),
                        "config_context": Escaped("var.kubernetes_config_context"),
                    }
                ),
            )
        ]


STORE = Kubernetes
