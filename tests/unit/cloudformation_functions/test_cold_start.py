"""A cold start spends little on imports: what SqlFunction and ProviderFunction load before they do anything."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

FUNCTIONS = next(folder for folder in sys.path if folder.endswith("cloudformation/functions"))
LIMIT = 0.3


def _seconds(statement: str) -> float:
    """What a new interpreter spends on it; time of the processor, as other work on the machine says nothing."""

    def spent() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    subprocess.run([sys.executable, "-c", statement], cwd=FUNCTIONS, check=True)
    return spent() - before


@pytest.mark.parametrize(
    "modules",
    [
        "sql, plugin_databases.postgresql, plugin_databases.postgresql_drop, plugin_databases.pg8000_server, pg8000.native",
        "sql, plugin_databases.mysql, plugin_databases.pymysql_server, pymysql",
        # boto3 comes with the runtime, and is imported when the first client is made.
        "provider",
    ],
)
def test_a_cold_start_takes_less_than_300_ms(modules: str) -> None:
    bare = min(_seconds("pass") for _ in range(3))
    best = min(_seconds(f"import plugin_databases.{modules}") for _ in range(5)) - bare
    assert best < LIMIT, f"importing {modules} takes {best * 1000:.0f} ms"


def test_what_is_not_needed_is_not_imported() -> None:
    code = "import sys, plugin_databases.provider, plugin_databases.sql; print(sorted(sys.modules.keys() & {*sys.argv[1:]}))"
    heavy = ["boto3", "botocore", "pg8000", "pymysql", "plugin_databases.postgresql", "plugin_databases.mysql"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], cwd=FUNCTIONS, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
