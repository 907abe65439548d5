"""Renames that the lock file says and no earlier run made: whoever edits the file, in a pull request, decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.planning.history.history import History
    from generator.planning.history.record import Lock, LockedPlugin, Names
    from generator.problems.diagnostic import Diagnostics


def believe(present: Lock | None, history: History, path: Path, diagnostics: Diagnostics) -> Lock | None:
    """``present`` without the names in ``renamedFrom`` that the base's lock file does not have for the plugin (GR426).

    What a rename starts from exists on a server: greenroom's own, or somebody else's database. Where a base is compared
    with, it knows what was generated; without one there is only the file itself.
    """
    if present is None or history.base is None:
        return present
    base = dict(history.locks).get(history.base.name)
    plugins = {}
    for plugin_id, plugin in present.plugins.items():
        known = set(_known(plugin_id, plugin, present, base))
        wrong = [
            (kind, name)
            for kind, name in plugin.renamed_from._asdict().items()
            if name is not None and kind != "store" and (kind, name) not in known
        ]
        plugins[plugin_id] = plugin._replace(renamed_from=_without(plugin.renamed_from, {kind for kind, _ in wrong}))
        for kind, name in wrong:
            diagnostics.warning(
                "GR426",
                f"the lock file says that plugin {plugin_id!r} had the {kind} {name!r} before, and {history.base.name} does "
                "not know it: it is not renamed",
                Location(str(path)),
                path=f"plugins.{plugin_id}.renamedFrom.{kind}",
                hint="`greenroom generate --base REF` takes it out, where REF is the commit that the change starts from",
            )
    return present._replace(plugins=plugins)


def _known(plugin_id: str, plugin: LockedPlugin, present: Lock, base: Lock | None) -> Iterator[tuple[str, str]]:
    """The names that the base's lock file has for a plugin, by kind."""
    former = [name for name in plugin.former_ids if name not in present.plugins]
    for name in (plugin_id, *former):
        before = base.of(name) if base is not None else None
        if before is not None:
            for names in (before.names, before.renamed_from, before.left):
                yield from ((kind, value) for kind, value in names._asdict().items() if value is not None)


def _without(names: Names, kinds: set[str]) -> Names:
    gone = kinds | ({"store"} if "secret" in kinds else set())
    return names._replace(**dict.fromkeys(gone))
