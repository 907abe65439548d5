"""Text that does nothing: what comes from an input can neither move a cursor nor command the CI system that keeps the log.

The characters of a value that a terminal acts on, that end a line, or that turn the direction of reading are shown as their
code (``\\x1b``, ``\\u202e``). The same for the beginning of a command that CI systems look for in a log: ``::error`` where a
line starts, ``##[error]`` anywhere in it.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

# Control characters, marks of direction, line and paragraph separators, half characters, and characters nobody sees.
_ODD: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f"
)
_IN_VALUE: Final = re.compile(f"[\t\n\r{_ODD}]")
_IN_TEXT: Final = re.compile(f"[{_ODD}]|\r(?!\n)")
_IN_JSON: Final = re.compile(f"[{_ODD}]|#(?=#\\w*\\[)")
# GitHub's runner looks for `::` after blanks, and like Azure's agent for `##[` and `##vso[` anywhere.
_COMMAND: Final = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_OLD_COMMAND: Final = re.compile(r"#(?=#\w*\[)")
_SHORT: Final = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def inert(value: object) -> str:
    """``value`` on one line, with nothing in it that acts."""
    text = str(value)
    return text if text.isprintable() and text.isascii() else _IN_VALUE.sub(_code, text)


def inert_text(text: str, *, commands: bool = False) -> str:
    """``text`` of several lines, with nothing in it that acts. ``commands``: it is made of commands for a CI system."""
    text = _IN_TEXT.sub(_code, text)
    return text if commands else _OLD_COMMAND.sub(_code, _COMMAND.sub(lambda match: match[1] + "\\x3a", text))


def inert_json(value: Any) -> str:
    """``value`` as JSON that is the same to a program and does nothing to those who look at it."""
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=False)
    return _IN_JSON.sub(_json_code, text)


def inert_xml(text: str) -> str:
    """An XML document that is the same to a program and does nothing to those who look at it."""
    return _IN_JSON.sub(lambda match: f"&#{ord(match[0])};", text)


def _code(match: re.Match[str]) -> str:
    char = match[0]
    number = ord(char)
    if number > 0xFFFF:
        return f"\\U{number:08x}"
    return _SHORT.get(char) or (f"\\x{number:02x}" if number <= 0xFF else f"\\u{number:04x}")


def _json_code(match: re.Match[str]) -> str:
    return "".join(f"\\u{unit:04x}" for unit in _utf16(match[0]))


def _utf16(char: str) -> list[int]:
    data = char.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[index : index + 2], "big") for index in range(0, len(data), 2)]
