"""How much greenroom prints in real repositories: lines of each command, and what each finding says.

    tools/measure_noise.py FOLDER [--findings]

FOLDER holds one checkout for each repository, named ``owner+name``. Each is copied, then ``init``, ``generate``,
``generate --check`` and ``lint`` run in it, as somebody would who tries greenroom. Prints a Markdown table with the number
of lines of each, and how often each code comes; ``--findings`` prints every finding, to be judged.
"""

from __future__ import annotations

import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

TRUTH: Final = Path(__file__).with_name("discovery_truth.json")
COMMANDS: Final = (("init",), ("generate",), ("generate", "--check"), ("lint",))
_CODE: Final = re.compile(r"(?P<severity>error|warning|info|note)\[(?P<code>GR\d+)\]")
_ROOTS: Final = {
    entry["repository"]: entry["root"]
    for entry in json.loads(TRUTH.read_text(encoding="utf-8"))["repositories"]
    if "root" in entry
}


def root_of(checkout: Path) -> Path | None:
    """The folder of the repository that has app-config files."""
    listed = _ROOTS.get(checkout.name.replace("+", "/", 1))
    places = [checkout / listed] if listed else [checkout, *sorted(path for path in checkout.iterdir() if path.is_dir())]
    return next((place for place in places if (place / "app-config.yaml").is_file()), None)


def run(root: Path, command: tuple[str, ...]) -> tuple[int, str]:
    """The exit code of one command, and all it printed."""
    program = [sys.executable, "-c", "from generator.cli import main; main()", *command]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    done = subprocess.run(program, cwd=root, env=kept, capture_output=True, text=True, timeout=300)  # noqa: S603 - our own
    return done.returncode, done.stdout + done.stderr


def main(folder: Path, findings: bool) -> int:
    """Print the tables; 1 where there is no repository."""
    codes: collections.Counter[str] = collections.Counter()
    rows, texts = [], []
    for checkout in sorted(path for path in folder.iterdir() if path.is_dir()):
        root = root_of(checkout)
        if root is None:
            print(f"{checkout.name}: no app-config.yaml", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as place:
            work = Path(place) / "repository"
            shutil.copytree(root, work, symlinks=True, ignore=shutil.ignore_patterns("node_modules", ".git"))
            cells = []
            for command in COMMANDS:
                code, text = run(work, command)
                cells.append(f"{len(text.splitlines())} ({code})")
                found = [f"{match['severity']} {match['code']}" for match in _CODE.finditer(text)]
                codes.update(f"`{' '.join(command)}` {item}" for item in found)
                texts.append(f"--- {checkout.name}: {' '.join(command)}, exit code {code}\n{text}")
            rows.append(f"| {checkout.name} | {' | '.join(cells)} |")
    print(f"| repository | {' | '.join(map(' '.join, COMMANDS))} |", "|---" * (len(COMMANDS) + 1) + "|", *rows, sep="\n")
    print(
        "\n| finding | times |", "|---|---|", *(f"| {name} | {times} |" for name, times in sorted(codes.items())), sep="\n"
    )
    if findings:
        print("", *texts, sep="\n")
    return 0 if rows else 1


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or (len(sys.argv) == 3 and sys.argv[2] != "--findings"):
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), len(sys.argv) == 3))
