"""Which changed names are renames, and which would put somebody's data under somebody else's name."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from generator.planning.history import ways
from generator.planning.model import owner_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from generator.planning.history.record import Lock, LockedPlugin


class Thing(NamedTuple):
    """A database, schema or role on ``server``, and the plugins that use it."""

    server: str
    name: str
    plugins: tuple[str, ...]


def find_renames(
    kind: str,
    things: list[Thing],
    previous: Lock,
    moved: Collection[str],
    report: Callable[[Thing, str, str, str], None],
) -> dict[tuple[str, str], str]:
    """The old name of every thing of ``kind`` (``database``, ``schema``, ``role``) that was renamed, by server and new name.

    A rename stays one until the next. ``moved`` are plugins whose old names mean nothing, because they are elsewhere now.
    What is no rename but cannot be either is reported as ``report(thing, plugin id, what is wrong, hint)``.
    """
    return _Renames(kind, things, previous, moved, report).run()


class _Renames:
    def __init__(
        self,
        kind: str,
        things: list[Thing],
        previous: Lock,
        moved: Collection[str],
        report: Callable[[Thing, str, str, str], None],
    ) -> None:
        self.kind, self.things, self.report, self.moved = kind, things, report, frozenset(moved)
        self.known = {plugin_id: plugin for plugin_id, plugin in previous.present.items() if plugin_id not in moved}
        self.had: dict[tuple[str, str], set[str]] = defaultdict(set)
        for plugin_id, plugin in self.known.items():
            name = self._name(plugin)
            if name is not None:
                self.had[plugin.server, name].add(plugin_id)
        self.pending: dict[tuple[str, str], set[str]] = defaultdict(set)
        for plugin_id, plugin in self.known.items():
            if earlier := self._renamed_from(plugin_id):
                self.pending[plugin.server, earlier].add(plugin_id)
        self.has = {plugin_id: thing for thing in things for plugin_id in thing.plugins}
        self.by_name = {(thing.server, thing.name): thing for thing in things}

    def run(self) -> dict[tuple[str, str], str]:
        renames: dict[tuple[str, str], str] = {}
        for thing in self.things:
            if self.moved.intersection(thing.plugins):
                continue  # reported already, and more than this would change with it
            old_names = {name for plugin_id in thing.plugins if (name := self._old_name(plugin_id, thing.server))}
            changed = old_names - {thing.name}
            if len(changed) > 1 or (changed and thing.name in old_names):
                self._report_merge(thing)
            elif changed:
                old = changed.pop()
                if self._may_be_renamed(thing, old) and self._is_free(thing):
                    renames[thing.server, thing.name] = old
            elif old_names or self._is_free(thing):
                earlier = {self._renamed_from(plugin_id) for plugin_id in thing.plugins} - {None, thing.name}
                if earlier:
                    renames[thing.server, thing.name] = str(min(earlier, key=str))
        return renames

    def _name(self, plugin: LockedPlugin) -> str | None:
        return {"database": plugin.database, "schema": plugin.schema, "role": plugin.role}[self.kind]

    def _old_name(self, plugin_id: str, server: str) -> str | None:
        plugin = self.known.get(plugin_id)
        return self._name(plugin) if plugin and plugin.server == server else None

    def _renamed_from(self, plugin_id: str) -> str | None:
        plugin = self.known.get(plugin_id)
        if plugin is None:
            return None
        names = plugin.renamed_from
        return {"database": names.database, "schema": names.schema, "role": names.role}[self.kind]

    def _report_merge(self, thing: Thing) -> None:
        for plugin_id in thing.plugins:
            old = self._old_name(plugin_id, thing.server)
            if old and old != thing.name:
                what = (
                    f"would be that of {plugin_id!r} too, whose {self.kind} was {old!r}; what is in there would stay behind"
                )
                self.report(thing, plugin_id, what, ways.KEEP)

    def _may_be_renamed(self, thing: Thing, old: str) -> bool:
        """Whether everything under the name ``old`` goes to ``thing``, and the name is not given to somebody else."""
        new_owner = self.by_name.get((thing.server, old))
        before = self.had.get((thing.server, old), set())
        mine = next(plugin_id for plugin_id in thing.plugins if plugin_id in before)
        if new_owner is not None:
            swapped = self.had.get((thing.server, thing.name), set()) & set(new_owner.plugins)
            if before & set(new_owner.plugins):
                stays = sorted(before & set(new_owner.plugins))[0]
                what = f"would be that of {mine!r}, but its old one, {old!r}, stays in use by {stays!r}"
                self.report(thing, mine, what, ways.KEEP)
            elif swapped:
                what = f"was that of {sorted(swapped)[0]!r}, which gets {old!r} in turn: names are never swapped"
                self.report(thing, mine, what, f"use a third name in between: {ways.ONE_BY_ONE}")
            return False  # whoever gets the old name in the same run is told that it is not free
        gone = {plugin_id for plugin_id in before if plugin_id in self.has} - set(thing.plugins)
        if gone:
            other = self.has[sorted(gone)[0]].name
            what = f"and {other!r} would both come out of {old!r}; a {self.kind} cannot be split"
            self.report(thing, mine, what, ways.KEEP)
        return not gone

    def _is_free(self, thing: Thing) -> bool:
        """Whether no other plugin's data lies, or lay until this run, under the name of ``thing``."""
        for plugin_id in self._of_others(self.had, thing):
            mine = thing.plugins[0]
            if plugin_id in self.has:
                # Where that one in turn gets a name of ours, the swap has been reported already.
                self.report(thing, mine, f"is still that of {plugin_id!r} until its own rename is applied", ways.ONE_BY_ONE)
            else:
                what = f"would be that of {mine!r}, but holds what the retired plugin {plugin_id!r} left"
                self.report(thing, mine, what, ways.taken_by_retired(mine, plugin_id))
            return False
        for plugin_id in self._of_others(self.pending, thing):
            what = f"is what {plugin_id!r} had before a rename that may not have been applied everywhere"
            new = str(self._name(self.known[plugin_id]))
            self.report(thing, thing.plugins[0], what, ways.taken_by_rename(thing.name, new))
            return False
        return True

    @staticmethod
    def _of_others(names: Mapping[tuple[str, str], set[str]], thing: Thing) -> list[str]:
        """Who else has, or left, the name of ``thing``. What its own plugins left there is theirs."""
        found = names.get((thing.server, thing.name), set())
        return sorted(plugin_id for plugin_id in found if owner_of(plugin_id) not in thing.plugins)
