"""The store ``aws-secretsmanager``: Terraform makes the passwords, and they live in AWS Secrets Manager only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.escaping import Escaped
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import NULL, Output, ProviderConfiguration, RequiredProvider, Variable, aligned

if TYPE_CHECKING:
    from generator.diagnostics import Diagnostics
    from generator.model import Plan, Role

_NAME: Final = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}", re.ASCII)
#: Secrets Manager ends every ARN with a dash and six characters of its own, and finds a secret by a part of its ARN.
_LIKE_AN_ARN: Final = re.compile(r"-[A-Za-z0-9]{6}$", re.ASCII)


class AwsSecretsManager:
    """See the module."""

    name = "aws-secretsmanager"
    providers = (
        RequiredProvider(name="aws", source="hashicorp/aws", oldest="5.88.0", below="7.0.0"),
        RequiredProvider(name="random", source="hashicorp/random", oldest="3.7.1", below="4.0.0"),
    )
    makes_password = True
    password = Escaped('jsondecode(ephemeral.aws_secretsmanager_secret_version.plugin.secret_string)["password"]')
    password_version = Escaped("aws_secretsmanager_secret_version.plugin.version_id")
    argument_names = ("secret_name", "password_version")
    module_variables = (
        Variable(
            name=Escaped("password_version"),
            type=Escaped("number"),
            description=string("A higher number than last time makes a new password."),
        ),
        Variable(
            name=Escaped("secret_name"),
            type=Escaped("string"),
            description=string("Name of the secret that holds the password of the role."),
        ),
    )
    module_outputs = (
        Output(
            name=Escaped("secret_arn"),
            description=string("ARN of the secret; the password is its key `password`."),
            value=Escaped("aws_secretsmanager_secret.plugin.arn"),
        ),
    )

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The secret's name, and the version of the password."""
        return string(role.secret_name), Escaped(str(role.password_version))

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The region."""
        del roles
        return [
            Variable(
                name=Escaped("aws_region"),
                type=Escaped("string"),
                description=string("AWS region of the secrets; the region of the environment when null."),
                settings={"default": NULL},
            )
        ]

    def configurations(self) -> list[ProviderConfiguration]:
        """The provider of the secrets. Its credentials come from the environment."""
        return [
            ProviderConfiguration(
                name=Escaped("aws"),
                comment="The secrets. Credentials come from the environment.",
                arguments=aligned({"region": Escaped("var.aws_region")}),
            )
        ]

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """GR615: a secret's name that AWS refuses. GR616: one that ends like an ARN: AWS may find another."""
        for role in plan.roles:
            if not _NAME.fullmatch(role.secret_name):
                diagnostics.error(
                    "GR615",
                    f"{role.secret_name[:80]!r} cannot be the name of a secret in AWS Secrets Manager (role {role.name!r})",
                    path="credentials.secretName",
                    hint="1 to 512 letters, digits and /_+=.@-",
                )
            elif _LIKE_AN_ARN.search(role.secret_name):
                diagnostics.warning(
                    "GR616",
                    f"the secret {role.secret_name!r} ends like an ARN, in a dash and six characters: AWS may find another",
                    path="credentials.secretName",
                    hint="add a part to credentials.secretName, such as backstage/{environment}/database/{plugin}/password",
                )
