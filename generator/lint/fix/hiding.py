"""A configuration file as it may be shown: secrets are hidden by the places of their scalars, and in comments."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.backstage.database.redaction import (
    REDACTED,
    hide,
    is_secret_name,
    literals,
    redact_comment,
    redact_text,
    redact_value,
)
from generator.documents.nodes import Node, read_nodes, walk

if TYPE_CHECKING:
    from collections.abc import Iterable

# Found anywhere in another value or a comment; shorter ones would be found in other words.
_LONG_ENOUGH: Final = 6
_LONG_ENOUGH_IN_COMMENT: Final = 4
_NAMES_SOMETHING: Final = re.compile(r"[\w./@:#~-]*")


def hide_secrets(texts: Iterable[str]) -> list[str]:
    """``texts`` (YAML or JSON) without the secrets in them. A secret of one is hidden in all of them.

    A text whose scalars cannot be found is hidden as a whole.
    """
    listed = list(texts)
    roots = [read_nodes(text) for text in listed]
    marked = [_secret_nodes(root) if root is not None else set() for root in roots]
    known = {
        part
        for root, secret in zip(roots, marked, strict=True)
        if root is not None
        for node in walk(root)
        if node.is_scalar and id(node) in secret
        for whole in literals(node.value)
        for part in (whole, *map(str.strip, whole.split("\n")))
        if part
    }
    # Most stand nowhere but in their own places.
    shown = [
        _outside(text, root, secret) for text, root, secret in zip(listed, roots, marked, strict=True) if root is not None
    ]
    ordered = sorted((part for part in known if any(part in text for text in shown)), key=len, reverse=True)
    return [
        _hidden(text, root, secret, ordered) if root is not None else _nothing_of(text)
        for text, root, secret in zip(listed, roots, marked, strict=True)
    ]


def _outside(text: str, root: Node, secret: set[int]) -> str:
    """What is not itself a secret by its place."""
    parts, end = [], 0
    for node in sorted((node for node in walk(root) if id(node) in secret), key=lambda node: node.start):
        parts.append(text[end : node.start])
        end = max(end, node.end)
    others = (node.value for node in walk(root) if node.is_scalar and id(node) not in secret)
    return "\n".join([*parts, text[end:], *others])


def _nothing_of(text: str) -> str:
    return "\n".join(REDACTED if line.strip() else line for line in text.split("\n"))


def _secret_nodes(root: Node) -> set[int]:
    """The scalars that are a secret by the name of a key above them, through aliases too."""
    secret: set[int] = set()
    seen: set[tuple[int, bool, bool]] = set()
    # A node, whether it is (in) a secret, and whether its keys are names of plugins.
    waiting = [(root, False, False)]
    while waiting:
        node, inside, of_plugins = waiting.pop()
        if (id(node), inside, of_plugins) in seen:
            continue
        seen.add((id(node), inside, of_plugins))
        if node.is_scalar and inside:
            secret.add(id(node))
        for key, value in node.items:
            name = key.value if key is not None and key.is_scalar else ""
            if name.startswith("$"):  # an include: it names where the secret is
                named = not value.is_scalar or _NAMES_SOMETHING.fullmatch(value.value) is not None
                waiting.append((value, inside and not named, False))
                continue
            hidden = inside or (is_secret_name(name) and not of_plugins and not _is_box(name, value))
            waiting.append((value, hidden, name == "plugin"))
            if key is not None and (inside or not key.is_scalar):
                waiting.append((key, inside, False))
    return secret


def _is_box(name: str, value: Node) -> bool:
    """Whether a mapping holds settings with names of their own rather than one secret."""
    return "credential" in name.lower() and not value.is_scalar


def _hidden(text: str, root: Node, secret: set[int], known: list[str]) -> str:
    scalars = sorted((node for node in walk(root) if node.is_scalar), key=lambda node: (node.start, node.end))
    parts: list[str] = []
    end = 0
    for node in scalars:
        if node.start < end:
            continue
        parts += [_comments(text[end : node.start], known), _scalar(text, node, known, is_secret=id(node) in secret)]
        end = node.end
    parts.append(_comments(text[end:], known))
    return "".join(parts)


def _scalar(text: str, node: Node, known: list[str], *, is_secret: bool) -> str:
    raw = text[node.start : node.end]
    if is_secret:
        value = hide(node.value)
        # A tag may be a secret that starts with an exclamation mark.
        if not node.value:
            return REDACTED if raw[:1] in ("!", "&", "*") else raw
    else:
        value = redact_value(node.value)
        for part in known:
            if len(part) >= _LONG_ENOUGH:
                value = value.replace(part, REDACTED)
        if value == node.value:
            return raw
    if node.style in ("|", ">"):
        header, _, body = raw.partition("\n")
        indent = body[: len(body) - len(body.lstrip())].rpartition("\n")[2]
        return f"{_comments(header, known)}\n{indent}{REDACTED}{body[len(body.rstrip()) :]}"
    quote = node.style if node.style in ("'", '"') else ""
    return f"{quote}{' '.join(value.split(chr(10)))}{quote}{raw[len(raw.rstrip()) :]}"


def _comments(text: str, known: list[str]) -> str:
    """What stands between two scalars."""
    if "#" not in text:
        return text
    return "\n".join(_comment(line, known) for line in text.split("\n"))


def _comment(line: str, known: list[str]) -> str:
    before, mark, comment = line.partition("#")
    if not mark:
        return line
    comment = redact_comment(comment)
    for part in known:
        if len(part) >= _LONG_ENOUGH_IN_COMMENT:
            comment = comment.replace(part, REDACTED)
        else:
            comment = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", lambda _: REDACTED, comment)
    return f"{before}#{redact_text(comment)}"
