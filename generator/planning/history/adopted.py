"""What is there already, by the names the server has for it: what the user lists, and what plugins left that are back.

A list may be older than the names: what was adopted and renamed since is the same thing, and is found by every name the
lock file remembers. Where several of them are listed, the newest one is what the server has. What a plugin left and what is
listed may differ as well: the newer of the two counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.planning.history.write import has_returned, is_older, left_names, secret_of
from generator.planning.model import login_name
from generator.planning.pair import LETTERS
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.planning.history.record import Lock, LockedPlugin, Names
    from generator.planning.model import Database, Plan, PluginPlan, Role

_Key = tuple[str, ...]
"""What a thing is called: a database's or a role's name, a schema's database and its own."""


def adopted(plan: Plan, previous: Lock) -> tuple[Adopted, ...]:
    """``plan.adopted`` by the names that are planned, with what is called otherwise on the server in ``renamed``.

    Names that only the lock file knows are left out: they were taken over once, and nobody has to correct anything.
    """
    listed = {entry.server: entry for entry in plan.adopted}
    back = {plugin.server for plugin in plan.plugins if has_returned(plugin.plugin_id, previous)}
    return tuple(_Server(plan, previous, name, listed.get(name, Adopted(name))).entry() for name in sorted({*listed, *back}))


