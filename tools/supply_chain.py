"""Licences and known vulnerabilities of everything that is installed: ``make supply-chain``.

Exit code 0: both were looked at, and nothing is wrong. 1: something is. 77: nothing is wrong, but the vulnerabilities could
not be looked at, or not of every package; the last line says why, and which. ``--write`` writes constraints.txt anew.
"""

from __future__ import annotations

import importlib.metadata
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from setup_venv import CONSTRAINTS, PROJECT, VENV, SetupError, create, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FUNCTIONS = PROJECT / "generator" / "targets" / "cloudformation" / "functions" / "requirements.txt"
AUDIT = "pip-audit==2.10.1"
NOT_LOOKED_AT = 77
#: A release with a vulnerability that everybody knows (CVE-2020-14343). An audit that misses it looks at nothing.
KNOWN_BAD = ("pyyaml", "5.3.1")
#: What comes with the interpreter of the virtual environment.
_OF_PYTHON = ("pip", "setuptools", "wheel", "greenroom")

#: Licences with which a package may be used, by the words of SPDX and those of older packages.
_FINE = re.compile(
    r"MIT(-0)?|Apache(-2\.0)?|BSD(-[23]-Clause)?|ISC|PSF(-2\.0)?|Python-2\.0|CNRI-Python|MPL-2\.0|Unlicense|0BSD|Zlib"
    r"|LGPL-3\.0(-only|-or-later)?"  # psycopg: used as a library, and not part of the wheel
)
_OLD_WORDS = {
    "mit license": "MIT",
    "bsd license": "BSD",
    "bsd 3-clause license": "BSD-3-Clause",
    "apache": "Apache",
    "apache 2.0": "Apache-2.0",
    "apache license 2.0": "Apache-2.0",
    "apache software license": "Apache-2.0",
    "mozilla public license 2.0 (mpl 2.0)": "MPL-2.0",
    "isc license (iscl)": "ISC",
    "python software foundation license": "PSF-2.0",
}


def name_of(text: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", text).lower()


def pins(text: str) -> dict[str, str]:
    """Name to version of the lines ``name==version`` of a file of requirements."""
    return {name_of(name): version for name, version in re.findall(r"^([\w.-]+)==([^\s\\;]+)", text, re.MULTILINE)}


def installed() -> dict[str, importlib.metadata.Distribution]:
    """What is installed here, without what comes with Python."""
    found = {name_of(item.metadata["Name"]): item for item in importlib.metadata.distributions()}
    return {name: item for name, item in sorted(found.items()) if name not in _OF_PYTHON}


def licences(metadata: Any) -> list[str]:
    """The licences of a package, of which one is enough: an SPDX expression's, else what older packages say."""
    if expression := metadata.get("License-Expression"):
        return [str(part).strip("() ") for part in re.split(r"\bOR\b", expression)]
    classifiers = [item.split(" :: ") for item in metadata.get_all("Classifier") or []]
    names = [parts[-1] for parts in classifiers if parts[0] == "License" and len(parts) > 1]
    names = names or [str(metadata.get("License") or "").partition("\n")[0]]
    return [_OLD_WORDS.get(name.strip().lower(), name.strip()) for name in names if name.strip()]


def is_fine(licence: str) -> bool:
    """Whether every part of a licence (``A AND B``) is one that may be used."""
    return all(_FINE.fullmatch(part.strip("() ")) for part in re.split(r"\bAND\b", licence))


def licence_problems(packages: Mapping[str, Any]) -> list[str]:
    """A line for each package whose licence is not known to be fine."""
    problems = []
    for name, item in packages.items():
        found = licences(item.metadata)
        if not any(map(is_fine, found)):
            problems.append(f"{name} {item.version}: licence {' or '.join(found) or 'not known'}")
    return problems


def audit(wanted: Mapping[str, str], folder: Path) -> dict[str, Any]:
    """pip-audit's answer about ``wanted``, by name: the vulnerabilities, or why there is no answer.

    Raises:
        SetupError: pip-audit cannot be installed, or has no answer at all; the message says why.
    """
    program = folder / "bin" / "pip-audit"
    if not program.is_file():
        run(create(folder), "-m", "pip", "install", "--quiet", AUDIT)
    listed = folder / "listed.txt"
    listed.write_text("".join(f"{name}=={version}\n" for name, version in wanted.items()))
    done = subprocess.run(  # noqa: S603
        [program, "--requirement", listed, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise SetupError(f"pip-audit has no answer: {last}") from None
    return {name_of(item["name"]): item for item in answers}


def vulnerabilities(wanted: Mapping[str, str], answers: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """What is known to be wrong with ``wanted``, and the packages of which nothing is known."""
    problems, unknown = [], []
    for name, version in wanted.items():
        answer = answers.get(name)
        if answer is None or "vulns" not in answer or answer.get("skip_reason") or answer.get("version") != version:
            unknown.append(name)
            continue
        for item in answer["vulns"]:
            fixed = ", ".join(item.get("fix_versions", [])) or "no release"
            problems.append(f"{name} {version}: {item['id']} (fixed in {fixed})")
    return problems, unknown


def look_up(wanted: Mapping[str, str], folder: Path) -> tuple[list[str], str]:
    """The known vulnerabilities of ``wanted``, and why they were not all looked at (empty when they were)."""
    try:
        (known, _) = vulnerabilities(dict([KNOWN_BAD]), audit(dict([KNOWN_BAD]), folder))
        if not known:
            name, version = KNOWN_BAD
            reason = f"the audit finds nothing wrong with {name} {version}, so it looks at nothing"
            return [], f"{reason} (no list of vulnerabilities here): {len(wanted)} packages were not checked"
        problems, unknown = vulnerabilities(wanted, audit(wanted, folder))
    except (SetupError, OSError, subprocess.TimeoutExpired) as error:
        last = str(error).strip().splitlines()[-1]
        return [], f"{last}: {len(wanted)} packages were not checked"
    return problems, f"the audit has no answer about {', '.join(unknown)}" if unknown else ""


def write_constraints(packages: Iterable[tuple[str, Any]]) -> None:
    """Write constraints.txt anew from what is installed."""
    head = "".join(line for line in CONSTRAINTS.read_text().splitlines(keepends=True) if line.startswith("#"))
    CONSTRAINTS.write_text(head + "".join(f"{name}=={item.version}\n" for name, item in packages))


def main() -> int:
    """Look at everything, print it, and give the exit code."""
    packages = installed()
    if sys.argv[1:] == ["--write"]:
        write_constraints(packages.items())
        return 0
    problems = licence_problems(packages)
    print(f"licences: {len(packages)} packages looked at, {len(problems)} that are not known to be fine")
    wanted = pins(CONSTRAINTS.read_text()) | pins(FUNCTIONS.read_text())
    found, reason = look_up(wanted, VENV.parent / ".cache" / "audit")
    problems += found
    if not reason:
        print(f"vulnerabilities: {len(wanted)} packages looked at, {len(found)} known")
    for problem in problems:
        print(f"error: {problem}")
    if reason:
        print(f"vulnerabilities: NOT CHECKED: {reason}")
    return 1 if problems else NOT_LOOKED_AT if reason else 0


if __name__ == "__main__":
    sys.exit(main())
