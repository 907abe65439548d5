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
    ``names_identity`` is the key of a plugin's connection that says so. ``names_server`` is the key of the connection by
    which the sign-in knows the server, where it has to. ``signs_for_port``: a token is for a port too, so app-config has to
    name it. ``has_connector``: a connector of the cloud's own opens the connection, which encrypts by itself and asks for no
    host. ``makes_users``: the cloud makes a user of a service account, and no SQL statement can.
    """

    package: str
    kinds: tuple[str, ...]
    has_one_identity: bool = False
    names_identity: str | None = None
    names_server: str | None = None
    signs_for_port: bool = False
    has_connector: bool = False
    makes_users: bool = False


CLOUDS: Final[Mapping[str, Cloud]] = MappingProxyType(
    {
        "azure": Cloud("@azure/identity", ("azure-flexible",), has_one_identity=True, names_identity="tokenCredential"),
        "cloudsql": Cloud(
            "@google-cloud/cloud-sql-connector",
            ("google-cloudsql",),
            has_one_identity=True,
            names_server="instance",
            has_connector=True,
            makes_users=True,
        ),
        "rds": Cloud("@aws-sdk/rds-signer", ("aws-rds", "aws-aurora"), names_server="host", signs_for_port=True),
    }
)


#: What is known of a password's sign-in: nothing of a cloud's.
_NO_CLOUD: Final = Cloud("", ())


def sign_in(cloud: str | None) -> Cloud:
    """What is known of the cloud that signs somebody in; nothing of it is so where passwords do (``None``)."""
    return CLOUDS[cloud] if cloud is not None else _NO_CLOUD


def cloud_of(kind: str) -> str | None:
    """The cloud that a server of ``kind`` is in; ``None`` where the kind does not say it."""
    return next((name for name, cloud in CLOUDS.items() if kind in cloud.kinds), None)
