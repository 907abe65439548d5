"""The bill of materials of an installation: ``sbom.py PYTHON SOURCE`` prints CycloneDX JSON. Needs cyclonedx-bom.

The description is cyclonedx-py's. It takes the root from pyproject.toml, which has no version of its own: the version is
that of the installed package. What is installed and not needed (pip, what builds it) is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main() -> None:
    """Print it."""
    python, source = sys.argv[1:]
    command = [sys.executable, "-m", "cyclonedx_py", "environment", "--pyproject", f"{source}/pyproject.toml"]
    command += ["--output-reproducible", "--of", "JSON", python]
    bill = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)  # noqa: S603
    version = "import importlib.metadata; print(importlib.metadata.version('greenroom'))"
    asked = subprocess.run([python, "-c", version], check=True, stdout=subprocess.PIPE, text=True)  # noqa: S603
    bill["metadata"]["component"]["version"] = asked.stdout.strip()
    needed = {item["ref"]: item.get("dependsOn", []) for item in bill["dependencies"]}
    reached: set[str] = set()
    ahead = [bill["metadata"]["component"]["bom-ref"]]
    while ahead:
        if (reference := ahead.pop()) not in reached:
            reached.add(reference)
            ahead += needed.get(reference, [])
    bill["components"] = [item for item in bill["components"] if item["bom-ref"] in reached]
    bill["dependencies"] = [item for item in bill["dependencies"] if item["ref"] in reached]
    print(json.dumps(bill, indent=2, sort_keys=True))


if __name__ == "__main__":
    main()
