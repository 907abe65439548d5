"""The registry of codes: severity, what is wrong, what Backstage does about it, what to do.

What is known of a rule of lint is its page in ``docs/lint``, which a test holds against the rule. Every other code is an
entry in one of the TOML files of this folder, and ``docs/codes.md`` is made from them. To add one is to add its entry. All
of it is read when somebody asks what a code means, never at start.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from generator.problems.diagnostic import Severity
from generator.problems.pages import codes_with_page, page, page_file

FOLDER = Path(__file__).parent

_CODE = re.compile(r"GR\d{3}")
_HEAD = re.compile(r"# (?P<code>\S+) (?P<name>\S+)\n\n(?P<severities>\w+(?: or \w+)*) · .*\n\n(?P<title>.*)\n")
_SECTION = re.compile(r"^## (?P<heading>[^\n]*)\n\n(?P<text>.*?)\n*(?=^## |\Z)", re.MULTILINE | re.DOTALL)
_KEYS = {"title", "severity", "what", "backstage", "fix"}


class Code(NamedTuple):
    """What a code means. ``severities`` are those it can have, the usual one first.

    ``title`` is one sentence without a value in it, ``what`` says more about what is wrong, ``backstage`` what Backstage
    would do, ``fix`` what to do; the texts are Markdown. Only rules of lint have a ``name`` and the examples ``bad`` and
    ``good``.
    """

    code: str
    severities: tuple[Severity, ...]
    title: str
    what: str
    backstage: str
    fix: str
    name: str = ""
    bad: str = ""
    good: str = ""

    def to_json(self) -> dict[str, Any]:
        """The shape of ``codes[]`` in ``explain --format json``."""
        return {
            "code": self.code,
            "name": self.name or None,
            "severities": [str(severity) for severity in self.severities],
            "title": self.title,
            "what": self.what or None,
            "backstage": self.backstage,
            "fix": self.fix,
            "bad": self.bad or None,
            "good": self.good or None,
            "page": page(self.code),
        }


class Family(NamedTuple):
    """The codes of one file: what they are about, and what Backstage does where an entry does not say it."""

    file: str
    title: str
    backstage: str
    codes: tuple[Code, ...]


@cache
def families() -> tuple[Family, ...]:
    """Every file of the registry, in the order of its codes.

    Raises:
        ValueError: an entry lacks a key or has one that does not exist.
    """
    return tuple(sorted(map(_family, FOLDER.glob("*.toml")), key=lambda family: family.codes[0].code))


@cache
def all_codes() -> tuple[str, ...]:
    """Every code, sorted."""
    return tuple(sorted({*codes_with_page(), *_entries()}))


def lookup(code: str) -> Code | None:
    """What ``code`` means; ``None`` where there is no such code."""
    return _of_page(code) if code in codes_with_page() else _entries().get(code)


@cache
def _entries() -> dict[str, Code]:
    return {code.code: code for family in families() for code in family.codes}


def _family(path: Path) -> Family:
    import tomllib

    document = tomllib.loads(path.read_text(encoding="utf-8"))
    title, usual = document.pop("title"), document.pop("backstage", "")
    return Family(path.name, title, usual, tuple(_entry(code, entry, usual, path) for code, entry in document.items()))


def _entry(code: str, entry: dict[str, Any], usual: str, path: Path) -> Code:
    given = {"what": "", "backstage": usual, **entry}
    wrong = sorted(given.keys() ^ _KEYS) or [key for key in ("title", "backstage", "fix") if not given[key]]
    if not _CODE.fullmatch(code) or code in codes_with_page():
        wrong = ["it has a page in docs/lint" if code in codes_with_page() else "this is no code"]
    if wrong:
        raise ValueError(f"{path.name}: [{code}]: {', '.join(wrong)}")
    severity = given["severity"]
    severities = tuple(map(Severity, [severity] if isinstance(severity, str) else severity))
    return Code(code, severities, given["title"], given["what"], given["backstage"], given["fix"])


def _of_page(code: str) -> Code:
    path = page_file(code)
    text = path.read_text(encoding="utf-8")
    head = _HEAD.match(text)
    if head is None:
        raise ValueError(f"{path.name} does not begin as a page of lint does")
    sections = {match["heading"]: match["text"] for match in _SECTION.finditer(text)}
    return Code(
        code,
        tuple(map(Severity, head["severities"].split(" or "))),
        head["title"],
        sections["Why"],
        sections["What happens"],
        sections["How to fix it"],
        head["name"],
        sections["Bad"],
        sections["Good"],
    )
