"""Which ``@backstage/backend-defaults`` a backend runs: as installed, as locked, or what its package.json asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.repository.package_lock import NAMES, Lock
from generator.backstage.versions import (
    CONNECTOR,
    PACKAGE,
    UNKNOWN,
    VERIFIED,
    Backstage,
    assume,
    newest,
    parse_version,
    satisfies,
)
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from generator.backstage.repository.files import Files
    from generator.backstage.repository.repository import Package, Repository

#: Lock files of package managers whose format is not read.
_OTHER_LOCKS: Final = ("bun.lock", "bun.lockb", "deno.lock")
#: What had the database manager before.
_BEFORE: Final = "@backstage/backend-common"


def find_defaults(files: Files, repository: Repository, backends: list[Package]) -> Backstage:
    """The version of the first backend that asks for the package."""
    for backend in backends:
        wanted = _wanted(backend)
        if wanted is None:
            continue
        place = files.line_of(backend.folder / "package.json", PACKAGE)
        installed = repository.find(PACKAGE, backend.folder)
        connector = _connector(files, repository, backend)
        if installed is not None and installed.version and not installed.local:
            return _installed(installed.version, place)._replace(connector=connector)
        found = _locked(files, wanted, place) or _asked_for(files, wanted, place)
        return found._replace(connector=connector)
    return next(filter(None, (_before_defaults(files, backend) for backend in backends)), UNKNOWN)


def _before_defaults(files: Files, backend: Package) -> Backstage | None:
    """A backend from before backend-defaults: what the oldest verified version does is what it does."""
    if not _lists(backend, _BEFORE):
        return None
    doubt = f"the backend has {_BEFORE} and no {PACKAGE}: it is older than {VERIFIED[0]}, which is assumed"
    return Backstage(VERIFIED[0], "package.json", files.line_of(backend.folder / "package.json", _BEFORE), doubt)


def _connector(files: Files, repository: Repository, backend: Package) -> str:
    """The version of the Cloud SQL connector, which a backend that needs it lists: installed, or the newest locked."""
    if not _lists(backend, CONNECTOR):
        return ""
    installed = repository.find(CONNECTOR, backend.folder)
    if installed is not None and installed.version:
        return installed.version
    return newest(Lock(files).every.get(CONNECTOR) or [""])


def _installed(version: str, place: Location) -> Backstage:
    if parse_version(version):
        return Backstage(version, "installed", place)
    newest_known = UNKNOWN.version
    doubt = f"{PACKAGE} {version} is installed, a build without a version of its own; {newest_known} is assumed"
    return Backstage(newest_known, "installed", place, doubt)


def _lists(backend: Package, package: str) -> bool:
    listed = backend.manifest.get("dependencies")
    return isinstance(listed, dict) and package in listed


def _wanted(backend: Package) -> str | None:
    listed = backend.manifest.get("dependencies")
    wanted = listed.get(PACKAGE) if isinstance(listed, dict) else None
    return wanted if isinstance(wanted, str) else None


def _locked(files: Files, wanted: str, place: Location) -> Backstage | None:
    lock = Lock(files)
    versions = [version for version in lock.every.get(PACKAGE, ()) if parse_version(version)]
    if not versions or (wanted in lock.every.get(PACKAGE, ()) and not parse_version(wanted)):  # a nightly build is asked for
        return None
    here = Location(lock.name)
    if len(versions) == 1:
        return Backstage(versions[0], lock.name, place)
    fitting = [version for version in versions if satisfies(version, wanted)]
    chosen = newest(fitting or versions)
    both = " and ".join(sorted(versions, key=parse_version))
    return Backstage(chosen, lock.name, here, f"{lock.name} has {both} of {PACKAGE}; {chosen} is assumed")


def _asked_for(files: Files, wanted: str, place: Location) -> Backstage:
    if parse_version(wanted):
        return Backstage(wanted, "package.json", place)
    other = next((name for name in (*NAMES, *_OTHER_LOCKS) if files.is_file(files.root / name)), None)
    why = f"{other} does not say which version that is" if other else "there is no lock file"
    version = assume(wanted)
    return Backstage(
        version, "package.json", place, f"package.json asks for {PACKAGE} {wanted}, and {why}; {version} is assumed"
    )
