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
    from collections.abc import Iterable, Iterator

# Found anywhere in another value or a comment; shorter ones would be found in other words.
_LONG_ENOUGH: Final = 6
_LONG_ENOUGH_IN_COMMENT: Final = 4
_NAMES_SOMETHING: Final = re.compile(r"[\w./@:#~-]*")
# A name before a colon or an equals sign in a text that cannot be read, and a key that is commented out.
_NAMED: Final = re.compile(r"""(?<![\w.-])([\w.-]++)["']?\s*+[:=]""")
_KEY: Final = re.compile(r"""[#\s]*+(?:-\s++)*["']?([\w.-]++)["']?\s*+[:=]""")
# Texts inside texts: what is deeper is not read, and not shown.
_DEEPEST: Final = 6


def hide_secrets(texts: Iterable[str]) -> list[str]:
    """``texts`` (YAML or JSON) without the secrets in them. A secret of one is hidden in all of them.

    A text whose scalars cannot be found is hidden as a whole.
    """
    documents = [_Document(text) for text in texts]
    known = {part for document in documents for part in document.literals()}
    # Most stand nowhere but in their own places.
    shown = [document.outside() for document in documents]
    ordered = sorted((part for part in known if any(part in text for text in shown)), key=len, reverse=True)
    return [document.hidden(ordered) for document in documents]


class _Document:
    """A text with its nodes (``root``, or ``None`` where they cannot be found), those that are ``secret``, and the documents
    that its scalars hold: a file of a ConfigMap is one scalar.
    """

    def __init__(self, text: str, depth: int = 0) -> None:
        self.text = text
        self.root = read_nodes(text) if depth < _DEEPEST else None
        self.secret = _secret_nodes(self.root) if self.root is not None else set()
        self.inner: dict[int, _Document] = {}
        for node in self._scalars():
            if id(node) not in self.secret and ":" in node.value and node.value != text:
                inner = _Document(node.value, depth + 1)
                if inner.is_one():
                    self.inner[id(node)] = inner

    def is_one(self) -> bool:
        """Whether a scalar with this text is more than a value: it reads as YAML, or cannot be read and names a secret."""
        if self.root is None:
            return any(is_secret_name(match[1]) for match in _NAMED.finditer(self.text))
        return not self.root.is_scalar or self.root.value != self.text

    def _scalars(self) -> list[Node]:
        return [node for node in walk(self.root) if node.is_scalar] if self.root is not None else []

    def literals(self) -> Iterator[str]:
        """What of the secrets is written out."""
        for node in self._scalars():
            if id(node) in self.secret:
                for whole in literals(node.value):
                    yield from filter(None, (whole, *map(str.strip, whole.split("\n"))))
            elif id(node) in self.inner:
                yield from self.inner[id(node)].literals()

    def outside(self) -> str:
        """What is not itself a secret by its place."""
        if self.root is None:
            return ""
        parts, end = [], 0
        scalars = self._scalars()
        for node in sorted((node for node in scalars if id(node) in self.secret), key=lambda node: node.start):
            parts.append(self.text[end : node.start])
            end = max(end, node.end)
        others = (node.value for node in scalars if id(node) not in self.secret)
        return "\n".join([*parts, self.text[end:], *others])

    def hidden(self, known: list[str]) -> str:
        """The text without its secrets, and without what is in ``known``."""
        if self.root is None:
            return _nothing_of(self.text)
        parts: list[str] = []
        end = 0
        for node in sorted(self._scalars(), key=lambda node: (node.start, node.end)):
            if node.start < end:
                continue
            parts += [_comments(self.text, end, node.start, known), self._scalar(node, known)]
            end = node.end
        last = max(end, self.root.end)
        return "".join([*parts, _comments(self.text, end, last, known), _further(self.text, last, known)])

    def _scalar(self, node: Node, known: list[str]) -> str:
        raw = self.text[node.start : node.end]
        if id(node) in self.secret:
            value = hide(node.value)
            # A tag may be a secret that starts with an exclamation mark.
            if not node.value:
                return REDACTED if raw[:1] in ("!", "&", "*") else raw
        else:
            inner = self.inner.get(id(node))
            value = inner.hidden(known) if inner is not None else node.value
            if inner is None or "\n" not in value:
                value = redact_value(value)
            for part in known:
                if len(part) >= _LONG_ENOUGH:
                    value = value.replace(part, REDACTED)
            if value == node.value:
                return raw
            if inner is not None and node.style in ("|", ">"):
                return _block(raw, node.value, value, known)
        if node.style in ("|", ">"):
            return _block(raw, node.value, REDACTED, known)
        quote = node.style if node.style in ("'", '"') else ""
        return f"{quote}{' '.join(value.split(chr(10)))}{quote}{raw[len(raw.rstrip()) :]}"


def _block(raw: str, value: str, shown: str, known: list[str]) -> str:
    """The block text ``raw``, whose value is ``value``, with ``shown`` in its place."""
    header, _, body = raw.partition("\n")
    first = next((line for line in body.split("\n") if line.strip()), "")
    of_value = next((line for line in value.split("\n") if line.strip()), "")
    indent = " " * (_width(first) - (_width(of_value) if shown != REDACTED else 0))
    end = "\r\n" if header.endswith("\r") else "\n"
    lines = end.join(f"{indent}{line}" if line else "" for line in shown.rstrip("\n").split("\n"))
    return f"{_comments(header, 0, len(header), known)}\n{lines}{body[len(body.rstrip()) :]}"


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


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


def _further(text: str, start: int, known: list[str]) -> str:
    """What follows the first document: comments, and documents that nobody reads."""
    rest = text[start:]
    if all(line.lstrip()[:1] in ("", "#") for line in rest.split("\n")):
        return _comments(text, start, len(text), known)
    return _nothing_of(rest)


def _comments(text: str, start: int, end: int, known: list[str]) -> str:
    """What stands between two scalars, from ``start`` to ``end`` of ``text``."""
    part = text[start:end]
    if "#" not in part:
        return part
    lines = part.split("\n")
    column = start - (text.rfind("\n", 0, start) + 1)
    # The column of a commented-out key with a secret name: what stands further right below it is its value.
    key: int | None = None
    for at, line in enumerate(lines):
        before, mark, comment = line.partition("#")
        if not mark:
            key = None
            continue
        begin = len(before) + 1 + (column if at == 0 else 0)
        place = begin + _width(comment)
        content = comment.strip()
        if key is not None and content and (place > key or (place == key and content.startswith("-"))):
            lines[at] = f"{before}#{' ' * _width(comment)}{REDACTED}{chr(13) if line.endswith(chr(13)) else ''}"
        else:
            lines[at] = f"{before}#{_comment(comment, known)}"
            if content:
                named = _KEY.match(comment)
                key = begin + named.start(1) if named and is_secret_name(named[1]) else None
    return "\n".join(lines)


def _comment(comment: str, known: list[str]) -> str:
    comment = redact_comment(comment)
    for part in known:
        if len(part) >= _LONG_ENOUGH_IN_COMMENT:
            comment = comment.replace(part, REDACTED)
        else:
            comment = re.sub(rf"(?<!\w){re.escape(part)}(?!\w)", lambda _: REDACTED, comment)
    return redact_text(comment)
