"""Lock files: which version of a package belongs to the repository when nothing is installed."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from generator.backstage.repository.files import MAX_LOCK_BYTES
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.backstage.repository.files import Files

#: The lock files that are read; the first one that is there counts.
NAMES = ("yarn.lock", "pnpm-lock.yaml", "npm-shrinkwrap.json", "package-lock.json")
_CONFLICT = re.compile(r"^(?:<{7}|={7}|>{7})(?: |$)", re.MULTILINE)
# `  '@scope/name@1.2.3':`, `  /@scope/name@1.2.3(peer@1):`, `  /@scope/name/1.2.3:`
_PNPM = re.compile(r"  '?/?(?P<name>(?:@[\w.~-]+/)?[\w.~-]+)[@/](?P<version>\d[^()':_\s]*)[^\n]*:")
#: Longest line that lists a package; a longer one is none.
_LINE = 1000


class Lock:
    """The versions in the lock file of a repository (``name``; empty where there is none)."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.name = ""
        self.broken = False
        self.versions: dict[str, str] = {}
        #: Every version of a package, where there are several.
        self.every: dict[str, list[str]] = {}
        for name in NAMES:
            path = files.root / name
            if files.is_file(path):
                self.name = name
                self._read(path)
                return

    def _read(self, path: Path) -> None:
        text = self.files.read(path, limit=MAX_LOCK_BYTES)
        if text is None:
            self.broken = True
            return
        conflict = _CONFLICT.search(text)
        if conflict is not None:
            self._broken(text.count("\n", 0, conflict.start()) + 1, "holds an unresolved merge conflict")
        elif self.name.endswith(".json"):
            self._npm(text)
        else:
            for name, version in (_yarn if self.name == "yarn.lock" else _pnpm)(text):
                self._add(name, version)
            if not self.versions and text.strip() and not _only_comments(text):
                self._broken(1, "lists no package that can be read")

    def _npm(self, text: str) -> None:
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            self._broken(error.lineno, f"is not valid JSON: {error.msg}")
            return
        except RecursionError:
            self._broken(1, "is nested too deeply")
            return
        packages = value.get("packages") if isinstance(value, dict) else None
        if isinstance(packages, dict):
            for place, entry in packages.items():
                _, found, name = place.rpartition("node_modules/")
                if found and isinstance(entry, dict) and isinstance(entry.get("version"), str):
                    self._add(name, entry["version"])
            return
        listed = value.get("dependencies") if isinstance(value, dict) else None
        for name, entry in listed.items() if isinstance(listed, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("version"), str):
                self._add(name, entry["version"])

    def _add(self, name: str, version: str) -> None:
        self.versions.setdefault(name, version)
        known = self.every.setdefault(name, [])
        if version not in known:
            known.append(version)

    def _broken(self, line: int, summary: str) -> None:
        self.broken = True
        self.files.diagnostics.warning(
            "GR809",
            f"{self.name} {summary}",
            Location(self.name, line, 1),
            hint="the versions of what is not installed are not known; the plugins are found without them",
        )


def _pnpm(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        if len(line) <= _LINE and (match := _PNPM.match(line)) is not None:
            yield match["name"], match["version"]


def _yarn(text: str) -> Iterator[tuple[str, str]]:
    """``"@scope/name@^1.0.0", "@scope/name@^1.1.0":`` and below it ``version "1.1.0"`` (classic) or ``version: 1.1.0``."""
    name = ""
    for line in text.split("\n"):
        if not line.startswith("  "):
            first = line.lstrip('"')
            end = first.find("@", 1)
            name = first[:end] if end > 0 and line.endswith(":") else ""
        elif name and line.startswith(("  version ", "  version: ")):
            yield name, line.partition("version")[2].lstrip(": ").strip('"')
            name = ""


def _only_comments(text: str) -> bool:
    return all(not line.strip() or line.startswith(("#", "__metadata", "  ")) for line in text.splitlines())
