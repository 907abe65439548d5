"""``path.join`` of node on POSIX, its argument check included."""

from __future__ import annotations

from typing import Any

from generator.backstage.config.reader import ConfigError
from generator.documents.javascript import number_to_string
from generator.documents.values import UNDEFINED


def join(*parts: Any) -> str:
    """``path.join(...parts)``. Raises ``ConfigError`` (a ``TypeError``) for a part that is not a string."""
    for part in parts:
        if not isinstance(part, str):
            message = f'The "path" argument must be of type string. Received {_received(part)}'
            raise ConfigError("TypeError", message)
    joined = "/".join(part for part in parts if part)
    return _normalize(joined) if joined else "."


def _normalize(path: str) -> str:
    absolute = path.startswith("/")
    out: list[str] = []
    for part in path.split("/"):
        if part in ("", "."):
            continue
        if part != "..":
            out.append(part)
        elif out and out[-1] != "..":
            out.pop()
        elif not absolute:
            out.append(part)
    text = "/".join(out)
    if not text and not absolute:
        text = "."
    if text and path.endswith("/"):
        text += "/"
    return f"/{text}" if absolute else text


def _received(value: Any) -> str:
    """How node names a value of the wrong type."""
    if value is None:
        return "null"
    if value is UNDEFINED:
        return "undefined"
    if isinstance(value, bool):
        return f"type boolean ({'true' if value else 'false'})"
    if isinstance(value, (int, float)):
        negative_zero = value == 0 and str(value).startswith("-")
        return f"type number ({'-0' if negative_zero else number_to_string(value)})"
    return f"an instance of {'Array' if isinstance(value, list) else 'Object'}"
