"""Names of secrets, as each store takes them."""

from __future__ import annotations

import re

_NOT_IN_KEY_VAULT = re.compile(r"[/_.:]")


_NOT_IN_KUBERNETES = re.compile(r"[/_:]")


def secret_name(name: str, *, store: str) -> str:
    """``name`` as ``store`` takes it: what separates parts elsewhere is a dash where there are no parts.

    ``backstage/production/database/tech_insights`` becomes ``backstage-production-database-tech-insights`` in a Key Vault
    and ``/backstage/production/…`` in Systems Manager, which wants a name with levels to start with a slash.
    """
    if store == "aws-ssm":
        return f"/{name}" if "/" in name and not name.startswith("/") else name
    if store == "google-secretmanager":
        return name.replace("/", "-")
    if store == "azure-keyvault":
        return _NOT_IN_KEY_VAULT.sub("-", name)
    if store == "kubernetes":
        return _NOT_IN_KUBERNETES.sub("-", name.lower())
    return name
