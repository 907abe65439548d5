"""Placeholders inside composed text: names put together from parts, and connection strings taken apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from generator.appconfig.reader import ConfigError
from generator.appconfig.values import ConfigMap, Placeholder, Reference

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = re.compile(r"\$\$\{|\$\{([^}]*)\}")
# Digits that stand for a port in the parser, which takes nothing else there.
_PORTS = range(64_999, 64_000, -1)


def concat(*parts: str) -> str:
    """The parts as one text: a :class:`Placeholder` when one of them is, with ``${`` in the others escaped."""
    if not any(isinstance(part, Placeholder) for part in parts):
        return "".join(parts)
    text = ""
    references: tuple[Reference, ...] = ()
    for part in parts:
        if isinstance(part, Placeholder):
            text += f"${{{part}}}" if part.is_file else part
            references += part.references
        else:
            text += part.replace("${", "$${")
    return Placeholder(text, references)


def parse_around(text: Placeholder, parse: Callable[[str], ConfigMap]) -> ConfigMap | None:
    """What ``parse`` makes of ``text``, with the references where they belong: ``{"host": ${HOST}, "port": 5432}``.

    ``None`` where the pieces cannot be told apart: a reference that may hold several of them, or that would have to be known
    to read the rest.
    """
    standins = _StandIns.of(text)
    if standins is None:
        return None
    try:
        parsed = parse(standins.text)
    except ConfigError:
        return None
    seen: set[int] = set()
    result = standins.restore(parsed, seen)
    return result if len(seen) == len(text.references) else None


class _StandIns:
    """A text in which a word that occurs nowhere else stands for each reference."""

    def __init__(self, text: str, words: list[str], references: tuple[Reference, ...]) -> None:
        self.text = text
        self._words = words
        self._references = references
        self._pattern = re.compile("|".join(map(re.escape, words)))

    @classmethod
    def of(cls, placeholder: Placeholder) -> _StandIns | None:
        """``None`` when the references of ``placeholder`` cannot stand where they are in a URL."""
        if placeholder.is_file:
            return None
        word = "ref"
        while word in placeholder.lower():
            word += "x"
        words: list[str] = []

        def replace(piece: re.Match[str]) -> str:
            if piece[1] is None:
                return "${"
            words.append(f"{word}{len(words)}z")
            return words[-1]

        text = _PIECE.sub(replace, placeholder)
        if len(words) != len(placeholder.references):
            return None
        scheme, separator, rest = text.partition("://")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        # One reference for everything, or for the kind of URL: anything may be in it.
        if not separator or word in scheme or authority in words:
            return None
        user, at, server = authority.rpartition("@")
        host, colon, port = server.rpartition(":")
        if colon and word in port:
            if port not in words:
                return None
            number = next(str(number) for number in _PORTS if str(number) not in text)
            words[words.index(port)] = number
            text = f"{scheme}://{user}{at}{host}:{number}{rest[len(authority) :]}"
        return cls(text, words, placeholder.references)

    def restore(self, value: Any, seen: set[int]) -> Any:
        """``value`` with the references back in place; ``seen`` collects which ones there were."""
        if isinstance(value, dict):
            return ConfigMap({key: self.restore(item, seen) for key, item in value.items()})
        if isinstance(value, int) and str(value) in self._words:
            value = str(value)
        if not isinstance(value, str) or isinstance(value, Placeholder):
            return value
        text = ""
        at = 0
        references: tuple[Reference, ...] = ()
        for match in self._pattern.finditer(value):
            index = self._words.index(match[0])
            seen.add(index)
            reference = self._references[index]
            text += value[at : match.start()].replace("${", "$${") + f"${{{reference.name}}}"
            references += (reference,)
            at = match.end()
        if not references:
            return value
        return Placeholder(text + value[at:].replace("${", "$${"), references)
