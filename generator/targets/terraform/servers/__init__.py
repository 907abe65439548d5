"""The kinds of servers there are. A new one is a new module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.servers.aws import AwsAurora, AwsRds
from generator.targets.terraform.servers.azure import AzureFlexible
from generator.targets.terraform.servers.existing import Existing
from generator.targets.terraform.servers.google import GoogleCloudSql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.terraform.servers.base import ServerKind

KINDS: Final[Mapping[str, ServerKind]] = {
    kind.name: kind for kind in (Existing(), AwsRds(), AwsAurora(), GoogleCloudSql(), AzureFlexible())
}
