"""Which of Backstage's database managers a backend runs, as its code and its packages say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.problems.diagnostic import Diagnostics, Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.backstage.repository.repository import Package, Repository

_PACKAGE: Final = "@backstage/backend-common"
#: From here on its DatabaseManager resolves as today's does (pluginDivisionMode came last).
_CURRENT: Final = (0, 9, 10)
#: Before this it knew one connection for all plugins.
_PER_PLUGIN: Final = (0, 8, 3)
_MOST_FILES: Final = 200
_VERSION: Final = re.compile(r"(\d+)\.(\d+)\.(\d+)")


class Manager(NamedTuple):
    """``kind`` as in ``backstage.databaseManager``; where the code says so, and why in words."""

    kind: str
    location: Location
    reason: str


def find_manager(root: Path) -> Manager | None:
    """The manager of a backend of the time before ``@backstage/backend-defaults``; ``None`` where it is today's."""
    from generator.backstage.repository.files import Files
    from generator.backstage.repository.repository import Repository

    repository = Repository(Files(root, Diagnostics()))
    for backend in repository.backends():
        for path in _sources(backend.folder / "src"):
            for name, line in _imported(path):
                found = _manager(name, Location(repository.files.name(path), line, 1), backend, repository)
                if found is not None:
                    return found
    return None


def _manager(name: str, location: Location, backend: Package, repository: Repository) -> Manager | None:
    if name == "SingleConnectionDatabaseManager":
        return Manager("single-connection", location, f"uses {name}")
    if name == "PluginConnectionDatabaseManager":
        return Manager("plugin-connection", location, f"uses {name}")
    version = _version(backend, repository)
    match = _VERSION.search(version or "")
    if match is None or (number := tuple(map(int, match.groups()))) >= _CURRENT:
        return None
    kind = "plugin-connection" if number >= _PER_PLUGIN else "single-connection"
    return Manager(kind, location, f"uses the DatabaseManager of {_PACKAGE} {match[0]}")


def _version(backend: Package, repository: Repository) -> str | None:
    """The version that is installed, else locked, else the lowest that package.json allows."""
    from generator.backstage.repository.package_lock import Lock

    installed = repository.find(_PACKAGE, backend.folder)
    if installed is not None and installed.version:
        return installed.version
    locked = Lock(repository.files).versions.get(_PACKAGE)
    declared = backend.manifest.get("dependencies")
    return locked or (str(declared.get(_PACKAGE, "")) if isinstance(declared, dict) else None)


def _sources(folder: Path) -> Iterator[Path]:
    """The files of a backend that may have a manager: the entry file first."""
    if not folder.is_dir():
        return
    paths = sorted(folder.rglob("*.ts"), key=lambda path: (path != folder / "index.ts", path))
    for path in paths[:_MOST_FILES]:
        try:
            if not path.is_symlink() and b"DatabaseManager" in path.read_bytes():
                yield path
        except OSError:
            continue


def _imported(path: Path) -> Iterator[tuple[str, int]]:
    """The managers a file imports from backend-common, each with its line; comments are no code."""
    from generator.backstage.repository.typescript import TooHardError, parse, string_of, text_of, walk

    try:
        root = parse(path.read_bytes().decode("utf-8"))
    except (OSError, ValueError, TooHardError):
        return
    for statement in root.named_children:
        source = statement.child_by_field_name("source") if statement.type == "import_statement" else None
        if source is None or string_of(source) != _PACKAGE:
            continue
        for node in walk(statement):
            name = text_of(node.child_by_field_name("name")) if node.type == "import_specifier" else ""
            if name.endswith("DatabaseManager") and not name.startswith("Legacy"):
                yield name, node.start_point[0] + 1
