"""From libyaml's events to values: keys, tags, anchors and positions. Without recursion, and without a node per scalar."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from generator.documents import complexkeys, strictness
from generator.documents.anchors import Anchors
from generator.documents.frames import NO_KEY, Frame, PlainIndicator, make_parser, order_as_javascript
from generator.documents.problems import Problems, Refused
from generator.documents.scalars import key_string, resolve_plain, resolve_tagged
from generator.documents.syntax_errors import Unreadable
from generator.documents.yamltext import Text, restoring

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_DEPTH: Final = 200
_MAX_KEY_DEPTH: Final = 20
_NUMBER_OR_WORD: Final = frozenset("0123456789+-.~ntfNTF")
_MERGE_TAG: Final = "tag:yaml.org,2002:merge"
_MERGE: Final = object()


class Composer:
    """Turns the events of one text into values, without recursion."""

    def __init__(self, text: Text, problems: Problems, *, merges: bool = False) -> None:
        self._text = text
        self._problems = problems
        self._source = problems.source
        self._anchors = Anchors()
        self._stack: list[Frame] = []
        self._resolve: Callable[[str], Any] = resolve_plain
        self._version11 = False
        self._merges = merges
        self._flow_end = 0  # where the last item inside brackets ended
        self._key_depth = 0
        self.shared = False

    def document(self) -> Any:
        """The value of the first document; further ones are an error."""
        import yaml

        parser = make_parser(self._text.text)
        event = restoring(parser, self._text)
        try:
            event()  # the start of the stream
            start = event()
            if not isinstance(start, yaml.DocumentStartEvent):
                return None
            if start.version == (1, 1):
                self._use_version_11()
            value = self._node(event)
            event()  # the end of the document
            more: Any = event()
            first: Any = more.start_mark
            if isinstance(more, yaml.DocumentStartEvent):
                self._problems.several_documents(first.index)
            return value
        except yaml.MarkedYAMLError as error:
            raise Unreadable.from_yaml(error) from None
        except yaml.YAMLError as error:
            raise Unreadable(str(error), getattr(error, "position", None)) from None

    def _use_version_11(self) -> None:
        from generator.documents import version11

        self._version11 = True
        self._resolve = version11.resolve_plain
        self._merges = True

    def _node(self, get_event: Callable[[], Any]) -> Any:
        """The value of the next node of the stream."""
        from yaml.events import AliasEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

        stack, text, resolve, is_11 = self._stack, self._text.text, self._resolve, self._version11
        frame: Frame | None = None
        while True:
            event = get_event()
            kind = type(event)
            if kind is ScalarEvent:
                offset = event.start_mark.index
                if event.tag is not None or event.anchor is not None:
                    value = self._special_scalar(event)
                else:
                    value = event.value
                    if not event.style:
                        if not value or value[0] in _NUMBER_OR_WORD or is_11:
                            value = resolve(value)
                    elif event.start_mark.line != event.end_mark.line or text[event.end_mark.index] == "#":
                        value = self._check_scalar(event)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if frame is not None and frame.is_map and frame.key is NO_KEY:
                    offset = event.start_mark.index
                    value = self._complex_key(event, get_event)
                else:
                    frame = self._open(event, is_map=kind is MappingStartEvent)
                    continue
            elif kind is AliasEvent:
                offset = event.start_mark.index
                value = self._alias(event)
            else:
                value, offset = self._close(event)
                frame = stack[-1] if stack else None
            if frame is None:
                return value
            if frame.flow:
                self._check_flow_item(frame, event, value, offset)
            if not frame.is_map:
                frame.container.append(value)
                frame.offsets.append(offset)
            elif frame.key is NO_KEY:
                frame.key = value
                frame.key_offset = offset
                if type(value) is not str:
                    frame.key = self._special_key(frame, value, event)
                elif value == "<<" and self._merges and kind is ScalarEvent and not event.style:
                    frame.key = _MERGE
            else:
                key = frame.key
                frame.key = NO_KEY
                if type(key) is not str or key in frame.container or "0" <= key[:1] <= "9":
                    self._store_special(frame, key, value, offset)
                else:
                    frame.container[sys.intern(key)] = value
                    frame.offsets.append(frame.key_offset)
                    frame.offsets.append(offset)

    def _open(self, event: Any, *, is_map: bool) -> Frame:
        if len(self._stack) >= MAX_DEPTH:
            self._problems.too_deep(event.start_mark.index, MAX_DEPTH)
            raise Refused
        frame = Frame(event, is_map=is_map)
        if event.anchor is not None or event.tag is not None:
            strictness.check_properties(self._problems, self._text.text, frame.start, event.anchor)
        if event.anchor is not None:
            frame.anchor = self._anchors.begin(event.anchor)
            frame.anchor.value = frame.container
        if frame.flow:
            if self._stack and self._stack[-1].flow:
                strictness.check_gap(self._problems, self._text.text, self._flow_end, frame.start)
            self._flow_end = event.end_mark.index
        elif self._text.tabs:
            strictness.check_tabs(self._problems, self._text, frame.start)
        self._stack.append(frame)
        return frame

    def _close(self, event: Any) -> tuple[Any, int]:
        frame = self._stack.pop()
        container = frame.container
        if frame.flow:
            strictness.check_gap(self._problems, self._text.text, self._flow_end, event.start_mark.index)
            strictness.check_comment(self._problems, self._text.text, event.end_mark.index)
            if not (self._stack and self._stack[-1].flow):
                self._check_lines(frame.start, event.end_mark.index, is_flow=True)
        if frame.is_map:
            container.place(self._source, frame.offsets)
            if frame.others is not None:
                order_as_javascript(container)
        else:
            container.place(self._source, frame.offsets)
        if frame.tag is not None:
            container = self._tagged_collection(frame)
        if frame.anchor is not None:
            self._anchors.end(frame.anchor, container)
        return container, frame.start

    def _special_scalar(self, event: Any) -> Any:
        """A scalar with a tag or an anchor."""
        offset = event.start_mark.index
        strictness.check_properties(self._problems, self._text.text, offset, event.anchor)
        value: Any = event.value
        if event.style:
            value = self._check_scalar(event)
        if event.tag is not None:
            value = self._tagged_scalar(event)
        elif not event.style:
            value = self._resolve(value)
        if event.anchor is not None:
            self._anchors.scalar(event.anchor, value)
        return value

    def _tagged_scalar(self, event: Any) -> Any:
        if event.tag == _MERGE_TAG and event.value == "<<":
            return _MERGE
        from generator.documents import version11

        known = version11.resolve_tagged if self._version11 else resolve_tagged
        value, found = known(event.value, event.tag)
        if not found:
            value, found = version11.resolve_special(event.value, event.tag, self._problems, event.start_mark.index)
        if not found:
            self._problems.unknown_tag(event.start_mark.index)
        return value

    def _tagged_collection(self, frame: Frame) -> Any:
        from generator.documents import version11

        assert frame.tag is not None
        value, found = version11.resolve_collection(frame.container, frame.tag, self._problems, frame.start)
        if not found:
            self._problems.unknown_tag(frame.start)
        return value

    def _alias(self, event: Any) -> Any:
        offset = event.start_mark.index
        strictness.check_alias(self._problems, self._text.text, event.end_mark.index)
        anchor = self._anchors.find(event.anchor)
        if anchor is None:
            self._problems.unresolved_alias(offset)
            return None
        if anchor.open:
            self._problems.recursive_alias(offset)
            return None
        self.shared = True
        if not anchor.use():
            self._problems.excessive_aliases(offset)
            raise Refused
        return anchor.value

    def _complex_key(self, event: Any, get_event: Callable[[], Any]) -> str:
        """A collection as a key: its text. Anchors inside it are known to later aliases."""
        from yaml.events import CollectionEndEvent, CollectionStartEvent

        offset = event.start_mark.index
        events, depth = [event], 1
        while depth:
            event = get_event()
            events.append(event)
            place = event.start_mark.index
            if isinstance(event, CollectionStartEvent):
                depth += 1
                if depth > _MAX_KEY_DEPTH:
                    self._problems.too_deep(place, _MAX_KEY_DEPTH)
                    raise Refused
            elif isinstance(event, CollectionEndEvent):
                depth -= 1
        outer, self._stack = self._stack, []
        self._key_depth += 1
        self._node(iter(events).__next__)
        self._key_depth -= 1
        self._stack = outer
        if not self._key_depth:
            self._problems.complex_key(offset)
        return complexkeys.stringify(events)

    def _store_special(self, frame: Frame, key: Any, value: Any, offset: int) -> None:
        """Store a pair whose key is there already, is not a text in the file, starts with a digit, or merges."""
        if key is _MERGE:
            self._merge(frame, value, offset)
            return
        text = key if isinstance(key, str) else key_string(key)
        container = frame.container
        if frame.others is None:
            frame.others = {}
        if text in container:
            before = frame.others.setdefault(text, [text])
            index = list(container).index(text)
            if any(type(other) is type(key) and other == key for other in before):
                self._problems.duplicate_key(text, frame.key_offset, frame.offsets[2 * index])
            frame.offsets[2 * index], frame.offsets[2 * index + 1] = frame.key_offset, offset
        else:
            frame.offsets.append(frame.key_offset)
            frame.offsets.append(offset)
        frame.others.setdefault(text, []).append(key)
        container[text] = value

    def _merge(self, frame: Frame, value: Any, offset: int) -> None:
        from generator.documents import version11

        added = version11.merge(frame.container, value, self._problems, frame.key_offset)
        frame.offsets.extend([frame.key_offset, offset] * len(added))
        # A key of the mapping itself may follow: it replaces the merged one and is no duplicate.
        frame.others = {**(frame.others or {}), **{key: [_MERGE] for key in added}}

    def _special_key(self, frame: Frame, value: Any, event: Any) -> Any:
        """A key that is not a string: an alias or a timestamp stands for its text, the rest is kept to tell 1 from "1"."""
        text, offset = self._text.text, frame.key_offset
        if value is None and frame.flow and text[offset] == ":" and text[offset + 1] not in " \t\r\n,[]{}":
            raise PlainIndicator(offset)
        if isinstance(value, (dict, list)):
            return getattr(event, "value", None) or f"*{event.anchor}"
        return value

    def _check_flow_item(self, frame: Frame, event: Any, value: Any, offset: int) -> None:
        """An item, key or value inside brackets: what npm yaml reads differently, or not at all."""
        text = self._text.text
        if text[offset - 1] == "?":
            raise PlainIndicator(offset - 1)
        if value == "-" and not (frame.is_map and frame.key is NO_KEY):
            strictness.check_dash(self._problems, text, offset)
        strictness.check_gap(self._problems, text, self._flow_end, event.start_mark.index)
        self._flow_end = event.end_mark.index

    def _check_scalar(self, event: Any) -> str:
        """A quoted or block scalar: what may follow it, how its lines have to be indented, and its value."""
        value: str = event.value
        end = event.end_mark.index
        if event.style in ("'", '"'):
            strictness.check_comment(self._problems, self._text.text, end)
            if event.start_mark.line != event.end_mark.line and not (self._stack and self._stack[-1].flow):
                self._check_lines(event.start_mark.index, end, is_flow=False)
            return value
        start = event.start_mark
        too_far_left = bool(self._stack) and start.column < self._required_indent()
        header = strictness.check_block_scalar(self._problems, self._text.text, start.index, too_far_left=too_far_left)
        if not value.strip(" \n"):
            return value.replace(" ", "") if "+" in header else ""  # nothing but blank lines
        return value

    def _check_lines(self, start: int, end: int, *, is_flow: bool) -> None:
        strictness.check_lines(self._problems, self._text.text, start, end, self._required_indent(), is_flow=is_flow)

    def _required_indent(self) -> int:
        """How far the lines of a scalar or flow collection have to be indented here (0 at the root)."""
        for frame in reversed(self._stack):
            if not frame.flow:
                first = frame.start if not frame.is_map else frame.offsets[0] if frame.offsets else frame.key_offset
                return strictness.column_of_collection(self._source, self._text.text, first, is_map=frame.is_map) + 1
        return 0
