"""Names of roles, secrets and variables, and the limits a server or a target sets for them."""

from __future__ import annotations

import re
from typing import Final

#: Longest identifier, by engine: PostgreSQL's NAMEDATALEN - 1 bytes, MySQL's limit of characters for a database.
DATABASE_LIMIT: Final = {"postgresql": 63, "mysql": 64}
#: Longest role (user) name, by engine: bytes in PostgreSQL, characters in MySQL (MariaDB takes 80, Oracle's MySQL 32).
ROLE_LIMIT: Final = {"postgresql": 63, "mysql": 32}

#: Databases every server has for itself; nothing of a plugin belongs into them.
RESERVED_DATABASES: Final = {
    "postgresql": frozenset({"postgres", "template0", "template1"}),
    "mysql": frozenset({"mysql", "information_schema", "performance_schema", "sys"}),
}

_MYSQL_USERS: Final = frozenset(
    {"root", "public", "mariadb.sys", "mysql.sys", "mysql.session", "mysql.infoschema", "rdsadmin"}
)

_FIELD = re.compile(r"\{([A-Za-z]*)\}")
_NOT_IN_LABEL = re.compile(r"[^A-Za-z0-9_-]")
_NOT_IN_KEY_VAULT = re.compile(r"[/_.:]")
_NOT_IN_KUBERNETES = re.compile(r"[/_:]")
_NOT_IN_VARIABLE = re.compile(r"[^A-Z0-9_]")


def template_fields(template: str) -> set[str]:
    """The ``{field}`` names of a name template."""
    return set(_FIELD.findall(template))


def expand(template: str, *, plugin: str, environment: str, server: str = "primary") -> str:
    """A name from a template: ``{plugin}``, ``{server}`` (in capitals with underscores too) and ``{environment}``."""
    values = {
        "plugin": plugin,
        "PLUGIN": variable_part(plugin),
        "server": server,
        "SERVER": variable_part(server),
        "environment": environment,
    }
    return _FIELD.sub(lambda match: values.get(match[1], match[0]), template)


def secret_name(name: str, *, store: str) -> str:
    """``name`` as ``store`` takes it: what separates parts elsewhere is a dash where there are no parts.

    ``backstage/production/database/tech_insights`` becomes ``backstage-production-database-tech-insights`` in a Key Vault
    and ``/backstage/production/…`` in Systems Manager, which wants a name with levels to start with a slash.
    """
    if store == "aws-ssm":
        return f"/{name}" if "/" in name and not name.startswith("/") else name
    if store == "google-secretmanager":
        return name.replace("/", "-")
    if store == "azure-keyvault":
        return _NOT_IN_KEY_VAULT.sub("-", name)
    if store == "kubernetes":
        return _NOT_IN_KUBERNETES.sub("-", name.lower())
    return name


def variable_part(text: str) -> str:
    """``text`` as a part of an environment variable's name: ``tech-insights`` → ``TECH_INSIGHTS``."""
    return _NOT_IN_VARIABLE.sub("_", text.upper())


def label(text: str) -> str:
    """``text`` as an identifier of Terraform: letters, digits, ``_`` and ``-``, never a digit first."""
    made = _NOT_IN_LABEL.sub("_", text)
    return made if made[:1].isalpha() or made[:1] == "_" else f"_{made}"


def server_name(host: str) -> str:
    """A server's name from its host: ``db-2.example.com`` → ``db_2_example_com``, ``${X_HOST}`` → ``x_host``."""
    made = re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_")
    return made if made[:1].isalpha() else f"server_{made}"


def database_problem(name: str, *, engine: str) -> str | None:
    """Why ``name`` cannot be a plugin's database of ``engine``, or ``None``."""
    limit = DATABASE_LIMIT[engine]
    problem = _mysql_problem(name, limit=limit) if engine == "mysql" else name_problem(name, limit=limit)
    # A MySQL server may not tell upper from lower case; then its own databases are its own in any spelling.
    return problem or ("belongs to the server itself" if _folded(name, engine) in RESERVED_DATABASES[engine] else None)


def _folded(name: str, engine: str) -> str:
    return name.lower() if engine == "mysql" else name


def _mysql_problem(name: str, *, limit: int) -> str | None:
    if problem := name_problem(name, limit=max(len(name), limit) * 4):
        return problem
    if len(name) > limit:
        return f"has {len(name)} characters, and MySQL takes at most {limit}"
    if name != name.rstrip(" "):
        return "ends in a blank, which MySQL refuses or cuts off"
    if any(ord(char) > 0xFFFF for char in name):
        return "has a character outside Unicode's basic plane, which no name in MySQL has"
    return None


def name_problem(name: str, *, limit: int) -> str | None:
    """Why no server can carry ``name`` as an identifier, or ``None``. ``limit`` is in bytes of UTF-8."""
    if not name:
        return "is empty"
    if "\0" in name:
        return "holds a NUL character"
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if size > limit:
        return f"has {size} bytes, and an identifier has at most {limit}"
    return None


def role_problem(name: str, *, engine: str) -> str | None:
    """Why ``name`` cannot be a role of ``engine``, or ``None``."""
    limit = ROLE_LIMIT[engine]
    problem = _mysql_problem(name, limit=limit) if engine == "mysql" else name_problem(name, limit=limit)
    if problem:
        return problem
    if engine == "mysql" and name.lower() in _MYSQL_USERS:
        return "belongs to the server itself"
    if engine == "postgresql" and (name.startswith("pg_") or name in {"public", "none"}):
        return "is reserved by PostgreSQL"
    return None
