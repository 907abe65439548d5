"""A collection used as a key of a mapping, as the text JavaScript ends up with.

Real files have these by accident: an unquoted Helm expression ``{{ .Values.x }}`` is a mapping whose key is a mapping. npm
``yaml`` writes such a key back as flow YAML (``{ .Values.x }``). The same is done here for keys up to one line (60
characters); longer ones are broken into lines alike, but long words within them are not folded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_LINE: Final = 60


def stringify(events: list[Any]) -> str:
    """The text of the node that ``events`` (start of the collection up to its end) describe."""
    return _node(iter(events))[0]


def _node(events: Iterator[Any]) -> tuple[str, bool]:
    """The text of the next node and whether it is an empty (null) scalar."""
    return _rest(next(events), events)


def _rest(event: Any, events: Iterator[Any]) -> tuple[str, bool]:
    kind = type(event).__name__
    if kind == "ScalarEvent":
        return _scalar(event)
    if kind == "AliasEvent":
        return f"*{event.anchor}", False
    if kind == "SequenceStartEvent":
        items = []
        while type(event := next(events)).__name__ != "SequenceEndEvent":
            items.append(_rest(event, events)[0])
        return _flow("[", items, "]"), False
    pairs = []
    while type(event := next(events)).__name__ != "MappingEndEvent":
        is_scalar = type(event).__name__ == "ScalarEvent"
        pairs.append((_rest(event, events)[0], is_scalar, *_node(events)))
    if all(is_null for _key, _is_scalar, _value, is_null in pairs):
        return _flow("{", [key if is_scalar else f"? {key}" for key, is_scalar, _value, _null in pairs], "}"), False
    return _flow("{", [f"{key}:" if null else f"{key}: {value}" for key, _s, value, null in pairs], "}"), False


def _scalar(event: Any) -> tuple[str, bool]:
    if event.style == "'":
        escaped = event.value.replace("'", "''")
        return f"'{escaped}'", False
    if event.style:
        escaped = event.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"', False
    return event.value, not event.value


def _flow(start: str, items: list[str], end: str) -> str:
    if not items:
        return start + end
    if sum(len(item) + 2 for item in items) + 2 > _MAX_LINE or any("\n" in item for item in items):
        lines = ",\n".join(f"  {item}".replace("\n", "\n  ") for item in items)
        return f"{start}\n{lines}\n{end}"
    return f"{start} {', '.join(items)} {end}"
