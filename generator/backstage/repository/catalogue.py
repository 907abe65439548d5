"""Published backend packages and their plugin ids, for packages that are not installed where greenroom runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_FILE = Path(__file__).with_name("atlas.json")

# The convention of Backstage's own tools: plugin-<id>-backend and plugin-<id>-backend-module-<name>.
_CONVENTION = re.compile(
    r"^(?:@[\w.~-]+/)?(?:backstage-)?(?:plugin-)?(?P<id>[a-z0-9][a-z0-9-]*?)-backend(?P<module>-module(?:-[a-z0-9-]+)?)?$"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A package: the plugin it is (``is_plugin``), or the plugin its module belongs to.

    ``version`` is the one that was measured, empty where none could be. ``own_tables``: it creates tables beside the keys
    that every plugin with a router stores; ``None`` where that is not known. ``extensions`` are those that it creates.
    """

    package: str
    plugin_id: str
    is_plugin: bool
    version: str = ""
    own_tables: bool | None = None
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The published packages by npm name, and the plugins that have modules."""

    packages: dict[str, Listed]
    parents: frozenset[str]

    @staticmethod
    @cache
    def load() -> Catalogue:
        """The catalogue that is part of greenroom, as ``tools/atlas`` measured it."""
        rows = json.loads(_FILE.read_text(encoding="utf-8"))["packages"]
        packages = {name: _listed(name, row) for name, row in rows.items() if "plugin" in row or "module" in row}
        return Catalogue(packages, frozenset(item.plugin_id for item in packages.values() if not item.is_plugin))

    def get(self, package: str) -> Listed | None:
        """The entry of an npm package."""
        return self.packages.get(package)

    def plugin_ids(self) -> frozenset[str]:
        """Every plugin id that a published package has."""
        return frozenset(listed.plugin_id for listed in self.packages.values())

    def of(self, plugin_id: str, package: str | None, modules: Iterable[str] = ()) -> tuple[Listed, ...]:
        """What is known of the packages that use a plugin's database: its own ``package``, and ``modules``.

        Without a package it is whatever publishes that id.
        """
        if package is None:
            named = [item for item in self.packages.values() if item.is_plugin and item.plugin_id == plugin_id]
        else:
            named = [self.packages[package]] if package in self.packages else []
        return (*named, *(self.packages[name] for name in modules if name in self.packages))

    def tables(self, plugin_id: str, package: str | None, modules: Iterable[str] = ()) -> str | None:
        """``own`` for a plugin with tables of its own, by its ``package`` or one of its ``modules``; ``keys`` for one known
        to keep only Backstage's signing keys in its database. ``None``: not known.

        The same id may be that of several packages (``permission``), and only one of them may have tables.
        """
        modules = tuple(modules)
        of_modules = [item for name in modules if (item := self.packages.get(name)) is not None]
        of_plugin = self.of(plugin_id, package)
        if any(item.own_tables for item in (*of_modules, *(of_plugin if package is not None else ()))):
            return "own"
        if of_plugin and all(item.own_tables for item in of_plugin):
            return "own"
        known = of_plugin and len(of_modules) == len(modules)
        return "keys" if known and all(item.own_tables is False for item in (*of_plugin, *of_modules)) else None

    def by_flat_name(self, name: str) -> Listed | None:
        """The entry of a package by the name it has as a dynamic plugin: ``@a/b-c`` is ``a-b-c``."""
        return _flat_names().get(name)

    def guess(self, package: str) -> Listed | None:
        """What the naming convention says about a package that is not listed; ``None`` where it says nothing.

        It is right for about three of four packages, so what comes from it is never more than ``low`` confidence.
        """
        match = _CONVENTION.match(package)
        if match is None:
            return None
        return Listed(package, match["id"], match["module"] is None)


def _listed(name: str, row: dict[str, Any]) -> Listed:
    # A module that was a plugin in an earlier version: nobody knows which one a repository without installation has.
    is_plugin = "plugin" in row or row.get("was") == "plugin"
    tables = row.get("tables")
    return Listed(
        name,
        row.get("plugin") or row["module"],
        is_plugin,
        row.get("version", ""),
        tables if tables is None else tables != 0,
        tuple(row.get("extensions", ())),
    )


@cache
def _flat_names() -> dict[str, Listed]:
    return {flat_name(name): listed for name, listed in Catalogue.load().packages.items()}


def flat_name(package: str) -> str:
    """The name of a package as a dynamic plugin, without the suffix ``-dynamic``."""
    return package.removeprefix("@").replace("/", "-")
