"""YAML texts as Backstage reads them (npm ``yaml``, version 1.2, core schema), every value with its position.

libyaml splits the text into events; what they mean is decided here: the core schema, JavaScript's numbers and keys, unique
keys, one document, ``<<`` as an ordinary key, tags, and the anchor limit. Where npm ``yaml`` is stricter than libyaml
(indentation inside flow collections and quoted strings, ``"x"#comment``) the same texts are refused; where libyaml is
stricter, :mod:`~generator.documents.yamltext` makes them readable.

Known remaining differences. Read by npm ``yaml``, refused here: collections nested deeper than 200 levels; half a surrogate
pair (``"\\ud83d"`` alone); a ``%YAML`` version other than 1.1 and 1.2; an empty key in block style (``: x``); an anchor that
ends in a colon (``&a: x``); a tag that touches a comment (``!t#c``); a carriage return inside a line; a lone ``...``.
Refused by npm ``yaml``, read here: a list after a byte order mark; an anchor or tag and a comma on separate lines inside
brackets; lines of white space with tabs at the edges of a block text. A collection used as a key gets npm's text up to one
line of 60 characters.
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.documents.composer import Composer
from generator.documents.files import read_text
from generator.documents.frames import PlainIndicator
from generator.documents.problems import Problems, Refused
from generator.documents.syntax_errors import Unreadable
from generator.documents.values import UNDEFINED, Source
from generator.documents.yamltext import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.problems.diagnostic import Diagnostics

__all__ = ["Parsed", "collector_paused", "parse_document", "parse_yaml", "read_text"]


class Parsed(NamedTuple):
    """A document: ``value`` is ``None`` for an empty one, ``UNDEFINED`` when it cannot be read at all.

    ``error`` is what npm ``yaml`` would throw, ``None`` when it would not. ``shared``: aliases make parts of it one object.
    """

    value: Any
    error: str | None
    shared: bool


def parse_document(text: str, file: str, diagnostics: Diagnostics) -> Any:
    """The value of one YAML document: a :class:`ConfigMap`, a :class:`ConfigList` or a scalar, ``None`` when it is empty.

    ``file`` is the name positions carry. Problems go to ``diagnostics`` (GR104 to GR109); ``UNDEFINED`` means that nothing
    could be read. Repairable problems (a duplicate key) are reported and leave the value npm ``yaml`` would see last.
    """
    return parse_yaml(text, file, diagnostics).value


def parse_yaml(
    text: str, file: str, diagnostics: Diagnostics, source: Callable[[str, str], Source] = Source, *, merges: bool = False
) -> Parsed:
    """As :func:`parse_document`, together with what npm ``yaml`` would throw.

    ``source`` makes the places of a text from ``file`` and the text: another one for a text that is a part of the file.
    With ``merges`` a key ``<<`` is one that merges, as where Helm or Kubernetes read the file before Backstage does.
    """
    prepared = Text(text)
    with collector_paused():
        while True:
            problems = Problems(source(file, prepared.text), text)
            composer = Composer(prepared, problems, merges=merges)
            try:
                value = composer.document()
            except Unreadable as error:
                if error.offset is not None and prepared.repair(error.problem, error.offset):
                    continue
                problems.syntax(error)
                value = UNDEFINED
            except PlainIndicator as place:
                if prepared.plain_indicator(place.offset):
                    continue
                problems.syntax(Unreadable("did not find expected node content", place.offset))
                value = UNDEFINED
            except Refused:
                value = UNDEFINED
            if prepared.lone_return is not None:
                problems.lone_return(prepared.lone_return)
            diagnostics.extend(problems.found)
            return Parsed(value, problems.error, composer.shared)


@contextmanager
def collector_paused() -> Iterator[None]:
    """Hold Python's cycle collector: it takes longer to walk all the new containers than to read them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
