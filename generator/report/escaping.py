"""Filters for what a browser, a Markdown page of a forge or a Mermaid picture shows: nothing of a value acts there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.problems.inert import inert
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.targets.text.templates import Filters

#: What stands in Markdown as it is, wherever in a line.
_IN_TEXT: Final = re.compile(r"[A-Za-z0-9 .,/()'\"→·]|(?<=.)(?:[;-]|:(?= |\d))", re.ASCII)
#: What a forge makes links, mentions and references of, even where it is written with entities: a comment cuts it in two.
_LINKED: Final = re.compile(r"@|#|(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_CUT: Final = "<!-- -->"
#: What stands between backquotes as it is, in a table too. No `::` and no `##[`, which command a CI system.
_CODE: Final = re.compile(r"(?!.*::)[A-Za-z0-9_./${}()=+,:-]+(?: [A-Za-z0-9_./${}()=+,:-]+)*", re.ASCII)
_SAFE: Final = re.compile(r"[A-Za-z0-9 .,/-]", re.ASCII)
#: What ends a text or an attribute, and the sign that with a bracket commands a CI system, should a log show the page.
_IN_HTML: Final = str.maketrans({char: f"&#{ord(char)};" for char in "&<>\"'#"})
_IN_LABEL: Final = re.compile(r"[A-Za-z0-9 ._/-]", re.ASCII)


def html(value: object) -> Escaped:
    """``value`` as text, or as the value of an attribute between quotes."""
    return Escaped(inert(value).translate(_IN_HTML).replace("::", "&#58;:"))


def markdown(value: object) -> Escaped:
    """``value`` as plain text in one line of Markdown, a cell of a table too: no link, no mention, no HTML."""
    text = inert(value)
    parts = []
    end = 0
    for match in _LINKED.finditer(text):
        parts.append(_entities(text, end, match.end()))
        end = match.end()
    parts.append(_entities(text, end, len(text)))
    return Escaped(_CUT.join(parts))


def code(value: object) -> Escaped:
    """``value`` as code in one line of Markdown, a cell of a table too."""
    text = inert(value)
    if not text:
        return Escaped("")
    if _CODE.fullmatch(text):
        return Escaped(f"`{text}`")
    return Escaped(f"<code>{''.join(char if _SAFE.match(char) else f'&#{ord(char)};' for char in text)}</code>")


def label(value: object) -> Escaped:
    """``value`` inside the quotes of a label in Mermaid, which has entities of its own."""
    return Escaped("".join(char if _IN_LABEL.match(char) else f"#{ord(char)};" for char in inert(value)))


def _entities(text: str, start: int, end: int) -> str:
    return "".join(text[index] if _IN_TEXT.match(text, index) else f"&#{ord(text[index])};" for index in range(start, end))


FILTERS: Final[Filters] = (("html", html), ("markdown", markdown), ("code", code), ("label", label))
