"""The store ``aws-secretsmanager``: Terraform makes the passwords, and they live in AWS Secrets Manager only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, RequiredProvider
from generator.targets.terraform.logins import with_passwords
from generator.targets.terraform.stores.aws import AWS_VARIABLES, KMS_KEY, aws_configuration
from generator.targets.terraform.stores.base import Left
from generator.targets.terraform.stores.named import EXISTING_VERSION, PASSWORD_VERSION, RANDOM, SECRET_NAME, NamedSecret
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import ProviderConfiguration
    from generator.targets.terraform.stores.base import Tags

#: Secrets Manager ends every ARN with a dash and six characters of its own, and finds a secret by a part of its ARN.
_LIKE_AN_ARN: Final = re.compile(r"-[A-Za-z0-9]{6}$", re.ASCII)


class AwsSecretsManager(NamedSecret):
    """See the module."""

    name = "aws-secretsmanager"
    title = "AWS Secrets Manager"
    pattern = r"[A-Za-z0-9/_+=.@-]{1,512}"
    allowed = "1 to 512 letters, digits and /_+=.@-"
    providers = (RequiredProvider(name="aws", source="hashicorp/aws", oldest="5.88.0", below="7.0.0"), RANDOM)
    has_keys = True
    read_action = "secretsmanager:GetSecretValue"
    password = Escaped('jsondecode(ephemeral.aws_secretsmanager_secret_version.plugin.secret_string)["password"]')
    # An id of the store's own, so that a secret that was made anew sets the password of its role too.
    password_version = Escaped("aws_secretsmanager_secret_version.plugin.version_id")
    passed = {"kms_key_id": Escaped("var.aws_kms_key_id")}  # noqa: RUF012 - read only
    module_variables = (EXISTING_VERSION, KMS_KEY, PASSWORD_VERSION, SECRET_NAME)
    module_outputs = (
        Output(
            name=Escaped("secret_arn"),
            description=string("ARN of the secret; the password is its key `password`."),
            value=Escaped("aws_secretsmanager_secret.plugin.arn"),
        ),
    )
    root_variables = AWS_VARIABLES

    def left(self, role: Role, label: Escaped) -> Left | None:
        """The secret; AWS alone knows the end of its ARN. Its value is another resource, which is made anew."""
        kind = "aws_secretsmanager_secret"
        return Left(
            resource=Escaped(f"{kind}.plugin"),
            id=Escaped(f"data.{kind}.{label}[each.key].arn"),
            lookup=Escaped(kind),
            name=string(role.secret_name),
        )

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider of the secrets. Its credentials come from the environment."""
        del takes_over
        return [aws_configuration(tags)]

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """GR615: a secret's name that AWS refuses. GR616: one that ends like an ARN: AWS may find another."""
        super().check(plan, diagnostics)
        for role in with_passwords(plan.roles):
            if _LIKE_AN_ARN.search(role.secret_name):
                diagnostics.warning(
                    "GR616",
                    f"the secret {role.secret_name!r} ends like an ARN, in a dash and six characters: AWS may find another",
                    path="credentials.secretName",
                    hint="add a part to credentials.secretName, such as backstage/{environment}/database/{plugin}/password",
                )


STORE = AwsSecretsManager
