"""The parts of JavaScript's type conversion that Backstage's configuration reader relies on.

``int`` and ``float`` stand for a JavaScript number, ``None`` for ``null``, ``UNDEFINED`` for ``undefined``.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from generator.documents.values import UNDEFINED

# Names a plain object answers to without having them: functions of Object.prototype that can be part of a config key.
INHERITED: Final = frozenset(
    {
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
    }
)

# WhiteSpace and LineTerminator of ECMAScript; Python's own idea of white space differs at both ends.
WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_RADIX = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)")
_YES = re.compile(r"(?:y|yes|true|1|on)", re.IGNORECASE | re.ASCII)
_NO = re.compile(r"(?:n|no|false|0|off)", re.IGNORECASE | re.ASCII)


class Function:
    """What an inherited property such as ``toString`` evaluates to."""


FUNCTION: Final = Function()


def is_number(value: Any) -> bool:
    """Whether ``typeof value`` is ``number``."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_object(value: Any) -> bool:
    """Whether ``typeof value`` is ``object`` and it is neither ``null`` nor an array."""
    return isinstance(value, dict)


def is_truthy(value: Any) -> bool:
    """Whether ``value`` counts as true."""
    if isinstance(value, (dict, list)):
        return True
    return bool(value) and value == value


def type_of(value: Any) -> str:
    """The name Backstage's error messages give to the type of ``value``."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "array"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number" if value == value else "nan"
    if isinstance(value, str):
        return "string" if value else "empty-string"
    if isinstance(value, Function):
        return "function"
    return "undefined" if value is UNDEFINED else "object"


def array_index(key: str) -> int | None:
    """``key`` as the index of an array: digits without a leading zero."""
    if len(key) <= 10 and key.isascii() and key.isdecimal() and (key == "0" or key[0] != "0"):
        return int(key)
    return None


def own_keys(value: dict[str, Any]) -> list[str]:
    """``Object.keys(value)``: keys that look like an index come first, in their order as numbers."""
    keys = list(value)
    if any("0" <= key[:1] <= "9" for key in keys):
        keys.sort(key=lambda key: index if (index := array_index(key)) is not None else math.inf)
    return keys


def trim(text: str) -> str:
    """``text.trim()``."""
    return text.strip(WHITESPACE)


def yes_or_no(text: str) -> bool | None:
    """The boolean that ``text`` spells for Backstage's reader (and the ``yn`` package), else ``None``."""
    text = trim(text)
    if _YES.fullmatch(text):
        return True
    return False if _NO.fullmatch(text) else None


def to_number(value: Any) -> float:
    """``Number(value)``: not a number (NaN) for anything that does not read as one.

    Raises ``TypeError`` with JavaScript's message for an object that cannot be converted.
    """
    if value is None:
        return 0.0
    if value is UNDEFINED:
        return math.nan
    if isinstance(value, (dict, list)):
        value = to_string(value)
    if not isinstance(value, str):
        return float(value)
    text = trim(value)
    if not text:
        return 0.0
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _RADIX.fullmatch(text):
        return float(int(text, 0))
    return {"Infinity": math.inf, "+Infinity": math.inf, "-Infinity": -math.inf}.get(text, math.nan)


def number_to_string(value: float) -> str:
    """``String(value)`` of a number."""
    number = float(value)
    if number != number:
        return "NaN"
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    if math.isinf(number):
        return f"{sign}Infinity"
    from decimal import Decimal

    parts = Decimal(repr(abs(number))).normalize().as_tuple()
    digits = "".join(map(str, parts.digits))
    point = len(digits) + int(parts.exponent)
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    mantissa = digits[0] + (f".{digits[1:]}" if len(digits) > 1 else "")
    return f"{sign}{mantissa}e{point - 1:+d}"


def to_string(value: Any) -> str:
    """``String(value)``.

    Raises ``TypeError`` with JavaScript's message for an object that cannot be converted.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_to_string(value)
    if isinstance(value, list):
        return ",".join("" if item is None or item is UNDEFINED else to_string(item) for item in value)
    if isinstance(value, dict):
        if "toString" in value:
            raise TypeError("Cannot convert object to primitive value")
        return "[object Object]"
    return "undefined"
