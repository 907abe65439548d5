"""What a backend's entry file adds: ``backend.add(…)`` of the new backend system, ``createEnv('…')`` of the old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.backstage.repository.bindings import Import, Parameter, Value
from generator.backstage.repository.constants import strings
from generator.backstage.repository.kinds import Kind, conditional
from generator.backstage.repository.model import Source
from generator.backstage.repository.packages import Brought
from generator.backstage.repository.reading import SPENT, TOO_MANY
from generator.backstage.repository.typescript import FUNCTIONS, arguments, first_error, text_of, unwrap, walk
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tree_sitter import Node

    from generator.backstage.repository.bindings import SourceFile
    from generator.backstage.repository.packages import Packages
    from generator.problems.diagnostic import Diagnostics

#: More files than this do not belong to the start of one backend.
_MOST_FILES = 200


@dataclass(frozen=True, slots=True)
class Added:
    """Something that a statement at ``location`` adds. ``damaged``: the file has syntax errors."""

    brought: Brought
    location: Location
    damaged: bool = False


class Entry:
    """Reads the files a backend starts with."""

    def __init__(self, packages: Packages, diagnostics: Diagnostics) -> None:
        self.packages = packages
        self.diagnostics = diagnostics
        self._functions: set[tuple[str, int, int]] = set()
        self.imported: set[str] = set()
        self.legacy = False

    def read(self, start: Path, folder: Path) -> list[Added]:
        """Everything the backend that starts with file ``start`` adds, there or in the files it imports."""
        queue, seen, found = [start], {start}, list[Added]()
        while queue:
            path = queue.pop(0)
            if len(seen) > _MOST_FILES:
                found.append(Added(Brought(Kind.UNKNOWN, reason=TOO_MANY), Location(self.packages.files.name(path), 1, 1)))
                break
            file = self.packages.parse(path)
            if file is None:
                continue
            damaged = self._damage(file)
            added = [*self._adds(file, file.root, folder), *self._environments(file)]
            found += [replace(item, damaged=damaged) for item in added]
            for specifier in file.imports():
                if not specifier.startswith("."):
                    self.imported.add(specifier)
                elif (target := self.packages.relative(file, specifier)) is not None and target.path not in seen:
                    seen.add(target.path)
                    queue.append(target.path)
        return found

    def _damage(self, file: SourceFile) -> bool:
        error = first_error(file.root)
        if error is None:
            return False
        self.diagnostics.warning(
            "GR802",
            "this does not parse as TypeScript: what is added near it may be missed",
            file.location(error),
            backstage="does not start",
            hint="`yarn tsc` shows the error",
        )
        return True

    # --- the new backend system ---------------------------------------------------------------------------------------

    def _adds(self, file: SourceFile, scope: Node, near: Path) -> Iterator[Added]:
        for node in walk(scope):
            if node.type != "call_expression" or file.is_dead(node):
                continue
            if self.packages.is_spent:
                yield Added(Brought(Kind.UNKNOWN, reason=SPENT), file.location(node))
                return
            callee = node.child_by_field_name("function")
            if callee is None:
                continue
            callee = unwrap(callee)
            if callee.type == "member_expression" and text_of(callee.child_by_field_name("property")) == "add":
                target = callee.child_by_field_name("object")
                if target is not None and self._is_backend(target, file):
                    yield from self._added(node, file, near)
            elif scope == file.root:
                yield from self._handed_over(node, callee, file)

    def _added(self, call: Node, file: SourceFile, near: Path) -> Iterator[Added]:
        only = conditional(call, file)
        for argument in arguments(call)[:1]:
            for feature in self.packages.features.of(argument, file):
                for item in self.packages.bring(feature, near):
                    place = item.place if item.kind is not Kind.UNKNOWN or item.place is not None else None
                    yield Added(replace(item, conditional=item.conditional or only), place or file.location(call))

    def _is_backend(self, node: Node, file: SourceFile) -> bool:
        """Whether a value is a backend: made by ``createBackend()``, typed ``Backend``, or called like one."""
        node = unwrap(node)
        if node.type == "call_expression":
            return _makes_backend(node, file)
        if node.type != "identifier":
            return node.type == "member_expression" and "backend" in text_of(node.child_by_field_name("property")).lower()
        binding = file.lookup(text_of(node), node)
        named = "backend" in text_of(node).lower()
        match binding:
            case Value():
                value = unwrap(binding.node)
                if value.type == "call_expression":
                    return _makes_backend(value, file) or named
                return value.type != "new_expression" and (named or self._is_backend(value, file))
            case Parameter():
                known = (file.name, binding.function.id, binding.index) in self._functions
                return known or named or binding.annotation.lstrip(": ").startswith("Backend")
            case Import():
                return named
            case _:
                return named

    def _handed_over(self, call: Node, callee: Node, file: SourceFile) -> Iterator[Added]:
        """``addPlugins(backend)``: follow the backend into the function, wherever that is defined."""
        if callee.type != "identifier" or text_of(callee) == "require":
            return
        for index, argument in enumerate(arguments(call)):
            if unwrap(argument).type != "identifier" or not self._is_backend(argument, file):
                continue
            for target, function in self._functions_behind(callee, file):
                key = (target.name, function.id, index)
                if key in self._functions or target is file:
                    continue
                self._functions.add(key)
                body = function.child_by_field_name("body")
                if body is not None:
                    for item in self._adds(target, body, target.path.parent):
                        only = item.brought.conditional or conditional(call, file)
                        yield replace(item, brought=replace(item.brought, conditional=only))

    def _functions_behind(self, callee: Node, file: SourceFile) -> Iterator[tuple[SourceFile, Node]]:
        binding = file.lookup(text_of(callee), callee)
        if isinstance(binding, Value) and unwrap(binding.node).type in FUNCTIONS:
            yield file, unwrap(binding.node)
        elif isinstance(binding, Import):
            target = self.packages.source(file, binding.specifier)
            for _ in range(10):
                if target is None:
                    return
                exported = next(iter(target.exported(binding.name)), None)
                if isinstance(exported, Import) and exported.specifier.startswith("."):
                    target, binding = self.packages.relative(target, exported.specifier), exported
                    continue
                if isinstance(exported, Value):
                    node = unwrap(exported.node)
                    inner = target.lookup(text_of(node), node) if node.type == "identifier" else exported
                    if isinstance(inner, Value) and unwrap(inner.node).type in FUNCTIONS:
                        yield target, unwrap(inner.node)
                return

    # --- the old backend system ---------------------------------------------------------------------------------------

    def _environments(self, file: SourceFile) -> Iterator[Added]:
        """``createEnv('catalog')``: the argument is the plugin id."""
        for node in walk(file.root):
            if node.type != "call_expression" or file.is_dead(node):
                continue
            callee = node.child_by_field_name("function")
            if callee is None or not _makes_environment(unwrap(callee), file):
                continue
            given = arguments(node)
            if not given:
                continue
            self.legacy = True
            for value in strings(given[0], file, self.packages):
                yield Added(self._environment(value, given[0], only=conditional(node, file)), file.location(node))

    def _environment(self, value: str | None, argument: Node, *, only: bool) -> Brought:
        if value is None:
            reason = f"the plugin id in createEnv({text_of(argument)}) is computed"
            return Brought(Kind.UNKNOWN, reason=reason)
        return Brought(Kind.PLUGIN, value, None, Source.ENVIRONMENT, conditional=only)


def _makes_backend(call: Node, file: SourceFile) -> bool:
    callee = call.child_by_field_name("function")
    name = text_of(callee).rsplit(".", 1)[-1] if callee is not None else ""
    binding = file.lookup(name, call)
    original = binding.name if isinstance(binding, Import) else name
    return any(
        part in candidate for candidate in (name, original) for part in ("createBackend", "createSpecializedBackend")
    ) or (original.lower().endswith("backend") and original.lower().startswith(("create", "make", "build", "start", "init")))


def _makes_environment(callee: Node, file: SourceFile) -> bool:
    """Whether a function makes the environment of a legacy plugin."""
    if callee.type != "identifier":
        return False
    name = text_of(callee)
    binding = file.lookup(name, callee)
    if isinstance(binding, Value):
        value = unwrap(binding.node)
        maker = value.child_by_field_name("function") if value.type == "call_expression" else None
        if maker is not None and "createenv" in text_of(maker).lower():
            return True
    return name.lower().endswith("createenv") and not name.lower().startswith("make")
