"""Whether a value conforms to a JSON Schema, for the usual case that it does: importing jsonschema takes longer than all of
a small run. Anything unusual, above all every error message, is left to jsonschema."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Schema = dict[str, Any] | bool

#: Say something about a schema, nothing about a value.
_ANNOTATIONS: Final = frozenset({"$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples"})

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))
    ),
}


class _UnsupportedError(Exception):
    """The schema uses a keyword that is not known here."""


def conforms(schema: Schema, value: Any) -> bool:
    """Whether ``value`` certainly conforms to ``schema`` (draft 2020-12). ``False`` also means: not known here."""
    try:
        return _holds(schema, value, schema)
    except (_UnsupportedError, KeyError, re.error, RecursionError):
        return False


def _holds(schema: Schema, value: Any, root: Schema) -> bool:
    if isinstance(schema, bool):
        return schema
    for keyword, wanted in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        if keyword not in _KEYWORDS:
            raise _UnsupportedError(keyword)
        if not _KEYWORDS[keyword](wanted, value, schema, root):
            return False
    return True


def _same(wanted: Any, value: Any) -> bool:
    """JSON's equality for scalars: 1 is not true."""
    if isinstance(wanted, dict | list):
        raise _UnsupportedError("const or enum with an object or a list")
    return type(wanted) is type(value) and wanted == value if isinstance(wanted, bool | str) else _same_number(wanted, value)


def _same_number(wanted: Any, value: Any) -> bool:
    return not isinstance(value, bool | str | dict | list) and wanted == value


def _reference(wanted: str, value: Any, _schema: dict[str, Any], root: Schema) -> bool:
    start, _, name = wanted.removeprefix("#/").partition("/")
    if start not in ("$defs", "properties") or not isinstance(root, dict) or "/" in name:
        raise _UnsupportedError(wanted)
    return _holds(root[start][name], value, root)


def _type(wanted: str | list[str], value: Any, _schema: dict[str, Any], _root: Schema) -> bool:
    return any(_TYPES[name](value) for name in ([wanted] if isinstance(wanted, str) else wanted))


def _properties(wanted: dict[str, Schema], value: Any, _schema: dict[str, Any], root: Schema) -> bool:
    return not isinstance(value, dict) or all(
        _holds(inner, value[key], root) for key, inner in wanted.items() if key in value
    )


def _additional(wanted: Schema, value: Any, schema: dict[str, Any], root: Schema) -> bool:
    known = schema.get("properties", {})
    return not isinstance(value, dict) or all(
        _holds(wanted, inner, root) for key, inner in value.items() if key not in known
    )


def _names(wanted: Schema, value: Any, _schema: dict[str, Any], root: Schema) -> bool:
    return not isinstance(value, dict) or all(_holds(wanted, key, root) for key in value)


def _items(wanted: Schema, value: Any, _schema: dict[str, Any], root: Schema) -> bool:
    return not isinstance(value, list) or all(_holds(wanted, inner, root) for inner in value)


def _is_number(value: Any) -> bool:
    return _TYPES["number"](value)


_KEYWORDS: Final[Mapping[str, Callable[[Any, Any, dict[str, Any], Schema], bool]]] = {
    "$ref": _reference,
    "type": _type,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _names,
    "items": _items,
    "const": lambda wanted, value, _schema, _root: _same(wanted, value),
    "enum": lambda wanted, value, _schema, _root: any(_same(each, value) for each in wanted),
    "required": lambda wanted, value, _schema, _root: not isinstance(value, dict) or all(key in value for key in wanted),
    "pattern": lambda wanted, value, _schema, _root: not isinstance(value, str) or re.search(wanted, value) is not None,
    "minLength": lambda wanted, value, _schema, _root: not isinstance(value, str) or len(value) >= wanted,
    "maxLength": lambda wanted, value, _schema, _root: not isinstance(value, str) or len(value) <= wanted,
    "minItems": lambda wanted, value, _schema, _root: not isinstance(value, list) or len(value) >= wanted,
    "minProperties": lambda wanted, value, _schema, _root: not isinstance(value, dict) or len(value) >= wanted,
    "maxProperties": lambda wanted, value, _schema, _root: not isinstance(value, dict) or len(value) <= wanted,
    "minimum": lambda wanted, value, _schema, _root: not _is_number(value) or value >= wanted,
    "maximum": lambda wanted, value, _schema, _root: not _is_number(value) or value <= wanted,
    "anyOf": lambda wanted, value, _schema, root: any(_holds(each, value, root) for each in wanted),
    "allOf": lambda wanted, value, _schema, root: all(_holds(each, value, root) for each in wanted),
    "oneOf": lambda wanted, value, _schema, root: sum(_holds(each, value, root) for each in wanted) == 1,
    "not": lambda wanted, value, _schema, root: not _holds(wanted, value, root),
}
