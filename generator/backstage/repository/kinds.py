"""What a feature is, and whether a place in the code is always reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from generator.backstage.repository.typescript import text_of

if TYPE_CHECKING:
    from tree_sitter import Node

    from generator.backstage.repository.bindings import SourceFile
    from generator.problems.diagnostic import Location


class Kind(Enum):
    """What a feature is."""

    PLUGIN = "plugin"
    MODULE = "module"
    PACKAGE = "package"  # of an npm package that is yet to be looked at
    SERVICE = "service"  # brings no plugin
    DYNAMIC = "dynamic"  # adds what dynamic-plugins.yaml lists
    INSTALLED = "installed"  # adds what is installed
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing an expression brings.

    ``id`` is the plugin id of a plugin, the parent's of a module, the specifier of a package; ``name`` is the module id, or
    what is taken from the package (``default`` or an export). ``file`` holds the code that defines it. ``place`` is where
    it is listed when that is not where it is added (a ``yield`` in a loader); ``conditional``: only under a condition.
    """

    kind: Kind
    id: str = ""
    name: str = ""
    file: SourceFile | None = None
    place: Location | None = None
    conditional: bool = False
    reason: str = ""
    sites: tuple[str, ...] = ()


_BRANCHES = frozenset(
    {"if_statement", "ternary_expression", "switch_case", "switch_default", "catch_clause", "else_clause", "while_statement"}
)


def conditional(node: Node, file: SourceFile, until: Node | None = None) -> bool:
    """Whether ``node`` is evaluated only under a condition (looking no further up than ``until``)."""
    for child, parent in file.ancestors(node):
        if parent.type in _BRANCHES and child != parent.child_by_field_name("condition"):
            return True
        if parent.type == "binary_expression" and text_of(parent.child_by_field_name("operator")) in ("&&", "||", "??"):
            return True
        if until is not None and parent == until:
            return False
    return False


def unknown(reason: str, node: Node, file: SourceFile) -> Feature:
    """A feature that cannot be known, because of ``node``."""
    return Feature(Kind.UNKNOWN, reason=reason, file=file, place=file.location(node))


def short(node: Node) -> str:
    """The source text of ``node`` on one line, cut to what fits into a message."""
    text = " ".join(text_of(node).split())
    return text if len(text) <= 60 else f"{text[:57]}…"
