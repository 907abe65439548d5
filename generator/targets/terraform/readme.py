"""What the README of the databases says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.targets.terraform.delivery import delivery_view, passwords_view, shell_word
from generator.targets.terraform.escaping import identifier
from generator.targets.terraform.logins import with_passwords
from generator.targets.terraform.servers import KINDS
from generator.targets.terraform.servers.base import folder
from generator.targets.terraform.shape import ENGINE, MYSQL
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.targets.terraform.engines import Engines
    from generator.targets.terraform.stores.base import Store


def _keep(store: Store) -> str:
    """How a role keeps the password it has when it is imported."""
    if not store.makes_password:
        return "To keep the old one, bring it in `plugin_passwords`."
    if store.by_hand:
        return 'To keep the old one, follow "A password that already exists" above.'
    where = "as the key `password` of its secret" if store.has_keys else "as the whole value of its secret"
    return (
        f"To keep the old one, put it into the store first,\n  {where}, and list the role with its `password_version` under "
        "`adopt`:\n  `secrets: {backstage_catalog: 1}`."
    )


def readme_view(plan: Plan, store: Store, engines: Engines) -> dict[str, Any]:
    """What ``README.md.j2`` prints."""
    number = len(plan.plugins)
    return {
        "environment": plan.environment,
        "plugins": Escaped(f"{number} plugin{'' if number == 1 else 's'}"),
        "servers": [identifier(server.name) for server in plan.servers if server.kind == "existing"],
        "existing": {
            engine: any(server.engine == engine and server.kind == "existing" for server in plan.servers)
            for engine in (ENGINE, MYSQL)
        },
        "created": [
            {
                "folder": Escaped(folder(server)),
                "name": identifier(server.name),
                "kind": Escaped(server.kind),
                "certificate": Escaped("tls_ca" if server.engine == MYSQL else "sslrootcert"),
                "authorities": KINDS[server.kind].needs_authorities,
                "has_token": plan.credentials == "iam" and KINDS[server.kind].signs_in_by_token,
                "logs": server.engine == ENGINE,
                "own_authority": KINDS[server.kind].has_own_authority and server.engine == ENGINE,
            }
            for server in plan.servers
            if server.kind != "existing"
        ],
        "about_passwords": f"README.{store.name}.md.j2",
        **passwords_view(list(plan.roles), engines.shape(MYSQL).servers),
        "has_schemas": any(plugin.schema is not None for plugin in plan.plugins),
        "has_passwords": any(role.iam is None for role in plan.roles),
        "has_pairs": any(role.logins for role in plan.roles),
        "has_in_place": any(not role.has_pair for role in plan.roles),
        "makes_password": store.makes_password,
        "has_imports": engines.imports() is not None,
        "in_store_too": Escaped(", and its secret" if store.makes_password and not store.by_hand else ""),
        "takes_over_secrets": engines.takes_over,
        "keep_password": Escaped(_keep(store)),
        "adopt_command": Escaped(f"greenroom adopt --write{' --secrets' if store.makes_password else ''}" if number else ""),
        "by_hand": store.by_hand,
        "lost_passwords": Escaped(store.lost),
        "secret_names": Escaped(" ".join(shell_word(role.secret_name) for role in with_passwords(plan.roles))),
        **delivery_view(list(plan.roles), store),
        **engines.readme(),
    }
