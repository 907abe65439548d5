"""A cold start imports little: what SqlFunction and ProviderFunction load before they do anything. `make bench` times it."""

from __future__ import annotations

import subprocess
import sys

FUNCTIONS = next(folder for folder in sys.path if folder.endswith("cloudformation/functions"))


def test_what_is_not_needed_is_not_imported() -> None:
    code = "import sys, plugin_databases.provider, plugin_databases.sql; print(sorted(sys.modules.keys() & {*sys.argv[1:]}))"
    heavy = ["boto3", "botocore", "pg8000", "pymysql", "plugin_databases.postgresql", "plugin_databases.mysql"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], cwd=FUNCTIONS, check=True, capture_output=True, text=True)
    assert done.stdout == "[]\n"
