"""``# greenroom-ignore: GR012 reason``: findings that somebody has looked at."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from generator.documents.documents import parse_yaml
from generator.lint.model import WARNING, Rule, found
from generator.problems.diagnostic import Diagnostics, Location

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from generator.lint.model import Finding
    from generator.lint.texts import Texts
    from generator.problems.diagnostic import Diagnostic

UNKNOWN: Final = Rule(
    "GR090", "unknown-suppression", WARNING, "A greenroom-ignore comment names no known code.", "greenroom"
)
UNUSED: Final = Rule(
    "GR091",
    "unused-suppression",
    WARNING,
    "A greenroom-ignore comment, or an entry of ignore in greenroom.yaml, suppresses nothing.",
    "greenroom",
)
RULES: Final = (UNKNOWN, UNUSED)

_WORD = "greenroom-ignore"
_COMMENT = re.compile(rf"(?:^|(?<=[ \t]))#[ \t]*{_WORD}(?P<colon>:?)[ \t]*(?P<rest>[^\r\n]*)")
_FIRST = re.compile(r"(?P<code>[A-Za-z]+\d+)(?P<more>[ \t]*,[ \t]*|[ \t]+(?=[A-Z]{2}\d{3}\b))?")
_CODE = re.compile(r"GR\d{3}")


@dataclass(slots=True)
class Suppression:
    """One code of one comment: it stands at ``location`` and covers ``line``."""

    code: str
    location: Location
    line: int
    used: bool = field(default=False)


class Suppressions:
    """The comments of some files. :meth:`covers` says whether a diagnostic is suppressed, and remembers that it was."""

    def __init__(self, files: Iterable[str], texts: Texts, known: Collection[str]) -> None:
        self._known = known
        self._by_place: dict[tuple[str, int, str], list[Suppression]] = {}
        self._odd: list[Finding] = []
        for file in sorted(set(files)):
            text = texts.text(file)
            if text is not None and _WORD in text:
                self._read(file, text)

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether a comment on the line of ``diagnostic``, or above it, names its code."""
        place = diagnostic.location
        found_here = self._by_place.get((place.file, place.line, diagnostic.code), []) if place is not None else []
        for suppression in found_here:
            suppression.used = True
        return bool(found_here)

    def findings(self, active: Collection[str]) -> Iterator[Finding]:
        """Comments that name no known code, and those among the ``active`` codes that suppressed nothing."""
        yield from self._odd
        for suppressions in self._by_place.values():
            for item in suppressions:
                if not item.used and item.code in active:
                    yield found(
                        UNUSED,
                        f"there is no {item.code} in line {item.line}",
                        item.location,
                        hint="remove the comment; it has to stand on the line of the finding or right above it",
                    )

    def _read(self, file: str, text: str) -> None:
        lines = text.split("\n")
        masked = _masked(text)
        start = 0
        for number, line in enumerate(lines, 1):
            for match in _COMMENT.finditer(line):
                if not any(a <= start + match.start() < b for a, b in masked):
                    place = Location(file, number, match.start() + 1)
                    alone = not line[: match.start()].strip().lstrip("\ufeff")
                    self._add(match, place, _next_line(lines, number) if alone else number)
            start += len(line) + 1

    def _add(self, match: re.Match[str], place: Location, line: int) -> None:
        codes, rest = [], match["rest"]
        first = _FIRST.match(rest) if match["colon"] else None
        while first is not None:
            codes.append(first["code"])
            rest = rest[first.end() :]
            first = _FIRST.match(rest) if first["more"] else None
        if not codes:
            hint = f"write `# {_WORD}: GR012 and why`"
            self._odd.append(found(UNKNOWN, "the comment names no code, and suppresses nothing", place, hint=hint))
        for code in codes:
            if code in self._known:
                self._by_place.setdefault((place.file, line, code), []).append(Suppression(code, place, line))
            else:
                wrong = f"there is no code {code}" if _CODE.fullmatch(code) else f"{code!r} is no code"
                hint = "the codes are listed in docs/lint/README.md"
                self._odd.append(found(UNKNOWN, f"{wrong}, and nothing is suppressed by it", place, hint=hint))


def _next_line(lines: list[str], number: int) -> int:
    """The first line after ``number`` that is neither empty nor a comment."""
    for index in range(number, len(lines)):
        content = lines[index].strip()
        if content and not content.startswith("#"):
            return index + 1
    return number


def _masked(text: str) -> list[tuple[int, int]]:
    """Where the quoted and block texts of a file are: what looks like a comment in them is none."""
    import yaml

    ranges: list[tuple[int, int]] = []
    # What is refused here only, or everywhere: the rest is taken for comments.
    with suppress(yaml.YAMLError):
        ranges.extend(
            (token.start_mark.index, token.end_mark.index)
            for token in yaml.scan(text, Loader=yaml.SafeLoader)
            if isinstance(token, yaml.ScalarToken) and not token.plain and not _is_document(token)
        )
    return ranges


def _is_document(token: Any) -> bool:
    """Whether a block text is a document itself, such as a file of a ConfigMap: comments in it are comments."""
    if token.style != "|" or _WORD not in token.value:
        return False
    problems = Diagnostics()
    return isinstance(parse_yaml(token.value, "", problems).value, dict) and not problems.has_errors
