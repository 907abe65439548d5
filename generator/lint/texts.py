"""The texts of the configuration files, by the names positions carry."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from generator.problems.diagnostic import Location

_BOM = "\ufeff"


class Texts:
    """Files read once each, as they are on the disk. What is not a readable UTF-8 file has no text."""

    def __init__(self) -> None:
        self._bytes: dict[str, bytes] = {}
        self._texts: dict[str, str | None] = {}
        self._starts: dict[str, list[int]] = {}

    def data(self, file: str) -> bytes:
        """The bytes the text was made of."""
        self.text(file)
        return self._bytes[file]

    def text(self, file: str) -> str | None:
        """The text of ``file``, a byte order mark included."""
        if file not in self._texts:
            try:
                self._bytes[file] = Path(file).read_bytes()
                self._texts[file] = self._bytes[file].decode("utf-8")
            except (OSError, ValueError):
                self._texts[file] = None
        return self._texts[file]

    def offset(self, location: Location) -> int | None:
        """Where the character at ``location`` stands in the text; ``None`` where there is no such place."""
        text = self.text(location.file)
        if text is None or location.line < 1:
            return None
        starts = self._line_starts(location.file, text)
        if location.line > len(starts):
            return None
        offset = starts[location.line - 1] + location.column - 1
        # Columns do not count the mark at the start of the file.
        if location.line == 1 and text.startswith(_BOM):
            offset += 1
        return offset if offset <= len(text) else None

    def rest_of_line(self, location: Location | None) -> str:
        """What is written from ``location`` to the end of its line."""
        offset = self.offset(location) if location is not None else None
        if location is None or offset is None:
            return ""
        text = self.text(location.file) or ""
        end = text.find("\n", offset)
        return text[offset : end if end >= 0 else len(text)].rstrip("\r")

    def lines(self, file: str) -> list[str]:
        """The lines of ``file``."""
        return (self.text(file) or "").split("\n")

    def _line_starts(self, file: str, text: str) -> list[int]:
        if file not in self._starts:
            starts, at = [0], text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = text.find("\n", at + 1)
            self._starts[file] = starts
        return self._starts[file]
