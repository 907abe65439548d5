"""Values as HCL. The only way for a value into a Terraform file is through one of these functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.targets.text.templates import Filters

_PLAIN: Final = re.compile(r"[A-Za-z0-9 _./:;,@+=()*&<>|!?'-]*", re.ASCII)
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_TEMPLATE: Final = re.compile(r"([$%])\{(?=([^}]*\}))?", re.DOTALL)
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_MARKDOWN: Final = re.compile(r"[\\`*_{}\[\]<>()#+.!|~-]")


def string(value: str) -> Escaped:
    """``value`` as a quoted HCL string that evaluates to it, whatever is in it.

    Terraform keeps all text in Unicode's normal form C, so a value in another form comes out composed.

    Raises:
        ValueError: ``value`` has a NUL or half of a surrogate pair, which no Terraform string can hold. The value is not
            in the message.
    """
    if _PLAIN.fullmatch(value):
        return Escaped(f'"{value}"')
    problem = text_problem(value)
    if problem:
        raise ValueError(f"a Terraform string cannot hold this text: it {problem}")
    escaped = "".join(_SHORT.get(char) or _character(char) for char in value)
    # After the characters, so that the escapes are not escaped.
    return Escaped(f'"{_TEMPLATE.sub(_template, escaped)}"')


def _template(match: re.Match[str]) -> str:
    """``${`` and ``%{``, doubled as HCL has it; by its code where nothing closes it, which python-hcl2 could not read."""
    mark = match[1]
    return f"{mark}{mark}{{" if match[2] is not None else f"\\u{ord(mark):04x}{{"


def _character(char: str) -> str:
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def text_problem(value: str) -> str | None:
    """Why no Terraform string can hold ``value``, or ``None``."""
    if "\0" in value:
        return "holds a NUL character"
    if any("\ud800" <= char <= "\udfff" for char in value):
        return "is not valid Unicode"
    return None


def identifier(value: str) -> Escaped:
    """``value`` as a name in HCL: of a block, an argument, a variable.

    Raises:
        ValueError: ``value`` is not an identifier.
    """
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(f"{value!r} is not an identifier")
    return Escaped(value)


def is_identifier(value: str) -> bool:
    """Whether :func:`identifier` takes ``value``."""
    return _IDENTIFIER.fullmatch(value) is not None


def markdown(value: object) -> Escaped:
    """``value`` as plain text in one line of Markdown."""
    line = "".join(char if char.isprintable() else " " for char in str(value))
    return Escaped(_MARKDOWN.sub(lambda match: f"\\{match[0]}", line))


def code(value: object) -> Escaped:
    """``value`` between the backquotes of code in one line of Markdown, a cell of a table too."""
    line = "".join(char if char.isprintable() else " " for char in str(value))
    return Escaped(line.replace("`", "'").replace("|", "¦"))


def unquote(token: str) -> str:
    """The value of a quoted HCL string without interpolation: the inverse of :func:`string`.

    Raises:
        ValueError: ``token`` is not a quoted string, or is a template.
    """
    if len(token) < 2 or token[0] != '"' or token[-1] != '"':
        raise ValueError("not a quoted string")
    return "".join(map(_value, _TOKEN.finditer(token[1:-1])))


_TOKEN: Final = re.compile(
    r"\\([nrt\"\\])|\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})|([$%])\4\{|([$%]\{|[\"\\])|(.)", re.DOTALL
)
_LONG: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


def _value(match: re.Match[str]) -> str:
    short, code, long_code, doubled, bad, plain = match.groups()
    if bad:
        raise ValueError("not a literal string")
    if short:
        return _LONG[short]
    if code or long_code:
        return chr(int(code or long_code, 16))
    return f"{doubled}{{" if doubled else str(plain)


FILTERS: Final[Filters] = (("string", string), ("identifier", identifier), ("markdown", markdown), ("code", code))
