"""Placeholders inside composed text: names put together from parts, and connection strings taken apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError
from generator.backstage.config.substitution import escape
from generator.documents.values import ConfigMap, Placeholder, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = re.compile(r"\$?\$\{[^{}]*\}")
# How a placeholder spells a literal "$" in front of a reference.
_DOLLAR = "${:-$}"
# Digits that stand for a port in the parser, which takes nothing else there.
_PORTS = range(64_999, 64_000, -1)


def concat(*parts: str) -> str:
    """The parts as one text: a :class:`Placeholder` when one of them is. What only looks like a reference is escaped."""
    if not any(isinstance(part, Placeholder) for part in parts):
        return "".join(parts)
    text = ""
    references: tuple[Reference, ...] = ()
    for part, following in zip(parts, (*parts[1:], ""), strict=True):
        if isinstance(part, Placeholder):
            text += part
            references += part.references
        else:
            text += escape(part, before_reference=isinstance(following, Placeholder))
    return Placeholder(text, references)


def parse_around(text: Placeholder, parse: Callable[[str], ConfigMap]) -> ConfigMap | None:
    """What ``parse`` makes of ``text``, with the references where they belong: ``{"host": ${HOST}, "port": 5432}``.

    ``None`` where the pieces cannot be told apart: a reference that may hold several of them, or that would have to be known
    to read the rest. Raises what ``parse`` raises where no value of a reference could help.
    """
    standins = _StandIns.of(text)
    if standins is None:
        return None
    try:
        parsed = parse(standins.text)
    except ConfigError:
        if standins.are_passwords:
            raise
        return None
    seen: set[int] = set()
    result = standins.restore(parsed, seen)
    return result if len(seen) == len(text.references) else None


class _StandIns:
    """A text in which a word that occurs nowhere else stands for each reference."""

    def __init__(self, text: str, spelled: dict[str, str], references: tuple[Reference, ...]) -> None:
        self.text = text
        self._spelled = spelled
        self._references = references
        self._words = list(spelled)
        self._pattern = re.compile(f"({'|'.join(map(re.escape, spelled))})")

    @classmethod
    def of(cls, placeholder: Placeholder) -> _StandIns | None:
        """``None`` when the references of ``placeholder`` cannot stand where they are in a URL."""
        if placeholder.is_file:
            return None
        word = "ref"
        while word in placeholder.lower():
            word += "x"
        spelled: dict[str, str] = {}

        def replace(piece: re.Match[str]) -> str:
            if piece[0].startswith("$$"):
                return piece[0][1:]
            if piece[0] == _DOLLAR:
                return "$"
            name = f"{word}{len(spelled)}z"
            spelled[name] = piece[0]
            return name

        text = _PIECE.sub(replace, placeholder)
        if len(spelled) != len(placeholder.references):
            return None
        scheme, separator, rest = text.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        # One reference for everything, or for the kind of URL: anything may be in it.
        if not separator or word in scheme or authority in spelled:
            return None
        user, at, server = authority.rpartition("@")
        host, colon, port = server.rpartition(":")
        if colon and word in port:
            if port not in spelled:
                return None
            number = next(str(number) for number in _PORTS if str(number) not in text)
            spelled = {number if name == port else name: piece for name, piece in spelled.items()}
            text = f"{scheme}://{user}{at}{host}:{number}{rest[len(authority) :]}"
        return cls(text, spelled, placeholder.references)

    @property
    def are_passwords(self) -> bool:
        """Whether each reference is a password, or a part of one: what is wrong is wrong with all of them."""
        before = self.text.partition("://")[2].partition("@")[0]
        return all(word in before.partition(":")[2] for word in self._words)

    def restore(self, value: Any, seen: set[int]) -> Any:
        """``value`` with the references back in place; ``seen`` collects which ones there were."""
        if isinstance(value, dict):
            return ConfigMap({key: self.restore(item, seen) for key, item in value.items()})
        if isinstance(value, int) and str(value) in self._spelled:
            value = str(value)
        if not isinstance(value, str) or isinstance(value, Placeholder):
            return value
        pieces = self._pattern.split(value)
        if len(pieces) == 1:
            return value
        found = [self._words.index(word) for word in pieces[1::2]]
        seen.update(found)
        text = "".join(
            self._spelled[piece] if index % 2 else escape(piece, before_reference=index + 1 < len(pieces))
            for index, piece in enumerate(pieces)
        )
        return Placeholder(text, tuple(self._references[index] for index in found))
