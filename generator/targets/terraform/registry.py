"""Things by name, imported when they are asked for: a run needs one store and a kind or two, and every import takes time."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A mapping from names to instances. ``entries`` maps a name to the module of its class and the class's name."""

    def __init__(self, package: str, entries: Mapping[str, tuple[str, str]]) -> None:
        self._package, self._entries = package, entries
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """The one instance there is of it."""
        if name not in self._made:
            module, of_class = self._entries[name]
            self._made[name] = getattr(import_module(f"{self._package}.{module}"), of_class)()
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._entries)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._entries)
