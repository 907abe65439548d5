"""Plugins that have another id now (``plugins.renamed``), and plugins whose data a person dropped (``plugins.dropped``)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from generator.planning.history.record import Lock

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from generator.planning.history.record import LockedPlugin
    from generator.problems.diagnostic import Diagnostics, Location

_NOTHING: Mapping[str, str] = MappingProxyType({})


def rename_plugins(
    previous: Lock | None,
    renamed: Mapping[str, str],
    planned: Collection[str],
    locations: Mapping[str, Location],
    diagnostics: Diagnostics,
    applied: Mapping[str, str] = _NOTHING,
) -> Lock | None:
    """``previous`` as if its plugins had always had the ids that ``renamed`` (old id to new id) gives them.

    All they have is their successors' from then on, under names that may change with the id. An old id that is planned
    all the same is an error (GR533), and so are a new id that was generated before (GR534) and ids that go round in a
    circle (GR535). An id that another plugin had before, and that is wanted anew, is an error (GR536): where the rename was
    not applied yet, that plugin's data is under it. ``applied`` names the renames that every environment has seen.
    """

    def refuse(code: str, old: str, what: str, hint: str) -> None:
        diagnostics.error(code, what, locations.get(f"plugins.renamed.{old}"), path=f"plugins.renamed.{old}", hint=hint)

    plugins, retired = (dict(previous.plugins), dict(previous.retired)) if previous else ({}, {})
    for old in renamed:
        seen = [old]
        while (successor := renamed.get(seen[-1])) is not None and successor not in seen:
            seen.append(successor)
        if successor is not None:
            hint = "name each plugin's new id once"
            refuse("GR535", old, f"the new ids of {old!r} go round in a circle", hint)
            return previous
    # The newest first: with a → b and b → c, b's own data is c's before a's can be b's and then c's.
    for old, new in sorted(renamed.items(), key=lambda item: _steps(item[0], renamed)):
        if old in planned:
            what = f"{old!r} is {new!r} now, says plugins.renamed, but the plugin {old!r} is still there"
            refuse("GR533", old, what, f"remove {old!r} from plugins.renamed, or the plugin from the backend and app-config")
            continue
        was = plugins.get(old) or retired.get(old)
        if was is None or was.dropped:
            continue  # renamed in an earlier run, or never generated
        if new in plugins or new in retired:
            what = f"the plugin {new!r} has a database of its own already, so it cannot have that of {old!r} as well"
            refuse("GR534", old, what, f"remove {old!r} from plugins.renamed: its data stays, retired")
            continue
        section = plugins if old in plugins else retired
        del section[old]
        former = [old]
        while new in renamed and new not in planned:  # renamed again before anybody generated in between
            former.append(new)
            new = renamed[new]
        section[new] = was._replace(former_ids=(*was.former_ids, *former))
    if previous is None:
        return None
    _check_reused(Lock(plugins=plugins, retired=retired), planned, applied, diagnostics)
    return previous._replace(plugins=plugins, retired=retired)


def _steps(plugin_id: str, renamed: Mapping[str, str]) -> int:
    steps = 0
    while plugin_id in renamed:
        plugin_id, steps = renamed[plugin_id], steps + 1
    return steps


def _check_reused(lock: Lock, planned: Collection[str], applied: Mapping[str, str], diagnostics: Diagnostics) -> None:
    had = {old: new for new, plugin in lock.known.items() for old in plugin.former_ids if applied.get(old) != new}
    for plugin_id in sorted(old for old, new in had.items() if old in planned and old != new):
        diagnostics.error(
            "GR536",
            f"the plugin {plugin_id!r} is new, but {had[plugin_id]!r} had that id before: where that rename was not applied "
            "yet, its data is still under this id",
            path=f"backend.database.plugin.{plugin_id}",
            hint=f"apply the rename everywhere, then add `{plugin_id}: {had[plugin_id]}` to plugins.renamesApplied",
        )


def mark_dropped(
    previous: Lock | None,
    dropped: Collection[str],
    planned: Collection[str],
    locations: Mapping[str, Location],
    diagnostics: Diagnostics,
) -> Lock | None:
    """``previous`` with the plugins of ``dropped`` marked: nobody's data is under their names any more.

    They stay in the lock file, so that every target goes on letting go of them. One that is planned is an error (GR537),
    one that never was generated, or is not retired yet, a warning (GR538).
    """
    location = locations.get("plugins.dropped")
    for plugin_id in sorted(dropped):
        if plugin_id in planned:
            diagnostics.error(
                "GR537",
                f"plugins.dropped says that the data of {plugin_id!r} was dropped, but the plugin is planned",
                location,
                path="plugins.dropped",
                hint=f"remove {plugin_id!r} from plugins.dropped; what is left of its data is used again",
            )
        elif previous is None or previous.of(plugin_id) is None:
            diagnostics.warning(
                "GR538",
                f"plugins.dropped names {plugin_id!r}, which greenroom never generated",
                location,
                path="plugins.dropped",
                hint="correct the id, or remove it",
            )
    if previous is None:
        return None

    def marked(plugins: Mapping[str, LockedPlugin]) -> dict[str, LockedPlugin]:
        return {
            plugin_id: plugin._replace(dropped=True) if plugin_id in dropped and plugin_id not in planned else plugin
            for plugin_id, plugin in plugins.items()
        }

    return previous._replace(plugins=marked(previous.plugins), retired=marked(previous.retired))
