"""Compares discovery with a truth read by hand: precision and recall on real backends, as a Markdown table.

    tools/measure_discovery.py FOLDER [TRUTH]

FOLDER holds one checkout for each repository, named ``owner+name`` (sources are enough: nothing has to be installed). TRUTH
(default: ``tools/discovery_truth.json`` beside this file) says which plugins each of their backends adds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from generator.backstage.repository import Discovery, discover


def row(name: str, revision: str, truth: set[str], result: Discovery) -> tuple[str, int, int, int]:
    """One line of the table and its counts: right, wrong, missed."""
    found = set(result.plugins)
    right, wrong, missed = len(found & truth), sorted(found - truth), sorted(truth - found)
    remarks = [f"wrong: {', '.join(wrong)}"] if wrong else []
    remarks += [f"missed: {', '.join(missed)}"] if missed else []
    low = sorted(plugin_id for plugin_id, item in result.plugins.items() if item.confidence == "low")
    remarks += [f"by name: {', '.join(low)}"] if low else []
    remarks += [f"{len(result.unknown)} unknown"] if result.unknown else []
    line = f"| {name} `{revision}` | {len(truth)} | {right} | {len(wrong)} | {len(missed)} | {'; '.join(remarks)} |"
    return line, right, len(wrong), len(missed)


def main(folder: Path, truth_file: Path) -> int:
    """Print the table; 1 when a checkout is missing."""
    lines, total, absent = [], [0, 0, 0], []
    for entry in json.loads(truth_file.read_text(encoding="utf-8"))["repositories"]:
        checkout = folder / entry["repository"].replace("/", "+") / entry.get("root", ".")
        if not checkout.is_dir():
            absent.append(entry["repository"])
            continue
        line, *counts = row(entry["repository"], entry["revision"], set(entry["plugins"]), discover(checkout))
        lines.append(line)
        total = [one + other for one, other in zip(total, counts, strict=True)]
    right, wrong, missed = total
    print("| repository | plugins | found | wrong | missed | remarks |")
    print("|---|---|---|---|---|---|")
    print("\n".join(lines))
    precision, recall = right / max(1, right + wrong), right / max(1, right + missed)
    print(f"\n{len(lines)} backends: precision {precision:.3f}, recall {recall:.3f}")
    if absent:
        print(f"not there: {', '.join(absent)}", file=sys.stderr)
    return 1 if absent else 0


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    default = Path(__file__).with_name("discovery_truth.json")
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) == 3 else default))
