"""What a YAML scalar means: the YAML 1.2 core schema as the npm package ``yaml`` reads it.

``012`` is 12, ``0o14`` is 12, ``0x1F`` is 31; ``1_000``, dates, ``on``, ``yes`` and ``no`` are strings. Numbers are
JavaScript's (doubles): a whole number that a double holds exactly is an ``int`` here, everything else a ``float``.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from generator.documents.javascript import number_to_string

Scalar = str | int | float | bool | None

_WORDS: Final[dict[str, Scalar]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_NUMBER_START: Final = frozenset("0123456789+-.")
_EXACT: Final = 2**53


def js_number(value: float) -> int | float:
    """``value`` as a JavaScript number: ``int`` where a double holds it exactly as one, else ``float``."""
    if isinstance(value, int):
        if -_EXACT <= value <= _EXACT:
            return value
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    if value.is_integer() and -_EXACT <= value <= _EXACT:
        return int(value)
    return value


def resolve_plain(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in _NUMBER_START:
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        # int() refuses more than some thousand digits; a double has no use for them anyway.
        return int(text) if len(text) < 16 else js_number(float(text))
    if _FLOAT.fullmatch(text):
        return js_number(float(text))
    if _OCTAL.fullmatch(text):
        return js_number(int(text[2:], 8))
    if _HEX.fullmatch(text):
        return js_number(int(text[2:], 16))
    return text


_TAG: Final = "tag:yaml.org,2002:"


def resolve_tagged(text: str, tag: str) -> tuple[Any, bool]:
    """The value of a scalar with an explicit tag, and whether the tag is known for such a text.

    An unknown tag leaves the text a string (npm ``yaml`` only warns).
    """
    if tag in ("!", f"{_TAG}str"):
        return text, True
    value = resolve_plain(text) if tag.startswith(_TAG) else text
    kind = {
        f"{_TAG}null": value is None,
        f"{_TAG}bool": isinstance(value, bool),
        f"{_TAG}int": _is_integer(text),
        f"{_TAG}float": not _is_integer(text) and isinstance(value, (int, float)) and not isinstance(value, bool),
    }
    return (value, True) if kind.get(tag) else (text, False)


def _is_integer(text: str) -> bool:
    return bool(_INTEGER.fullmatch(text) or _OCTAL.fullmatch(text) or _HEX.fullmatch(text))


def key_string(value: Any) -> str:
    """A scalar as the key of a JavaScript object: ``null`` is the empty string, ``1.50`` is ``1.5``."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_to_string(value)
