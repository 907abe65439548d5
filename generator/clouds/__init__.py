"""The clouds whose identities sign in without a password, by what ``connection.type`` calls each."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Cloud(NamedTuple):
    """What is known of a cloud.

    ``package`` is what Backstage requires to sign in there, ``kinds`` are the kinds of servers that are in it, and
    ``has_one_identity`` says that Backstage signs in as the one identity its process has, unless a plugin says otherwise.
    """

    package: str
    kinds: tuple[str, ...]
    has_one_identity: bool = False


CLOUDS: Final[Mapping[str, Cloud]] = MappingProxyType(
    {
        "azure": Cloud("@azure/identity", ("azure-flexible",), has_one_identity=True),
        "cloudsql": Cloud("@google-cloud/cloud-sql-connector", ("google-cloudsql",), has_one_identity=True),
        "rds": Cloud("@aws-sdk/rds-signer", ("aws-rds", "aws-aurora")),
    }
)


def cloud_of(kind: str) -> str | None:
    """The cloud that a server of ``kind`` is in; ``None`` where the kind does not say it."""
    return next((name for name, cloud in CLOUDS.items() if kind in cloud.kinds), None)
