"""``--env-file``: variables from files in dotenv syntax, as ``node --env-file`` and the npm ``dotenv`` read it.

``KEY=value``, optionally after ``export``. An unquoted value ends at ``#`` and is trimmed; in single quotes and backticks it
is literal, ``"…"`` knows ``\\n`` and ``\\r``; quoted values may span lines. ``$OTHER`` is not expanded. What those two
programs read differently, or not at all, is an error with its line.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.documents.files import display_path, read_text
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostics

_ASSIGNMENT = re.compile(r"[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*=[ \t]*", re.ASCII)
_REST_OF_LINE = re.compile(r"[^\n]*")
_TAIL = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")
_HINT = "write KEY=value, one on a line; quote a value that holds #, quotes or line breaks"


def read_env_files(paths: Sequence[Path], diagnostics: Diagnostics) -> dict[str, str]:
    """The variables of ``paths``; a later file overrules an earlier one, as a later line does an earlier one.

    The real process environment wins over all of them: build the environment as ``{**read_env_files(…), **os.environ}``.
    Files that cannot be read (GR101, GR102, GR103) and lines that are not assignments (GR115) are reported.
    """
    variables: dict[str, str] = {}
    for path in paths:
        text = read_text(path, diagnostics)
        if text is not None:
            variables.update(parse_env_text(text, display_path(path), diagnostics))
    return variables


def parse_env_text(text: str, file: str, diagnostics: Diagnostics) -> dict[str, str]:
    """The variables of one text in dotenv syntax; ``file`` is the name positions carry."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    variables: dict[str, str] = {}
    position = 0
    while position < len(text):
        blank = _TAIL.match(text, position)
        if blank:
            position = max(blank.end(), position + 1)
            continue
        line = text.count("\n", 0, position) + 1
        match = _ASSIGNMENT.match(text, position)
        if not match:
            diagnostics.error("GR115", "not an assignment", Location(file, line, 1), hint=_HINT)
            position = _next_line(text, position)
            continue
        value, position, problem = _value(text, match.end())
        if problem:
            diagnostics.error("GR115", f"{match[1]}: {problem}", Location(file, line, 1), hint=_HINT)
        else:
            variables[match[1]] = value
    return variables


def _value(text: str, start: int) -> tuple[str, int, str]:
    """The value that starts at ``start``, where the next line begins, and what is wrong with it."""
    quote = text[start : start + 1]
    if quote not in ("'", '"', "`"):
        rest = _REST_OF_LINE.match(text, start)
        assert rest
        return rest[0].split("#", 1)[0].strip(), rest.end() + 1, ""
    end = text.find(quote, start + 1)
    if end < 0:
        return "", _next_line(text, start), "the quote is not closed"
    value = text[start + 1 : end]
    tail = _TAIL.match(text, end + 1)
    if quote == '"':
        if value.endswith("\\"):
            return "", _next_line(text, end), 'a backslash before " is read differently by every program: use single quotes'
        value = value.replace("\\n", "\n").replace("\\r", "\r")
    if not tail:
        return "", _next_line(text, end), "text after the closing quote"
    return value, max(tail.end(), end + 1), ""


def _next_line(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end + 1
