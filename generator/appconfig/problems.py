"""What can be wrong with a YAML text: one method for each problem, with the message npm ``yaml`` would give."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.diagnostics import Diagnostics

if TYPE_CHECKING:
    from generator.appconfig.values import Source

_HELM = re.compile(r"\{\{-?\s*(?:[.$(\"`]|[a-z]\w*[\s.(])")

_HELM_HINT: Final = "this looks like a Helm template: render it first (helm template …) and use the result"

# libyaml's words → what is wrong, in the words of this program, and what to do.
_EXPLAINED: Final = (
    (
        "character '\\t' that cannot start|found a tab|that violates indentation",
        "a tab is used as indentation",
        "indent with spaces",
    ),
    (
        "character '[@`%]' that cannot start",
        "a value cannot start with @, ` or %",
        "put the value in quotes",
    ),
    (
        "mapping values are not allowed",
        "a second `key: value` on one line",
        "put the value in quotes, or the key on its own line",
    ),
    (
        "could not find expected ':'",
        "a key without a colon",
        "write `key: value`; a long text over several lines needs quotes",
    ),
    (
        "did not find expected key",
        "wrong indentation, or text after a value",
        "line up the keys of one mapping; quote the value",
    ),
    ("expected '-' indicator", "wrong indentation in a list", "line up the dashes of one list"),
    (
        "expected ',' or '[]}]'",
        "a bracket is not closed, or a comma is missing",
        "close the bracket; separate items with commas",
    ),
    ("unexpected end of stream", "a quoted text is not closed", "add the closing quote"),
    (
        "found unknown escape character",
        "unknown escape in a double-quoted text",
        "write \\\\ for a backslash, or use single quotes",
    ),
    ("block sequence entries are not allowed", "a list item on the line of its key", "put the item on a line of its own"),
    ("duplicate .* directive|incompatible YAML|undefined tag handle", "", "remove the directive or tag"),
)


class Unreadable(Exception):  # noqa: N818 - becomes a diagnostic, never reaches a user as an exception
    """libyaml cannot read the text; ``problem`` in its words, ``offset`` of the character where it stopped."""

    def __init__(self, problem: str, offset: int | None, context: str = "") -> None:
        super().__init__(problem)
        self.problem, self.offset, self.context = problem, offset, context

    @classmethod
    def from_yaml(cls, error: Any) -> Unreadable:
        """From PyYAML's exception."""
        mark = error.problem_mark or error.context_mark
        return cls(error.problem or error.context or "", mark.index if mark else None, error.context or "")


class Refused(Exception):  # noqa: N818 - as above
    """The document is refused as a whole; the problem has been reported."""


