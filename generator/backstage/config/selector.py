"""The path after the ``#`` of ``--config FILE#PATH``: which document of the file, and which keys lead to the app-config.

* ``backstage.appConfig``: keys with dots between them. A key may have dots of its own (``data.app-config.yaml``) where there
  is one way only to read the path.
* ``/data/app-config.yaml``: a JSON Pointer (RFC 6901), in which dots are no signs. ``~1`` is a slash, ``~0`` a tilde.
* ``ConfigMap/portal:data.app-config.yaml``: in the document of this kind and name; ``2:…``: in the second document.

A number is an item of a list, counted from 0. A text on the way is read as YAML.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.documents.values import ConfigList, ConfigMap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from generator.documents.embedded import Document
    from generator.documents.values import Mark

_DOCUMENT: Final = re.compile(r"(?:(?P<number>[0-9]{1,6})|(?P<kind>[A-Za-z][A-Za-z0-9]*)/(?P<name>[^:/]+)):")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
#: More keys than any file has on the way to an app-config.
MAX_KEYS: Final = 64

Keys = tuple[str, ...]


class Selector(NamedTuple):
    """A path in parts: ``number``, or ``kind`` and ``name``, say which document (empty: any); ``path`` is the rest of it."""

    path: str
    number: int = 0
    kind: str = ""
    name: str = ""

    def fits(self, number: int, document: Any) -> bool:
        """Whether this is about the document with this number, counted from 1."""
        if self.kind:
            return name_of(document) == (self.kind, self.name)
        return self.number in (0, number)


class Step(NamedTuple):
    """How far a path leads: the ``keys`` that are there, the ``value`` there and its ``mark``, and whether that is ``all``.

    ``texts`` are the documents in texts that were read on the way; ``text_at`` are the keys of the last one.
    """

    keys: Keys
    value: Any
    mark: Mark | None
    is_all: bool
    texts: tuple[Document, ...] = ()
    text_at: Keys = ()


def read_selector(text: str) -> Selector:
    """What is written after the ``#``."""
    found = _DOCUMENT.match(text)
    if found is None:
        return Selector(text)
    return Selector(text[found.end() :], int(found["number"] or 0), found["kind"] or "", found["name"] or "")


def name_of(document: Any) -> tuple[str, str] | None:
    """Kind and name of an object of Kubernetes; ``None`` for another document, and for names that no path can hold."""
    if not isinstance(document, ConfigMap) or not isinstance(document.get("metadata"), ConfigMap):
        return None
    kind, name = document.get("kind"), document["metadata"].get("name")
    if not isinstance(kind, str) or not isinstance(name, str):
        return None
    found = _DOCUMENT.fullmatch(f"{kind}/{name}:")
    return (kind, name) if found and found["kind"] else None


def as_pointer(keys: Sequence[str]) -> str:
    """``keys`` as a JSON Pointer."""
    return "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)


def ways(root: Any, path: str, inside: Callable[[str, Mark], Document]) -> tuple[list[Step], Step]:
    """The ways in which ``path`` can be followed from ``root`` (two are enough to know that it can be read differently), and
    the one that leads furthest. ``inside`` reads a text that is YAML.
    """
    if path.startswith("/"):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/")]
        walker = _Walker(parts, inside, joins=False)
    else:
        walker = _Walker(path.split("."), inside, joins=True)
    start = Step((), root, None, is_all=False)
    found: list[Step] = []
    if len(walker.parts) <= MAX_KEYS:
        for step in walker.follow(start, 0):
            found.append(step)
            if len(found) == 2:
                break
    return found, walker.furthest or start


class _Walker:
    """Follows the parts of a path. With ``joins`` several parts may be one key, with dots between them."""

    def __init__(self, parts: list[str], inside: Callable[[str, Mark], Document], *, joins: bool) -> None:
        self.parts = parts
        self.furthest: Step | None = None
        self._inside, self._joins = inside, joins
        self._dead: set[tuple[int, int]] = set()
        self._best = -1

    def follow(self, step: Step, at: int) -> Iterator[Step]:
        """Every way from ``step`` along the parts from number ``at``."""
        if at > self._best:
            self._best, self.furthest = at, step
        if at == len(self.parts):
            yield step._replace(is_all=True)
            return
        value, texts, text_at = step.value, step.texts, step.text_at
        if isinstance(value, str) and step.mark is not None:
            document = self._inside(value, step.mark)
            value, texts, text_at = document.value, (*texts, document), step.keys
        if (id(value), at) in self._dead:
            return
        found = False
        for size in range(len(self.parts) - at, 0, -1) if self._joins else (1,):
            key = ".".join(self.parts[at : at + size])
            for next_step in _child(value, key, step.keys):
                for way in self.follow(next_step._replace(texts=texts, text_at=text_at), at + size):
                    found = True
                    yield way
        if not found:
            self._dead.add((id(value), at))


def _child(value: Any, key: str, keys: Keys) -> Iterator[Step]:
    if isinstance(value, ConfigMap) and key in value:
        yield Step((*keys, key), value[key], value.marks.get(key), is_all=False)
    elif isinstance(value, ConfigList) and _INDEX.fullmatch(key) and int(key) < len(value):
        yield Step((*keys, key), value[int(key)], value.marks[int(key)], is_all=False)
