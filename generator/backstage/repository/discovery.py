"""Discovery from start to end: backends, what they add, dynamic plugins, what is installed but never added."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from generator.backstage.repository.files import Files
from generator.backstage.repository.ignored import Ignored
from generator.backstage.repository.model import WAYS_OUT, Confidence, Discovery, Found, Source
from generator.backstage.repository.places import LISTS
from generator.backstage.repository.reading import TOO_DEEP, UNREAD
from generator.problems.diagnostic import Diagnostic, Location, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from generator.backstage.repository.entry import Added, Entry
    from generator.backstage.repository.packages import Brought, Packages
    from generator.backstage.repository.repository import Package, Repository
    from generator.backstage.versions import Backstage

_ONE_UNKNOWN = (
    "name the plugin under plugins.include in greenroom.yaml or with --plugin; where no plugin is added, write "
    "`// greenroom-ignore: GR803` and why above it; `greenroom discover --exact` asks the code itself"
)


def discover(root: Path, *, exact: bool = False) -> Discovery:
    """The plugins that ask for a database, as read in the Backstage repository ``root``.

    Nothing is run and nothing outside of ``root`` is read. With ``exact`` node is run in the repository and the features
    themselves are asked (``getRegistrations()``), which executes code of the installed packages.

    Returns a :class:`Discovery`; problems are in its ``diagnostics``, each with file and line. Raises nothing.
    """
    result = Discovery()
    files = Files(root, result.diagnostics)
    _discover(result, files, exact=exact)
    result.find_gaps(Ignored(files).covers)
    return result


def _discover(result: Discovery, files: Files, *, exact: bool) -> None:
    if not _looks_like_backstage(files):
        _no_backend(files, result)
        return
    # Parsing TypeScript costs 40 ms to import: only where there is a repository.
    from generator.backstage.repository.features import Features
    from generator.backstage.repository.packages import Packages
    from generator.backstage.repository.repository import Repository

    repository = Repository(files)
    backends = repository.backends()
    lists = _has_lists(files)
    if not backends and not lists:
        _no_backend(files, result)
        return
    result.is_backstage = True
    result.backends = tuple(files.name(backend.folder) for backend in backends)
    _Run(result, files, repository, Packages(repository, Features), backends, exact=exact).all(with_lists=lists)


def _looks_like_backstage(files: Files) -> bool:
    return files.is_file(files.root / "package.json") or _has_lists(files)


def _has_lists(files: Files) -> bool:
    return any(files.is_file(files.root / name) for name in LISTS)


def _no_backend(files: Files, result: Discovery) -> None:
    """Say that there is none, and where there is one instead."""
    nested = [
        files.name(folder)
        for folder in files.folders(files.root, 2)
        if folder != files.root and files.is_file(folder / "packages" / "backend" / "package.json")
    ]
    hint = f"try --root {nested[0]}" if nested else "run this in the repository that holds packages/backend, or give --root"
    if len(nested) > 1:
        hint += f" (there are {len(nested)}: {', '.join(nested[:5])}{', …' if len(nested) > 5 else ''})"
    result.diagnostics.error(
        "GR800",
        "there is no Backstage backend here",
        Location("package.json" if files.is_file(files.root / "package.json") else "."),
        hint=hint,
    )


class _Run:
    """One discovery; collects what the backends of a repository add."""

    def __init__(
        self,
        result: Discovery,
        files: Files,
        repository: Repository,
        packages: Packages,
        backends: list[Package],
        *,
        exact: bool,
    ) -> None:
        self.result = result
        self.diagnostics = result.diagnostics
        self.files = files
        self.repository = repository
        self.packages = packages
        self.backends = backends
        self.exact = exact
        self.modules: list[tuple[Brought, Location, Confidence]] = []
        self.dynamic = False
        self.missing: set[str] = set()

    def all(self, *, with_lists: bool) -> None:
        """Fill the result."""
        for backend in self.backends:
            self._backend(backend)
        if with_lists or self.dynamic:
            self._lists()
        self._modules()
        self._versions()
        self.result.defaults = self._defaults()
        if not self.result.plugins and not self.result.unknown:
            self.result.add_unknown(
                Location(self.result.backends[0] if self.result.backends else "."),
                "no plugin was found: nothing that is known adds one",
            )
        for location, reason in self.result.unknown:
            self.diagnostics.warning(
                "GR803",
                reason,
                location,
                hint=WAYS_OUT if reason in UNREAD else _ONE_UNKNOWN,
            )

    def _backend(self, backend: Package) -> None:
        from generator.backstage.repository.entry import Entry
        from generator.backstage.repository.installation import Installation, package_of
        from generator.backstage.repository.kinds import Kind

        start = self.repository.entry(backend)
        if start is None:
            self._without_entry(backend)
            return
        entry = Entry(self.packages, self.diagnostics)
        try:
            added = self._named(entry, entry.read(start, backend.folder))
        except RecursionError:
            self.result.add_unknown(Location(self.files.name(start), 1, 1), TOO_DEEP)
            return
        if self.exact:
            from generator.backstage.repository.exact import ask

            added = ask(added, backend.folder, self.repository, self.diagnostics)
        for item in added:
            if item.brought.kind is Kind.INSTALLED:
                self._all_installed(backend, item.location)
            else:
                self._take(item.brought, item.location, damaged=item.damaged)
        if not added:
            self.result.add_unknown(
                Location(self.files.name(start), 1, 1),
                "neither backend.add(…) nor createEnv(…) was found in this file and the files it imports",
            )
        installation = Installation(self.packages, self.diagnostics)
        installation.incomplete(backend, added)
        names = {item.brought.package for item in added} | {
            package_of(item.brought.specifier) for item in added if item.brought.specifier
        }
        # Code of the backend's own may add what it imports, with legacyPlugin() or a wrapper.
        names |= {package_of(specifier) for specifier in entry.imported}
        installation.not_added(backend, names, {item.brought.id for item in added if item.brought.kind is Kind.PLUGIN})

    def _named(self, entry: Entry, added: list[Added]) -> list[Added]:
        """Legacy plugins with the package that has their code: the one of that id among those the backend imports."""
        from generator.backstage.repository.installation import package_of

        catalogue = self.packages.catalogue
        by_id: dict[str, str] = {}
        for name in sorted({package_of(specifier) for specifier in entry.imported}):
            listed = catalogue.get(name) or catalogue.guess(name)
            if listed is not None and listed.is_plugin:
                by_id.setdefault(listed.plugin_id, name)
        return [
            replace(item, brought=replace(item.brought, package=by_id.get(item.brought.id)))
            if item.brought.source is Source.ENVIRONMENT
            else item
            for item in added
        ]

    def _take(self, brought: Brought, location: Location, *, damaged: bool = False, cap: Confidence | None = None) -> None:
        """Keep one thing that was added."""
        from generator.backstage.repository.kinds import Kind

        confidence = Confidence.HIGH
        if brought.source is Source.REGISTRATIONS:
            confidence = Confidence.EXACT
        elif brought.guessed:
            confidence = Confidence.LOW
        elif brought.conditional or damaged:
            confidence = Confidence.MEDIUM
        if cap is not None and cap.rank > confidence.rank:
            confidence = cap
        if brought.source in (Source.CATALOGUE, Source.NAME, Source.ENVIRONMENT) and brought.package is not None:
            self.missing.add(brought.package)
        match brought.kind:
            case Kind.UNKNOWN:
                self.result.add_unknown(location, brought.reason, package=brought.package)
            case Kind.DYNAMIC:
                self.dynamic = True
            case Kind.PLUGIN:
                self._plugin(brought, location, confidence)
            case Kind.MODULE:
                self.modules.append((brought, location, confidence))
            case _:
                pass

    def _plugin(self, brought: Brought, location: Location, confidence: Confidence) -> None:
        if brought.guessed:
            self.diagnostics.warning(
                "GR804",
                f"the id {brought.id!r} is derived from the package name {brought.package}",
                location,
                hint="install the packages (yarn install); or say in greenroom.yaml that it is right, "
                f"`plugins: {{include: [{brought.id}]}}`, or that it is not: exclude it, and include the right one",
            )
        self.result.add(
            Found(
                plugin_id=brought.id,
                package=brought.package,
                source=brought.source,
                location=location,
                confidence=confidence,
                version=brought.version,
                specifier=brought.specifier,
            )
        )

    def _modules(self) -> None:
        """Give modules to their plugins; one whose plugin is not added is reported."""
        for brought, location, _ in self.modules:
            found = self.result.plugins.get(brought.id)
            name = brought.package or brought.id
            if found is not None:
                if name not in found.modules:
                    self.result.plugins[brought.id] = replace(found, modules=tuple(sorted({*found.modules, name})))
            else:
                self.diagnostics.warning(
                    "GR806",
                    f"{name} is a module of the plugin {brought.id!r}, which is not added",
                    location,
                    backstage="does not run a module without its plugin",
                    hint=f"add the plugin {brought.id!r} to the backend, or remove the module",
                )

    def _all_installed(self, backend: Package, location: Location) -> None:
        """A backend that adds whatever is installed: the dependencies that are plugins."""
        for name in sorted(backend.dependencies()):
            for brought in self._by_dependency(name, backend):
                self._take(replace(brought, specifier=name), location, cap=Confidence.MEDIUM)

    def _by_dependency(self, name: str, backend: Package) -> list[Brought]:
        from generator.backstage.repository.kinds import Kind

        package = self.repository.find(name, backend.folder)
        if package is not None and not package.role.startswith("backend-plugin"):
            return []
        if package is None and self.packages.catalogue.get(name) is None and "backend" not in name:
            return []
        found = self.packages.package(name, "default", backend.folder)
        return [item for item in found if item.kind in (Kind.PLUGIN, Kind.MODULE)]

    def _without_entry(self, backend: Package) -> None:
        """No source to read: what the package depends on is all there is to go by."""
        location = self.files.line_of(backend.folder / "package.json", "dependencies")
        self.diagnostics.warning(
            "GR807",
            f"{self.files.name(backend.folder)} has no src/index.ts: its dependencies are taken for its plugins",
            location,
            hint="is this a build, or half a checkout? run greenroom where the sources are",
        )
        for name in sorted(backend.dependencies()):
            for brought in self._by_dependency(name, backend):
                place = self.files.line_of(backend.folder / "package.json", name)
                self._take(brought, place, cap=Confidence.LOW)

    def _lists(self) -> None:
        from generator.backstage.repository.dynamic import DynamicPlugins

        lists = DynamicPlugins(self.packages)
        for brought, location in lists.read(defaults=self.dynamic):
            self._take(brought, location)
        if self.dynamic and not lists.found:
            self.diagnostics.add(
                Diagnostic(
                    "GR811",
                    Severity.INFO,
                    "this backend loads dynamic plugins, but there is no dynamic-plugins.yaml here",
                    Location(self.result.backends[0]),
                    hint="name the dynamic plugins that are backend plugins under plugins.include in greenroom.yaml",
                )
            )
        if not self.backends and lists.found:
            self.result.add_unknown(
                Location(lists.found[0], 1, 1),
                "the image that loads this list has plugins of its own (app, auth, catalog, permission, proxy, scaffolder, "
                "search and more), which no file here names",
            )

    def _versions(self) -> None:
        """Versions from the lock file, for what is not installed."""
        if not self.missing:
            return
        from generator.backstage.repository.package_lock import Lock

        lock = Lock(self.files)
        if lock.broken:
            return
        for plugin_id, found in self.result.plugins.items():
            if found.version is None and found.package in lock.versions:
                self.result.plugins[plugin_id] = replace(found, version=lock.versions[found.package])

    def _defaults(self) -> Backstage:
        from generator.backstage.repository.defaults import find_defaults

        return find_defaults(self.files, self.repository, self.backends)


__all__ = ["discover"]
