"""Runs a program with the variables of a JSON object: with_variables.py [--prefix TF_VAR_] PROGRAM ARGUMENT…

The object is in the variable VARIABLES. A workflow has one secret with all of them, and only the program sees them, not the
steps after it.
"""

from __future__ import annotations

import json
import os
import sys


def main(arguments: list[str]) -> None:
    """Take the program's place, or end with a message."""
    prefix = ""
    if arguments[:1] == ["--prefix"]:
        prefix, arguments = arguments[1], arguments[2:]
    try:
        given = json.loads(os.environ.pop("VARIABLES", "") or "{}")
    except ValueError:
        sys.exit("the secret with the variables is not JSON")
    if not isinstance(given, dict):
        sys.exit("the secret with the variables is no JSON object")
    for name, value in given.items():
        os.environ[f"{prefix}{name}"] = value if isinstance(value, str) else json.dumps(value)
    os.execvp(arguments[0], arguments)  # noqa: S606 - the program that the workflow names


if __name__ == "__main__":
    main(sys.argv[1:])
