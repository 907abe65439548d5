"""What the stores in AWS need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import ProviderConfiguration, aligned, mapping
from generator.targets.terraform.inputs import optional
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.targets.terraform.stores.base import Tags

_REGION: Final = "^[a-z]{2}(-[a-z]+)+-[0-9]$"
_KEY: Final = (
    "^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/.+|alias/[A-Za-z0-9/_-]+|[0-9a-f-]{36}|mrk-[0-9a-f]{32})$"
)

AWS_REGION: Final = optional(
    "aws_region",
    "AWS region; the region of the environment when null.",
    _REGION,
    "The name of a region, such as eu-central-1.",
)
AWS_VARIABLES: Final = (
    optional(
        "aws_kms_key_id",
        "KMS key that encrypts the secrets: id, ARN or alias; the key AWS keeps for the account when null.",
        _KEY,
        "The id, the ARN or the alias (alias/…) of a KMS key.",
    ),
    AWS_REGION,
)
KMS_KEY: Final = optional(
    "kms_key_id",
    "KMS key that encrypts the secret; the key AWS keeps for the account when null.",
    _KEY,
    "The id, the ARN or the alias (alias/…) of a KMS key.",
)


def aws_configuration(
    tags: Tags, comment: str = "The secrets. Credentials come from the environment."
) -> ProviderConfiguration:
    """The provider. Its credentials come from the environment."""
    values = {key: string(value) for key, value in tags}
    return ProviderConfiguration(
        name=Escaped("aws"),
        comment=comment,
        arguments=aligned({"region": Escaped("var.aws_region")}),
        blocks=(Escaped(f"default_tags {{\n    {mapping('tags', values, '    ')}\n  }}"),) if tags else (),
    )
