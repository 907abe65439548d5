"""Texts and names for CloudFormation templates."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Final

from generator.targets.text.escaped import Escaped
from generator.targets.text.yaml import yaml_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.targets.text.templates import Filters

#: CloudFormation replaces this in every string, wherever it came from and whatever function made it.
DYNAMIC_REFERENCE: Final = "{{resolve:"

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
#: What needs quotes and no escapes: by far the most of what is no identifier.
_PROSE: Final = re.compile(r"[A-Za-z][ !#-\[\]-~]* [ !#-\[\]-~]*", re.ASCII)
_KEBAB: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z0-9]+", re.ASCII)
_LOGICAL: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,254}", re.ASCII)
_LONGEST: Final = 100


def text_problem(value: str) -> str | None:
    """Why no template can hold ``value``, or ``None``."""
    if "\0" in value:
        return "holds a NUL character"
    if _SURROGATE.search(value):
        return "is not valid Unicode"
    if DYNAMIC_REFERENCE in value:
        return f"holds {DYNAMIC_REFERENCE!r}, which CloudFormation would replace"
    return None


def text(value: str) -> Escaped:
    """``value`` as a YAML scalar on one line that reads as exactly that string.

    Raises:
        ValueError: no template can hold it. The value is not in the message.
    """
    problem = text_problem(value)
    if problem:
        raise ValueError(f"a CloudFormation template cannot hold this text: it {problem}")
    return Escaped(f'"{value}"') if _PROSE.fullmatch(value) else yaml_value(value)


def secret_template(values: Mapping[str, str | int]) -> Escaped:
    """The JSON object a secret is made from, as a YAML scalar.

    No character of a value means anything to a dynamic reference, to ``!Sub`` or to YAML.
    """
    body = ", ".join(f'"{key}": {_json(values[key])}' for key in sorted(values))
    return Escaped("'{" + body.replace("'", "''") + "}'")


def _json(value: str | int) -> str:
    made = json.dumps(value)
    return made if isinstance(value, int) else re.sub(r"[${}<>&]", lambda match: f"\\u{ord(match[0]):04x}", made)


def sub_text(value: str) -> str:
    """``value`` for the inside of an ``!Sub`` string: nothing in it is replaced.

    Raises:
        ValueError: as :func:`text`.
    """
    text(value)
    return value.replace("${", "${!")


def logical_part(name: str) -> str:
    """``name`` as a part of a logical id; different names make different parts.

    ``tech-insights`` → ``TechInsights``. A name that is not in lower case with single dashes gets a hash: ``a_b`` →
    ``AB1ff0d6b8``.
    """
    words = "".join(word[:1].upper() + word[1:] for word in _WORD.findall(name))
    if _KEBAB.fullmatch(name) and len(words) <= _LONGEST:
        return words
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{words[:_LONGEST]}{digest}"


def logical_id(*parts: str) -> Escaped:
    """A logical id made of ``parts``.

    Raises:
        ValueError: they do not make one.
    """
    made = "".join(parts)
    if not _LOGICAL.fullmatch(made):
        raise ValueError(f"{made!r} is not a logical id")
    return Escaped(made)


def code(value: object) -> Escaped:
    """``value`` as code in Markdown, also in a table: nothing in it ends the code, the cell or the line."""
    line = "".join(char if char.isprintable() else " " for char in str(value))
    return Escaped(line.replace("`", "'").replace("|", "¦"))


FILTERS: Final[Filters] = (("text", text), ("code", code))
