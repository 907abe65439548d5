"""What discovery finds: plugin ids with where each was added, and what cannot be known without running the code."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.backstage.repository.catalogue import Catalogue
from generator.backstage.repository.reading import UNREAD
from generator.backstage.versions import UNKNOWN, Backstage, parse_version
from generator.problems.diagnostic import Diagnostics

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.problems.diagnostic import Diagnostic, Location


class Confidence(StrEnum):
    """How sure an id is.

    ``EXACT``: the feature itself was asked. ``HIGH``: read in code or package metadata and always added. ``MEDIUM``: added
    under a condition, or found in a file with syntax errors, or installed where the backend adds what is installed.
    ``LOW``: derived from a package name.
    """

    EXACT = "exact"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for the surest."""
        return list(Confidence).index(self)


class Source(StrEnum):
    """How a plugin id became known, best first."""

    REGISTRATIONS = "getRegistrations"  # the loaded feature said so
    CODE = "createBackendPlugin"  # createBackendPlugin({ pluginId: '…' }) in source or in an installed package
    ENVIRONMENT = "createEnv"  # the legacy backend's createEnv('…')
    METADATA = "package.json"  # backstage.pluginId
    CATALOGUE = "catalogue"  # greenroom's own list of published packages
    NAME = "package name"  # the naming convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One plugin that asks for a database.

    ``package`` is the npm package (or the local file) that brings it, ``location`` the statement that adds it (the row of a
    ``dynamic-plugins.yaml``), ``source`` how its id is known. ``modules`` are the packages of its modules, which use its
    database; ``version`` is the installed or locked version where known; ``specifier`` is what the code imports.
    """

    plugin_id: str
    package: str | None
    source: Source
    location: Location
    confidence: Confidence
    modules: tuple[str, ...] = ()
    version: str | None = None
    specifier: str | None = None

    @property
    def tables(self) -> str | None:
        """What it keeps in its database: ``own`` tables, ``keys`` only, ``None`` where that is not known."""
        return Catalogue.load().tables(self.plugin_id, self.package, self.modules)

    @property
    def extensions(self) -> tuple[str, ...]:
        """The extensions that its packages create in its database, as far as that is known."""
        listed = Catalogue.load().of(self.plugin_id, self.package, self.modules) if self.package is not None else ()
        return tuple(sorted({name for item in listed for name in item.extensions}))

    @property
    def measured(self) -> str | None:
        """The version of its package that the atlas knows."""
        listed = Catalogue.load().get(self.package) if self.package is not None else None
        return (listed.version or None) if listed is not None else None

    @property
    def is_newer(self) -> bool:
        """Whether its package is newer here than the one the atlas knows: it may have got tables or extensions since."""
        return bool(self.version and self.measured) and parse_version(self.version or "") > parse_version(
            self.measured or ""
        )

    def to_json(self) -> dict[str, Any]:
        """The shape of one entry of ``discover --format json``."""
        return {
            "package": self.package,
            "source": str(self.source),
            "file": self.location.file,
            "line": self.location.line or None,
            "confidence": str(self.confidence),
            "tables": self.tables,
            "extensions": list(self.extensions),
            "version": self.version,
            "measured": self.measured,
        }


#: What helps against something that was not read.
WAYS_OUT: Final = (
    "in greenroom.yaml, name the plugins that it adds under plugins.include, and those that are gone under plugins.exclude; "
    "then end this warning with an entry under `ignore`"
)
#: Diagnostics of what was not read, or not where it belongs: there may be plugins in it.
_UNREAD_CODES: Final = frozenset({"GR801", "GR802", "GR807", "GR810", "GR811"})
#: Files that only say versions.
_LOCK_FILES: Final = ("yarn.lock", "package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml")


class Gap(NamedTuple):
    """A place that may add plugins nobody knows of. ``unread``: not one value is unknown, but a file or the rest of one."""

    location: Location | None
    reason: str
    unread: bool


@dataclass(slots=True)
class Discovery:
    """The plugins of a Backstage repository.

    ``plugins`` maps plugin id to :class:`Found`, sorted by id. ``unknown`` are the places where something is added that
    cannot be known statically, with the reason: the list of plugins is then possibly incomplete. ``is_backstage`` is false
    where ``root`` holds no Backstage backend; everything else is empty then. ``backends`` are the folders of the backends,
    relative to the root, ``defaults`` the version of Backstage's database code they run. ``gaps`` is all that may hide a
    plugin, ``unknown`` and files that could not be read.
    """

    plugins: dict[str, Found] = field(default_factory=dict)
    unknown: list[tuple[Location, str]] = field(default_factory=list)
    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    is_backstage: bool = False
    backends: tuple[str, ...] = ()
    gaps: list[Gap] = field(default_factory=list)
    defaults: Backstage = UNKNOWN
    _said: set[tuple[Location, str]] = field(default_factory=set, repr=False)

    def add(self, found: Found) -> None:
        """Keep ``found``; of two places that add the same plugin the surer one is kept, then the first.

        Where two packages have the same id (``permission``), both use its database: the other one counts as a module.
        """
        known = self.plugins.get(found.plugin_id)
        if known is None:
            self.plugins[found.plugin_id] = found
            return
        kept, other = (found, known) if found.confidence.rank < known.confidence.rank else (known, found)
        packages = {*known.modules, *found.modules, *([other.package] if other.package else [])} - {kept.package}
        self.plugins[found.plugin_id] = replace(kept, modules=tuple(sorted(packages)))

    def add_unknown(self, location: Location, reason: str, *, package: str | None = None) -> None:
        """Say that something at ``location`` cannot be known, once. That the rest was not read is one cause, wherever; so is
        a ``package`` that two backends add.
        """
        told = [place for place, known in self.unknown if known == reason]
        if package is not None:
            told = [place for place in told if place.file != location.file]
        elif reason not in UNREAD:
            told = []
        if (location, reason) not in self._said and not told:
            self._said.add((location, reason))
            self.unknown.append((location, reason))

    def find_gaps(self, ignored: Callable[[Diagnostic], bool]) -> None:
        """Fill ``gaps``, and leave out what is ``ignored``. A comment answers for one value, not for what was not read."""
        reasons = {(location, reason): reason in UNREAD for location, reason in self.unknown}
        for item in self.diagnostics:
            is_unknown = item.code == "GR803" and item.location is not None
            unread = reasons.get((item.location, item.summary), False) if is_unknown and item.location else True
            hides = item.code in _UNREAD_CODES and not (item.location and item.location.file.endswith(_LOCK_FILES))
            if (is_unknown or hides) and (unread or not ignored(item)):
                file = f"{item.location.file} " if item.code == "GR801" and item.location else ""
                self.gaps.append(Gap(item.location, f"{file}{item.summary}", unread))
        for item in [item for item in self.diagnostics if ignored(item)]:
            del self.diagnostics.items[item]

    def seen_from(self, folder: Path) -> Discovery:
        """The same with places as they are called where the root is ``folder``."""
        if folder == Path():
            return self

        def place(location: Location) -> Location:
            return location._replace(file=(folder / location.file).as_posix())

        moved = Diagnostics()
        moved.extend(
            item._replace(location=place(item.location)) if item.location else item for item in self.diagnostics.items
        )
        return replace(
            self,
            plugins={name: replace(found, location=place(found.location)) for name, found in self.plugins.items()},
            unknown=[(place(location), reason) for location, reason in self.unknown],
            gaps=[gap._replace(location=place(gap.location)) if gap.location else gap for gap in self.gaps],
            diagnostics=moved,
            defaults=self.defaults._replace(location=place(self.defaults.location) if self.defaults.location else None),
        )

    def to_json(self) -> dict[str, Any]:
        """The shape of ``discover --format json`` (``schemas/discover.schema.json``)."""
        return {
            "plugins": {plugin_id: self.plugins[plugin_id].to_json() for plugin_id in sorted(self.plugins)},
            "unknown": [
                {"file": location.file, "line": location.line or None, "reason": reason}
                for location, reason in sorted(self.unknown)
            ],
            "backstage": self.defaults.to_json(),
            "diagnostics": [diagnostic.to_json() for diagnostic in self.diagnostics],
        }
