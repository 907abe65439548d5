"""The stores of passwords there are, and what has to be known of each before a target comes to it.

What ``credentials.store`` may say is what is listed here. A new store is a line here, its module in each target that can use
it, and that target's templates; ``make goldens`` brings it into the schema of the settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class StoreEntry(NamedTuple):
    """One line of the mapping.

    ``dashes`` are the characters a secret's name cannot have there: dashes take their place. ``lower``: it has no capitals.
    ``rooted``: a name with levels has to start with a slash. ``makes_secrets`` is false where whoever applies brings the
    passwords, and nothing is kept.

    ``hosts`` is the end of the name of a server (a regular expression, in lower case) beside which the store is at home, and
    ``hosts_are`` says what such a server is. ``files`` is the folder of the files that ``files_are`` describes.
    ``in_cluster``: each secret is one of Kubernetes, with the key ``password``, that a container takes a variable from.
    """

    dashes: str = ""
    lower: bool = False
    rooted: bool = False
    makes_secrets: bool = True
    hosts: str = ""
    hosts_are: str = ""
    files: str = ""
    files_are: str = ""
    in_cluster: bool = False


#: The Secret of Kubernetes that the passwords of a store outside of it end in, as the variables of the container.
CONTAINER_SECRET: Final = "backstage-database-passwords"  # noqa: S105 - the name of a secret, not a secret

#: The store where nobody names one.
DEFAULT: Final = "variables"

STORES: Final[Mapping[str, StoreEntry]] = {
    DEFAULT: StoreEntry(makes_secrets=False),
    "aws-secretsmanager": StoreEntry(hosts=r"\.rds\.amazonaws\.com(\.cn)?\Z", hosts_are="in Amazon RDS"),
    "aws-ssm": StoreEntry(rooted=True),
    "google-secretmanager": StoreEntry(dashes="/"),
    "azure-keyvault": StoreEntry(dashes="/_.:", hosts=r"\.(postgres|mysql)\.database\.azure\.com\Z", hosts_are="in Azure"),
    "vault": StoreEntry(files="/vault/secrets/", files_are="that the agent of Vault writes"),
    "kubernetes": StoreEntry(
        dashes="/_:",
        lower=True,
        hosts=r"\.svc(\.cluster\.local)?\.?\Z",
        hosts_are="a service of Kubernetes",
        in_cluster=True,
    ),
}


def secret_name(name: str, *, store: str) -> str:
    """``name`` as ``store`` takes it: what separates parts elsewhere is a dash where there are no parts.

    ``backstage/production/database/tech_insights`` becomes ``backstage-production-database-tech-insights`` in a Key Vault
    and ``/backstage/production/…`` in Systems Manager. A store that there is none of is reported elsewhere.
    """
    entry = STORES.get(store, StoreEntry())
    name = name.lower() if entry.lower else name
    name = name.translate({ord(character): "-" for character in entry.dashes})
    return f"/{name}" if entry.rooted and "/" in name and not name.startswith("/") else name


def makes_secrets(store: str) -> bool:
    """Whether the passwords lie in ``store``; otherwise whoever applies brings them."""
    return STORES.get(store, StoreEntry()).makes_secrets


def is_in_cluster(store: str) -> bool:
    """Whether each secret of ``store`` is one of Kubernetes that a container takes a variable from."""
    return STORES.get(store, StoreEntry()).in_cluster
