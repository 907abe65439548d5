"""What ``greenroom explain GR501`` prints."""

from __future__ import annotations

import posixpath
import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

import click

from generator.problems.codes import all_codes, lookup
from generator.problems.pages import page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.problems.codes import Code

_WIDTH = 100
_CODE = re.compile(r"gr\d+", re.IGNORECASE)
_LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
# A fenced block with its file name, or what is between two of them.
_FENCE = re.compile(r"^```\w*(?: (?P<file>\S+))?[^\n]*\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


def is_code(name: str) -> bool:
    """Whether ``name`` is written as a code is, in upper or lower case: ``GR501``. It need not exist."""
    return _CODE.fullmatch(name) is not None


def find_codes(names: Iterable[str]) -> list[Code]:
    """What each of ``names`` means, each code once.

    Raises:
        click.UsageError: there is no such code; all of those are named.
    """
    wanted = dict.fromkeys(name.upper() for name in names)
    found = {name: code for name in wanted if (code := lookup(name)) is not None}
    unknown = [f"there is no code {name} (the nearest is {_nearest(name)})" for name in wanted if name not in found]
    if unknown:
        raise click.UsageError(f"{'; '.join(unknown)}. docs/codes.md and docs/lint list all codes.")
    return list(found.values())


def render_code(code: Code) -> str:
    """The explanation for people: title, what is wrong, what Backstage does, what to do, where the page is."""
    name = f" {code.name}" if code.name else ""
    headings = ("Why", "What happens", "Bad", "Good") if code.name else ("What is wrong", "What Backstage does", "", "")
    happens, why = (headings[1], code.backstage), (headings[0], code.what)
    sections = [*([happens, why] if code.name else [why, happens]), ("What to do", code.fix)]
    sections += [(headings[2], code.bad), (headings[3], code.good)]
    parts = [f"{code.code}{name} ({' or '.join(code.severities)})\n{_plain(code.title, code.code)}\n"]
    parts += [f"{heading}\n{_text(text, code.code)}\n" for heading, text in sections if text]
    return "\n".join([*parts, f"This page: {page(code.code)}"])


def _nearest(name: str) -> str:
    """The code that looks most like ``name``; of several the one with the nearest number."""
    number = int(name[2:5].ljust(3, "0"))
    return max(all_codes(), key=lambda code: (SequenceMatcher(None, name, code).ratio(), -abs(int(code[2:]) - number)))


def _text(text: str, code: str) -> str:
    return "\n\n".join(_blocks(_COMMENT.sub("", text), code))


def _blocks(text: str, code: str) -> Iterator[str]:
    """The paragraphs of ``text``, wrapped and indented; examples, lists and tables as they are."""
    import textwrap

    at = 0
    for fence in [*_FENCE.finditer(text), None]:
        for block in re.split(r"\n{2,}", text[at : fence.start() if fence else len(text)].strip()):
            if block.startswith(("- ", "|")):
                yield textwrap.indent(_plain(block, code), "  ")
            elif block:
                yield textwrap.fill(
                    _plain(block, code),
                    _WIDTH,
                    initial_indent="  ",
                    subsequent_indent="  ",
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        if fence is not None:
            at = fence.end()
            name = f"  {fence['file']}:\n" if fence["file"] else ""
            yield name + textwrap.indent(fence["body"].rstrip("\n"), "    ")


def _plain(text: str, code: str) -> str:
    """``text`` with its links written out: a terminal follows none."""
    folder = posixpath.dirname(page(code))

    def written(link: re.Match[str]) -> str:
        where = link[2] if "://" in link[2] else posixpath.normpath(posixpath.join(folder, link[2]))
        return f"{link[1]} ({where})"

    return _LINK.sub(written, text)
