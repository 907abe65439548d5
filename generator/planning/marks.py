"""For which environment a role or a database was made: a comment on the server, which every target reads and keeps to."""

from __future__ import annotations

from typing import Final

#: What a mark begins with; the environment follows.
MARK_BEFORE: Final = "greenroom: environment "
#: What the marker of a CloudFormation stack begins with (``plugin_databases/marker.py`` writes it). It names no environment:
#: a script leaves alone what has it, and whoever only looks cannot tell whose stack it is.
STACK_MARK_BEFORE: Final = '{"greenroom"'


def mark(environment: str) -> str:
    """The comment on what was made for ``environment``."""
    return f"{MARK_BEFORE}{environment}"


def to_be_ours(kind: str, quoted: str, environment: str) -> str:
    """The statement by which an object (``role``, ``database``) becomes ``environment``'s; ``quoted`` is its name in SQL."""
    return f"COMMENT ON {kind.upper()} {quoted} IS '{mark(environment)}'"


def stranger(comment: str | None, environment: str) -> str | None:
    """Whose an object with ``comment`` is, in words, where the comment says that it is not ``environment``'s."""
    if comment is None or comment == mark(environment) or not comment.startswith(MARK_BEFORE):
        return None
    return f"was made for environment {comment.removeprefix(MARK_BEFORE)}"
