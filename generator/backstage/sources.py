"""Where the parts of a result were written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from generator.appconfig.values import ConfigMap

if TYPE_CHECKING:
    from generator.appconfig.values import Mark
    from generator.diagnostics import Location


@dataclass(slots=True)
class Sources:
    """Collects ``found``: key of the result (``databaseName``, ``connection.ssl.ca``) to where its value was written."""

    found: dict[str, Location] = field(default_factory=dict)

    def add(self, key: str, location: Location | None) -> None:
        """Keep the place of ``key`` unless it is Backstage's default."""
        if location is not None:
            self.found[key] = location

    def add_connection(self, connection: ConfigMap, whole: Mark | None) -> None:
        """Keep the place of the connection and of everything in it."""
        self.add("connection", whole.location if whole else None)
        self._add_map("connection", connection)

    def _add_map(self, prefix: str, value: ConfigMap) -> None:
        for key, item in value.items():
            mark = value.marks.get(key)
            name = f"{prefix}.{key}"
            if mark is not None:
                self.found[name] = mark.location
            if isinstance(item, ConfigMap):
                self._add_map(name, item)
