"""``${X}``, ``${X:-y}`` and ``$${`` in strings: what Backstage puts there, and what is left when a variable has no value.

A value of the environment is trimmed. An unset variable makes the whole string undefined; ``X=""`` is a value.
``${X:-y}`` is ``y`` when X is unset or empty, and undefined when ``y`` is empty as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.documents.javascript import trim
from generator.documents.values import UNDEFINED, Placeholder, Reference, Undefined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], str | None]

_REFERENCE = re.compile(r"(\$?\$\{[^{}]*\})")
_LITERAL_REFERENCE = re.compile(r"\$\{[^{}]*\}")

# What a variable can be called, leaving out the colon: ${PORT:8080} is a mistake for ${PORT:-8080}.
_USABLE_NAME = re.compile(r"[^\s=:\0]+")

# A literal "$" right before a reference: "$${X}" would be an escape. The empty name is never set, so its fallback applies.
_DOLLAR: Final = "${:-$}"


def lookup_in(environ: Mapping[str, str]) -> Lookup:
    """The variables of ``environ`` as Backstage sees them: trimmed, ``None`` when unset."""

    def lookup(name: str) -> str | None:
        value = environ.get(name)
        if value is None:
            return None
        if not value.isascii():
            value = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return trim(value)

    return lookup


def substitute(text: str, lookup: Lookup) -> str | Undefined:
    """What Backstage makes of ``text``; ``UNDEFINED`` when a part has no value."""
    if "${" not in text:
        return text
    parts = _REFERENCE.split(text)
    for index in range(1, len(parts), 2):
        part = parts[index]
        if part.startswith("$$"):
            parts[index] = part[1:]
            continue
        name, fallback = split_reference(part)
        value = lookup(name)
        if fallback is not None:
            value = value or fallback or None
        if value is None:
            return UNDEFINED
        parts[index] = value
    return "".join(parts)


def substitute_known(text: str, lookup: Lookup) -> str | Undefined:
    """As :func:`substitute`, but a part without a value makes the result a :class:`Placeholder` that still asks for it.

    The text of the placeholder means to Backstage what ``text`` means to it in the present environment: known parts are
    filled in, and what looks like a reference in them is escaped. ``UNDEFINED`` where no environment could give a value
    (``${}``, ``${PORT:8080}``, or ``${X:-}`` with an empty X).
    """
    if "${" not in text:
        return text
    parts = _REFERENCE.split(text)
    needed = {name for name in map(_needed, parts[1::2]) if name is not None and lookup(name) is None}
    runs: list[str] = [""]  # literal texts, with the references that have no value between them
    references: list[Reference] = []
    spelled: list[str] = []
    for index, part in enumerate(parts):
        if index % 2 == 0 or part.startswith("$$"):
            runs[-1] += part[index % 2 :]
            continue
        name, fallback = split_reference(part)
        value = lookup(name)
        if value is None and (not fallback or name in needed):
            if not _USABLE_NAME.fullmatch(name):
                return UNDEFINED
            references.append(Reference("env", name))
            spelled.append(f"${{{name}}}" if fallback is None else f"${{{name}:-{fallback}}}")
            runs.append("")
            continue
        value = value if fallback is None else value or fallback
        if not value and fallback is not None:
            return UNDEFINED
        runs[-1] += value or ""
    if not references:
        return runs[0]
    written = [escape(run, before_reference=True) + ref for run, ref in zip(runs, spelled, strict=False)]
    return Placeholder("".join(written) + escape(runs[-1]), tuple(references))


def _needed(part: str) -> str | None:
    """The variable without which the string has no value at all: one that ``part`` gives no default for."""
    name, fallback = ("", "") if part.startswith("$$") else split_reference(part)
    return name if fallback is None else None


def names_in(text: str) -> list[str]:
    """The variables that ``text`` refers to, with a default or without."""
    return [split_reference(part)[0] for part in _REFERENCE.findall(text) if not part.startswith("$$")]


def unusable_names(text: str) -> list[str]:
    """The names with a colon that ``text`` refers to."""
    return [name for name in names_in(text) if ":" in name]


def escape(text: str, *, before_reference: bool = False) -> str:
    """A literal text as app-config has to spell it (``${`` that would be a reference as ``$${``)."""
    written = _LITERAL_REFERENCE.sub(lambda match: f"${match[0]}", text)
    if before_reference and written.endswith("$"):
        kept = written.rstrip("$")
        return kept + _DOLLAR * (len(written) - len(kept))
    return written


def split_reference(part: str) -> tuple[str, str | None]:
    """The name and the fallback (``None`` without ``:-``) of ``${NAME:-fallback}``."""
    at = part.find(":-")
    if at < 0:
        return trim(part[2:-1]), None
    return trim(part[2:at]), trim(part[at + 2 : -1])
