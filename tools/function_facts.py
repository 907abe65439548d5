"""What the CloudFormation functions know of database servers: their copy of ``generator/engines``, written anew.

    tools/function_facts.py

They run in AWS Lambda and cannot import greenroom. A test compares the copy with what this prints.
"""

from __future__ import annotations

import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from generator.engines import ENGINES, MYSQL, POSTGRESQL, mysql, postgresql  # noqa: E402

FUNCTIONS = PROJECT / "generator/targets/cloudformation/functions/plugin_databases"
PATH = FUNCTIONS / "facts.py"
#: Whole modules of ``generator/engines`` that the functions have as they are.
COPIED = ("scram.py",)


def text() -> str:
    """The module."""
    own = {
        ("postgresql", "Database"): POSTGRESQL.databases,
        ("postgresql", "Schema"): POSTGRESQL.schemas,
        ("postgresql", "Role"): POSTGRESQL.roles,
        ("postgresql", "Group"): POSTGRESQL.roles,
        ("mysql", "Database"): MYSQL.databases,
        ("mysql", "Role"): MYSQL.roles,
    }
    # The server may be MariaDB, which takes longer names; a plan does not know which of the two it is for.
    characters = {"Database": MYSQL.database_limit, "Role": mysql.MARIADB_ROLE_LIMIT, "UserHost": mysql.HOST_LIMIT}
    lines = [
        '"""Facts about database servers. Made by tools/function_facts.py from generator/engines: do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        f"PORTS = {_dict({name: engine.port for name, engine in ENGINES.items()})}",
        "",
        "#: The longest names: bytes of UTF-8, and characters by property.",
        f"POSTGRESQL_BYTES = {POSTGRESQL.database_limit}",
        f"MYSQL_CHARACTERS = {_dict(characters)}",
        "",
        "#: Names of the server itself, or of the cloud that runs it, by engine and property.",
        f'POSTGRESQL_PREFIX = "{postgresql.RESERVED_PREFIX}"',
        "SERVERS_OWN = {",
    ]
    for key, names in own.items():
        lines.append(f'    ("{key[0]}", "{key[1]}"): {{')
        lines += [f'        "{name}",' for name in sorted(names)]
        lines.append("    },")
    lines += [
        "}",
        "",
        "#: What a plugin gets on a database of MySQL or MariaDB, and what the database is made with.",
        "MYSQL_PRIVILEGES = (",
        *(f'    "{privilege}",' for privilege in mysql.PRIVILEGES),
        ")",
        f'MYSQL_CHARACTER_SET = "{mysql.CHARACTER_SET}"',
        f'MYSQL_COLLATION = "{mysql.COLLATION}"',
    ]
    return "\n".join(lines) + "\n"


def _dict(values: dict[str, int]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in values.items()) + "}"


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
    for name in COPIED:
        (FUNCTIONS / name).write_bytes((PROJECT / "generator/engines" / name).read_bytes())
