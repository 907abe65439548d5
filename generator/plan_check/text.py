"""Text of a plan, fit for a terminal, a log and a JSON document: anything may be in a name."""

from __future__ import annotations

from typing import Any


def shown(value: Any) -> str:
    """``value`` as text in which every character that cannot be printed is written as its code."""
    text = str(value)
    return text if text.isprintable() else "".join(char if char.isprintable() else _code(char) for char in text)


def quoted(value: Any) -> str:
    """``shown(value)`` in quotes."""
    return f"'{shown(value)}'"


def _code(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08x}"


def counted(number: int, noun: str) -> str:
    """``1 database``, ``2 databases``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(items: list[str], most: int = 3) -> str:
    """``a, b and c``; of more than ``most``, the first and how many there are besides."""
    if len(items) > most:
        return f"{', '.join(items[:most])} and {len(items) - most} more"
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"
