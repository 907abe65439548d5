"""Where the documentation says more about a code. Imports nothing: every finding asks for its page."""

from __future__ import annotations

from typing import Final

#: Where the documentation is published; the schemas' ``$id`` are below it as well.
SITE: Final = "https://greenroom.dev/"


def has_own_page(code: str) -> bool:
    """Whether ``code`` has a page of its own, in ``docs/lint``, with a bad and a good example: GR001 to GR299."""
    return code < "GR3"


def page(code: str) -> str:
    """The page about ``code``, from the root of the project: ``docs/lint/GR011.md``, ``docs/codes.md#gr501``."""
    return f"docs/lint/{code}.md" if has_own_page(code) else f"docs/codes.md#{code.lower()}"


def address(code: str) -> str:
    """The page about ``code`` as an absolute URI, where a format asks for one."""
    return SITE + page(code)
