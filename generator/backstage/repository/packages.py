"""From a module specifier to the plugins and modules behind it: source, installed code, metadata, catalogue, name."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generator.backstage.repository.bindings import SourceFile
from generator.backstage.repository.catalogue import Catalogue
from generator.backstage.repository.kinds import Feature, Kind
from generator.backstage.repository.model import WAYS_OUT, Source
from generator.backstage.repository.typescript import TooHardError
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from generator.backstage.repository.files import Files
    from generator.backstage.repository.reading import Evaluator, Sources
    from generator.backstage.repository.repository import Package, Repository


@dataclass(frozen=True, slots=True)
class Brought:
    """A plugin, a module of a plugin (``kind`` tells), or something unknown (``reason``) that a package brings."""

    kind: Kind
    id: str = ""
    package: str | None = None
    source: Source = Source.CODE
    version: str | None = None
    specifier: str | None = None
    export: str = "default"
    place: Location | None = None
    conditional: bool = False
    reason: str = ""
    guessed: bool = False


#: Packages that start a backend or test one: what they export are services.
_HOSTS = (
    "@backstage/backend-defaults",
    "@backstage/backend-plugin-api",
    "@backstage/backend-app-api",
    "@backstage/backend-common",
    "@backstage/backend-test-utils",
    "@backstage/backend-dynamic-feature-service",
    "@backstage/backend-tasks",
)
_PLUGIN_ROLE, _MODULE_ROLE = "backend-plugin", "backend-plugin-module"
_DEPTH = 12
#: Evaluated expressions of one discovery. A large backend needs a few thousand; values that double each other never end.
_STEPS = 100_000
#: Processor time for all files of one discovery. The largest portals that are public take two seconds.
_SECONDS = 15.0
#: Files that take seconds without a result before the rest is left unread.
_MOST_TOO_HARD = 3


class Packages:
    """Looks packages up; parses every file once."""

    def __init__(self, repository: Repository, evaluator: Callable[[Sources], Evaluator]) -> None:
        """``evaluator`` makes what reads the expressions of files."""
        self.repository = repository
        self.files: Files = repository.files
        self.features = evaluator(self)
        self.catalogue = Catalogue.load()
        self._sources: dict[Path, SourceFile | None] = {}
        self._depth = 0
        self._steps = _STEPS
        self._deadline = time.process_time() + _SECONDS
        self._too_hard = 0
        self._code: dict[tuple[Path, str, str], list[Brought]] = {}

    def spend(self) -> bool:
        """Count one evaluated expression; false when there have been too many."""
        self._steps -= 1
        return not self.is_spent

    @property
    def is_spent(self) -> bool:
        """Whether the repository has taken all the time it gets."""
        return self._steps <= 0 or time.process_time() > self._deadline

    def parse(self, path: Path) -> SourceFile | None:
        """The file at ``path``, parsed; ``None`` where there is none to read."""
        if path not in self._sources:
            text = self.files.read(path)
            self._sources[path] = self._parsed(path, text) if text is not None else None
        return self._sources[path]

    def _parsed(self, path: Path, text: str) -> SourceFile | None:
        if self._too_hard >= _MOST_TOO_HARD:
            if self._too_hard == _MOST_TOO_HARD:  # said once
                self._unread(path, f"this and what follows was not read: {_MOST_TOO_HARD} files before it took too long")
            self._too_hard += 1
            return None
        try:
            return SourceFile(path, self.files.name(path), text)
        except TooHardError:
            self._too_hard += 1
            self._unread(path, "this cannot be read as TypeScript in reasonable time: what it adds is not known")
            return None

    def _unread(self, path: Path, summary: str) -> None:
        self.files.diagnostics.warning("GR802", summary, Location(self.files.name(path), 1, 1), hint=WAYS_OUT)

    def relative(self, file: SourceFile, specifier: str) -> SourceFile | None:
        """The file that ``./specifier`` means in ``file``."""
        path = self.repository.file((file.path.parent / specifier).resolve())
        return self.parse(path) if path is not None else None

    def source(self, file: SourceFile, specifier: str) -> SourceFile | None:
        """The file behind any specifier: relative, or of a package."""
        if specifier.startswith("."):
            return self.relative(file, specifier)
        name, subpath = split(specifier)
        package = self.repository.find(name, file.path.parent)
        path = self.repository.source_of(package, subpath) if package is not None else None
        return self.parse(path) if path is not None else None

    # --- from features to plugins ---------------------------------------------------------------------------------------

    def bring(self, feature: Feature, near: Path) -> list[Brought]:
        """The plugins and modules of a feature; packages are looked up as seen from folder ``near``."""
        match feature.kind:
            case Kind.PACKAGE:
                folder = feature.file.path.parent if feature.file is not None else near
                found = self.package(feature.id, feature.name, folder)
            case Kind.PLUGIN | Kind.MODULE:
                found = [Brought(feature.kind, feature.id, self.owner(feature.file))]
            case Kind.UNKNOWN:
                found = [Brought(Kind.UNKNOWN, package=self.owner(feature.file), reason=feature.reason)]
            case _:
                found = [Brought(feature.kind)]
        return [
            replace(item, place=feature.place or item.place, conditional=item.conditional or feature.conditional)
            for item in found
        ]

    def owner(self, file: SourceFile | None) -> str | None:
        """What ``package`` says for code of the repository: the package it is in, for the backend itself the file."""
        if file is None:
            return None
        inside = [
            package
            for package in self.repository.packages.values()
            if package.folder in file.path.parents and package.folder != self.files.root
        ]
        package = max(inside, key=lambda item: len(item.folder.parts), default=None)
        if package is None or package.role == "backend" or not package.role.startswith("backend-plugin"):
            return file.name
        return package.name

    def package(self, specifier: str, name: str, near: Path) -> list[Brought]:
        """What export ``name`` of the package (or package/subpath) ``specifier`` brings."""
        package_name, subpath = split(specifier)
        if package_name in _HOSTS or specifier.startswith("node:"):
            return [Brought(Kind.SERVICE, package=package_name)]
        package = self.repository.find(package_name, near)
        found = self._not_installed(package_name, name) if package is None else self._installed(package, subpath, name)
        return [item if item.specifier else replace(item, specifier=specifier, export=name) for item in found]

    def _installed(self, package: Package, subpath: str, name: str) -> list[Brought]:
        role, plugin_id = package.role, package.plugin_id
        declared = (
            Brought(
                Kind.PLUGIN if role == _PLUGIN_ROLE and not _is_module(name) else Kind.MODULE,
                plugin_id,
                package.name,
                Source.METADATA,
                package.version,
            )
            if role in (_PLUGIN_ROLE, _MODULE_ROLE) and plugin_id
            else None
        )
        # Metadata is often the package's own name; the parent of a module is right where it is one that has modules.
        trusted = role == _MODULE_ROLE and not package.local and plugin_id in self.catalogue.parents
        if declared is not None and trusted:
            return [declared]
        if role.startswith(("frontend", "web-", "common-")):
            return [Brought(Kind.SERVICE, package=package.name)]
        read = self._from_code(package, subpath, name)
        known = {item.kind for item in read} - {Kind.UNKNOWN}
        if known & {Kind.PLUGIN, Kind.MODULE} or (known and not (declared is not None and name == "default")):
            return read
        if declared is not None:
            return [declared]
        listed = self.catalogue.get(package.name)
        if listed is not None:
            kind = Kind.PLUGIN if listed.is_plugin else Kind.MODULE
            return [Brought(kind, listed.plugin_id, package.name, Source.CATALOGUE, package.version)]
        if _is_service(name) or role == "node-library":
            return [Brought(Kind.SERVICE, package=package.name)]
        reason = (
            f"{package.name} has no backstage.pluginId in its package.json and no createBackendPlugin() that can be read"
        )
        return [item for item in read if item.kind is Kind.UNKNOWN] or [
            Brought(Kind.UNKNOWN, package=package.name, reason=reason)
        ]

    def _from_code(self, package: Package, subpath: str, name: str) -> list[Brought]:
        """What the code of a package says about an export; nothing where it cannot be read."""
        key = (package.folder, subpath, name)
        if key in self._code:
            return self._code[key]
        self._code[key] = []
        path = self.repository.source_of(package, subpath)
        file = self.parse(path) if path is not None else None
        if file is None or self._depth > _DEPTH:
            return []
        self._depth += 1
        try:
            exported = self.features.exported(file, name)
            if not package.local and not any(feature.kind is not Kind.UNKNOWN for feature in exported or []):
                exported = self.features.created(file) or exported  # bundled: what the file creates, however it exports it
            found = [item for feature in exported or [] for item in self.bring(feature, package.folder)]
        finally:
            self._depth -= 1
        found = [
            replace(
                item,
                package=item.package if item.specifier else package.name,
                version=item.version or (None if item.specifier else package.version),
                place=item.place if package.local else None,
            )
            for item in found
        ]
        self._code[key] = found
        return found

    def _not_installed(self, package_name: str, name: str) -> list[Brought]:
        listed = self.catalogue.get(package_name)
        if listed is not None:
            is_plugin = listed.is_plugin and not _is_module(name)
            return [Brought(Kind.PLUGIN if is_plugin else Kind.MODULE, listed.plugin_id, package_name, Source.CATALOGUE)]
        if _is_service(name):
            return [Brought(Kind.SERVICE, package=package_name)]
        guess = self.catalogue.guess(package_name)
        if guess is not None:
            kind = Kind.PLUGIN if guess.is_plugin and not _is_module(name) else Kind.MODULE
            return [Brought(kind, guess.plugin_id, package_name, Source.NAME, guessed=True)]
        reason = f"{package_name} is not installed and not in the catalogue, and its name does not say its plugin id"
        return [Brought(Kind.UNKNOWN, package=package_name, reason=reason)]


def split(specifier: str) -> tuple[str, str]:
    """``@scope/name/alpha`` → (``@scope/name``, ``./alpha``); ``.`` where there is no subpath."""
    parts = specifier.split("/")
    count = 2 if specifier.startswith("@") else 1
    rest = "/".join(parts[count:])
    return "/".join(parts[:count]), f"./{rest}" if rest else "."


def _is_module(name: str) -> bool:
    """Whether an export of a plugin's package is called like a module of it (``catalogModuleX``)."""
    return "module" in name.lower() and not name.lower().endswith("plugin")


def _is_service(name: str) -> bool:
    lower = name.lower()
    return lower.endswith(("servicefactory", "servicefactories", "service", "factory", "logger")) and lower != "default"
