"""What differs between what was generated and what would be: by plugin, and line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal, NamedTuple

from generator.planning.model import owner_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.history import LockedPlugin, Past
    from generator.planning.model import Plan, PluginPlan, Role


class Change(NamedTuple):
    """How one plugin differs from what was generated before.

    ``kind`` is ``added``, ``back`` (it was retired), ``changed``, ``retired``, or ``forgotten`` (an earlier commit had it,
    and the lock file says nothing of it any more); ``line`` says it to a reader.
    """

    plugin_id: str
    kind: Literal["added", "back", "changed", "retired", "forgotten"]
    line: str


def changes(plan: Plan, past: Past) -> list[Change]:
    """What differs by plugin, sorted by plugin id; nothing when the plan is what ``past`` says.

    A line starts with ``+`` for a plugin that is new (or back), with ``~`` where something of it changed, with ``-`` where
    it is retired.
    """
    lost = {item.plugin_id: f"the lock file of {item.origin} has its {item.what}" for item in past.forgotten}
    previous, renamed = past.lock, past.renamed
    before = previous.plugins if previous else {}
    retired = previous.retired if previous else {}
    left = {owner_of(key): key.partition(" (")[2][:-1] for key in retired if owner_of(key) != key}
    several = len(plan.servers) > 1
    found: list[Change] = []
    for plugin in plan.plugins:
        name = plugin.plugin_id
        old = before.get(name)
        if old is None:
            line = f"+ {name}: {_describe(plugin, several=several)}"
            if name in left:
                line += f"; what it had stays: {left[name]}"
            elif name in retired:
                line += " (was retired)"
            found.append(Change(name, "back" if name in retired else "added", line))
        elif differences := [
            *([f"plugin {renamed[name]} → {name}"] if name in renamed else []),
            *_changes(old, plugin),
            *([lost[name]] if name in lost else []),
        ]:
            kind: Literal["changed", "forgotten"] = "forgotten" if name in lost else "changed"
            found.append(Change(name, kind, f"~ {name}: {', '.join(differences)}"))
    found += [
        Change(gone.plugin_id, "forgotten", f"- {gone.plugin_id}: retired, its data stays ({lost[gone.plugin_id]})")
        if gone.plugin_id in lost
        else Change(gone.plugin_id, "retired", f"- {gone.plugin_id}: retired, its data stays")
        for gone in plan.retired
        if gone.plugin_id in before or gone.plugin_id in lost
    ]
    return sorted(found)


def _describe(plugin: PluginPlan, *, several: bool) -> str:
    parts = [f"database {plugin.database.name}"]
    if plugin.schema is not None:
        parts.append(f"schema {plugin.schema}")
    parts.append(f"role {plugin.role.name}")
    if several:
        parts.append(f"server {plugin.server}")
    return ", ".join(parts)


def _changes(old: LockedPlugin, plugin: PluginPlan) -> list[str]:
    pairs: list[tuple[str, str | int | None, str | int | None]] = [
        ("server", old.server, plugin.server),
        ("database", old.database, plugin.database.name),
        ("schema", old.schema, plugin.schema),
        ("role", old.role, plugin.role.name),
        ("password version", old.password_version, plugin.role.password_version),
    ]
    if old.pair is not None or plugin.role.pair is not None:
        was = plugin.role._replace(name=old.role, password_version=old.password_version, pair=old.pair)
        pairs.append(("may log in", _logins(was), _logins(plugin.role)))
    return [f"{what} {was or 'none'} → {now or 'none'}" for what, was, now in pairs if was != now]


def _logins(role: Role) -> str:
    """Who may log in as ``role``, the live login first."""
    return " and ".join(login.name for login in (role.live, *role.leaving))


def unified_diff(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> str:
    """A unified diff (``a/`` and ``b/`` paths, as git writes them) of two sets of files; empty when they are the same.

    Both map a path to its text, ``None`` or a missing path for a file that is not there. Sorted by path.
    """
    import difflib

    parts: list[str] = []
    for path in sorted({*old, *new}):
        before, after = old.get(path), new.get(path)
        if before == after:
            continue
        a, b = ("/dev/null" if text is None else _quoted(f"{side}/{path}") for side, text in (("a", before), ("b", after)))
        body = list(difflib.unified_diff(_lines(before), _lines(after), a, b))
        if not body:  # a file of nothing appears or disappears
            body = [f"--- {a}\n", f"+++ {b}\n"]
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in body]
    return "".join(parts)


def _lines(text: str | None) -> list[str]:
    """The lines of ``text`` with their ends. Only a line feed ends a line; ``str.splitlines`` knows many more."""
    if not text:
        return []
    lines = [f"{line}\n" for line in text.split("\n")]
    last = lines.pop().removesuffix("\n")
    return [*lines, last] if last else lines


def _quoted(path: str) -> str:
    """``path`` as git writes it: quoted when a reader of the diff could not tell where it ends."""
    return path if path.isprintable() and not set(path) & set('"\\') else json.dumps(path)
