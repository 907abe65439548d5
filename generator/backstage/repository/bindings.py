"""One TypeScript file: which value a name stands for at a place, and what the file exports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from generator.backstage.repository.typescript import (
    FUNCTIONS,
    arguments,
    line_of,
    parents_and_dead,
    parse,
    property_of,
    string_of,
    text_of,
    unwrap,
    walk,
)
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tree_sitter import Node

_SCOPES = FUNCTIONS | {"program", "statement_block", "for_in_statement", "for_statement", "switch_case", "switch_default"}
_DECLARATIONS = frozenset({"lexical_declaration", "variable_declaration"})
#: Longest name of a function, in bytes.
_NAME = 1000
_NAMED_FUNCTIONS = frozenset({"function_declaration", "generator_function_declaration"})

#: One step into a value: a property, or ``[n]`` for an element of a list.
Pick = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """``name`` as exported by module ``specifier``: ``default``, an export's name, or ``*`` for the whole module."""

    specifier: str
    name: str
    node: Node


@dataclass(frozen=True, slots=True)
class Value:
    """The value of ``node`` (with ``pick``: of what lies below it; with ``each``: of any of its elements)."""

    node: Node
    pick: Pick = ()
    each: bool = False


@dataclass(frozen=True, slots=True)
class Parameter:
    """Parameter number ``index`` of ``function``, or with ``pick`` what lies below it."""

    function: Node
    index: int
    pick: Pick = ()
    annotation: str = ""


Binding = Import | Value | Parameter


class SourceFile:
    """A parsed file. ``name`` is its path as shown to the user, ``path`` where it lies."""

    def __init__(self, path: Path, name: str, text: str) -> None:
        self.path = path
        self.name = name
        self.text = text
        self.root = parse(text, jsx=path.suffix in (".tsx", ".jsx"))
        self._lines = text.split("\n")
        self._scopes: dict[int, dict[str, Binding]] = {}
        self._found: dict[tuple[int, str], Binding | None] = {}
        self._calls: dict[str, list[Node]] | None = None

    def location(self, node: Node) -> Location:
        """Where ``node`` starts."""
        row, column = node.start_point
        line = self._lines[row]
        # tree-sitter counts bytes, people count characters.
        characters = len(line.encode("utf-8", errors="replace")[:column].decode("utf-8", errors="replace"))
        return Location(self.name, line_of(node), characters + 1)

    def lookup(self, name: str, at: Node) -> Binding | None:
        """What ``name`` stands for at ``at``: the nearest enclosing declaration."""
        passed: list[tuple[int, str]] = []
        found = None
        for _, node in self.ancestors(at):
            key = (node.id, name)
            if key in self._found:
                found = self._found[key]
                break
            passed.append(key)
            if node.type in _SCOPES and (found := self._names_in(node).get(name)) is not None:
                break
        # The same everywhere on the way up. Without this a value of 1,000 nested calls is a million steps.
        self._found.update(dict.fromkeys(passed, found))
        return found

    def ancestors(self, node: Node) -> Iterator[tuple[Node, Node]]:
        """Pairs of (a node, its parent), from ``node`` up to the root."""
        parents = self._tree[0]
        while (parent := parents.get(node.id)) is not None:
            yield node, parent
            node = parent

    def call_with(self, argument: Node) -> Node | None:
        """The call that ``argument`` is an argument of."""
        around = [parent for _, (_, parent) in zip(range(2), self.ancestors(argument), strict=False)]
        is_argument = [node.type for node in around] == ["arguments", "call_expression"]
        return around[1] if is_argument else None

    def is_dead(self, node: Node) -> bool:
        """Whether ``node`` stands in ``if (false) { … }``."""
        return node.id in self._tree[1]

    @cached_property
    def _tree(self) -> tuple[dict[int, Node], set[int]]:
        return parents_and_dead(self.root)

    def function_name(self, function: Node) -> str:
        """The name callers use: of the declaration, or of the variable that holds it."""
        name = function.child_by_field_name("name")
        if name is not None:
            return text_of(name)
        for _, parent in self.ancestors(function):
            if parent.type == "variable_declarator":
                return text_of(parent.child_by_field_name("name"))
            if parent.type not in ("parenthesized_expression", "as_expression", "satisfies_expression"):
                break
        return ""

    def _names_in(self, scope: Node) -> dict[str, Binding]:
        if scope.id not in self._scopes:
            names: dict[str, Binding] = {}
            for found, binding in _declared(scope):
                names.setdefault(found, binding)
            self._scopes[scope.id] = names
        return self._scopes[scope.id]

    def calls_of(self, name: str) -> list[Node]:
        """Every call of a function by this name in the file."""
        if self._calls is None:
            self._calls = {}
            for node in walk(self.root):
                if node.type == "call_expression" and (callee := node.child_by_field_name("function")) is not None:
                    callee = unwrap(callee)
                    if callee.end_byte - callee.start_byte <= _NAME:  # of a chain, each callee is the whole chain before it
                        self._calls.setdefault(text_of(callee), []).append(node)
        return self._calls.get(name, [])

    def imports(self) -> Iterator[str]:
        """Every literal module specifier the file imports, exports from or requires."""
        for node in walk(self.root):
            if node.type in ("import_statement", "export_statement"):
                source = node.child_by_field_name("source")
                if source is not None and (specifier := string_of(source)) is not None:
                    yield specifier
            elif node.type == "call_expression" and (specifier := imported_by(node)) is not None:
                yield specifier

    def exported(self, name: str) -> Iterator[Binding]:
        """What the file exports as ``name``; for ``*`` in ``export * from`` an import of the same name."""
        for statement in self.root.named_children:
            if statement.type == "export_statement":
                yield from self._export(statement, name)
            elif statement.type == "expression_statement" and statement.named_children:
                yield from _common_js(statement.named_children[0], name)

    def _export(self, statement: Node, name: str) -> Iterator[Binding]:
        source = statement.child_by_field_name("source")
        specifier = string_of(source) if source is not None else None
        clause = next((child for child in statement.named_children if child.type == "export_clause"), None)
        if clause is not None:
            for item in clause.named_children:
                original = item.child_by_field_name("name")
                alias = item.child_by_field_name("alias") or original
                if original is None or text_of(alias) != name:
                    continue
                yield Import(specifier, text_of(original), item) if specifier is not None else Value(original)
            return
        if specifier is not None:
            space = next((child for child in statement.named_children if child.type == "namespace_export"), None)
            if space is None:
                if name != "default":
                    yield Import(specifier, name, statement)
            elif space.named_children and text_of(space.named_children[0]) == name:
                yield Import(specifier, "*", statement)
            return
        declaration = statement.child_by_field_name("declaration")
        is_default = any(child.type == "default" for child in statement.children)
        if is_default or (name == "default" and declaration is None):
            value = statement.child_by_field_name("value") or declaration or next(iter(statement.named_children), None)
            if name == "default" and value is not None:
                yield Value(value)
        elif declaration is not None:
            yield from (binding for found, binding in _declaration(declaration) if found == name)


