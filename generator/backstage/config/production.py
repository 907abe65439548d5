"""Which app-config files production starts with."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_CONFIG: Final = re.compile(r"app-config(?:\.(?P<name>[A-Za-z0-9_.-]+))?\.ya?ml\Z")
#: Not for production: of one developer's machine, or to be copied from.
NOT_MEANT: Final = re.compile(r"(?:^|[._-])(?:local|example|sample|template|test|e2e)(?:[._-]|$)", re.IGNORECASE)
#: Names of files that are names of environments too; `docker` is none.
PRODUCTION: Final = ("production", "prod", "live")
_ENVIRONMENTS: Final = (*PRODUCTION, "staging", "stage", "preprod", "uat", "qa", "development", "dev")
_DOCKERFILES: Final = ("Dockerfile", "packages/backend/Dockerfile", "docker/Dockerfile")
_START: Final = re.compile(r"^\s*(?:CMD|ENTRYPOINT)\b", re.IGNORECASE)
_TARGET: Final = re.compile(r"--config[\"'\s,=]+([^\"'\s,\]\\]+)")
#: How the fragment starts that greenroom itself makes.
_MADE: Final = b"# Made by greenroom"
_MOST_BYTES: Final = 1_000_000


class ConfigFiles(NamedTuple):
    """``chosen`` in Backstage's order and ``others`` beside them, by name; ``environment`` where a name says it.

    ``source`` is the line of a Dockerfile that starts the backend with the chosen ones.
    """

    chosen: tuple[str, ...]
    others: tuple[str, ...]
    environment: str | None = None
    source: Location | None = None


def find_config_files(root: Path) -> ConfigFiles:
    """The files a Dockerfile starts the backend with, else app-config.yaml and the one of the environment nearest to
    production. Files of a developer's own machine are never chosen, nor is what greenroom generates.
    """
    there = _there(root)
    for name in _DOCKERFILES:
        for line, targets in _started(root / name):
            wanted = [target for target in targets if not _is_ours(root / target)]
            if wanted and all(target in there for target in wanted):
                return _files(wanted, there, Location(name, line, 1))
    base = [name for name in ("app-config.yaml", "app-config.yml") if name in there][:1]
    overlays = {match["name"]: name for name in there if (match := _CONFIG.match(name)) and match["name"]}
    overlay = next((overlays[name] for name in PRODUCTION if name in overlays), None)
    if overlay is None and len(overlays) == 1:
        overlay = next(iter(overlays.values()))
    return _files([*base, *([overlay] if overlay else [])], there)


def _files(chosen: list[str], there: list[str], source: Location | None = None) -> ConfigFiles:
    others = tuple(name for name in there if name not in chosen)
    return ConfigFiles(tuple(chosen), others, environment_of(chosen), source)


def environment_of(files: Sequence[str]) -> str | None:
    """The environment that the last of ``files`` is named after, if any is: ``staging`` for ``app-config.staging.yaml``."""
    names = [
        match["name"] if (match := _CONFIG.match(PurePosixPath(path).name)) else environment_in(path.partition("#")[0])
        for path in files
        if "#" in path or _CONFIG.match(PurePosixPath(path).name)
    ]
    return next((name for name in reversed(names) if name in _ENVIRONMENTS), None)


def environment_in(path: str) -> str | None:
    """The environment that a file, or the folder nearest to it, is called after: ``staging`` for ``values-staging.yaml``."""
    words = [word for part in reversed(PurePosixPath(path).parts) for word in re.split(r"[._-]", part.lower())]
    return next((word for word in words if word in _ENVIRONMENTS), None)


def is_made_here(data: bytes) -> bool:
    """Whether a file is a fragment that greenroom made."""
    return data.startswith(_MADE)


def _there(root: Path) -> list[str]:
    """The app-config files at the root that may be for production, sorted, the base first."""
    names = [
        path.name
        for path in root.iterdir()
        if (match := _CONFIG.match(path.name))
        and not NOT_MEANT.search(match["name"] or "")
        and path.is_file()
        and not _is_ours(path)
    ]
    return sorted(names, key=lambda name: (name.removesuffix(".yaml").removesuffix(".yml") != "app-config", name))


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MADE)) == _MADE
    except OSError:
        return path.name == "app-config.databases.yaml"  # not generated yet, but named already


class Start(NamedTuple):
    """An instruction of a Dockerfile that starts the backend: its ``text`` on one line, and the files it names."""

    location: Location
    text: str
    targets: tuple[str, ...]


def find_start(root: Path) -> Start | None:
    """The instruction that starts the backend: the last one with ``--config``, else the last that names packages/backend."""
    for wanted in (lambda text: _TARGET.search(text), lambda text: "packages/backend" in text):
        for name in _DOCKERFILES:
            for line, text in reversed(_instructions(root / name)):
                if wanted(text):
                    return Start(Location(name, line, 1), " ".join(text.split()), tuple(_targets(text)))
    return None


def _started(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The instructions of a Dockerfile that start something with ``--config``: line and targets, the last one first."""
    for line, text in reversed(_instructions(path)):
        if targets := _targets(text):
            yield line, targets


def _targets(text: str) -> list[str]:
    return [target.removeprefix("./") for target in _TARGET.findall(text)]


def _instructions(path: Path) -> list[tuple[int, str]]:
    """The instructions of a Dockerfile that start something, each with its line and its continuation."""
    try:
        text = path.read_bytes()[:_MOST_BYTES].decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    found = []
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if _START.match(line):
            whole, following = line, number
            while whole.rstrip().endswith("\\") and following < len(lines):
                whole = f"{whole.rstrip()[:-1]} {lines[following]}"
                following += 1
            found.append((number, whole))
    return found
