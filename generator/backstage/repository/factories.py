"""Backstage's own functions: what ``createBackendPlugin()`` and its siblings return."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.repository.bindings import Import, Value, imported_by
from generator.backstage.repository.constants import strings
from generator.backstage.repository.kinds import Feature, Kind, unknown
from generator.backstage.repository.typescript import FUNCTIONS, property_of, text_of, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

    from generator.backstage.repository.bindings import SourceFile
    from generator.backstage.repository.reading import Evaluator

#: Functions of Backstage by what they return. Newer releases say `pluginId`, the first alpha releases said `id`.
_PLUGINS = frozenset({"createBackendPlugin"})
_MODULES = frozenset({"createBackendModule"})
_LOADERS = frozenset({"createBackendFeatureLoader"})
_SERVICES = frozenset({"createServiceFactory", "createServiceRef", "createExtensionPoint", "mockServices"})
_LEGACY = frozenset({"legacyPlugin"})
DYNAMIC = frozenset(
    {
        "dynamicPluginsFeatureLoader",
        "dynamicPluginsFeatureDiscoveryLoader",
        "dynamicPluginsFeatureDiscoveryServiceFactory",
    }
)
INSTALLED = frozenset({"discoveryFeatureLoader", "featureDiscoveryServiceFactory"})

_DEPTH = 60


class Factories:
    """Reads calls of Backstage's functions; other expressions are left to ``features``."""

    def __init__(self, features: Evaluator) -> None:
        self.features = features

    def creates(self, call: Node, file: SourceFile) -> bool:
        """Whether a call creates a plugin or a module."""
        callee = call.child_by_field_name("function")
        return callee is not None and original_name(unwrap(callee), file) in _PLUGINS | _MODULES

    def named(self, name: str, node: Node, given: list[Node], file: SourceFile) -> list[Feature] | None:
        """The features of Backstage's own functions; ``None`` for other functions."""
        if name in _PLUGINS | _MODULES:
            options = self.literal(given[0], file) if given else None
            if options is None:
                return [unknown(f"the argument of {name}() is not an object literal", node, file)]
            return self._plugin(name, options[0], options[1])
        if name in _LEGACY and given:
            ids = strings(given[0], file, self.features.packages)
            return [
                Feature(Kind.PLUGIN, id=item, file=file) if item is not None else unknown("the id is computed", node, file)
                for item in ids
            ]
        if name in _LOADERS:
            options = self.literal(given[0], file) if given else None
            loader = property_of(options[0], "loader") if options else unwrap(given[0]) if given else None
            if loader is None or (options is None and loader.type not in FUNCTIONS):
                return [unknown("the loader of createBackendFeatureLoader() is not a literal", node, file)]
            return self.features.of(loader, options[1] if options else file)
        if name in DYNAMIC:
            return [Feature(Kind.DYNAMIC)]
        if name in INSTALLED:
            return [Feature(Kind.INSTALLED)]
        return [Feature(Kind.SERVICE)] if name in _SERVICES else None

    def _plugin(self, function: str, options: Node, file: SourceFile) -> list[Feature]:
        value = property_of(options, "pluginId") or property_of(options, "id")
        if value is None:
            return [unknown(f"{function}() has no literal pluginId", options, file)]
        kind = Kind.PLUGIN if function in _PLUGINS else Kind.MODULE
        module = property_of(options, "moduleId")
        name = (next(iter(strings(module, file, self.features.packages)), None) or "") if module is not None else ""
        return [
            Feature(kind, id=item, name=name, file=file)
            if item is not None
            else unknown(f"the pluginId of {function}() is computed", value, file)
            for item in strings(value, file, self.features.packages)
        ]

    def literal(self, node: Node, file: SourceFile) -> tuple[Node, SourceFile] | None:
        """The object literal behind an expression, through names of this file."""
        for _ in range(_DEPTH):
            node = unwrap(node)
            if node.type == "object":
                return node, file
            binding = file.lookup(text_of(node), node) if node.type == "identifier" else None
            if not isinstance(binding, Value) or binding.pick or binding.each:
                return None
            node = binding.node
        return None


def original_name(callee: Node, file: SourceFile, depth: int = 0) -> str:
    """The name a function has where it is defined: ``createBackendPlugin`` also when it was imported ``as`` another."""
    if callee.type == "member_expression":
        return text_of(callee.child_by_field_name("property"))
    if callee.type != "identifier":
        return ""
    binding = file.lookup(text_of(callee), callee)
    if isinstance(binding, Import):
        return binding.name
    if isinstance(binding, Value) and depth < 5:
        value = unwrap(binding.node)
        if value.type == "call_expression" and imported_by(value) is not None and binding.pick:
            return binding.pick[-1]  # const { createBackendPlugin } = require('@backstage/backend-plugin-api')
        if value.type == "identifier" and not binding.pick:
            return original_name(value, file, depth + 1)
    return text_of(callee) if binding is None else ""
