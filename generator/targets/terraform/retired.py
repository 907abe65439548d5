"""What Terraform has to let go of: the modules of plugins that are not there any more."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from generator.planning.access import place
from generator.planning.naming import label
from generator.planning.pair import LETTERS
from generator.targets.terraform.escaping import identifier
from generator.targets.terraform.logins import login_label
from generator.targets.terraform.retired_statements import Statements, places_left, statements
from generator.targets.terraform.shape import (
    PRIMARY,
    Shape,
    base_role_label,
    database_label,
    extensions_label,
    role_label,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterator


def retired_view(shape: Shape, called: Container[str]) -> dict[str, Any]:
    """What ``retired.tf.j2`` prints. ``called`` are the labels of the plugins with a module of their own.

    A plugin that is elsewhere now may be one of them: its module lets go of what it made in the old place by itself.
    """
    known = {alias for alias in shape.aliases.values() if alias}
    # State remembers by which provider configuration a thing was managed, and Terraform wants that configuration to let go.
    servers = {gone.server for gone in shape.retired} - {PRIMARY} - known
    removed = {name: text for name, text in removed_modules(shape).items() if name not in called}
    found, texts = statements(shape, removed), {gone.plugin_id: text for gone, text in _texts(shape)}
    left = places_left(shape, removed)
    return {
        "providers": [{"engine": identifier(shape.engine), "alias": name} for name in sorted(servers)],
        "retired": [
            {"label": identifier(name), "comment": removed[name], **found.get(name, Statements())._asdict()}
            for name in sorted(removed)
        ],
        "left": [{"label": None, "comment": texts[name], **left[name]._asdict()} for name in sorted(left)],
    }


def removed_modules(shape: Shape) -> dict[str, str]:
    """What Terraform lets go of: the labels of the modules, and what each of them had."""
    found = {**_plugins(shape), **_extensions(shape), **_databases(shape), **_base_roles(shape), **_roles(shape)}
    return found | _logins(shape, found)


def _plugins(shape: Shape) -> dict[str, str]:
    found: dict[str, str] = {}
    planned = {plugin.plugin_id for plugin in shape.plan.plugins}
    # A place that a plugin has left comes first: what the plugin itself left says more of its module.
    for gone, text in sorted(_texts(shape), key=lambda item: item[0].owner == item[0].plugin_id):
        # Where a change of its id was never applied, the state has it under the old one still.
        former = () if gone.owner in planned else map(label, gone.former_ids)
        found |= dict.fromkeys((*former, gone.label), text)
    return found


def _extensions(shape: Shape) -> dict[str, str]:
    """The extensions of retired plugins. A plugin that uses the same place again has a module of them by itself."""
    planned = {extensions_label(plugin.label) for plugin in shape.plugins if plugin.extensions}
    return {
        name: f"{gone.plugin_id}: extensions {', '.join(gone.extensions)} in database {gone.database}, server {gone.server}."
        for gone in shape.retired
        if gone.extensions and (name := extensions_label(gone.label)) not in planned
    }


def _logins(shape: Shape, removed: Container[str]) -> dict[str, str]:
    """The logins of roles whose modules are ``removed``."""
    planned = {module for role in shape.roles for _, module in shape.login_modules(role)}
    return {
        module: f"Login {name} that acted as {gone.role} on server {gone.server}."
        for gone in shape.retired
        for owner in (*map(label, gone.former_ids), gone.label, role_label(gone.server, gone.role))
        if owner in removed
        for letter, name in zip(LETTERS, gone.login_names, strict=False)
        if (module := login_label(owner, letter)) not in planned
    }


def _texts(shape: Shape) -> Iterator[tuple[Any, str]]:
    for gone in shape.retired:
        schema = f", schema {gone.schema}" if gone.schema is not None else ""
        dropped = " Dropped by a person (plugins.dropped)." if gone.dropped else ""
        yield gone, f"{gone.plugin_id}: database {gone.database}{schema}, role {gone.role} on server {gone.server}.{dropped}"


def _databases(shape: Shape) -> dict[str, str]:
    """Shared databases whose last plugin went. One that is a single plugin's now is in another module."""
    planned = {place(database) for database in shape.shared_databases}
    return {
        database_label(gone.server, gone.database): f"Shared database {gone.database} on server {gone.server}."
        for gone in shape.retired
        if (gone.shared or gone.schema is not None) and (gone.server, gone.database) not in planned
    }


def _base_roles(shape: Shape) -> dict[str, str]:
    """Roles that all plugins of a server acted as, and whose last plugin went."""
    return {
        base_role_label(gone.server, gone.group): f"Role {gone.group} that plugins acted as on server {gone.server}."
        for gone in shape.retired
        if gone.common and gone.group and (gone.server, gone.group) not in shape.base_roles
    }


def _roles(shape: Shape) -> dict[str, str]:
    """Shared roles whose last plugin went. The role of all plugins of a server is one even with a single plugin."""
    users: dict[tuple[str, str], set[str]] = defaultdict(set)
    for gone in shape.retired:
        users[gone.server, gone.role].add(gone.owner)
    common = {(gone.server, gone.role) for gone in shape.retired if gone.common}
    return {
        role_label(server, name): f"Shared role {name} on server {server}."
        for (server, name), owners in users.items()
        if (len(owners) > 1 or (server, name) in common) and (server, name) not in shape.shared_roles
    }
