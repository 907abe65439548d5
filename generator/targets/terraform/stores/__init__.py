"""The stores of passwords there are. A new one is a new module, its two templates, and one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.stores.aws_secretsmanager import AwsSecretsManager
from generator.targets.terraform.stores.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.terraform.stores.base import Store

STORES: Final[Mapping[str, Store]] = {store.name: store for store in (Variables(), AwsSecretsManager())}
