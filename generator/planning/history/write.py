"""Write ``greenroom.lock.json``."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from generator.planning.history.file import LOCK_VERSION
from generator.planning.history.record import Names
from generator.stores.names import makes_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.history.record import Lock, LockedPlugin
    from generator.planning.model import Plan, PluginPlan, Retired, Role
    from generator.planning.pair import Pair


def write_lock(plan: Plan, files: Mapping[str, Mapping[str, bytes]], *, previous: Lock | None) -> bytes:
    """The lock file for ``plan``.

    ``files`` are the rendered targets with their files, by path relative to the lock file's folder; what ``previous``
    says about other targets stays. The same plan and files give the same bytes.
    """
    engines = {server.name: server.engine for server in plan.servers}
    known = previous.known if previous else {}
    as_of = {entry.server: entry.as_of for entry in plan.adopted}
    document = {
        "version": LOCK_VERSION,
        "generator": "greenroom",
        "environment": plan.environment,
        "plugins": {
            plugin.plugin_id: _planned(plugin, engines[plugin.server], plan.store, previous, as_of)
            for plugin in plan.plugins
        },
        "retired": {gone.plugin_id: _retired(gone, known.get(gone.plugin_id)) for gone in plan.retired},
        "files": _hashes(files, previous),
    }
    return f"{json.dumps(_without_nothing(document), indent=2, sort_keys=True)}\n".encode()


def has_returned(plugin_id: str, previous: Lock | None) -> bool:
    """Whether a plugin that is planned was retired before ``previous``, or in it."""
    if previous is None:
        return False
    before = previous.of(plugin_id)
    return before is not None and not before.dropped and (plugin_id in previous.retired or before.returned)


def left_names(plugin_id: str, previous: Lock | None) -> Names:
    """The names a plugin that is back had when it was retired; none when it never was, or when nobody wrote them down."""
    before = previous.of(plugin_id) if previous else None
    if previous is None or before is None or not has_returned(plugin_id, previous):
        return Names()
    return before.names if plugin_id in previous.retired else before.left


def is_older(plugin_id: str, previous: Lock, as_of: str | None) -> bool:
    """Whether a list of what a server has (its ``as_of``) is older than what the lock file knows a plugin to have left.

    One that a person wrote says nothing of its age, and counts as older.
    """
    if as_of is None:
        return True
    return as_of != previous.digest if plugin_id in previous.retired else as_of == previous.plugins[plugin_id].left_as_of


def _left_as_of(plugin_id: str, previous: Lock | None, as_of: str | None) -> str | None:
    """What of a list's ``as_of`` is written down, to know in later runs that the list is older than what a plugin left."""
    if previous is None or not has_returned(plugin_id, previous):
        return None
    if plugin_id not in previous.retired:
        return previous.plugins[plugin_id].left_as_of
    return as_of if is_older(plugin_id, previous, as_of) else None


def _formerly(names: Names, before: LockedPlugin | None) -> list[dict[str, str]]:
    """All the names of a plugin before ``names``, the oldest first."""
    if before is None:
        return []
    earlier = [*before.formerly, before.names]
    if not before.formerly and before.renamed_from != Names():  # written by a greenroom that kept the last names only
        earlier.insert(0, before.names._replace(**_some(before.renamed_from)))
    return [_some(item) for item in dict.fromkeys(earlier) if item != names]


def _some(names: Names) -> dict[str, str]:
    return {kind: name for kind, name in names._asdict().items() if name is not None}


def _planned(
    plugin: PluginPlan, engine: str, store: str, previous: Lock | None, as_of: Mapping[str, str | None]
) -> dict[str, Any]:
    secret = secret_of(plugin.role, store)
    before = plugin.role.former_secret
    names = Names(plugin.database.name, plugin.schema, plugin.role.name, *(secret or (None, None)))
    return {
        "label": plugin.label,
        "server": plugin.server,
        "engine": engine,
        "database": plugin.database.name,
        "schema": plugin.schema,
        "role": plugin.role.name,
        "passwordVersion": plugin.role.password_version,
        "shared": plugin.database.shared,
        "group": plugin.role.group,
        "common": plugin.role.is_common or None,
        "returned": has_returned(plugin.plugin_id, previous) or None,
        "left": _some(left_names(plugin.plugin_id, previous)) or None,
        "leftAsOf": _left_as_of(plugin.plugin_id, previous, as_of.get(plugin.server)),
        "formerly": _formerly(names, previous.of(plugin.plugin_id) if previous else None) or None,
        "renamedFrom": {
            "database": plugin.database.renamed_from,
            "schema": plugin.schema_renamed_from,
            "role": plugin.role.renamed_from,
            "store": before[0] if before else None,
            "secret": before[1] if before else None,
        },
        "stack": plugin.stack,
        "store": secret[0] if secret else None,
        "secret": secret[1] if secret else None,
        "formerIds": list(plugin.former_ids) or None,
        "extensions": list(plugin.extensions) or None,
        "pair": _pair(plugin.role.pair),
    }


def _pair(pair: Pair | None) -> dict[str, Any] | None:
    if pair is None:
        return None
    return {"retired": pair.retired, "ownerLogsIn": pair.owner_logs_in or None, "until": pair.until}


def secret_of(role: Role, store: str) -> tuple[str, str] | None:
    """Store and name of the secret with the password of ``role``; ``None`` where greenroom keeps no password."""
    return (store, role.secret_name) if makes_secrets(store) and role.iam is None else None


def _retired(gone: Retired, before: LockedPlugin | None) -> dict[str, Any]:
    names = before.renamed_from if before else Names()
    return {
        "label": gone.label,
        "server": gone.server,
        "engine": gone.engine,
        "database": gone.database,
        "schema": gone.schema,
        "role": gone.role,
        "passwordVersion": before.password_version if before else 1,
        "shared": before.shared if before else False,
        "group": before.group if before else None,
        "common": (before.common if before else False) or None,
        "returned": (before.returned if before else False) or None,
        "renamedFrom": names._asdict(),
        "formerly": (_formerly(before.names._replace(database=gone.database, role=gone.role), before) if before else None)
        or None,
        "stack": before.stack if before else None,
        "store": before.store if before else None,
        "secret": before.secret if before else None,
        "formerIds": list(gone.former_ids) or None,
        "dropped": gone.dropped or None,
        "extensions": list(gone.extensions) or None,
        "pair": _pair(before.pair if before else None),
    }


def _hashes(files: Mapping[str, Mapping[str, bytes]], previous: Lock | None) -> dict[str, dict[str, str]]:
    hashes = {target: dict(listed) for target, listed in (previous.files.items() if previous else ())}
    for target, contents in files.items():
        hashes[target] = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return hashes


def _without_nothing(value: Any) -> Any:
    """``value`` without the keys that do not apply; a plugin without renames says nothing about renames."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(child) for key, child in value.items() if child is not None}
    return {key: child for key, child in kept.items() if not (key == "renamedFrom" and child == {})}
