"""Anchors and aliases, and the rule that keeps a few lines of YAML from becoming gigabytes.

The npm package ``yaml`` refuses a document once one anchor stands for more than 100 nodes' worth of aliases (each use counts
as often as the most used alias inside the anchored node). The same counting is done here, so that the same documents are
refused; an alias itself shares the anchored value and costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MAX_ALIAS_COUNT: Final = 100


@dataclass(slots=True)
class Anchor:
    """An anchored node: ``open`` while it is being read, ``inside`` the anchors that aliases within it refer to."""

    name: str
    value: Any = None
    open: bool = False
    count: int = 1
    weight: int = 0
    inside: list[Anchor] = field(default_factory=list)

    def use(self) -> bool:
        """Count one alias. Returns whether the document stays within the limit."""
        self.count += 1
        if not self.weight:
            self.weight = max([_holds_scalar(self.value), *(anchor.count * anchor.weight for anchor in self.inside)])
        return self.count * self.weight <= MAX_ALIAS_COUNT


def _holds_scalar(value: Any) -> int:
    """1 when there is a scalar anywhere in ``value``, else 0 (only empty collections)."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending.extend(item)
        elif item or not isinstance(item, dict):
            return 1
    return 0


class Anchors:
    """The anchors of one document so far. A name may be used again; an alias means the last one before it."""

    __slots__ = ("_known", "_open")

    def __init__(self) -> None:
        self._known: dict[str, Anchor] = {}
        self._open: list[Anchor] = []

    def begin(self, name: str) -> Anchor:
        """A collection with an anchor starts."""
        anchor = Anchor(name, open=True)
        self._known[name] = anchor
        self._open.append(anchor)
        return anchor

    def end(self, anchor: Anchor, value: Any) -> None:
        """That collection is complete."""
        anchor.value, anchor.open = value, False
        self._open.remove(anchor)

    def scalar(self, name: str, value: Any) -> None:
        """A scalar with an anchor."""
        self._known[name] = Anchor(name, value)

    def find(self, name: str) -> Anchor | None:
        """The anchor an alias refers to; the alias then counts as used inside every open anchor."""
        anchor = self._known.get(name)
        if anchor is not None:
            for outer in self._open:
                outer.inside.append(anchor)
        return anchor