def imported_by(call: Node) -> str | None:
    """The literal specifier of ``import('x')`` or ``require('x')``; ``None`` for other calls and computed ones."""
    callee = call.child_by_field_name("function")
    if callee is None or not (callee.type == "import" or (callee.type == "identifier" and text_of(callee) == "require")):
        return None
    given = call.child_by_field_name("arguments")
    values = [child for child in given.named_children if child.type != "comment"] if given is not None else []
    return string_of(unwrap(values[0])) if values else None


def _common_js(expression: Node, name: str) -> Iterator[Binding]:
    """What compiled code exports: ``exports.name = x``, ``module.exports = x``, ``Object.defineProperty(exports, …)``."""
    if expression.type == "sequence_expression":
        for part in expression.named_children:
            yield from _common_js(part, name)
    elif expression.type == "call_expression":
        yield from _defined(expression, name)
    elif expression.type == "assignment_expression":
        left, right = expression.child_by_field_name("left"), expression.child_by_field_name("right")
        if left is None or right is None or text_of(right).endswith("void 0"):  # only declares the name
            return
        target = text_of(left)
        if target in (f"exports.{name}", f"module.exports.{name}"):
            yield Value(right)
        elif target == "module.exports":
            yield Value(right) if name == "default" else Value(right, (name,))


