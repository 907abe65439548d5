"""libyaml's errors in words that help: what is wrong, and what to do about it."""

from __future__ import annotations

import re
from typing import Any, Final

# (where libyaml was, what it says) as patterns; the character it stopped at; what is wrong; what to do.
_EXPLAINED: Final = (
    ("found a tab|violates indentation", "", "a tab is used as indentation", "indent with spaces"),
    ("cannot start any token", "\t", "a tab is used as indentation", "indent with spaces"),
    ("cannot start any token", "@`%", "a value cannot start with @, ` or %", "put the value in quotes"),
    (
        "mapping values are not allowed",
        "",
        "a second `key: value` on one line, or a key longer than 1024 characters",
        "put the value in quotes, or the key on a line of its own",
    ),
    (
        "could not find expected ':'",
        "",
        "a key without a colon",
        "write `key: value`; a text over several lines needs quotes or |",
    ),
    ("expected key", "", "wrong indentation, or text after a value", "line up the keys of one mapping; quote the value"),
    ("expected '-' indicator", "", "wrong indentation in a list", "line up the dashes of one list"),
    (
        "expected ',' or",
        "",
        "a bracket is not closed, or a comma is missing",
        "close the bracket; put commas between the items",
    ),
    ("expected node content", "", "a value is missing, or a bracket is not closed", "complete the value; close the bracket"),
    (
        "quoted scalar.*unexpected (?:end of stream|document indicator)",
        "",
        "a quoted text is not closed",
        "add the closing quote",
    ),
    (
        "unknown escape character",
        "",
        "an unknown escape in a double-quoted text",
        "double the backslash, or use single quotes",
    ),
    (
        "Unicode character escape",
        "",
        "an escape that is not a character (half a surrogate pair)",
        "write the character itself",
    ),
    ("block sequence entries are not", "", "a list item on the line of its key", "put the item on a line of its own"),
    (
        "alphabetic or numeric",
        "",
        "an anchor or alias without a usable name",
        "put a value that starts with & or * in quotes",
    ),
    ("expected whitespace or line break", "", "a tag that nothing separates from what follows", "write a space after it"),
    ("document start", "", "something stands left of the first key", "line up the keys of one mapping"),
    ("incompatible YAML document", "", "a YAML version that is neither 1.1 nor 1.2", "remove the %YAML line"),
    ("tag handle", "", "a tag with an unknown handle", "remove the tag; quote a value that starts with !"),
)

# Where libyaml notices that an end is missing, the place to look at is the start.
_MISSES_END = re.compile("unexpected (?:end of stream|document indicator)|expected ':'")


class Unreadable(Exception):  # noqa: N818 - becomes a diagnostic, never reaches a user as an exception
    """libyaml cannot read the text; ``problem`` in its words, ``offset`` of the character where it stopped.

    ``start`` is the offset of what it was reading then (``context``), where that is the better place to look at.
    """

    def __init__(self, problem: str, offset: int | None, context: str = "", start: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.offset, self.context = problem, offset, context
        self.start = start if start is not None else offset

    @classmethod
    def from_yaml(cls, error: Any) -> Unreadable:
        """From PyYAML's exception."""
        mark = error.problem_mark or error.context_mark
        context, problem = error.context or "", error.problem or error.context or ""
        start = error.context_mark.index if error.context_mark and _MISSES_END.search(problem) else None
        return cls(problem, mark.index if mark else None, context, start)

    def explain(self, text: str) -> tuple[str, str]:
        """What is wrong with ``text``, and what to do."""
        at = text[self.offset : self.offset + 1] if self.offset is not None else ""
        for pattern, characters, meaning, advice in _EXPLAINED:
            if re.search(pattern, f"{self.context} {self.problem}") and (not characters or (at and at in characters)):
                return meaning, advice
        return self.problem, "check the indentation and the quotes around this place"
