"""What differs between what was generated and what would be: by plugin, and line by line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.lock import Lock, LockedPlugin
    from generator.model import Plan, PluginPlan


def summarise(previous: Lock | None, plan: Plan) -> list[str]:
    """One line for each plugin that differs, sorted by plugin id; none when the plan is what ``previous`` says.

    ``+`` a plugin is new (or back), ``~`` something of it changed, ``-`` it is retired.
    """
    before = previous.plugins if previous else {}
    retired = previous.retired if previous else {}
    several = len(plan.servers) > 1
    lines: dict[str, str] = {}
    for plugin in plan.plugins:
        old = before.get(plugin.plugin_id)
        if old is None:
            back = " (was retired)" if plugin.plugin_id in retired else ""
            lines[plugin.plugin_id] = f"+ {plugin.plugin_id}: {_describe(plugin, several=several)}{back}"
        elif changes := _changes(old, plugin):
            lines[plugin.plugin_id] = f"~ {plugin.plugin_id}: {', '.join(changes)}"
    for gone in plan.retired:
        if gone.plugin_id in before:
            lines[gone.plugin_id] = f"- {gone.plugin_id}: retired, its data stays"
    return [lines[plugin_id] for plugin_id in sorted(lines)]


def _describe(plugin: PluginPlan, *, several: bool) -> str:
    parts = [f"database {plugin.database.name}"]
    if plugin.schema is not None:
        parts.append(f"schema {plugin.schema}")
    parts.append(f"role {plugin.role.name}")
    if several:
        parts.append(f"server {plugin.server}")
    return ", ".join(parts)


def _changes(old: LockedPlugin, plugin: PluginPlan) -> list[str]:
    pairs = [
        ("server", old.server, plugin.server),
        ("database", old.database, plugin.database.name),
        ("schema", old.schema, plugin.schema),
        ("role", old.role, plugin.role.name),
        ("password version", old.password_version, plugin.role.password_version),
    ]
    return [f"{what} {was or 'none'} → {now or 'none'}" for what, was, now in pairs if was != now]


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
