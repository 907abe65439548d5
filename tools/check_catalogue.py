"""Compares the catalogue with packages that are really installed, by asking their features.

    tools/check_catalogue.py FOLDER

FOLDER holds a ``package.json`` and ``node_modules``: any Backstage repository after ``yarn install``, or a folder after
``npm install`` of the packages in question. Prints what the catalogue says differently and what it does not list; 1 when
there is something.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from generator.backstage.repository.catalogue import Catalogue

SCRIPT = Path(__file__).resolve().parent.parent / "generator" / "backstage" / "repository" / "exact.mjs"


def installed(folder: Path) -> list[str]:
    """The backend plugins and modules below ``node_modules``, by their role."""
    names = []
    for manifest in [*folder.glob("node_modules/*/package.json"), *folder.glob("node_modules/@*/*/package.json")]:
        value = json.loads(manifest.read_text(encoding="utf-8"))
        role = value.get("backstage", {}).get("role", "") if isinstance(value.get("backstage"), dict) else ""
        if re.fullmatch(r"backend-plugin(-module)?", role):
            names.append(value["name"])
    return sorted(names)


def registrations(folder: Path, names: list[str]) -> list[dict[str, object]]:
    """What each package's default export registers."""
    question = {"folder": str(folder), "marker": "@@", "wanted": [{"specifier": name, "name": "default"} for name in names]}
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not installed")
    done = subprocess.run(  # noqa: S603 - our own script
        [node, str(SCRIPT)], input=json.dumps(question), capture_output=True, text=True, cwd=folder, check=True
    )
    return [json.loads(line[2:]) for line in done.stdout.splitlines() if line.startswith("@@")]


def main(folder: Path) -> int:
    """Print the differences."""
    catalogue, different, unlisted = Catalogue.load(), 0, 0
    names = installed(folder)
    for name, answer in zip(names, registrations(folder, names), strict=True):
        listed = catalogue.get(name)
        found = answer.get("registrations")
        if not isinstance(found, list):
            print(f"? {name}: {answer.get('error')}")
            continue
        said = {(item["type"] == "plugin", item["pluginId"]) for item in found}
        if listed is None:
            unlisted += 1
            print(f"+ {name}: not listed, registers {sorted(said)}")
        elif (listed.is_plugin, listed.plugin_id) not in said:
            different += 1
            print(f"! {name}: listed as {(listed.is_plugin, listed.plugin_id)}, registers {sorted(said)}")
    print(f"{len(names)} packages, {different} different, {unlisted} not listed")
    return 1 if different or unlisted else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]).resolve()))
