"""The nodes of a YAML text with where they start and end: for what is done to the text itself, comments included."""

from __future__ import annotations

from typing import Any

from generator.documents.frames import make_parser
from generator.documents.syntax_errors import Unreadable
from generator.documents.yamltext import Text, restoring

_BOM = "\ufeff"


class Node:
    """A scalar, a mapping or a sequence. An alias is the node it stands for.

    ``start`` and ``end`` are offsets; what stands before a value (``&anchor``, ``!tag``) is part of it. ``value`` and
    ``style`` (``'``, ``"``, ``|``, ``>``, or nothing) are those of a scalar. ``items`` are pairs of key and value for a
    mapping; in a sequence the keys are ``None``.
    """

    __slots__ = ("end", "is_scalar", "items", "start", "style", "value")

    def __init__(self, start: int, end: int, value: str = "", style: str = "", *, is_scalar: bool = False) -> None:
        self.start, self.end, self.value, self.style, self.is_scalar = start, end, value, style, is_scalar
        self.items: list[tuple[Node | None, Node]] = []


def read_nodes(text: str) -> Node | None:
    """The root of the first document in ``text``; ``None`` where the places cannot be told: it is not YAML as libyaml reads
    it.
    """
    import yaml

    shift = 1 if text.startswith(_BOM) else 0
    prepared = Text(text)
    length = len(prepared.text)
    while True:
        try:
            found = _compose(prepared)
        except yaml.YAMLError as error:
            problem = Unreadable.from_yaml(error) if isinstance(error, yaml.MarkedYAMLError) else None
            if problem is None or problem.offset is None or not prepared.repair(problem.problem, problem.offset):
                return None
            if len(prepared.text) != length:
                return None  # a repair has moved what follows it
            continue
        if shift and found is not None:
            _move(found, shift)
        return found


def _compose(prepared: Text) -> Node | None:
    from yaml.events import (
        AliasEvent,
        CollectionEndEvent,
        CollectionStartEvent,
        DocumentEndEvent,
        MappingStartEvent,
        ScalarEvent,
        StreamEndEvent,
    )

    event: Any = restoring(make_parser(prepared.text), prepared)
    anchors: dict[str, Node] = {}
    root: Node | None = None
    # Each open collection, whether it is a mapping, and the key that waits for its value.
    open_: list[list[Any]] = []
    while True:
        item: Any = event()
        if isinstance(item, (DocumentEndEvent, StreamEndEvent)):
            return root
        node: Node
        if isinstance(item, CollectionEndEvent):
            node = open_.pop()[0]
            node.end = _offset(item.end_mark)
            continue
        if isinstance(item, AliasEvent):
            node = anchors.get(str(item.anchor)) or Node(_offset(item.start_mark), _offset(item.end_mark), is_scalar=True)
        elif isinstance(item, ScalarEvent):
            node = Node(_offset(item.start_mark), _offset(item.end_mark), item.value, item.style or "", is_scalar=True)
        elif isinstance(item, CollectionStartEvent):
            node = Node(_offset(item.start_mark), _offset(item.end_mark))
        else:
            continue
        if item.anchor and not isinstance(item, AliasEvent):
            anchors[item.anchor] = node
        if not open_:
            root = node
        elif not open_[-1][1]:
            open_[-1][0].items.append((None, node))
        elif open_[-1][2] is None:
            open_[-1][2] = node
        else:
            open_[-1][0].items.append((open_[-1][2], node))
            open_[-1][2] = None
        if isinstance(item, CollectionStartEvent):
            open_.append([node, isinstance(item, MappingStartEvent), None])


def _offset(mark: Any) -> int:
    return int(mark.index)


def walk(root: Node) -> list[Node]:
    """``root`` and every node below it, each once."""
    found: dict[int, Node] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in found:
            continue
        found[id(node)] = node
        for key, value in node.items:
            waiting += [value] if key is None else [key, value]
    return list(found.values())


def _move(root: Node, by: int) -> None:
    for node in walk(root):
        node.start += by
        node.end += by
