"""The store ``aws-ssm``: Terraform makes the passwords; they live in encrypted parameters of AWS Systems Manager only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import Output, RequiredProvider
from generator.targets.terraform.logins import with_passwords
from generator.targets.terraform.stores.aws import AWS_VARIABLES, KMS_KEY, aws_configuration
from generator.targets.terraform.stores.named import EXISTING_VERSION, PASSWORD_VERSION, RANDOM, SECRET_NAME, NamedSecret
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import ProviderConfiguration
    from generator.targets.terraform.stores.base import Tags

_LEVELS: Final = 15
_RESERVED: Final = re.compile(r"/?(aws|ssm)", re.IGNORECASE)


class AwsSsm(NamedSecret):
    """See the module."""

    name = "aws-ssm"
    title = "AWS Systems Manager"
    # The limit of 1,011 characters is one of the whole ARN; this is what is left of it in the longest region's.
    pattern = r"(/[A-Za-z0-9_.-]+)+|[A-Za-z0-9_.-]{1,900}"
    allowed = "up to 900 letters, digits and _.-, in up to 15 levels with / before each; not aws or ssm at the start"
    providers = (RequiredProvider(name="aws", source="hashicorp/aws", oldest="5.88.0", below="7.0.0"), RANDOM)
    read_action = "ssm:GetParameters"
    password = Escaped("ephemeral.aws_ssm_parameter.plugin.value")
    # With the parameter's place, so that one of another name, which has another password, sets that of its role too.
    password_version = Escaped('"${aws_ssm_parameter.plugin.arn}#${var.password_version}"')
    passed = {"kms_key_id": Escaped("var.aws_kms_key_id")}  # noqa: RUF012 - read only
    module_variables = (EXISTING_VERSION, KMS_KEY, PASSWORD_VERSION, SECRET_NAME)
    module_outputs = (
        Output(
            name=Escaped("secret_arn"),
            description=string("ARN of the parameter that is the password."),
            value=Escaped("aws_ssm_parameter.plugin.arn"),
        ),
    )
    root_variables = AWS_VARIABLES

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The provider of the parameters. Its credentials come from the environment."""
        del takes_over
        return [aws_configuration(tags)]

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """GR615: a parameter's name that AWS refuses."""
        super().check(plan, diagnostics)
        for role in with_passwords(plan.roles):
            name = role.secret_name
            if name.count("/") > _LEVELS or len(name) > 900 or _RESERVED.match(name):
                diagnostics.error(
                    "GR615",
                    f"{name[:80]!r} cannot be the name of a parameter in {self.title} (role {role.name!r})",
                    path="credentials.secretName",
                    hint=self.allowed,
                )


STORE = AwsSsm
