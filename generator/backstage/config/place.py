"""Where a value is while a config file is worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from generator.problems.diagnostic import Location

DATABASE: Final = "backend.database"


class Place:
    """Where a value is; its path (``.a.b[0]``) and location are worked out only when there is something to report."""

    __slots__ = ("container", "depth", "folder", "key", "parent")

    def __init__(self, parent: Place | None, container: Any, key: str | int | None, folder: str) -> None:
        self.parent, self.container, self.key, self.folder = parent, container, key, folder
        self.depth: int = parent.depth + 1 if parent else 0

    def moved(self, folder: str) -> Place:
        """The same place, with paths relative to another folder."""
        place = Place(self.parent, self.container, self.key, folder)
        place.depth = self.depth
        return place

    @property
    def path(self) -> str:
        """As Backstage's messages write it."""
        parts = []
        place: Place | None = self
        while place is not None and place.key is not None:
            parts.append(f"[{place.key}]" if isinstance(place.key, int) else f".{place.key}")
            place = place.parent
        return "".join(reversed(parts))

    @property
    def location(self) -> Location | None:
        """Where the value was written, if that is known."""
        location: Location | None = self.container.locate(self.key) if self.key is not None else None
        return location

    @property
    def touches_database(self) -> bool:
        """Whether this is at, above or below ``backend.database``."""
        key = f"{self.path}."
        return key.startswith(f".{DATABASE}.") or f".{DATABASE}.".startswith(key)
