"""Values in PostgreSQL's SQL: constants and identifiers.

Whatever is not plain becomes an escape of printable ASCII, so nothing in a value can end its constant, and the Data API
finds no ``:name`` in it. The result does not depend on ``standard_conforming_strings``.
"""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z0-9_.@/+ -]*", re.ASCII)
_OTHER = re.compile(r"[^A-Za-z0-9_.@/+ -]", re.ASCII)


def literal(value: str) -> str:
    """A string constant. NUL is refused before (see :func:`.wanted.name_problem`)."""
    if _PLAIN.fullmatch(value):
        return f"'{value}'"
    return f"E'{_OTHER.sub(_string_escape, value)}'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    if _PLAIN.fullmatch(name):
        return f'"{name}"'
    return f'U&"{_OTHER.sub(_identifier_escape, name)}"'


def _string_escape(match: re.Match[str]) -> str:
    return f"\\U{ord(match[0]):08x}"


def _identifier_escape(match: re.Match[str]) -> str:
    return f"\\+{ord(match[0]):06x}"
