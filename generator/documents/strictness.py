"""Texts that libyaml reads and npm ``yaml`` refuses. Backstage would not start with them, so they are errors here too."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.documents.problems import Problems
    from generator.documents.values import Source
    from generator.documents.yamltext import Text

_PROPERTY = re.compile(r"(&[^\s,\[\]{}]*|!<[^>\s]*>|![^\s,\[\]{}]*)[ \t]*")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")
_TOUCHING = re.compile(r"\A#|^[^#\n]*[^\s#]#", re.MULTILINE)
_DASH = re.compile(r"\n[ ]*-(?=\s)")


def check_comment(problems: Problems, text: str, end: int) -> None:
    """``"x"#comment`` and ``[#comment``: white space is missing before the comment."""
    if text[end : end + 1] == "#":
        problems.layout(
            "a comment has to be separated by a space",
            end,
            npm="Comments must be separated from other tokens by white space characters",
            hint="write a space before #",
        )


def check_gap(problems: Problems, text: str, start: int, end: int) -> None:
    """The same between two items inside brackets: ``[a,#comment``."""
    gap = text[start:end]
    touching = _TOUCHING.search(gap) if "#" in gap else None
    if touching:
        check_comment(problems, text, start + touching.end() - 1)


def check_alias(problems: Problems, text: str, end: int) -> None:
    """``*a: x``: for npm ``yaml`` the colon belongs to the name of the anchor."""
    if text[end : end + 1] not in " \t\r\n,[]{}":
        problems.layout(
            "an alias has to be followed by a space",
            end,
            npm="Unresolved alias (the anchor must be set before the alias)",
            hint="write a space after the alias",
        )


def check_properties(problems: Problems, text: str, start: int, anchor: str | None) -> None:
    """``&a: x`` and ``&a"x"``: an anchor or tag has to be followed by white space (npm takes the colon into the name)."""
    wrong = None
    match = _PROPERTY.match(text, start)
    while match and wrong is None:
        if text[match.end(1)] not in " \t\r\n,]}":
            wrong = match.end(1)
        elif match[1][0] == "&" and match[1][1:] != anchor:
            wrong = match.start(1) + 1 + len(anchor or "")
        match = _PROPERTY.match(text, match.end())
    if wrong is not None:
        problems.layout(
            "an anchor or tag has to be followed by a space",
            wrong,
            npm="Tags and anchors must be separated from the next token by white space",
            hint="write a space after the anchor or tag",
        )


def check_tabs(problems: Problems, text: Text, start: int) -> None:
    """``-<tab>a: b``: after a tab no mapping or list may start on the same line."""
    line = text.text.rfind("\n", 0, start) + 1
    if any(line <= tab < start for tab in text.tabs):
        problems.layout(
            "a tab is used as indentation",
            start,
            npm="Tabs are not allowed as indentation",
            hint="indent with spaces",
        )


def check_dash(problems: Problems, text: str, offset: int) -> None:
    """``[-, a]``: a dash alone is not a value."""
    if text[offset] == "-":
        problems.layout(
            "a dash alone is not a value inside brackets",
            offset,
            npm="Block collections are not allowed within flow collections",
            hint="put the dash in quotes",
        )


def check_block_scalar(problems: Problems, text: str, start: int, *, too_far_left: bool) -> str:
    """``|#comment``, and a block scalar that starts left of what it belongs to. Returns its header (``|-``)."""
    header = _BLOCK_HEADER.match(text, start)
    if header:
        check_comment(problems, text, header.end())
    if too_far_left:
        problems.layout(
            "a block text starts too far left",
            start,
            npm="Implicit keys need to be on a single line",
            hint="write | or > on the line of its key",
        )
    return header[0] if header else ""


def check_lines(problems: Problems, text: str, start: int, end: int, indent: int, *, is_flow: bool) -> None:
    """The lines of a quoted text or of a flow collection have to be indented more than what they belong to.

    ``indent`` is the least number of spaces. Only the closing bracket may stand one column further left.
    """
    line = text.find("\n", start, end) + 1
    while line:
        next_line = text.find("\n", line, end) + 1
        body = text[line : next_line or end]
        content = body.lstrip(" ")
        width = len(body) - len(content)
        blank = not content.strip() or (is_flow and content[0] == "#")
        closing = is_flow and not next_line and width == indent - 1 and len(content) == 1
        if width < indent and not blank and not closing:
            problems.layout(
                "a continued line is not indented enough" if content[0] != "\t" else "a tab is used as indentation",
                line,
                npm="Flow collection in block collection must be sufficiently indented"
                if is_flow
                else "Missing closing quote",
                hint=f"indent this line with at least {indent} space{'s' if indent > 1 else ''}",
            )
            return
        line = next_line


def column_of_collection(source: Source, text: str, first: int, *, is_map: bool) -> int:
    """The column (from 0) of the block collection whose first key, or whose start, is at ``first``."""
    line = source.line_start(first)
    if is_map:
        # "? key": the question mark is what has to line up.
        before = text[line:first]
        mark = before.rfind("? ")
        return mark if mark >= 0 and not before[mark:].strip("? \t") else first - line
    if text[first] == "-":
        return first - line
    dash = _DASH.search(text, first)  # the list has an anchor or a tag, on the line before
    return dash.end() - dash.start() - 2 if dash else first - line
