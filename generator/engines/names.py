"""Names of databases and roles: the limits a server sets for them, and those it keeps for itself."""

from __future__ import annotations

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
