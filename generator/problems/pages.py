"""Where the documentation says more about a code."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from generator.package_data import data_folder

if TYPE_CHECKING:
    from pathlib import Path

#: Where the documentation is published; the schemas' ``$id`` are below it as well.
SITE: Final = "https://greenroom.dev/"


def page_file(code: str) -> Path:
    """Where the page of a rule of lint is, if ``code`` is one: a file of the package."""
    return data_folder("docs") / "lint" / f"{code}.md"


@cache
def codes_with_page() -> frozenset[str]:
    """The codes that have a page of their own: the rules of lint. Each page has a bad and a good example."""
    folder = page_file("").parent
    return frozenset(path.stem for path in folder.glob("GR*.md"))


def page(code: str) -> str:
    """The page about ``code``, from the root of the project: ``docs/lint/GR011.md``, ``docs/codes.md#gr501``."""
    return f"docs/lint/{code}.md" if code in codes_with_page() else f"docs/codes.md#{code.lower()}"


def address(code: str) -> str:
    """The page about ``code`` in the published documentation, where a format asks for an absolute URI."""
    file, _, anchor = page(code).removeprefix("docs/").partition("#")
    return f"{SITE}{file.removesuffix('.md')}/{'#' if anchor else ''}{anchor}"
