"""Values into a script for the clients ``mysql`` and ``mariadb``: SQL literals, identifiers, and patterns of grants.

Plain names stay as they are. Everything else goes to the server as the hexadecimal digits of its bytes, whole statements
included: no quote, backslash, comment or line break of a name ever reaches the client's own lexer.
"""

from __future__ import annotations

import re
from typing import Final

from generator.targets.text.escaped import Escaped, comment

_PLAIN: Final = re.compile(r"[A-Za-z0-9_.@/+% -]*", re.ASCII)
#: The pattern of a plain name, and an account of plain names as a statement or information_schema spells it.
_PATTERN: Final = re.compile(r"(?:[A-Za-z0-9.@/+ -]|\\[_%])*", re.ASCII)
_ACCOUNT: Final = re.compile(r"([`'])[A-Za-z0-9_.@/+ -]+\1@\1[A-Za-z0-9_.%:-]+\1", re.ASCII)
#: A statement of plain names: what may stand in one besides are our own backticks, lists, and patterns.
_PLAIN_STATEMENT: Final = re.compile(r"[A-Za-z0-9_.@/+ ,*'%`\\-]*", re.ASCII)
_NAME: Final = re.compile(r"[A-Za-z0-9_.@/+% -]*", re.ASCII)
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_HEX: Final = re.compile(r"_utf8mb4 X'((?:[0-9A-F]{2})*)'", re.ASCII)
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*\.sql", re.ASCII)


def literal(value: str) -> Escaped:
    """A string constant: ``'plain'`` where a reader can see what it is, else ``_utf8mb4 X'…'``."""
    if any(form.fullmatch(value) for form in (_PLAIN, _PATTERN, _ACCOUNT)):
        escaped = value.replace("\\", "\\\\").replace("'", "''")
        return Escaped(f"'{escaped}'")
    return Escaped(f"_utf8mb4 X'{value.encode().hex().upper()}'")


def message(value: object) -> Escaped:
    """A string constant for display: without control characters, so that a name cannot steer the reader's terminal."""
    return literal(comment(str(value)))


def identifier(value: str) -> str:
    """A quoted identifier, as the server reads it. It is for a statement that goes through :func:`statement`."""
    return f"`{value.replace('`', '``')}`"


def pattern(database: str) -> str:
    """``database`` as a grant has to name it: there ``_`` and ``%`` are wildcards, and a backslash takes that away."""
    return re.sub(r"([\\_%])", r"\\\1", database)


def statement(value: str) -> Escaped:
    """A statement as the script has it: as it is where every name in it is plain, else prepared from hexadecimal digits."""
    if _PLAIN_STATEMENT.fullmatch(value) and _names_are_plain(value):
        return Escaped(f"{value};")
    return Escaped(
        f"SET @greenroom_sql = {literal(value)}; PREPARE greenroom FROM @greenroom_sql; EXECUTE greenroom; "
        "DEALLOCATE PREPARE greenroom;"
    )


def _names_are_plain(value: str) -> bool:
    """Whether nothing between backticks is more than a plain name or the pattern of one."""
    return all(_NAME.fullmatch(re.sub(r"\\([_%])", r"\1", part)) for part in value.split("`")[1::2])


def is_variable(value: str) -> bool:
    """Whether ``value`` can be the name of an environment variable and of a user variable of MySQL."""
    return _VARIABLE.fullmatch(value) is not None


def variable(value: str) -> Escaped:
    """The name of a variable, unquoted.

    Raises:
        ValueError: the value is no such name.
    """
    if not is_variable(value):
        raise ValueError("the name of a variable has to be letters, digits and underscores, at most 64 of them")
    return Escaped(value)


def file(value: str) -> Escaped:
    """The name of a script, unquoted.

    Raises:
        ValueError: a shell would take the value for something else.
    """
    if not _FILE.fullmatch(value):
        raise ValueError("the name of a script has to be letters, digits, dashes and underscores")
    return Escaped(value)


def read_literal(text: str) -> str:
    """What :func:`literal` made ``text`` from.

    Raises:
        ValueError: the text is no literal as written by greenroom.
    """
    if match := _HEX.fullmatch(text):
        return bytes.fromhex(match[1]).decode()
    if len(text) > 1 and text[0] == text[-1] == "'":
        value = text[1:-1].replace("''", "'").replace("\\\\", "\\")
        if literal(value) == text:
            return value
    raise ValueError(f"not a literal: {text}")


def read_identifier(text: str) -> str:
    """What :func:`identifier` made ``text`` from.

    Raises:
        ValueError: the text is not one quoted identifier.
    """
    inside = text[1:-1]
    if len(text) < 3 or text[0] != "`" or text[-1] != "`" or "`" in inside.replace("``", ""):
        raise ValueError(f"not an identifier: {text}")
    return inside.replace("``", "`")


FILTERS: Final = (
    ("my_literal", literal),
    ("my_message", message),
    ("my_statement", statement),
    ("my_variable", variable),
    ("my_file", file),
)
