"""YAML in YAML: the documents of one file, and the texts in it that are YAML themselves, with places in that file.

A block text (``|``) stands in the file as it is, only indented: what is in it has its own line and column. A text in another
style does not, so that everything in it is where the text starts.

Helm and Kubernetes read the file itself: there ``<<`` merges.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.documents.documents import Parsed, parse_yaml
from generator.documents.values import FixedSource, ShiftedSource
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.documents.values import Mark
    from generator.problems.diagnostic import Diagnostic

#: At the start of a line this begins a document, whatever is around it: no text may hold it there.
_START: Final = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
_NOTHING: Final = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n|\ufeff)*\Z")
# A line of a text that is no line of the file.
_LINE: Final = re.compile(r" \(line \d+\)")
#: A file with more documents is no configuration that anybody wrote.
MAX_DOCUMENTS: Final = 1000


class Document(NamedTuple):
    """One document: what it says, and its problems."""

    parsed: Parsed
    problems: tuple[Diagnostic, ...] = ()

    @property
    def value(self) -> Any:
        """Its value; ``UNDEFINED`` where it cannot be read."""
        return self.parsed.value


class Outer:
    """A file of YAML that may have other YAML inside. ``file`` is the name that places carry."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._text = text
        self._lines: list[str] | None = None
        self._inner: dict[tuple[int, int, str, bool], Document] = {}

    def documents(self) -> list[Document]:
        """Every document of the file, at most :data:`MAX_DOCUMENTS`."""
        found = []
        for line, text in _split(self._text):
            problems = Diagnostics()
            parsed = parse_yaml(text, self.file, problems, partial(ShiftedSource, lines=line, columns=0), merges=True)
            found.append(Document(parsed, tuple(problems)))
            if len(found) == MAX_DOCUMENTS:
                break
        return found

    def inside(self, text: str, mark: Mark, *, merges: bool = False) -> Document:
        """The document in ``text``, which is the value at ``mark``. ``merges``: Helm reads it, not Backstage."""
        merges = merges and "<<" in text
        key = (mark.line, mark.column, text, merges)
        if key not in self._inner:
            self._inner[key] = self._read(text, mark, merges=merges)
        return self._inner[key]

    def _read(self, text: str, mark: Mark, *, merges: bool) -> Document:
        problems = Diagnostics()
        indent = self._indent(text, mark)
        if indent is not None:
            source: Any = partial(ShiftedSource, lines=mark.line, columns=indent)
            return Document(parse_yaml(text, self.file, problems, source, merges=merges), tuple(problems))
        parsed = parse_yaml(text, self.file, problems, lambda _, prepared: FixedSource(prepared, mark), merges=merges)
        return Document(parsed, tuple(item._replace(summary=_LINE.sub("", item.summary)) for item in problems))

    def _indent(self, text: str, mark: Mark) -> int | None:
        """How far the lines of ``text`` are indented below ``mark``; ``None`` where they do not stand there."""
        if self._lines is None:
            self._lines = self._text.split("\n")
        lines = text.rstrip("\n").split("\n")
        block = [line.removesuffix("\r") for line in self._lines[mark.line : mark.line + len(lines)]]
        first = next((at for at, line in enumerate(lines) if line.strip()), None)
        if first is None or len(block) < len(lines) or not block[first].endswith(lines[first]):
            return None
        before = block[first][: len(block[first]) - len(lines[first])]
        same = all(
            there == before + line or not (there.strip() or line.strip()) for there, line in zip(block, lines, strict=True)
        )
        return len(before) if same and not before.strip(" ") else None


def _split(text: str) -> Iterator[tuple[int, str]]:
    """The documents of ``text``, each with the number of lines before it. One that holds nothing at all is left out."""
    starts = [match.start() for match in _START.finditer(text)]
    if not starts or not _NOTHING.match(text[: starts[0]]):
        starts.insert(0, 0)
    else:
        starts[0] = 0  # comments and directives before the first document are part of it
    line = 0
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        piece = text[start:end]
        if len(starts) == 1 or not _NOTHING.match(piece.removeprefix("---")):
            yield line, piece
        line += piece.count("\n")
