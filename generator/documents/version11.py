"""What npm ``yaml`` does in a document that says ``%YAML 1.1``, and with the tags of the YAML 1.1 type repository.

In such a document ``on`` and ``yes`` are booleans, ``017`` is octal, ``1_000`` a number, ``1:30`` a number to the base 60,
and ``<<`` merges. ``!!binary``, ``!!timestamp``, ``!!set``, ``!!omap`` and ``!!pairs`` are known everywhere; Backstage
copies the objects they give key by key, so that a date, a set or an ordered map ends up as an empty object.
"""

from __future__ import annotations

import base64
import math
import re
from typing import TYPE_CHECKING, Any, Final

from generator.documents.scalars import js_number
from generator.documents.values import ConfigList, ConfigMap

if TYPE_CHECKING:
    from generator.documents.problems import Problems

_TAG: Final = "tag:yaml.org,2002:"

_NULL = re.compile(r"(?:~|[Nn]ull|NULL)?")
_TRUE = re.compile(r"(?:Y|y|[Yy]es|YES|[Tt]rue|TRUE|[Oo]n|ON)")
_FALSE = re.compile(r"(?:N|n|[Nn]o|NO|[Ff]alse|FALSE|[Oo]ff|OFF)")
_INTEGERS: Final = (
    (re.compile(r"[-+]?0b[0-1_]+"), 2, "0b"),
    (re.compile(r"[-+]?0[0-7_]+"), 8, "0"),
    (re.compile(r"[-+]?[0-9][0-9_]*"), 10, ""),
    (re.compile(r"[-+]?0x[0-9a-fA-F_]+"), 16, "0x"),
)
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.nan|\.NaN|\.NAN")
_FLOAT = re.compile(r"[-+]?(?:[0-9][0-9_]*)?(?:\.[0-9_]*)?[eE][-+]?[0-9]+|[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}"
    r"(?:(?:t|T|[ \t]+)[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:[ \t]*(?:Z|[-+][012]?[0-9](?::[0-9]{2})?))?)?"
)
_NUMBER_PREFIX = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


class _Opaque(ConfigMap):
    """What is left of a date, a set, an ordered map or bytes: not a mapping for ``<<``."""


def resolve_plain(text: str) -> Any:
    """The value of a plain scalar in a YAML 1.1 document."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text):
        return True
    if _FALSE.fullmatch(text):
        return False
    number = _number(text)
    if number is not None:
        return number
    return _Opaque() if _TIMESTAMP.fullmatch(text) else text


def _number(text: str) -> int | float | None:
    for pattern, base, prefix in _INTEGERS:
        if pattern.fullmatch(text):
            return _integer(text, base, prefix)
    if _INFINITE.fullmatch(text):
        return math.nan if text[-1] in "nN" else -math.inf if text[0] == "-" else math.inf
    if _FLOAT.fullmatch(text):
        match = _NUMBER_PREFIX.match(text.replace("_", ""))
        return js_number(float(match[0])) if match else math.nan
    if _BASE_60.fullmatch(text):
        return _base_60(text)
    return None


def _integer(text: str, base: int, prefix: str) -> int | float:
    digits = text.lstrip("-+")[len(prefix) :].replace("_", "")
    if not digits:
        return math.nan
    value = js_number(float(digits) if base == 10 else int(digits, base))
    return -value if text[0] == "-" else value


def _base_60(text: str) -> int | float:
    value = 0.0
    for part in text.lstrip("-+").replace("_", "").split(":"):
        value = value * 60 + float(part)
    return js_number(-value if text[0] == "-" else value)


def resolve_tagged(text: str, tag: str) -> tuple[Any, bool]:
    """As :func:`generator.documents.scalars.resolve_tagged`, in a YAML 1.1 document."""
    if tag in ("!", f"{_TAG}str"):
        return text, True
    value = resolve_plain(text)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_float = is_number and bool(_INFINITE.fullmatch(text) or "." in text or _FLOAT.fullmatch(text))
    kind = {
        f"{_TAG}null": value is None,
        f"{_TAG}bool": isinstance(value, bool),
        f"{_TAG}int": is_number and not is_float,
        f"{_TAG}float": is_float,
    }
    return (value, True) if kind.get(tag) else (text, False)


def resolve_special(text: str, tag: str, problems: Problems, offset: int) -> tuple[Any, bool]:
    """The value of a scalar tagged ``!!binary`` or ``!!timestamp``, and whether the tag is one of them."""
    if tag == f"{_TAG}binary":
        letters = re.sub(r"[^A-Za-z0-9+/]", "", text.replace("-", "+").replace("_", "/").split("=")[0])
        letters = letters[: len(letters) - (len(letters) % 4 == 1)]
        content = base64.b64decode(letters + "=" * (-len(letters) % 4))
        value = _Opaque({str(index): byte for index, byte in enumerate(content)})
        value.marks = {key: _mark(problems, offset) for key in value}
        return value, True
    if tag == f"{_TAG}timestamp":
        if not _TIMESTAMP.fullmatch(text):
            problems.bad_tag("!!timestamp expects a date, starting with yyyy-mm-dd", offset)
        return _Opaque(), True
    return text, False


def resolve_collection(value: Any, tag: str, problems: Problems, offset: int) -> tuple[Any, bool]:
    """The value of a collection with a tag, and whether the tag is known for it."""
    is_map = isinstance(value, dict)
    if tag == "!" or tag == (f"{_TAG}map" if is_map else f"{_TAG}seq"):
        return value, True
    if tag == f"{_TAG}set" and is_map:
        if any(item is not None for item in value.values()):
            problems.bad_tag("Set items must all have null values", offset)
        return _Opaque(), True
    if tag in (f"{_TAG}omap", f"{_TAG}pairs") and not is_map:
        if any(isinstance(item, dict) and len(item) > 1 for item in value):
            problems.bad_tag("Each pair must have its own sequence indicator", offset)
        if tag == f"{_TAG}omap":
            return _Opaque(), True
        mark = _mark(problems, offset)
        pairs = [item if isinstance(item, dict) else _pair(item, mark) for item in value]
        return ConfigList(pairs, list(value.marks)), True
    return value, False


def _pair(item: Any, mark: Any) -> ConfigMap:
    return ConfigMap({"" if item is None else str(item): None}, {"" if item is None else str(item): mark})


def _mark(problems: Problems, offset: int) -> Any:
    from generator.documents.values import Mark

    return Mark(problems.source.file, *problems.source.position(offset))


def merge(container: ConfigMap, value: Any, problems: Problems, offset: int) -> list[str]:
    """``<<: value``: add the keys of ``value`` (a mapping or a list of them) that ``container`` lacks; which they are."""
    added: list[str] = []
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict) or isinstance(source, _Opaque):
            problems.bad_tag("Merge sources must be maps or map aliases", offset)
            return added
        for key, item in source.items():
            if key not in container:
                container[key] = item
                added.append(key)
    return added
