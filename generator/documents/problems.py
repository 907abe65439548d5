"""What can be wrong with a YAML text: one method for each problem, with the message npm ``yaml`` would give.

The words of an alias or a tag are never repeated: an unquoted password may start with ``*`` or ``!``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from generator.documents.syntax_errors import Unreadable
    from generator.documents.values import Source

_HELM = re.compile(r"\{\{-?\s*(?:[.$(\"`]|[a-z]\w*[\s.(])")

_HELM_HINT: Final = "this looks like a Helm template: render it first (helm template …) and use the result"

_MANY: Final = 100


class Refused(Exception):  # noqa: N818 - never reaches a user as an exception
    """The document is refused as a whole; the problem has been reported."""


class Problems:
    """Collects the problems of one text. ``error`` is the first that npm ``yaml`` would throw, in its words."""

    def __init__(self, source: Source, text: str) -> None:
        self.source = source
        self.found = Diagnostics()
        self.error: str | None = None
        self._text = text

    @property
    def _looks_like_helm(self) -> bool:
        return bool(_HELM.search(self._text))

    def _fail(self, code: str, summary: str, offset: int, *, npm: str, hint: str, name: str = "YAMLParseError") -> None:
        line, column = self.source.position(offset)
        place = f" at line {line}, column {column}" if name == "YAMLParseError" else ""
        self.error = self.error or f"{name}: {npm}{place}"
        if len(self.found) < _MANY:
            location = self.source.location(offset)
            self.found.error(code, summary, location, hint=hint, backstage=f"fails to start: {npm}")

    def syntax(self, error: Unreadable) -> None:
        """The text is not YAML (GR104)."""
        summary, hint = error.explain(self._text)
        offset = min(error.start or 0, len(self._text))
        line, column = self.source.position(offset)
        self.error = self.error or f"YAMLParseError: {error.problem} at line {line}, column {column}"
        self.found.error(
            "GR104",
            f"not valid YAML: {summary}",
            self.source.location(offset),
            hint=_HELM_HINT if self._looks_like_helm else hint,
            backstage="fails to start: its YAML parser refuses the file",
        )

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

    def unresolved_alias(self, offset: int) -> None:
        """An alias without an anchor (GR108)."""
        npm = "Unresolved alias (the anchor must be set before the alias)"
        hint = "put a value that starts with * in quotes; an anchor (&name) has to come before its alias (*name)"
        self._fail("GR108", "no anchor of this name before the alias", offset, npm=npm, hint=hint, name="ReferenceError")

    def recursive_alias(self, offset: int) -> None:
        """An alias inside its own anchor (GR108)."""
        summary = "an alias is inside the value it stands for"
        npm = "Maximum call stack size exceeded"
        self._fail("GR108", summary, offset, npm=npm, hint="write the value out", name="RangeError")

    def excessive_aliases(self, offset: int) -> None:
        """The anchor limit (GR108)."""
        npm = "Excessive alias count indicates a resource exhaustion attack"
        hint = "write the values out, or move them to a file and use $include"
        summary = "more than 100 aliases stand for the value of one anchor"
        self._fail("GR108", summary, offset, npm=npm, hint=hint, name="ReferenceError")

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
        if len(self.found) >= _MANY:
            return
        hint = _HELM_HINT if self._looks_like_helm else "put the key in quotes"
        self.found.warning(
            "GR107",
            "a mapping or list is used as a key",
            self.source.location(offset),
            hint=hint,
            backstage="turns it into a text and uses that as the key",
        )

    def unknown_tag(self, offset: int) -> None:
        """A tag nobody knows (GR107, a warning)."""
        if len(self.found) < _MANY:
            self.found.warning(
                "GR107",
                "the tag is not known for this value",
                self.source.location(offset),
                hint="remove the tag; put a text that starts with ! in quotes",
                backstage="ignores the tag; a value with it is a text",
            )

    def bad_tag(self, npm: str, offset: int) -> None:
        """A value that does not fit its tag (GR104)."""
        self._fail("GR104", f"not valid YAML: {npm}", offset, npm=npm, hint="remove the tag, or correct the value")


def _shorten(text: str) -> str:
    text = text if text.isprintable() and text else repr(text)
    return text if len(text) <= 60 else f"{text[:57]}…"
