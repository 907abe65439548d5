"""Reading a repository without ever leaving it: no symbolic link out of the root, no huge file, no traceback."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.problems.diagnostic import Diagnostics

#: A source file or package.json larger than this was not written by a person.
MAX_BYTES = 4 << 20
#: Lock files of large monorepos reach a few megabytes.
MAX_LOCK_BYTES = 64 << 20

_SKIPPED = frozenset({"node_modules", "dist", "dist-types", "dist-dynamic", "coverage", "build", "target", "__pycache__"})


class Files:
    """The files below ``root``. Paths that resolve to something outside of it are treated as if they were not there."""

    def __init__(self, root: Path, diagnostics: Diagnostics) -> None:
        self.given = root
        self.root = root.resolve()
        self.diagnostics = diagnostics
        self._json: dict[Path, dict[str, Any] | None] = {}

    def name(self, path: Path) -> str:
        """``path`` relative to the root, with forward slashes: what diagnostics and the result show."""
        try:
            return path.relative_to(self.root).as_posix()
        except ValueError:
            return path.name

    def inside(self, path: Path) -> Path | None:
        """The real path, if it exists and lies below the root."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # missing, a loop of links, a NUL in the name
            return None
        return real if real == self.root or self.root in real.parents else None

    def is_file(self, path: Path) -> bool:
        """Whether ``path`` is a regular file below the root."""
        real = self.inside(path)
        return real is not None and real.is_file()

    def is_folder(self, path: Path) -> bool:
        """Whether ``path`` is a folder below the root."""
        real = self.inside(path)
        return real is not None and real.is_dir()

    def read(self, path: Path, *, limit: int = MAX_BYTES) -> str | None:
        """The text of a file, or ``None`` where there is none to read (what cannot be read is reported)."""
        real = self.inside(path)
        if real is None or not real.is_file():
            return None
        try:
            if real.stat().st_size > limit:
                self.problem(path, f"is larger than {limit >> 20} MiB and was not read")
                return None
            return real.read_bytes().decode("utf-8-sig", errors="replace")
        except OSError as error:
            self.problem(path, f"cannot be read: {error.strerror or error}")
            return None

    def problem(self, path: Path, summary: str, line: int = 0, column: int = 0, *, hint: str = "") -> None:
        """Report a file that cannot be used."""
        self.diagnostics.warning("GR801", summary, Location(self.name(path), line, column), hint=hint)

    def package_json(self, path: Path) -> dict[str, Any] | None:
        """A ``package.json`` as a mapping; a broken one is reported with its line and counts as missing."""
        if path not in self._json:
            self._json[path] = self._read_json(path)
        return self._json[path]

    def _read_json(self, path: Path) -> dict[str, Any] | None:
        text = self.read(path)
        if text is None:
            return None
        try:
            value = json.loads(text)
        except json.JSONDecodeError as error:
            self.problem(
                path, f"is not valid JSON: {error.msg}", error.lineno, error.colno, hint="`npx jsonlint` shows more"
            )
            return None
        except RecursionError:
            self.problem(path, "is nested too deeply")
            return None
        if not isinstance(value, dict):
            self.problem(path, "is not a JSON object", 1, 1)
            return None
        return value

    def line_of(self, path: Path, key: str) -> Location:
        """Where ``"key":`` stands in a JSON file."""
        text = self.read(path) or ""
        match = re.search(rf'"{re.escape(key)}"\s*:', text)
        return Location(self.name(path), text.count("\n", 0, match.start()) + 1 if match else 0)

    def folders(self, start: Path, depth: int) -> Iterator[Path]:
        """``start`` and the folders below it down to ``depth``, sorted; no links, no build output, no ``node_modules``."""
        if not self.is_folder(start):
            return
        yield start
        if depth <= 0:
            return
        try:
            with os.scandir(start) as entries:
                names = sorted(
                    entry.name
                    for entry in entries
                    if entry.is_dir(follow_symlinks=False) and entry.name not in _SKIPPED and not entry.name.startswith(".")
                )
        except OSError:
            return
        for name in names:
            yield from self.folders(start / name, depth - 1)
