"""JSON as JavaScript's ``JSON.parse`` reads it, with positions."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from generator.documents.scalars import js_number
from generator.documents.values import ConfigList, ConfigMap, Mark

if TYPE_CHECKING:
    from collections.abc import Callable

_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
MAX_DEPTH = 200


class JsonError(ValueError):
    """Not JSON. ``line`` and ``column`` count from 1."""

    def __init__(self, problem: str, line: int = 1, column: int = 1) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


def parse_json(text: str) -> Any:
    """The plain value of ``text``: numbers as JavaScript's, ``NaN`` refused. Raises :class:`JsonError`."""
    try:
        value = json.loads(text, parse_constant=lambda name: _refuse(name, text), parse_int=_integer, parse_float=_float)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno, error.colno) from None
    except RecursionError:
        raise JsonError("nested too deeply") from None
    if _depth_exceeds(value, MAX_DEPTH):
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    return _whole_characters(value) if _SURROGATE_ESCAPE.search(text) else value


def locate(value: Any, like: Any, mark: Mark) -> Any:
    """``value`` as containers with marks: those of ``like`` (the same text, read as YAML) if it has them, else ``mark``."""
    if isinstance(value, dict):
        marks = like.marks if isinstance(like, ConfigMap) else {}
        children = like if isinstance(like, ConfigMap) else {}
        return ConfigMap(
            {key: locate(item, children.get(key), mark) for key, item in value.items()},
            {key: marks.get(key, mark) for key in value},
        )
    if isinstance(value, list):
        same = isinstance(like, ConfigList) and len(like) == len(value)
        items = [locate(item, like[index] if same else None, mark) for index, item in enumerate(value)]
        return ConfigList(items, list(like.marks) if same else [mark] * len(value))
    return value


def _refuse(name: str, text: str) -> Any:
    at = text.find(name)
    raise JsonError(f"{name} is not JSON", text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 16 else js_number(float(digits))


def _float(digits: str) -> int | float:
    return js_number(float(digits))


def _depth_exceeds(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _whole_characters(value: Any) -> Any:
    """Replace half surrogate pairs: no UTF-8 file could hold them."""
    fix: Callable[[str], str] = lambda text: text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # noqa: E731
    if isinstance(value, str):
        return fix(value)
    if isinstance(value, dict):
        return {fix(key): _whole_characters(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole_characters(item) for item in value]
    return value
