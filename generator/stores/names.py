"""The stores of passwords there are, and the names of secrets as each takes them.

What ``credentials.store`` may say is what is listed here. A new store is a line here, its module in each target that can use
it, and that target's templates; ``make goldens`` brings it into the schema of the settings.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_NOT_IN_KEY_VAULT = re.compile(r"[/_.:]")
_NOT_IN_KUBERNETES = re.compile(r"[/_:]")


def _as_it_is(name: str) -> str:
    return name


def _of_systems_manager(name: str) -> str:
    # A name with levels has to start with a slash.
    return f"/{name}" if "/" in name and not name.startswith("/") else name


def _of_google(name: str) -> str:
    return name.replace("/", "-")


def _of_key_vault(name: str) -> str:
    return _NOT_IN_KEY_VAULT.sub("-", name)


def _of_kubernetes(name: str) -> str:
    return _NOT_IN_KUBERNETES.sub("-", name.lower())


#: Every store, and what it makes of the name that ``credentials.secretName`` gives a secret.
STORES: Final[Mapping[str, Callable[[str], str]]] = {
    "variables": _as_it_is,
    "aws-secretsmanager": _as_it_is,
    "aws-ssm": _of_systems_manager,
    "google-secretmanager": _of_google,
    "azure-keyvault": _of_key_vault,
    "vault": _as_it_is,
    "kubernetes": _of_kubernetes,
}


def secret_name(name: str, *, store: str) -> str:
    """``name`` as ``store`` takes it: what separates parts elsewhere is a dash where there are no parts.

    ``backstage/production/database/tech_insights`` becomes ``backstage-production-database-tech-insights`` in a Key Vault
    and ``/backstage/production/…`` in Systems Manager. A store that there is none of is reported elsewhere.
    """
    return STORES.get(store, _as_it_is)(name)
