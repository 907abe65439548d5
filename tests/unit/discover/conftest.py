"""Backstage repositories made of a few lines."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from generator.backstage.repository import Discovery, discover

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = "packages/backend/src/index.ts"
HEAD = "import { createBackend } from '@backstage/backend-defaults';\nconst backend = createBackend();\n"
#: The packages an entry file imports, which its package.json lists.
IMPORTED = re.compile(r"(?:from|import\(|require\()\s*['\"](@[\w-]+/[\w-]+|[a-z][\w-]*)")


class Discover(Protocol):
    """Writes a repository and discovers it: the entry file's text, and more files by path."""

    def __call__(self, entry: str | None = ..., files: dict[str, Any] | None = ..., *, head: str = ...) -> Discovery: ...


def write(root: Path, files: dict[str, Any]) -> None:
    """Write files below ``root``; what is no string becomes JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2))


@pytest.fixture
def backend(tmp_path: Path) -> Discover:
    def run(entry: str | None = None, files: dict[str, Any] | None = None, *, head: str = HEAD) -> Discovery:
        base: dict[str, Any] = {
            "package.json": {"name": "root", "private": True, "workspaces": {"packages": ["packages/*", "plugins/*"]}},
            "packages/backend/package.json": {
                "name": "backend",
                "main": "dist/index.cjs.js",
                "backstage": {"role": "backend"},
                "dependencies": dict.fromkeys(["@backstage/backend-defaults", *IMPORTED.findall(entry or "")], "*"),
            },
        }
        if entry is not None:
            base[ENTRY] = head + entry
        write(tmp_path, base | (files or {}))
        return discover(tmp_path)

    return run
