"""What the published database code of Backstage looks like: a hash of each file that greenroom's statements rest on.

tools/upstream_fingerprint.py           compares the pinned packages with tools/upstream/fingerprint.json
tools/upstream_fingerprint.py --write   records them
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from typing import TYPE_CHECKING, Any, Final

from backstage_packages import NEWEST, PACKAGE, PINS, packages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RECORDED: Final = PINS.with_name("fingerprint.json")
#: Package → the set it is in, its folder there, and the files that count.
_WATCHED: Final[dict[str, tuple[str, str, tuple[str, ...]]]] = {
    PACKAGE: (
        "oracle",
        "vendor/backend-defaults",
        (
            "dist/entrypoints/database/**/*.cjs.js",
            "dist/entrypoints/auth/plugin/keys/Database*.cjs.js",
            "dist/entrypoints/scheduler/database/*.cjs.js",
            "migrations/**/*.js",
        ),
    ),
    "@backstage/config": ("oracle", "node_modules/@backstage/config", ("dist/**/*.cjs.js",)),
    "@backstage/config-loader": ("oracle", "node_modules/@backstage/config-loader", ("dist/**/*.cjs.js",)),
    "@backstage-community/plugin-rbac-backend": (
        "backend",
        "vendor/plugin-rbac-backend",
        ("dist/database/*.cjs.js", "dist/service/policy-builder.cjs.js", "migrations/*.js"),
    ),
}
#: The part of the config schema that counts, recorded under this name.
SCHEMA: Final = "config.schema.json#backend.database"
_COMMENT: Final = re.compile(r"^\s*(?://|/\*|\*).*$", re.MULTILINE)

Files = dict[str, str]


def fingerprint(folder_of: Callable[[str], Path] | None = None) -> dict[str, dict[str, Any]]:
    """``version`` and ``files`` of each watched package; ``folder_of`` gives a set's folder (default: the newest pins)."""
    where = folder_of or (lambda name: packages(name, NEWEST))
    found = {}
    for package, (name, place, patterns) in _WATCHED.items():
        folder = where(name) / place
        version = json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"]
        files = hashes(folder, patterns)
        if package == PACKAGE:
            files[SCHEMA] = schema_hash(folder)
        found[package] = {"version": version, "files": files}
    return found


def hashes(folder: Path, patterns: tuple[str, ...]) -> Files:
    """A hash of each file, blind to comments, blanks at line ends and empty lines."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern)})
    return {path.relative_to(folder).as_posix(): _hash(normalised(path.read_text(encoding="utf-8"))) for path in paths}


def normalised(text: str) -> str:
    """``text`` without what does not run."""
    lines = (line.rstrip() for line in _COMMENT.sub("", text).splitlines())
    return "\n".join(line for line in lines if line)


def schema_hash(folder: Path) -> str:
    """A hash of what the schema says of ``backend.database``, blind to descriptions and order."""
    document = json.loads((folder / "config.schema.json").read_text(encoding="utf-8"))
    database = document["properties"]["backend"]["properties"]["database"]
    return _hash(json.dumps(_structure(database), sort_keys=True))


def changes(recorded: dict[str, dict[str, Any]], found: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Package → what is new, gone or different in it: ``changed NAME``. Packages without a change are left out."""
    result = {}
    for package, now in found.items():
        before: Files = recorded.get(package, {}).get("files", {})
        after: Files = now["files"]
        words = dict.fromkeys(after.keys() - before.keys(), "new") | dict.fromkeys(before.keys() - after.keys(), "gone")
        words |= {name: "changed" for name in before.keys() & after.keys() if before[name] != after[name]}
        if words:
            result[package] = [f"{words[name]} {name}" for name in sorted(words)]
    return result


def _structure(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _structure(item) for key, item in value.items() if not (key == "description" and isinstance(item, str))}
    return [_structure(item) for item in value] if isinstance(value, list) else value


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_recorded() -> dict[str, dict[str, Any]]:
    """What is recorded in the repository."""
    recorded: dict[str, dict[str, Any]] = json.loads(RECORDED.read_text(encoding="utf-8"))
    return recorded


def main(arguments: list[str]) -> int:
    """Compare or record; 1 where they differ."""
    found = fingerprint()
    if arguments == ["--write"]:
        RECORDED.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        return 0
    if arguments:
        sys.exit(__doc__)
    different = changes(read_recorded(), found)
    for package, lines in different.items():
        print(package, *lines, sep="\n  ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
