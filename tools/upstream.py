"""What npm serves today, compared with what greenroom says of Backstage: ``make upstream``.

    tools/upstream.py [--examples N]    N (200): random configurations in each comparison

Takes the newest versions of the packages in tools/upstream/pins.json, compares their database code and config schema with
what is recorded, checks the plugin catalogue, and runs the oracle, the pools and the truth tables against them. Everything
is installed in ``.cache/upstream`` (``GREENROOM_UPSTREAM_DIR``). Prints what changed, in Markdown; the first line is
"Nothing changed." where that is so. Exit code 1: something greenroom says is not what these packages do.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

import check_catalogue
import upstream_fingerprint
from backstage_packages import NEWEST, PACKAGE, PINS, PROJECT, SETS, packages, write_locks

#: Whose dependencies say which versions of other packages fit.
_WISHES: Final = (PACKAGE, "@backstage/config-loader", "@backstage-community/plugin-rbac-backend")
#: What is run. Whole servers have nothing that depends on Backstage alone.
TESTS: Final = (
    "tests/oracle",
    "tests/e2e/preflight/test_pools_as_knex.py",
    "tests/e2e/preflight/test_truth_postgresql.py",
    "tests/e2e/preflight/test_truth_mariadb.py",
    "tests/e2e/preflight/test_truth_rbac.py",
)
#: Not about the newest packages.
_NOT: Final = "not oldest"
_SECONDS: Final = 3 * 3600


def npm(*arguments: str) -> Any:
    """What ``npm view … --json`` answers; None for nothing."""
    command = ["npm", "view", *arguments, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own arguments
    if done.returncode:
        sys.exit(f"`{' '.join(command)}` failed:\n{done.stderr[-1000:]}")
    return json.loads(done.stdout) if done.stdout.strip() else None


def newest_of(package: str, wanted: str = "") -> str:
    """The version npm gives for ``package``, in the range ``wanted``."""
    found = npm(f"{package}@{wanted}" if wanted else package, "version")
    versions = found if isinstance(found, list) else [found]
    return str(max((item for item in versions if "-" not in item), key=lambda item: [int(part) for part in item.split(".")]))


def newest_pins(document: dict[str, Any]) -> dict[str, Any]:
    """``document`` with the newest line as npm has it today. What is not Backstage's own stays in the range it asks for."""
    wishes: dict[str, str] = {}
    for package in _WISHES:
        wishes |= npm(package, "dependencies") or {}
    result: dict[str, Any] = json.loads(json.dumps(document))
    known: dict[str, str] = {}
    for name in SETS:
        line = result["sets"][name][NEWEST]
        for package in line["dependencies"]:
            wanted = "" if package.startswith("@backstage/") else wishes.get(package, "")
            known.setdefault(package, newest_of(package, wanted))
            line["dependencies"][package] = known[package]
        for place, spec in line.get("vendored", {}).items():
            package = spec.rpartition("@")[0]
            if not place.startswith("backend-common"):  # the managers of old: these versions are what is meant
                line["vendored"][place] = f"{package}@{newest_of(package)}"
    return result


def versions(document: dict[str, Any]) -> dict[str, str]:
    """Package → version of the newest line."""
    found: dict[str, str] = {}
    for name in SETS:
        line = document["sets"][name][NEWEST]
        found |= line["dependencies"]
        for place, spec in line.get("vendored", {}).items():
            if not place.startswith("backend-common"):
                package, _, version = spec.rpartition("@")
                found[package] = version
    return found


def prepare(folder: Path) -> dict[str, Any]:
    """Pins, lock files and packages of today, in ``folder``; the processes that follow take them from there."""
    document = newest_pins(json.loads(PINS.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    pins = folder / "pins.json"
    pins.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    os.environ["GREENROOM_PINS"] = str(pins)
    os.environ["GREENROOM_PACKAGES_DIR"] = str(folder / "packages")
    shutil.copytree(PINS.with_name("locks"), folder / "locks", dirs_exist_ok=True)
    write_locks((NEWEST,))
    for name in SETS:
        packages(name, NEWEST)
    return document


def catalogue() -> tuple[int, str]:
    """What the catalogue says of the installed packages: the exit code of ``tools/check_catalogue.py`` and its lines."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        code = check_catalogue.main(packages("backend", NEWEST))
    return code, output.getvalue().strip()


def run_tests(folder: Path, examples: int) -> tuple[int, list[str]]:
    """The exit code of pytest, and the tests that disagree with the packages: their names and first lines."""
    results = folder / "results.xml"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS, "-k", _NOT, f"--junit-xml={results}"]
    environ = {**os.environ, "GREENROOM_ORACLE_EXAMPLES": str(examples)}
    environ |= {"GREENROOM_REQUIRE_ORACLE": "1", "GREENROOM_REQUIRE_BACKSTAGE": "1"}
    done = subprocess.run(command, cwd=PROJECT, env=environ, stdout=sys.stderr, timeout=_SECONDS)  # noqa: S603 - our own tests
    return done.returncode, failures(results.read_text(encoding="utf-8")) if results.exists() else []


def failures(text: str) -> list[str]:
    """The failed tests of a JUnit file, each with the first line of what it says."""
    found = []
    for case in ET.fromstring(text).iter("testcase"):  # noqa: S314 - pytest wrote it
        for problem in [*case.findall("failure"), *case.findall("error")]:
            said = (problem.get("message") or "").strip().splitlines()
            found.append(f"{case.get('classname')}::{case.get('name')}: {said[0][:300] if said else ''}")
    return found


def report(
    pinned: dict[str, str],
    today: dict[str, str],
    files: dict[str, list[str]],
    said: tuple[int, str],
    tested: tuple[int, list[str]],
) -> str:
    """The report, in Markdown."""
    newer = [
        f"| {name} | {pinned.get(name, '-')} | {version} |" for name, version in today.items() if pinned.get(name) != version
    ]
    lines = [] if newer or files or said[0] or tested[0] else ["Nothing changed.", ""]
    if newer:
        lines += ["| package | pinned | newest |", "|---|---|---|", *newer, ""]
    for package, changed in files.items():
        lines += [f"Database code of {package} {today.get(package, '')}:", "", *(f"- {line}" for line in changed), ""]
    lines += [f"Catalogue ({'different' if said[0] else 'agrees'}):", "", "```", said[1], "```", ""]
    code, disagree = tested
    if disagree:
        lines += [f"{len(disagree)} tests disagree:", "", *(f"- `{_inert(line)}`" for line in disagree)]
    else:
        lines += ["The tests agree." if code == 0 else f"The tests could not be run to their end: exit code {code}."]
    return "\n".join(lines)


def _inert(text: str) -> str:
    return re.sub(r"[^ -~]|`", "?", text)


def main() -> int:
    """Print the report; 1 where greenroom and the packages disagree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=200)
    options = parser.parse_args()
    folder = Path(os.environ.get("GREENROOM_UPSTREAM_DIR") or PROJECT / ".cache" / "upstream").resolve()
    pinned = versions(json.loads(PINS.read_text(encoding="utf-8")))
    today = versions(prepare(folder))
    recorded, found = upstream_fingerprint.read_recorded(), upstream_fingerprint.fingerprint()
    said = catalogue()
    tested = run_tests(folder, options.examples)
    print(report(pinned, today, upstream_fingerprint.changes(recorded, found), said, tested))
    return 1 if said[0] or tested[0] else 0


if __name__ == "__main__":
    sys.exit(main())
