"""App-configs that a repository gives to Backstage in a cluster: in Helm values, ConfigMaps, objects of Argo CD and Flux."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.backstage.config.nested import Found, Manifest
from generator.backstage.config.production import NOT_MEANT, PRODUCTION, environment_in, is_made_here
from generator.documents.files import ReadError, decode, read_bytes
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where no files of a deployment are, and many others.
_SKIPPED: Final = frozenset((".git", "node_modules", ".yarn", "dist", "dist-types", "coverage", ".venv", "vendor", "src"))
_WORTH_READING: Final = re.compile(rb"app[-_]?config", re.IGNORECASE)
_DATABASE: Final = re.compile(rb"\bdatabase\b")
# What is looked at in one repository, at most.
_MOST_FOLDERS: Final = 5_000
_MOST_ENTRIES: Final = 200_000
_MOST_FILES: Final = 5_000
_MOST_READ: Final = 100
_MOST_BYTES: Final = 1_000_000
_MOST_BYTES_READ: Final = 10_000_000
_DEEPEST: Final = 10


class Deployed(NamedTuple):
    """An app-config with ``backend.database`` inside ``file`` (relative to the repository), and where its key is."""

    file: str
    found: Found
    location: Location

    @property
    def target(self) -> str:
        """What to give to ``--config``, relative to the repository."""
        return f"{self.file}#{self.found.path}"


class Choice(NamedTuple):
    """Those that production starts with, in order; ``several`` where that cannot be told, ``others`` are the rest."""

    chosen: tuple[Deployed, ...] = ()
    several: tuple[Deployed, ...] = ()
    others: tuple[Deployed, ...] = ()


def find_deployed(root: Path) -> tuple[Deployed, ...]:
    """Every app-config inside other files of the repository at ``root`` that has database settings, by file. Bounded."""
    found = []
    read = total = 0
    for name in _files(root):
        data = _data(root / name)
        if not data or not _WORTH_READING.search(data) or not _DATABASE.search(data) or is_made_here(data):
            continue
        read, total = read + 1, total + len(data)
        if read > _MOST_READ or total > _MOST_BYTES_READ:
            break
        for item in Manifest(name, decode(data).text).find():
            if _has_database(item.value):
                place = item.place.key_location if item.place else Location(name, 1, 1)
                found.append(Deployed(name, item, place))
    return tuple(found)


def choose(found: tuple[Deployed, ...]) -> Choice:
    """Which of them production starts with: the only one; else the one called after production, over the one beside it that
    is called after no environment.
    """
    names = {item.file: environment_in(item.file) for item in found}
    neutral = [item for item in found if names[item.file] is None]
    production = [item for item in found if names[item.file] in PRODUCTION]
    wanted = found if len(found) == 1 else tuple(production or neutral)
    if len(wanted) != 1:
        return Choice(several=wanted or found)
    base = [item for item in neutral if item is not wanted[0] and _are_layers(item, wanted[0])]
    chosen = (*base, *wanted) if len(base) == 1 else wanted
    return Choice(chosen, (), tuple(item for item in found if item not in chosen))


def _are_layers(one: Deployed, two: Deployed) -> bool:
    """Whether Helm is given both: values of one folder, with the app-config at the same keys."""
    return Path(one.file).parent == Path(two.file).parent and one.found.keys == two.found.keys


def _has_database(value: ConfigMap) -> bool:
    backend = value.get("backend")
    return isinstance(backend, ConfigMap) and bool(backend.get("database"))


def _files(root: Path) -> Iterator[str]:
    """Names of YAML files below ``root`` that are no app-config themselves, in order. Links are not followed."""
    folders = entries = files = 0
    for folder, inner, names in os.walk(root):
        folders += 1
        entries += len(inner) + len(names)
        if folders > _MOST_FOLDERS or entries > _MOST_ENTRIES:
            return
        relative = Path(os.path.relpath(folder, root))
        inner[:] = sorted(name for name in inner if name not in _SKIPPED) if len(relative.parts) < _DEEPEST else []
        for name in sorted(names):
            if not name.endswith((".yaml", ".yml")) or name.startswith("app-config"):
                continue
            if NOT_MEANT.search(name):
                continue
            files += 1
            if files > _MOST_FILES:
                return
            yield (relative / name).as_posix()


def _data(path: Path) -> bytes:
    """The content of a file; nothing of a link, of what is no file, and of what is too large."""
    if path.is_symlink():
        return b""
    try:
        return read_bytes(str(path), _MOST_BYTES)
    except ReadError:
        return b""
