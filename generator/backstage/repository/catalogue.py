"""Published backend packages and their plugin ids, for packages that are not installed where greenroom runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FILE = Path(__file__).with_name("catalogue.json")

# The convention of Backstage's own tools: plugin-<id>-backend and plugin-<id>-backend-module-<name>.
_CONVENTION = re.compile(
    r"^(?:@[\w.~-]+/)?(?:backstage-)?(?:plugin-)?(?P<id>[a-z0-9][a-z0-9-]*?)-backend(?P<module>-module(?:-[a-z0-9-]+)?)?$"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A package: the plugin it is (``is_plugin``), or the plugin its module belongs to."""

    package: str
    plugin_id: str
    is_plugin: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The published packages by npm name, those with tables of their own and those without any, and plugins with modules."""

    packages: dict[str, Listed]
    own_tables: frozenset[str]
    keys_only: frozenset[str]
    parents: frozenset[str]

    @staticmethod
    @cache
    def load() -> Catalogue:
        """The catalogue that is part of greenroom."""
        data = json.loads(_FILE.read_text(encoding="utf-8"))
        packages = {name: Listed(name, plugin_id, True) for name, plugin_id in data["plugins"].items()}
        for parent, names in data["modules"].items():
            packages.update({name: Listed(name, parent, False) for name in names})
        tables = frozenset(data["ownTables"]), frozenset(data["keysOnly"])
        return Catalogue(packages, *tables, frozenset(data["modules"]))

    def get(self, package: str) -> Listed | None:
        """The entry of an npm package."""
        return self.packages.get(package)

    def plugin_ids(self) -> frozenset[str]:
        """Every plugin id that a published package has."""
        return frozenset(listed.plugin_id for listed in self.packages.values())

    def tables(self, plugin_id: str, package: str | None, modules: Iterable[str] = ()) -> str | None:
        """``own`` for a plugin with tables of its own, by its ``package`` or one of its ``modules``; ``keys`` for one known
        to keep only Backstage's signing keys in its database. ``None``: not known.

        The same id may be that of several packages (``permission``), and only one of them may have tables.
        """
        if self.own_tables.intersection((package, *modules)):
            return "own"
        packages = {package} if package is not None else {name for name, item in self._plugins() if item == plugin_id}
        if packages and packages <= self.own_tables:
            return "own"
        known = packages and packages <= self.keys_only and all(name in self.packages for name in modules)
        return "keys" if known else None

    def _plugins(self) -> Iterator[tuple[str, str]]:
        return ((name, listed.plugin_id) for name, listed in self.packages.items() if listed.is_plugin)

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


@cache
def _flat_names() -> dict[str, Listed]:
    return {flat_name(name): listed for name, listed in Catalogue.load().packages.items()}


def flat_name(package: str) -> str:
    """The name of a package as a dynamic plugin, without the suffix ``-dynamic``."""
    return package.removeprefix("@").replace("/", "-")
