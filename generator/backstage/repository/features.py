"""What an expression in ``backend.add(…)`` stands for: the plugins and modules it brings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from generator.backstage.repository.bindings import Import, Parameter, Value, imported_by
from generator.backstage.repository.constants import strings
from generator.backstage.repository.factories import DYNAMIC, INSTALLED, Factories, original_name
from generator.backstage.repository.kinds import Feature, Kind, conditional, short, unknown
from generator.backstage.repository.reading import SPENT
from generator.backstage.repository.typescript import FUNCTIONS, arguments, property_of, text_of, unwrap, walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tree_sitter import Node

    from generator.backstage.repository.bindings import Binding, Pick, SourceFile
    from generator.backstage.repository.reading import Sources

_ELEMENTS = frozenset({"filter", "slice", "flat", "reverse", "sort", "values", "toSorted"})
#: Helpers that compilers wrap around ``require('x')``.
_INTEROP = ("importdefault", "importstar", "interoprequire", "interopdefault", "interopnamespace", "toesm")
_MAPPING = frozenset({"map", "flatMap", "forEach"})
_NOTHING = frozenset({"undefined", "null", "false", "true", "number", "regex", "comment", "empty_statement"})

#: Deeper than people nest; what is deeper is reported as unknown.
_DEPTH = 60


class Features:
    """Evaluates expressions as far as that is possible without running them."""

    def __init__(self, packages: Sources) -> None:
        self.packages = packages
        self.factories = Factories(self)
        self._active: set[tuple[str, int, Pick]] = set()

    def of(self, node: Node, file: SourceFile, pick: Pick = ()) -> list[Feature]:
        """The features that the value of ``node`` brings; ``pick`` leads from it to the feature."""
        node = unwrap(node)
        key = (file.name, node.id, pick)
        if key in self._active:
            return []  # a value that is defined by itself adds nothing new
        if not self.packages.spend():
            return [unknown(SPENT, node, file)]
        if len(self._active) > _DEPTH:
            return [unknown("is nested too deeply to follow", node, file)]
        self._active.add(key)
        try:
            return list(self._of(node, file, pick))
        finally:
            self._active.discard(key)

    def _of(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        match node.type:
            case "call_expression":
                return self._call(node, file, pick)
            case "identifier" | "shorthand_property_identifier":
                return self._name(node, file, pick)
            case "member_expression" | "subscript_expression":
                return self._member(node, file, pick)
            case "array":
                return self._array(node, file, pick)
            case "object":
                return self._object(node, file, pick)
            case "spread_element":
                return self.of(node.named_children[0], file, pick)
            case "ternary_expression":
                return _maybe(self._parts(node, ("consequence", "alternative"), file, pick))
            case "binary_expression":
                fields = ("right",) if text_of(node.child_by_field_name("operator")) == "&&" else ("left", "right")
                return _maybe(self._parts(node, fields, file, pick))
            case "yield_expression":
                return self.of(node.named_children[0], file, pick) if node.named_children else []
            case kind if kind in FUNCTIONS:
                return self._results(node, file, pick)
            case kind if kind in _NOTHING:
                return []
            case _:
                return [unknown(f"`{short(node)}` cannot be followed", node, file)]

    def _parts(self, node: Node, fields: tuple[str, ...], file: SourceFile, pick: Pick) -> Iterator[Feature]:
        for field in fields:
            part = node.child_by_field_name(field)
            if part is not None:
                yield from self.of(part, file, pick)

    # --- calls --------------------------------------------------------------------------------------------------------

    def _call(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        callee = node.child_by_field_name("function")
        if callee is None:
            return []
        callee = unwrap(callee)
        given = arguments(node)
        if callee.type == "import" or (text_of(callee) == "require" and file.lookup("require", callee) is None):
            return self._imported(node, file, pick)
        if text_of(callee).lower().lstrip("_").startswith(_INTEROP) and given:
            return self.of(given[0], file, pick)
        known = self.factories.named(original_name(callee, file), node, given, file)
        if known is not None:
            return known
        if callee.type == "member_expression":
            target, method = callee.child_by_field_name("object"), text_of(callee.child_by_field_name("property"))
            if target is not None:
                through = self._method(target, method, given, file, pick)
                if through is not None:
                    return through
        return self.of(callee, file, pick)

    def _method(self, target: Node, method: str, given: list[Node], file: SourceFile, pick: Pick) -> list[Feature] | None:
        """What goes through a promise or a list: ``.then(m => m.x)``, ``.filter(Boolean)``, ``.map(load => load())``."""
        if method == "then" and given:
            then = unwrap(given[0])
            return (
                list(self._results(then, file, pick, placed=False)) if then.type in FUNCTIONS else self.of(then, file, pick)
            )
        if method in ("catch", "finally"):
            return self.of(target, file, pick)
        if text_of(target) == "Promise":
            return (
                [feature for item in given for feature in self.of(item, file, pick)]
                if method in ("all", "resolve")
                else None
            )
        if text_of(target) == "Object" and method == "values" and given:
            return self._values(given[0], file)
        if method in _MAPPING and given and unwrap(given[0]).type in FUNCTIONS:
            return self.of(given[0], file, pick)
        if method in _ELEMENTS:
            found = self.of(target, file, pick)
            return list(_maybe(found)) if method in ("filter", "slice") else found
        if method == "concat":
            return [feature for item in (target, *given) for feature in self.of(item, file, pick)]
        return None

    def _values(self, node: Node, file: SourceFile) -> list[Feature]:
        literal = self.factories.literal(node, file)
        if literal is None:
            return self.of(node, file)
        values = [member.child_by_field_name("value") or member for member in literal[0].named_children]
        return [feature for value in values if value.type != "comment" for feature in self.of(value, literal[1])]

    def _results(self, function: Node, file: SourceFile, pick: Pick, *, placed: bool = True) -> Iterator[Feature]:
        """What a function returns and yields. A thunk and its result count as the same."""
        body = function.child_by_field_name("body")
        if body is None:
            return
        if body.type != "statement_block":
            yield from self._placed([body], file, pick) if placed else self.of(body, file, pick)
            return
        for node in walk(body):
            if (
                node.type in ("return_statement", "yield_expression")
                and _function_around(node, file) == function
                and not file.is_dead(node)
            ):
                only = conditional(node, file, body)
                for feature in self._placed(node.named_children[:1], file, pick):
                    yield replace(feature, conditional=feature.conditional or only)

    # --- names --------------------------------------------------------------------------------------------------------

    def _name(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        name = text_of(node)
        if name in _NOTHING:
            return []
        if name in DYNAMIC:
            return [Feature(Kind.DYNAMIC)]
        if name in INSTALLED:
            return [Feature(Kind.INSTALLED)]
        binding = file.lookup(name, node)
        if binding is None:
            return [unknown(f"`{name}` is not defined in this file", node, file)]
        return self.bound(binding, file, pick, name)

    def bound(self, binding: Binding, file: SourceFile, pick: Pick, name: str = "") -> Iterable[Feature]:
        """The features of what a name stands for."""
        match binding:
            case Import():
                return self.from_module(
                    binding.specifier, _first(binding.name, pick), _rest(binding.name, pick), file, binding.node
                )
            case Value():
                if binding.each:
                    return self._each(binding.node, file, (*binding.pick, *pick))
                return self.of(binding.node, file, (*binding.pick, *pick))
            case Parameter():
                return self._argument(binding, file, pick, name)

    def _each(self, node: Node, file: SourceFile, pick: Pick) -> list[Feature]:
        """Any element of a list: the same as the whole list, with ``pick`` inside each element."""
        return self.of(node, file, pick)

    def _argument(self, parameter: Parameter, file: SourceFile, pick: Pick, name: str) -> Iterable[Feature]:
        """What callers in this file pass for a parameter."""
        function, way = parameter.function, (*parameter.pick, *pick)
        call = file.call_with(function)
        if call is not None:
            callee = call.child_by_field_name("function")
            if callee is not None and callee.type == "member_expression" and parameter.index == 0:
                method, target = text_of(callee.child_by_field_name("property")), callee.child_by_field_name("object")
                if target is not None and method in {"then", *_MAPPING, "filter"}:
                    return self.of(target, file, way)
        found: list[Feature] = []
        for site in file.calls_of(file.function_name(function)):
            given = arguments(site)
            if parameter.index < len(given):
                found += self.of(given[parameter.index], file, way)
        return found or [unknown(f"`{name}` is a parameter: what it stands for is decided at run time", function, file)]

    def _member(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        target = node.child_by_field_name("object")
        if target is None:
            return []
        if node.type == "subscript_expression":
            index = node.child_by_field_name("index")
            keys = strings(index, file, self.packages) if index is not None else []
            if not keys or None in keys:
                return [unknown(f"`{short(node)}` is computed", node, file)]
            return [feature for key in keys for feature in self.of(target, file, (str(key), *pick))]
        name = text_of(node.child_by_field_name("property"))
        if text_of(target) in ("exports", "module.exports"):
            return self.exported(file, name, pick) or []
        if name in DYNAMIC | INSTALLED:
            return [Feature(Kind.DYNAMIC if name in DYNAMIC else Kind.INSTALLED)]
        return self.of(target, file, (name, *pick))

    def _array(self, node: Node, file: SourceFile, pick: Pick) -> Iterator[Feature]:
        items = [child for child in node.named_children if child.type != "comment"]
        if pick and pick[0].startswith("["):
            index = int(pick[0][1:-1])
            if index < len(items):
                yield from self.of(items[index], file, pick[1:])
            return
        yield from self._placed(items, file, pick)

    def _placed(self, items: Iterable[Node], file: SourceFile, pick: Pick) -> Iterator[Feature]:
        """The features of listed items, each placed where it is listed."""
        for item in items:
            place = file.location(item)
            for feature in self.of(item, file, pick):
                yield feature if feature.place is not None else replace(feature, place=place)

    def _object(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        name, rest = (pick[0], pick[1:]) if pick else ("default", ())
        value = property_of(node, name)
        if value is None:
            return [unknown(f"`{short(node)}` has no {name!r}", node, file)]
        if value.type == "shorthand_property_identifier":
            binding = file.lookup(text_of(value), node)
            return self.bound(binding, file, rest, text_of(value)) if binding is not None else []
        return self.of(value, file, rest)

    # --- modules ------------------------------------------------------------------------------------------------------

    def _imported(self, node: Node, file: SourceFile, pick: Pick) -> Iterable[Feature]:
        specifier = imported_by(node)
        specifiers: list[str | None] = [specifier]
        if specifier is None:
            given = arguments(node)
            specifiers = strings(given[0], file, self.packages) if given else []
        found: list[Feature] = []
        for item in specifiers:
            if item is None:
                found.append(unknown(f"`{short(node)}` is computed: the package is known only at run time", node, file))
            else:
                found += self.from_module(item, _first("*", pick), _rest("*", pick), file, node)
        return found

    def from_module(self, specifier: str, name: str, pick: Pick, file: SourceFile, node: Node) -> Iterable[Feature]:
        """What export ``name`` of the module ``specifier`` brings, as imported by ``file``."""
        if name in DYNAMIC:
            return [Feature(Kind.DYNAMIC)]
        if name in INSTALLED:
            return [Feature(Kind.INSTALLED)]
        if not specifier.startswith("."):
            return [Feature(Kind.PACKAGE, id=specifier, name=name, file=file)]
        target = self.packages.relative(file, specifier)
        if target is None:
            return [unknown(f"there is no file {specifier!r}", node, file)]
        found = self.exported(target, name, pick)
        return found if found is not None else [unknown(f"{target.name} does not export {name!r}", node, file)]

    def created(self, file: SourceFile) -> list[Feature]:
        """The plugins and modules that are created anywhere in a file, exported or not."""
        calls = (node for node in walk(file.root) if node.type == "call_expression")
        found = [feature for call in calls if self.factories.creates(call, file) for feature in self.of(call, file)]
        return [feature for feature in found if feature.kind in (Kind.PLUGIN, Kind.MODULE)]

    def exported(self, file: SourceFile, name: str, pick: Pick = ()) -> list[Feature] | None:
        """What a file's export brings; ``None`` when there is no such export."""
        found: list[Feature] | None = None
        for binding in file.exported(name):
            if isinstance(binding, Import) and binding.name == name and binding.specifier.startswith("."):
                target = self.packages.relative(file, binding.specifier)  # `export * from './x'` may not have it
                key = (file.name, binding.node.id, (name,))
                if target is None or key in self._active:
                    continue
                self._active.add(key)
                try:
                    inner = self.exported(target, name, pick)
                finally:
                    self._active.discard(key)
                if inner is None:
                    continue
            else:
                inner = list(self.bound(binding, file, pick, name))
            found = [*(found or []), *inner]
            break
        return found


def _maybe(features: Iterable[Feature]) -> Iterator[Feature]:
    return (replace(feature, conditional=True) for feature in features)


def _first(imported: str, pick: Pick) -> str:
    """The export that an import (``*``: the whole module) and a way into it lead to."""
    return (pick[0] if pick else "default") if imported == "*" else imported


def _rest(imported: str, pick: Pick) -> Pick:
    return pick[1:] if imported == "*" else pick


def _function_around(node: Node, file: SourceFile) -> Node | None:
    return next((parent for _, parent in file.ancestors(node) if parent.type in FUNCTIONS), None)
