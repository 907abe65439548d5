"""Values into a psql script: SQL literals, identifiers, and the arguments of psql's own commands.

Every filter leaves plain names as they are and writes everything else with escapes made of printable ASCII: no quote,
backslash, colon, dollar sign or line break of a value ever reaches the script as such. So nothing in a name can end its
literal, start a psql command or variable, or close a dollar quote, whatever the lexer's state is.
"""

from __future__ import annotations

import re
from typing import Final

from generator.targets.text.escaped import Escaped, comment

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.@/+ -]*", re.ASCII)
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.@/+ -]", re.ASCII)
#: What ``\connect`` takes for a database name in double quotes; with an equals sign it would be a connection string.
_PLAIN_DATABASE: Final = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


class SqlEscapeError(ValueError):
    """A value that PostgreSQL cannot hold (NUL, half a surrogate pair), or no name of a variable. Not in the message."""


def literal(value: str) -> Escaped:
    """A string constant: ``'plain'``, else ``E'…'``, which reads the same whatever ``standard_conforming_strings`` says.

    Raises:
        SqlEscapeError: the value holds NUL or is not valid Unicode.
    """
    if _PLAIN.fullmatch(value):
        return Escaped(f"'{value}'")
    return Escaped(f"E'{_UNSAFE.sub(_string_escape, _possible(value))}'")


def identifier(value: str) -> Escaped:
    """A quoted identifier: ``"plain"``, else ``U&"…"``.

    Raises:
        SqlEscapeError: the value is empty, holds NUL or is not valid Unicode.
    """
    if not value:
        raise SqlEscapeError("an identifier cannot be empty")
    if _PLAIN.fullmatch(value):
        return Escaped(f'"{value}"')
    return Escaped(f'U&"{_UNSAFE.sub(_identifier_escape, _possible(value))}"')


def argument(value: str) -> Escaped:
    r"""One argument of a psql command (``\set name argument``), in single quotes with escaped bytes.

    Raises:
        SqlEscapeError: the value holds NUL or is not valid Unicode.
    """
    return Escaped(f"'{_UNSAFE.sub(_byte_escapes, _possible(value))}'")


def message(value: object) -> Escaped:
    r"""One argument for ``\echo``: without control characters, so that a name cannot steer the reader's terminal."""
    return argument(comment(str(value)))


def is_plain_database(value: str) -> bool:
    r"""Whether ``\connect "value"`` connects to the database of that name."""
    return _PLAIN_DATABASE.fullmatch(value) is not None


def conninfo(value: str) -> Escaped:
    r"""A psql argument that is a libpq connection string with ``value`` as the name of the database.

    Raises:
        SqlEscapeError: the value holds NUL or is not valid Unicode.
    """
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return argument(f"dbname='{quoted}'")


def is_variable(value: str) -> bool:
    """Whether ``value`` can be the name of an environment variable and of a psql variable."""
    return _VARIABLE.fullmatch(value) is not None


def variable(value: str) -> Escaped:
    """The name of a variable, unquoted.

    Raises:
        SqlEscapeError: the value is no such name.
    """
    if not is_variable(value):
        raise SqlEscapeError("the name of a variable has to be letters, digits and underscores")
    return Escaped(value)


def read_identifier(text: str) -> str:
    """What :func:`identifier` made ``text`` from.

    Raises:
        ValueError: the text is no identifier as written by greenroom.
    """
    if text.startswith('U&"') and text.endswith('"'):
        return re.sub(r"\\(?:\+([0-9A-F]{6})|([0-9A-F]{4}))", lambda match: chr(int(match[1] or match[2], 16)), text[3:-1])
    if len(text) > 2 and text[0] == text[-1] == '"' and _PLAIN.fullmatch(text[1:-1]):
        return text[1:-1]
    raise ValueError(f"not an identifier: {text}")


def _possible(value: str) -> str:
    if "\0" in value:
        raise SqlEscapeError("PostgreSQL cannot hold a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise SqlEscapeError("not valid Unicode") from None
    return value


def _string_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _identifier_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\{code:04X}" if code <= 0xFFFF else f"\\+{code:06X}"


def _byte_escapes(match: re.Match[str]) -> str:
    return "".join(f"\\x{byte:02X}" for byte in match[0].encode())


FILTERS: Final = (
    ("literal", literal),
    ("identifier", identifier),
    ("argument", argument),
    ("message", message),
    ("conninfo", conninfo),
    ("variable", variable),
)
