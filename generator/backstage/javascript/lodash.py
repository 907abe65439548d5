"""lodash's ``merge`` and ``omit`` and JavaScript's object spread, for JSON values that know where they were written.

Objects are :class:`ConfigMap`, arrays :class:`ConfigList`. An array into which an object was merged also has named
properties, which JSON does not show but further merges see: that is a :class:`PropertyList`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError
from generator.documents.javascript import array_index, is_number, own_keys, to_number
from generator.documents.values import UNDEFINED, ConfigList, ConfigMap, Mark

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# JavaScript's own limit for an array is 2**32 - 1 items; a configuration that asks for more than this wants a crash.
_LONGEST_ARRAY = 1_000_000


class PropertyList(ConfigList):
    """An array with named properties (``properties``)."""

    __slots__ = ("properties",)

    def __init__(self) -> None:
        super().__init__()
        self.properties = ConfigMap()


def merge(target: ConfigMap, *sources: Any) -> ConfigMap:
    """``_.merge(target, ...sources)``: changes and returns ``target``; sources are copied, never shared.

    Raises ``ConfigError`` (a ``RangeError``) where an impossible array length is assigned.
    """
    for source in sources:
        if isinstance(source, (dict, list)):
            _merge_into(target, source)
    return target


def omit(value: Any, keys: Iterable[str]) -> ConfigMap:
    """``_.omit(value, keys)``: a shallow copy as a plain object."""
    out = spread(value)
    for key in keys:
        out.pop(key, None)
        out.marks.pop(key, None)
    return out


def spread(*values: Any) -> ConfigMap:
    """``{...a, ...b}``; a number or a boolean has nothing to spread."""
    out = ConfigMap()
    for value in values:
        if isinstance(value, ConfigMap) and len(value.marks) == len(value):
            out.update(value)
            out.marks.update(value.marks)
        else:
            for key, item, mark in entries(value):
                _set(out, key, item, mark)
    return out


def entries(value: Any) -> Iterator[tuple[str, Any, Mark | None]]:
    """The keys of an object or array, with the values and where those were written."""
    if isinstance(value, dict):
        marks = value.marks if isinstance(value, ConfigMap) else {}
        for key in own_keys(value):
            yield key, value[key], marks.get(key)
    elif isinstance(value, list):
        places = value.marks if isinstance(value, ConfigList) else []
        for index, item in enumerate(value):
            yield str(index), item, places[index] if index < len(places) else None
        if isinstance(value, PropertyList):
            yield from entries(value.properties)


def get(value: Any, key: str) -> Any:
    """``value[key]``, ``UNDEFINED`` where an inherited function would be found."""
    if isinstance(value, dict):
        return value.get(key, UNDEFINED)
    if isinstance(value, list):
        index = array_index(key)
        if index is not None:
            return value[index] if index < len(value) else UNDEFINED
        if key == "length":
            return len(value)
        return value.properties.get(key, UNDEFINED) if isinstance(value, PropertyList) else UNDEFINED
    return UNDEFINED


def _merge_into(target: ConfigMap | ConfigList, source: Any) -> None:
    if not target and isinstance(target, ConfigMap) and isinstance(source, ConfigMap) and len(source.marks) == len(source):
        target.update(source)
        target.marks.update(source.marks)
        for key, item in source.items():
            if isinstance(item, (dict, list)):
                _merge_into(_fresh(target, key, item), item)
            elif item is UNDEFINED:
                del target[key], target.marks[key]
        return
    for key, item, mark in entries(source):
        if isinstance(item, (dict, list)):
            into = _container(get(target, key), item)
            _merge_into(into, item)
            _set(target, key, into, mark)
        elif item is not UNDEFINED:
            _set(target, key, item, mark)


def _fresh(target: ConfigMap, key: str, item: Any) -> ConfigMap | ConfigList:
    """Put an empty container of the kind of ``item`` into ``target``."""
    target[key] = _container(None, item)
    container: ConfigMap | ConfigList = target[key]
    return container


def _container(present: Any, item: Any) -> ConfigMap | ConfigList:
    """What ``item`` is merged into: what is there when it fits, else something new and empty."""
    if isinstance(item, dict):
        return present if isinstance(present, (ConfigMap, ConfigList)) else ConfigMap()
    if isinstance(present, ConfigList):
        return present
    length: Any = present.get("length") if isinstance(present, dict) else None
    if not is_number(length) or not 0 <= length < 2**53 or length % 1 != 0:
        return PropertyList()
    # An object with a length is "array-like" for lodash, which copies its items.
    if length > _LONGEST_ARRAY:
        raise ConfigError("RangeError", "Invalid array length")
    array = PropertyList()
    for index in range(int(length)):
        _set(array, str(index), get(present, str(index)), None)
    return array


def _set(target: ConfigMap | ConfigList, key: str, item: Any, mark: Mark | None) -> None:
    if isinstance(target, ConfigMap):
        target[key] = item
        if mark:
            target.marks[key] = mark
        else:
            target.marks.pop(key, None)
        return
    index = array_index(key)
    if index is not None and index < _LONGEST_ARRAY:
        _grow(target, index + 1)
        target[index] = item
        target.marks[index] = mark or Mark("", 0, 0)
    elif key == "length":
        _set_length(target, item)
    elif isinstance(target, PropertyList):
        _set(target.properties, key, item, mark)


def _grow(target: ConfigList, length: int) -> None:
    missing = length - len(target)
    if missing > 0:
        target.extend([UNDEFINED] * missing)
    target.marks.extend([Mark("", 0, 0)] * (len(target) - len(target.marks)))


def _set_length(target: ConfigList, value: Any) -> None:
    try:
        length = to_number(value)
    except TypeError as error:
        raise ConfigError("TypeError", str(error)) from None
    if not (length >= 0 and length % 1 == 0 and length <= _LONGEST_ARRAY):
        raise ConfigError("RangeError", "Invalid array length")
    _grow(target, int(length))
    del target[int(length) :]
    del target.marks[int(length) :]
