"""``connection.options`` of node-postgres: what a session is told before it begins, such as ``-c search_path=portal``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.documents.values import Placeholder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What a server says to a user that is not a member of the role.
ACTS_AS: Final = 'fails when it connects, where its user is not a member: permission denied to set role "{role}"'

#: A word, in which a backslash takes what follows as it is (PostgreSQL: pg_split_opts).
_WORD = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
#: An identifier of a list, in quotes or without.
_NAME = re.compile(r'\s*(?:"((?:[^"]|"")*)"|([^",\s]+))\s*(?:,|$)')


def startup_settings(connection: Any) -> dict[str, str]:
    """The settings that ``connection.options`` makes, the last one of a name; none where a variable would have to be known.

    PostgreSQL takes ``-c name=value``, ``-cname=value`` and ``--name=value``, with ``-`` for ``_`` in the name.
    """
    options = connection.get("options") if isinstance(connection, dict) else None
    if not isinstance(options, str) or isinstance(options, Placeholder):
        return {}
    found: dict[str, str] = {}
    words = iter([_ESCAPED.sub(r"\1", word) for word in _WORD.findall(options)])
    for word in words:
        if word == "-c":
            word = next(words, "")
        elif word.startswith(("-c", "--")):
            word = word[2:]
        else:
            continue
        name, is_set, value = word.partition("=")
        if is_set:
            found[name.lower().replace("-", "_")] = value
    return found


def path_in_options(connection: Mapping[str, Any] | Any) -> tuple[str, ...] | None:
    """The search path that ``connection.options`` sets; ``None`` where it sets none."""
    text = startup_settings(connection).get("search_path")
    if text is None:
        return None
    return tuple(quoted.replace('""', '"') if quoted or not bare else bare.lower() for quoted, bare in _NAME.findall(text))
