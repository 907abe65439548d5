"""JSON values as YAML that stands on one line and reads as exactly that value, in YAML 1.1 and 1.2 alike."""

from __future__ import annotations

import re
from typing import Any, Final

from generator.targets.text.escaped import Escaped

_PLAIN: Final = re.compile(r"[A-Za-z/$][A-Za-z0-9_./-]*", re.ASCII)
_VARIABLE: Final = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", re.ASCII)
# What one version of YAML or the other takes for something else than a text.
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n", "inf", "nan", "infinity"})
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def yaml_value(value: Any) -> Escaped:
    """``value`` (a text, number, boolean, ``None``, or a mapping or list of those) as YAML after ``key:``, or as a key.

    Texts are quoted unless no reader could take them for something else.

    Raises:
        TypeError: YAML has no such value.
    """
    return Escaped(_write(value, inside=False))


def _write(value: Any, *, inside: bool) -> str:
    if isinstance(value, str):
        return _text(value, inside=inside)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_text(key, inside=True)}: {_write(item, inside=True)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(_write(item, inside=True) for item in value)}]"
    raise TypeError(f"a {type(value).__name__} cannot be written as YAML")


def _text(text: str, *, inside: bool) -> str:
    """``text`` as a scalar; braces are plain in a line of their own only, not ``inside`` a flow collection."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    if plain or (not inside and _VARIABLE.fullmatch(text)):
        return str(text)
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character.isprintable():
        return character
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _float(value: float) -> str:
    """A number with a point, which YAML 1.1 needs to see a number in ``1e20``."""
    if value != value or value in (float("inf"), float("-inf")):
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    text = repr(value)
    digits, exponent, power = text.partition("e")
    if not exponent:
        return text
    return f"{digits if '.' in digits else f'{digits}.0'}e{power if power[0] in '+-' else f'+{power}'}"


FILTERS: Final = (("yaml", yaml_value),)
