"""What the rules look at: the configuration as merged and as resolved, and the texts it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.database.parts import connection_parts
from generator.documents.values import ConfigMap, Placeholder
from generator.lint.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.problems.diagnostic import Location
    from generator.run.project import Project

ROOT = "backend.database"


class Entry(NamedTuple):
    """``backend.database`` itself (``plugin_id`` is ``None``) or the settings of one plugin below it.

    ``client`` is the client it is about, ``None`` where that is not known.
    """

    path: str
    data: ConfigMap
    client: str | None
    plugin_id: str | None

    @property
    def connection(self) -> Any:
        """The connection as it was written: a map, a text, or something else."""
        return self.data.get("connection")

    @property
    def is_postgres(self) -> bool:
        """Whether it is about PostgreSQL."""
        return self.client == "pg"

    @property
    def is_mysql(self) -> bool:
        """Whether it is about MySQL or MariaDB."""
        return self.client in ("mysql", "mysql2")

    @property
    def is_sqlite(self) -> bool:
        """Whether it is about SQLite."""
        return self.client in ("sqlite3", "better-sqlite3")

    def locate(self, *keys: str) -> Location | None:
        """Where the value of the innermost of ``keys`` was written, or the nearest thing around it."""
        place, value = None, self.data
        for key in keys:
            if not isinstance(value, ConfigMap):
                break
            place = value.locate(key) or place
            value = value.get(key, ConfigMap())
        return place


@dataclass
class Subject:
    """A project and what Backstage resolves of it. ``resolved`` are the plugins that were looked at."""

    project: Project
    resolved: PluginDatabaseMap
    texts: Texts = field(default_factory=Texts)

    @cached_property
    def database(self) -> ConfigMap:
        """The merged ``backend.database``."""
        return self.project.database

    @cached_property
    def base(self) -> Entry:
        """``backend.database`` itself."""
        return Entry(ROOT, self.database, _client(self.database), None)

    @cached_property
    def plugins(self) -> list[Entry]:
        """The entries below ``backend.database.plugin`` that are maps."""
        found = self.database.get("plugin")
        if not isinstance(found, ConfigMap):
            return []
        return [
            Entry(f"{ROOT}.plugin.{name}", entry, _client(entry) if "client" in entry else self.base.client, name)
            for name, entry in found.items()
            if isinstance(entry, ConfigMap)
        ]

    @cached_property
    def entries(self) -> list[Entry]:
        """The base and the plugins."""
        return [self.base, *self.plugins]

    @cached_property
    def base_connection(self) -> ConfigMap:
        """The parts of the base connection; empty where a string cannot be taken apart."""
        return parts_of(self.base)

    def healthy(self, *engines: str) -> Iterator[PluginDatabase]:
        """The plugins that resolve, on one of ``engines`` (all of them without)."""
        for plugin in self.resolved.values():
            if not plugin.error and (not engines or plugin.engine in engines):
                yield plugin

    @property
    def in_schema_mode(self) -> bool:
        """Whether the plugins get schemas."""
        return self.database.get("pluginDivisionMode") == "schema"

    @property
    def is_current(self) -> bool:
        """Whether the installation has today's database manager."""
        return self.project.settings.database_manager == "current"


def parts_of(entry: Entry) -> ConfigMap:
    """The parts of an entry's connection, a string taken apart as its client does."""
    return connection_parts(entry.connection, entry.client)


def walk(value: Any, path: str) -> Iterator[tuple[str, str, Any, ConfigMap]]:
    """Every key below ``value``: its full path, its name, its value and the map that holds it."""
    if not isinstance(value, ConfigMap):
        return
    for key, item in value.items():
        yield f"{path}.{key}", key, item, value
        yield from walk(item, f"{path}.{key}")


def is_known_text(value: Any) -> bool:
    """Whether ``value`` is a text that is known now."""
    return isinstance(value, str) and not isinstance(value, Placeholder)


def _client(data: ConfigMap) -> str | None:
    client = data.get("client")
    return client if isinstance(client, str) and not isinstance(client, Placeholder) else None