class Problems:
    """Collects the problems of one text. ``error`` is the first that npm ``yaml`` would throw, in its words."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.found = Diagnostics()
        self.error: str | None = None
        self._text = text
        self._unknown_tags: set[str] = set()

    @property
    def _looks_like_helm(self) -> bool:
        return bool(_HELM.search(self._text))

    def _fail(self, code: str, summary: str, offset: int, *, npm: str, hint: str, name: str = "YAMLParseError") -> None:
        line, column = self.source.position(offset)
        place = f" at line {line}, column {column}" if name == "YAMLParseError" else ""
        self.error = self.error or f"{name}: {npm}{place}"
        location = self.source.location(offset)
        self.found.error(code, summary, location, hint=hint, backstage=f"fails to start: {npm}")

    def syntax(self, error: Unreadable) -> None:
        """The text is not YAML (GR104)."""
        summary, hint = f"not valid YAML: {error.problem}", "check the indentation and the quotes around this place"
        words = f"{error.context} {error.problem}"
        for pattern, meaning, advice in _EXPLAINED:
            if re.search(pattern, words):
                summary, hint = f"not valid YAML: {meaning or error.problem}", advice
                break
        if self._looks_like_helm:
            hint = _HELM_HINT
        offset = min(error.offset or 0, len(self._text))
        self._fail("GR104", summary, offset, npm=error.problem, hint=hint)

    def layout(self, summary: str, offset: int, *, npm: str, hint: str) -> None:
        """libyaml reads this, npm ``yaml`` does not (GR104)."""
        self._fail("GR104", f"not valid YAML 1.2: {summary}", offset, npm=npm, hint=hint)

    def lone_return(self, offset: int) -> None:
        """A carriage return without a line feed (GR104)."""
        self.found.error(
            "GR104",
            "a carriage return without a line feed",
            self.source.location(offset),
            hint="convert the line endings of the file (for example: mac2unix, or your editor's line ending setting)",
            backstage="takes it for part of the text, not for the end of the line",
        )

    def duplicate_key(self, key: str, offset: int, first: int) -> None:
        """A key is there twice in one mapping (GR105)."""
        line, _column = self.source.position(first)
        self._fail(
            "GR105",
            f"the key {_shorten(key)} is already in this mapping (line {line})",
            offset,
            npm="Map keys must be unique",
            hint="remove one of the two, or put both contents under one key",
        )

    def several_documents(self, offset: int) -> None:
        """A second document (GR106)."""
        self._fail(
            "GR106",
            "the file holds more than one YAML document",
            offset,
            npm="Source contains multiple documents; please use YAML.parseAllDocuments()",
            hint="keep one document: move the rest to a file of its own and pass both with --config",
        )

    def unresolved_alias(self, name: str, offset: int) -> None:
        """An alias without an anchor (GR108)."""
        npm = f"Unresolved alias (the anchor must be set before the alias): {name}"
        hint = f"write &{_shorten(name)} before the value it stands for; quote a text that starts with *"
        self._fail(
            "GR108", f"no anchor &{_shorten(name)} before this alias", offset, npm=npm, hint=hint, name="ReferenceError"
        )

    def recursive_alias(self, name: str, offset: int) -> None:
        """An alias inside its own anchor (GR108)."""
        summary = f"the alias *{_shorten(name)} is inside the value it stands for"
        npm = "Maximum call stack size exceeded"
        self._fail("GR108", summary, offset, npm=npm, hint="write the value out", name="RangeError")

    def excessive_aliases(self, name: str, offset: int) -> None:
        """The anchor limit (GR108)."""
        npm = "Excessive alias count indicates a resource exhaustion attack"
        self._fail(
            "GR108",
            f"the anchor &{_shorten(name)} stands for more than 100 aliases",
            offset,
            npm=npm,
            hint="write the values out, or move them to a file and use $include",
            name="ReferenceError",
        )

    def too_deep(self, offset: int, limit: int) -> None:
        """Collections nested beyond ``limit`` (GR109)."""
        self.error = self.error or "RangeError: Maximum call stack size exceeded"
        self.found.error(
            "GR109",
            f"collections are nested deeper than {limit} levels",
            self.source.location(offset),
            hint="check for unclosed brackets; a configuration needs a few levels",
        )

    def complex_key(self, offset: int) -> None:
        """A collection as a key (GR107, a warning)."""
        hint = _HELM_HINT if self._looks_like_helm else "put the key in quotes"
        self.found.warning(
            "GR107",
            "a mapping or list is used as a key",
            self.source.location(offset),
            hint=hint,
            backstage="turns it into a text and uses that as the key",
        )

    def unknown_tag(self, tag: str, offset: int) -> None:
        """A tag nobody knows (GR107, a warning)."""
        if tag not in self._unknown_tags:
            self._unknown_tags.add(tag)
            self.found.warning(
                "GR107",
                f"the tag {_shorten(tag)} is not known for this value",
                self.source.location(offset),
                hint="remove the tag",
                backstage="ignores the tag; a value with it is a text",
            )

    def bad_tag(self, npm: str, offset: int) -> None:
        """A value that does not fit its tag (GR104)."""
        self._fail("GR104", f"not valid YAML: {npm}", offset, npm=npm, hint="remove the tag, or correct the value")


def _shorten(text: str) -> str:
    text = text if text.isprintable() and text else repr(text)
    return text if len(text) <= 60 else f"{text[:57]}…"