class _Server:
    """What is there already on one server."""

    def __init__(self, plan: Plan, previous: Lock, server: str, listed: Adopted) -> None:
        self.plan, self.previous, self.server, self.listed = plan, previous, server, listed
        self.known = {name: plugin for name, plugin in previous.known.items() if plugin.server == server}
        self.plugins = [plugin for plugin in plan.plugins if plugin.server == server]
        self.back = {plugin.plugin_id for plugin in self.plugins if has_returned(plugin.plugin_id, previous)}
        self.renamed: dict[_Key, _Key] = {}

    def entry(self) -> Adopted:
        """The server's part."""
        databases = self._databases()
        schemas = self._schemas()
        roles = self._roles()
        return Adopted(
            server=self.server,
            databases=tuple(sorted(name for (name,) in databases)),
            schemas=tuple(sorted((base, name) for base, name in schemas)),
            roles=tuple(sorted(name for (name,) in roles)),
            secrets=self._secrets(),
            renamed=tuple(sorted(self.renamed.items())),
            as_of=self.listed.as_of,
        )

    # --- kinds --------------------------------------------------------------------------------------------------------

    def _databases(self) -> set[_Key]:
        listed: set[_Key] = {(name,) for name in self.listed.databases}
        found = set()
        for item in self.plan.databases:
            if item.server != self.server:
                continue
            sources = self._sources("database", item.plugins, listed, (item.name,))
            if self._is_there("database", (item.name,), self._names_of_database(item), sources):
                found.add((item.name,))
        return found | self._unknown("database", listed)

    def _roles(self) -> set[_Key]:
        listed: set[_Key] = {(name,) for name in self.listed.roles}
        found: set[_Key] = {(plugin.role.group,) for plugin in self._returned if plugin.role.group}
        for item in self.plan.roles:
            if item.server != self.server:
                continue
            sources = self._sources("role", item.plugins, listed, (item.name,))
            if self._is_there("role", (item.name,), self._names_of_role(item), sources):
                found |= {(item.name,), *self._logins(item)}
        return found | self._unknown("role", listed)

    def _logins(self, role: Role) -> Iterator[_Key]:
        """The logins that plugins left which are back, where ``role`` is what they left."""
        left = {plugin_id for plugin_id in self.back.intersection(role.plugins) if self.known[plugin_id].pair is not None}
        (there,) = self.renamed.get(("role", role.name), (role.name,))
        for letter, name in zip(LETTERS, role.login_names if left else (), strict=False):
            if there != role.name:
                self.renamed["role", name] = (login_name(there, letter),)
            yield (name,)

    def _schemas(self) -> set[_Key]:
        listed: set[_Key] = set(self.listed.schemas)
        found = set()
        for plugin in self.plugins:
            if plugin.schema is None:
                continue
            now = (plugin.database.name, plugin.schema)
            sources = self._sources("schema", [plugin.plugin_id], listed, now)
            if self._is_there("schema", now, self._names_of_schema(plugin), sources):
                found.add(now)
        return found | self._unknown("schema", listed)

    def _secrets(self) -> tuple[tuple[str, int], ...]:
        """The roles with a secret in the store: those that are listed, and those of plugins that are back."""
        listed = dict(self.listed.secrets)
        found: dict[str, int] = {}
        for item in self.plan.roles:
            if item.server != self.server:
                continue
            name = next((name for (name,) in self._names_of_role(item) if name in listed), None)
            if name is not None:
                found[item.name] = listed.pop(name)
            elif {*item.plugins} <= self.back and self._left_secret(item):
                # A role that another plugin has used all along never lost its secret.
                has_pair = any(self.known[plugin_id].pair is not None for plugin_id in item.plugins)
                found |= dict.fromkeys(item.login_names if has_pair else (item.name,), 0)
        unknown = {name for (name,) in self._unknown("role", {(name,) for name in listed})}
        return tuple(sorted(found.items() | {(name, listed[name]) for name in unknown}))

    # --- names --------------------------------------------------------------------------------------------------------

    @property
    def _returned(self) -> list[PluginPlan]:
        return [plugin for plugin in self.plugins if plugin.plugin_id in self.back]

    def _sources(self, kind: str, plugins: Iterable[str], listed: set[_Key], now: _Key) -> Iterator[set[_Key]]:
        """Who knows what a thing of ``plugins`` is called on the server, whoever knows best first: the list, and what those
        that are back have left. Of one whose names nobody wrote down when it left, the list knows better."""
        left: set[_Key] = set()
        known: set[_Key] = set()
        for plugin_id in self.back.intersection(plugins):
            names = left_names(plugin_id, self.previous)
            if getattr(names, kind) is None:
                left.add(now)
                continue
            name: _Key = (names.database or now[0], names.schema) if kind == "schema" else (getattr(names, kind),)  # type: ignore[assignment]
            (known if is_older(plugin_id, self.previous, self.listed.as_of) else left).add(name)
        yield from (known, listed, left)

    def _left_secret(self, role: Role) -> bool:
        """Whether the plugins of ``role``, all of which are back, left its secret under the name it has now.

        One of another name stays what it is: imported, it would be deleted by the same apply.
        """
        left = [left_names(plugin_id, self.previous) for plugin_id in role.plugins]
        known = {(names.store, names.secret) for names in left if names.secret is not None}
        return secret_of(role, self.plan.store) in known if known else role.former_secret is None

    def _is_there(self, kind: str, now: _Key, names: Iterable[_Key], sources: Iterable[set[_Key]]) -> bool:
        """Whether a thing is among those that one of ``sources`` says are there, under its newest name of ``names``."""
        newest = list(names)
        found = next((name for there in sources for name in newest if name in there), None)
        if found is not None and found != now:
            self.renamed[kind, *now] = found
        return found is not None

    def _names_of_database(self, item: Database) -> Iterator[_Key]:
        yield from ((name,) for name in (item.name, item.renamed_from) if name)
        yield from ((names.database,) for names in self._history(item.plugins) if names.database)

    def _names_of_role(self, item: Role) -> Iterator[tuple[str]]:
        yield from ((name,) for name in (item.name, item.renamed_from) if name)
        yield from ((names.role,) for names in self._history(item.plugins) if names.role)

    def _names_of_schema(self, plugin: PluginPlan) -> Iterator[_Key]:
        for base in (plugin.database.name, plugin.database.renamed_from):
            yield from ((base, name) for name in (plugin.schema, plugin.schema_renamed_from) if base and name)
        yield from (pair for names in self._history([plugin.plugin_id]) if (pair := _pair(names)))

    def _history(self, plugins: Iterable[str]) -> Iterator[Names]:
        """The names ``plugins`` had once, the newest first."""
        for plugin_id in plugins:
            if (before := self.known.get(plugin_id)) is not None:
                yield before.names
                yield from reversed(before.formerly)

    def _unknown(self, kind: str, listed: set[_Key]) -> set[_Key]:
        """What is listed and nobody has ever heard of, not even the lock file."""
        return listed - {name for plugin in self.known.values() for name in _all(kind, plugin)} - self._planned(kind)

    def _planned(self, kind: str) -> set[_Key]:
        if kind == "schema":
            return {(plugin.database.name, plugin.schema) for plugin in self.plugins if plugin.schema is not None}
        things: tuple[Any, ...] = self.plan.databases if kind == "database" else self.plan.roles
        return {(item.name,) for item in things if item.server == self.server}


def _all(kind: str, plugin: LockedPlugin) -> Iterator[_Key]:
    """Every name that the lock file has for a plugin's thing of a kind."""
    for names in (plugin.names, plugin.renamed_from, *plugin.formerly):
        if kind == "schema":
            pair = _pair(names._replace(database=names.database or plugin.database))
            if pair:
                yield pair
        elif (name := getattr(names, kind)) is not None:
            yield (name,)
    if kind == "role" and plugin.group:
        yield (plugin.group,)


def _pair(names: Names) -> _Key | None:
    return (names.database, names.schema) if names.database is not None and names.schema is not None else None
