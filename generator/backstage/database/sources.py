"""Where the parts of a result were written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.documents.values import ConfigMap

if TYPE_CHECKING:
    from generator.documents.values import Mark
    from generator.problems.diagnostic import Location


def collect_sources(places: dict[str, Location | None], connection: Any, whole: Mark | None) -> dict[str, Location]:
    """Key of the result to where its value was written: ``databaseName``, ``connection.ssl.ca``, ….

    ``places`` are the places of plain settings, ``None`` for Backstage's default; ``whole`` is the place of the connection.
    """
    found = {key: place for key, place in places.items() if place is not None}
    if whole is not None:
        found["connection"] = whole.location
    if isinstance(connection, ConfigMap):
        _add_map("connection", connection, found)
    return found


def _add_map(prefix: str, value: ConfigMap, found: dict[str, Location]) -> None:
    for key, item in value.items():
        mark = value.marks.get(key)
        name = f"{prefix}.{key}"
        if mark is not None:
            found[name] = mark.location
        if isinstance(item, ConfigMap):
            _add_map(name, item, found)
