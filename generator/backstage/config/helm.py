"""What Helm does with values: one file over another, key by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.documents.values import ConfigMap

if TYPE_CHECKING:
    from generator.documents.values import Mark


def merge_values(below: Any, above: Any, *, drops_null: bool = False) -> Any:
    """``above`` over ``below``: mappings are merged, everything else is replaced. Not what Backstage does with two files:
    ``{$env: X}`` over ``{$file: y}`` is one mapping with both keys.

    ``drops_null``: a key with ``null`` is removed, as Helm does where a chart is a part of another one.
    """
    if not isinstance(below, ConfigMap) or not isinstance(above, ConfigMap):
        return _without_null(above) if drops_null else above
    values: dict[str, Any] = dict(below)
    marks: dict[str, Mark] = dict(below.marks)
    for key, item in above.items():
        if item is None and drops_null:
            values.pop(key, None)
            marks.pop(key, None)
            continue
        values[key] = merge_values(below.get(key), item, drops_null=drops_null)
        both = isinstance(item, ConfigMap) and isinstance(below.get(key), ConfigMap)
        if key in above.marks and not both:
            marks[key] = above.marks[key]
    return ConfigMap(values, marks)


def _without_null(value: Any) -> Any:
    if not isinstance(value, ConfigMap):
        return value
    kept = {key: _without_null(item) for key, item in value.items() if item is not None}
    return ConfigMap(kept, {key: mark for key, mark in value.marks.items() if key in kept})
