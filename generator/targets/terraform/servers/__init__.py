"""The kinds of servers there are. A new one is a new module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.terraform.servers.base import ServerKind

KINDS: Final[Mapping[str, ServerKind]] = Registry(
    __name__,
    {
        "existing": ("existing", "Existing"),
        "aws-rds": ("aws", "AwsRds"),
        "aws-aurora": ("aws", "AwsAurora"),
        "google-cloudsql": ("google", "GoogleCloudSql"),
        "azure-flexible": ("azure", "AzureFlexible"),
    },
)
