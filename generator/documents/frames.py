"""Collections while they are being read, and the parser that reads them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any, Final

from generator.documents.values import ConfigList, ConfigMap

if TYPE_CHECKING:
    from generator.documents.anchors import Anchor

NO_KEY: Final = object()


class PlainIndicator(Exception):  # noqa: N818 - not an error: the text is read again
    """In a flow collection npm ``yaml`` reads ``:80`` and ``?x`` as texts, libyaml as an indicator and a value."""

    def __init__(self, offset: int) -> None:
        super().__init__()
        self.offset = offset


class Frame:
    """A collection that is being read."""

    __slots__ = ("anchor", "container", "flow", "is_map", "key", "key_offset", "offsets", "others", "start", "tag")

    def __init__(self, event: Any, *, is_map: bool) -> None:
        self.is_map = is_map
        self.container: Any = ConfigMap() if is_map else ConfigList()
        self.offsets: array[int] = array("I")
        self.start: int = event.start_mark.index
        self.flow: bool = event.flow_style
        self.tag: str | None = event.tag
        self.anchor: Anchor | None = None
        self.key: Any = NO_KEY
        self.key_offset = 0
        self.others: dict[str, list[Any]] | None = None  # what keys were in the file where that is not plain, by their text


def make_parser(text: str) -> Any:
    """libyaml's parser, or PyYAML's own where libyaml is not there (slower, and it refuses tabs after a value)."""
    import yaml

    if yaml.__with_libyaml__:
        from yaml._yaml import CParser

        return CParser(text)

    class Parser(yaml.reader.Reader, yaml.scanner.Scanner, yaml.parser.Parser):
        def __init__(self) -> None:
            yaml.reader.Reader.__init__(self, text)
            yaml.scanner.Scanner.__init__(self)
            yaml.parser.Parser.__init__(self)

        def get_event(self) -> Any:
            event: Any = super().get_event()  # type: ignore[no-untyped-call]
            value = getattr(event, "value", "")
            if value and not value.isprintable():  # "\ud83d\ude00" arrives as two halves
                event.value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return event

    return Parser()


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdigit() and (key == "0" or key[0] != "0") and int(key[:11]) < 2**32 - 1


def order_as_javascript(container: ConfigMap) -> None:
    """JavaScript objects list keys that are array indexes first, in ascending order."""
    indexes = sorted((key for key in container if _is_index(key)), key=int)
    if not indexes:
        return
    marks = container.marks
    keys = indexes + [key for key in container if not _is_index(key)]
    values = {key: container[key] for key in keys}
    container.clear()
    container.update(values)
    container.marks = {key: marks[key] for key in keys}
