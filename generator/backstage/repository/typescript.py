"""TypeScript as a syntax tree (tree-sitter), and the few questions discovery asks of it."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node, Parser

#: Nodes that only wrap a value: ``await x``, ``(x)``, ``x as T``, ``x!``, ``x satisfies T``, ``<T>x``, ``0, x``.
_WRAPPERS = frozenset(
    {
        "await_expression",
        "parenthesized_expression",
        "as_expression",
        "satisfies_expression",
        "non_null_expression",
        "type_assertion",
        "sequence_expression",
    }
)

FUNCTIONS = frozenset(
    {
        "arrow_function",
        "function_declaration",
        "function_expression",
        "generator_function",
        "generator_function_declaration",
        "method_definition",
    }
)

#: Processor time for one file; a megabyte of TypeScript takes a fifth of a second.
SECONDS = 3.0
#: So much of a text is handed over at a time; the text of every node is read through it too.
_SLICE = 1 << 10

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)


class TooHardError(Exception):
    """A text cannot be parsed in reasonable time."""


@cache
def _parser(*, jsx: bool) -> Parser:
    import tree_sitter_typescript
    from tree_sitter import Language, Parser

    grammar = tree_sitter_typescript.language_tsx() if jsx else tree_sitter_typescript.language_typescript()
    return Parser(Language(grammar))


def parse(text: str, *, jsx: bool = False) -> Node:
    """The root of the syntax tree. What is no TypeScript becomes ``ERROR`` nodes.

    Raises:
        TooHardError: after seconds there was still no tree. Looking for the best way to read garbage can take minutes.
    """
    source = text.encode("utf-8", errors="replace")
    deadline = time.process_time() + SECONDS
    parser = _parser(jsx=jsx)
    try:
        tree = parser.parse(
            lambda offset, _: source[offset : offset + _SLICE],
            progress_callback=lambda _offset, _error: time.process_time() > deadline,
        )
    except ValueError:
        parser.reset()
        raise TooHardError from None
    return tree.root_node


def text_of(node: Node | None) -> str:
    """The source text of a node."""
    return node.text.decode("utf-8", errors="replace") if node is not None and node.text is not None else ""


def line_of(node: Node) -> int:
    """The line a node starts in, counted from 1."""
    return node.start_point[0] + 1


def walk(node: Node) -> Iterator[Node]:
    """``node`` and every named node below it, in the order of the text. Comments are not among them."""
    stack = [node]
    while stack:
        current = stack.pop()
        if current.type == "comment":
            continue
        yield current
        stack.extend(reversed(current.named_children))


def parents_and_dead(root: Node) -> tuple[dict[int, Node], set[int]]:
    """The parent of each named node below ``root``, and the nodes that are never evaluated (``if (false) { … }``), by id.

    One walk for all of them: the parser's own ``parent`` walks down from the root every time.
    """
    parents: dict[int, Node] = {}
    dead: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        never = None
        if node.type == "if_statement" and text_of(node.child_by_field_name("condition")) == "(false)":
            never = node.child_by_field_name("consequence")
        for child in node.named_children:
            parents[child.id] = node
            if node.id in dead or child == never:
                dead.add(child.id)
            stack.append(child)
    return parents, dead


def unwrap(node: Node) -> Node:
    """The value inside ``await``, parentheses and type assertions."""
    while node.type in _WRAPPERS:
        inner = [child for child in node.named_children if child.type != "comment"]
        if not inner:
            return node
        # `<T>x` and `0, x` have the value last, the others have it first.
        node = inner[-1] if node.type in ("type_assertion", "sequence_expression") else inner[0]
    return node


def arguments(call: Node) -> list[Node]:
    """The arguments of a call."""
    found = call.child_by_field_name("arguments")
    return [child for child in found.named_children if child.type != "comment"] if found is not None else []


def property_of(node: Node, *names: str) -> Node | None:
    """The value of the first of ``names`` in an object literal: a value, a method, or the identifier of ``{ name }``."""
    for name in names:
        for member in node.named_children:
            if member.type == "pair" and _key(member) == name:
                return member.child_by_field_name("value")
            if member.type == "method_definition" and _key(member, "name") == name:
                return member
            if member.type == "shorthand_property_identifier" and text_of(member) == name:
                return member
    return None


def _key(member: Node, field: str = "key") -> str | None:
    key = member.child_by_field_name(field)
    if key is None:
        return None
    return string_of(key) if key.type == "string" else text_of(key)


def string_of(node: Node) -> str | None:
    """The value of a string literal, or of a template string without substitutions."""
    if node.type == "string" or (
        node.type == "template_string" and not any(child.type == "template_substitution" for child in node.children)
    ):
        return _ESCAPE.sub(_unescape, text_of(node)[1:-1])
    return None


def _unescape(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code:
        number = int(code, 16)
        return chr(number) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else "\ufffd"
    return _ESCAPES.get(match[4], "" if match[4] == "\n" else match[4])


def first_error(root: Node) -> Node | None:
    """The first place that is no TypeScript."""
    if not root.has_error:
        return None
    stack = [root]
    while stack:
        node = stack.pop()
        if node.is_error or node.is_missing:
            return node
        stack.extend(child for child in reversed(node.children) if child.has_error or child.is_missing)
    return root
