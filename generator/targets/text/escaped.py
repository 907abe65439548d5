"""The only way for a value into a template: through a filter that escapes it for the syntax around it.

A filter returns :class:`Escaped`. The template environment refuses to print anything else, so a value that nobody
escaped is an error at render time and never a hole. Each target brings the filters of its own syntax.
"""

from __future__ import annotations


class Escaped(str):
    """Text that is safe to stand in the syntax it was escaped for."""

    __slots__ = ()


class UnescapedError(TypeError):
    """A template printed a value without an escaping filter: a mistake in greenroom or in a user's template."""


def require_escaped(value: object) -> object:
    """Jinja's ``finalize``: let escaped text and whole numbers pass, refuse everything else.

    Raises:
        UnescapedError: the value went through no filter. The value itself is not in the message; it may be a secret.
    """
    # What does not exist fails by itself as soon as it is printed, with its name.
    if isinstance(value, Escaped) or type(value) is int or type(value).__name__ == "StrictUndefined":
        return value
    raise UnescapedError(f"a template printed a value of type {type(value).__name__} without an escaping filter")


def comment(value: object) -> Escaped:
    """``value`` as one line of a comment: control characters and line breaks become spaces, so it cannot end the comment.

    ``*/`` and ``-->`` are broken up as well, for syntaxes whose comments have an end mark.
    """
    text = str(value)
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " for char in text)
    return Escaped(text.replace("*/", "* /").replace("-->", "-- >"))
