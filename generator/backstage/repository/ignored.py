"""``// greenroom-ignore: GR803 why``: what somebody has looked at, said in the code itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.problems.diagnostic import Severity

if TYPE_CHECKING:
    from generator.backstage.repository.files import Files
    from generator.problems.diagnostic import Diagnostic, Location

_WORD = "greenroom-ignore"
_COMMENT = re.compile(rf"(?://|/\*|#)\s*{_WORD}:\s*(GR\d{{3}}(?:\s*,\s*GR\d{{3}})*)")
_OTHER = re.compile(r"\s*(?://|/\*|\*|#|$)")


class Ignored:
    """The comments in the files of a repository: on the line of a finding, or above it with nothing but comments between."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lines: dict[str, list[str]] = {}

    def covers(self, item: Diagnostic) -> bool:
        """Whether a comment says that ``item`` is all right; never of an error."""
        return item.severity is not Severity.ERROR and item.location is not None and self._says(item.code, item.location)

    def _says(self, code: str, place: Location) -> bool:
        lines = self._text(place.file)
        index = place.line - 1
        if not 0 <= index < len(lines):
            return False
        if code in _codes(lines[index]):
            return True
        while index > 0 and _OTHER.match(lines[index - 1]):
            index -= 1
            if code in _codes(lines[index]):
                return True
        return False

    def _text(self, name: str) -> list[str]:
        if name not in self._lines:
            path = self._files.root / name
            text = (self._files.read(path) or "") if self._files.is_file(path) else ""
            self._lines[name] = text.split("\n") if _WORD in text else []
        return self._lines[name]


def _codes(line: str) -> list[str]:
    return [code.strip() for match in _COMMENT.finditer(line) for code in match[1].split(",")]
