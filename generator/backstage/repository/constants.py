"""Strings that are known without running the code: literals, constants, and what callers pass."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from generator.backstage.repository.bindings import Import, Parameter, Value
from generator.backstage.repository.typescript import arguments, property_of, string_of, text_of, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

    from generator.backstage.repository.bindings import Binding, Pick, SourceFile
    from generator.backstage.repository.reading import Sources

_DEPTH = 20
_MOST = 200  # values of one expression


def strings(node: Node, file: SourceFile, packages: Sources, pick: Pick = (), depth: int = 0) -> list[str | None]:
    """Every string an expression may be; ``None`` stands for what cannot be known."""
    node = unwrap(node)
    literal = string_of(node)
    if depth > _DEPTH or not packages.spend():
        return [None]
    if literal is not None:
        return [literal] if not pick else [None]
    match node.type:
        case "template_string":
            return _template(node, file, packages, depth)
        case "binary_expression" if text_of(node.child_by_field_name("operator")) == "+":
            parts = [node.child_by_field_name("left"), node.child_by_field_name("right")]
            return _joined([strings(part, file, packages, (), depth + 1) for part in parts if part is not None])
        case "binary_expression" if text_of(node.child_by_field_name("operator")) in ("||", "??"):
            right = node.child_by_field_name("right")
            return [None, *(strings(right, file, packages, pick, depth + 1) if right is not None else [])]
        case "ternary_expression":
            branches = [node.child_by_field_name(name) for name in ("consequence", "alternative")]
            return [
                item
                for branch in branches
                if branch is not None
                for item in strings(branch, file, packages, pick, depth + 1)
            ]
        case "array":
            return _array(node, file, packages, pick, depth)
        case "object":
            value = property_of(node, pick[0]) if pick else None
            return strings(value, file, packages, pick[1:], depth + 1) if value is not None else [None]
        case "member_expression":
            target, name = node.child_by_field_name("object"), text_of(node.child_by_field_name("property"))
            return strings(target, file, packages, (name, *pick), depth + 1) if target is not None else [None]
        case "identifier" | "shorthand_property_identifier":
            binding = file.lookup(text_of(node), node)
            return _bound(binding, file, packages, pick, depth) if binding is not None else [None]
        case _:
            return [None]


def _template(node: Node, file: SourceFile, packages: Sources, depth: int) -> list[str | None]:
    parts: list[list[str | None]] = []
    for child in node.named_children:
        if child.type == "template_substitution":
            parts.append(strings(child.named_children[0], file, packages, (), depth + 1) if child.named_children else [None])
        else:
            parts.append([text_of(child)])
    return _joined(parts)


def _joined(parts: list[list[str | None]]) -> list[str | None]:
    found: list[str | None] = []
    for combination in product(*parts):
        found.append(None if None in combination else "".join(part or "" for part in combination))
        if len(found) > _MOST:
            return [None]
    return found


def _array(node: Node, file: SourceFile, packages: Sources, pick: Pick, depth: int) -> list[str | None]:
    items = [child for child in node.named_children if child.type != "comment"]
    if pick and pick[0].startswith("["):
        index = int(pick[0][1:-1])
        items, pick = items[index : index + 1], pick[1:]
    found = [value for item in items for value in strings(item, file, packages, pick, depth + 1)]
    return found if len(found) <= _MOST else [None]


def _bound(binding: Binding, file: SourceFile, packages: Sources, pick: Pick, depth: int) -> list[str | None]:
    match binding:
        case Value():
            return strings(binding.node, file, packages, (*binding.pick, *pick), depth + 1)
        case Import():
            return _exported(binding, file, packages, pick, depth)
        case Parameter():
            return _passed(binding, file, packages, pick, depth)


def _exported(binding: Import, file: SourceFile, packages: Sources, pick: Pick, depth: int) -> list[str | None]:
    name, pick = (pick[0], pick[1:]) if binding.name == "*" and pick else (binding.name, pick)
    target = packages.source(file, binding.specifier)
    if target is None:
        return [None]
    for found in target.exported(name):
        if isinstance(found, Import) and found.specifier == binding.specifier and target is file:
            continue
        values: list[str | None] = _bound(found, target, packages, pick, depth + 1) if depth < _DEPTH else [None]
        if values != [None]:
            return values
    return [None]


def _passed(parameter: Parameter, file: SourceFile, packages: Sources, pick: Pick, depth: int) -> list[str | None]:
    """What the callers of a function in the same file pass for a parameter."""
    function, way = parameter.function, (*parameter.pick, *pick)
    call = file.call_with(function)
    callee = call.child_by_field_name("function") if call is not None else None
    if callee is not None and callee.type == "member_expression" and parameter.index == 0:
        method, target = text_of(callee.child_by_field_name("property")), callee.child_by_field_name("object")
        if target is not None and method in ("map", "forEach", "flatMap"):
            return strings(target, file, packages, way, depth + 1)
    sites = file.calls_of(file.function_name(function))
    found = [
        value
        for site in sites
        if parameter.index < len(given := arguments(site))
        for value in strings(given[parameter.index], file, packages, way, depth + 1)
    ]
    return found if found else [None]