def _defined(call: Node, name: str) -> Iterator[Binding]:
    """``Object.defineProperty(exports, 'name', { get: … })`` and ``__exportStar(require('./x'), exports)``."""
    callee, given = text_of(call.child_by_field_name("function")), arguments(call)
    if callee == "Object.defineProperty" and len(given) == 3 and string_of(given[1]) == name and given[2].type == "object":
        value = property_of(given[2], "get", "value")
        if value is not None:
            yield Value(value)
    elif callee.endswith("__exportStar") and given and name != "default" and given[0].type == "call_expression":
        specifier = imported_by(given[0])
        if specifier is not None:
            yield Import(specifier, name, call)


def _declared(scope: Node) -> Iterator[tuple[str, Binding]]:
    """The names a scope declares itself."""
    if scope.type in FUNCTIONS:
        yield from _parameters(scope)
        return
    if scope.type == "for_in_statement":
        left, right = scope.child_by_field_name("left"), scope.child_by_field_name("right")
        operator = scope.child_by_field_name("operator")
        if left is not None and right is not None and text_of(operator) == "of":
            yield from ((name, Value(right, pick, each=True)) for name, pick in _names(left))
        return
    for statement in scope.named_children:
        if statement.type == "import_statement":
            yield from _imported(statement)
        elif statement.type == "export_statement":
            declaration = statement.child_by_field_name("declaration")
            if declaration is not None:
                yield from _declaration(declaration)
        else:
            yield from _declaration(statement)


def _declaration(statement: Node) -> Iterator[tuple[str, Binding]]:
    if statement.type in _NAMED_FUNCTIONS:
        yield text_of(statement.child_by_field_name("name")), Value(statement)
    elif statement.type in _DECLARATIONS:
        for declarator in statement.named_children:
            pattern, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
            if pattern is not None and value is not None:
                yield from ((name, Value(value, pick)) for name, pick in _names(pattern))


def _imported(statement: Node) -> Iterator[tuple[str, Binding]]:
    source = statement.child_by_field_name("source")
    for child in statement.named_children:
        if child.type == "import_require_clause" and child.named_children:  # import x = require('x')
            source = child.child_by_field_name("source")
            if source is not None and (specifier := string_of(source)) is not None:
                yield text_of(child.named_children[0]), Import(specifier, "*", statement)
            return
    specifier = string_of(source) if source is not None else None
    clause = next((child for child in statement.named_children if child.type == "import_clause"), None)
    if specifier is None or clause is None:
        return
    for part in clause.named_children:
        if part.type == "identifier":
            yield text_of(part), Import(specifier, "default", statement)
        elif part.type == "namespace_import" and part.named_children:
            yield text_of(part.named_children[0]), Import(specifier, "*", statement)
        elif part.type == "named_imports":
            for item in part.named_children:
                name = item.child_by_field_name("name")
                if name is not None:
                    yield text_of(item.child_by_field_name("alias") or name), Import(specifier, text_of(name), statement)


def _parameters(function: Node) -> Iterator[tuple[str, Binding]]:
    single = function.child_by_field_name("parameter")
    if single is not None:
        yield text_of(single), Parameter(function, 0)
        return
    formal = function.child_by_field_name("parameters")
    if formal is None:
        return
    given = [child for child in formal.named_children if child.type != "comment"]
    for index, parameter in enumerate(given):
        pattern = parameter.child_by_field_name("pattern") or parameter
        annotation = text_of(parameter.child_by_field_name("type"))
        for name, pick in _names(pattern):
            yield name, Parameter(function, index, pick, annotation)


def _names(pattern: Node, pick: Pick = ()) -> Iterator[tuple[str, Pick]]:
    """The names a pattern binds, each with the way into the value: ``{ a: [b] }`` gives ``b`` at ``("a", "[0]")``."""
    match pattern.type:
        case "identifier":
            yield text_of(pattern), pick
        case "shorthand_property_identifier_pattern":
            yield text_of(pattern), (*pick, text_of(pattern))
        case "pair_pattern":
            key, value = pattern.child_by_field_name("key"), pattern.child_by_field_name("value")
            if key is not None and value is not None:
                yield from _names(value, (*pick, string_of(key) or text_of(key)))
        case "object_assignment_pattern" | "assignment_pattern":
            left = pattern.child_by_field_name("left")
            if left is not None:
                yield from _names(left, pick)
        case "object_pattern":
            for child in pattern.named_children:
                yield from _names(child, pick)
        case "array_pattern":
            for index, child in enumerate(child for child in pattern.named_children if child.type != "comment"):
                yield from _names(child, (*pick, f"[{index}]"))
