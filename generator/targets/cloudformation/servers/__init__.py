"""The kinds of servers there are. A new one is a new module and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.cloudformation.servers.aws_aurora import AwsAurora
from generator.targets.cloudformation.servers.aws_rds import AwsRds
from generator.targets.cloudformation.servers.existing import Existing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.cloudformation.servers.base import ServerKind

KINDS: Final[Mapping[str, ServerKind]] = {kind.name: kind for kind in (Existing(), AwsRds(), AwsAurora())}
