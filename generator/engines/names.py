"""Why a server cannot carry a name."""

from __future__ import annotations

from generator.engines import ENGINES
from generator.engines.postgresql import RESERVED_PREFIX

_OWN = "belongs to the server itself"


def database_problem(name: str, *, engine: str) -> str | None:
    """Why ``name`` cannot be a plugin's database of ``engine``, or ``None``."""
    facts = ENGINES[engine]
    return _problem(name, engine=engine, limit=facts.database_limit) or (
        _OWN if _folded(name, engine) in facts.databases else None
    )


def schema_problem(name: str) -> str | None:
    """Why ``name`` cannot be a plugin's schema on PostgreSQL, or ``None``."""
    facts = ENGINES["postgresql"]
    problem = name_problem(name, limit=facts.database_limit)
    if problem is None and (name.startswith(RESERVED_PREFIX) or name in facts.schemas):
        return "is reserved by PostgreSQL"
    return problem


def role_problem(name: str, *, engine: str) -> str | None:
    """Why ``name`` cannot be a role of ``engine``, or ``None``."""
    facts = ENGINES[engine]
    if problem := _problem(name, engine=engine, limit=facts.role_limit):
        return problem
    if engine == "postgresql" and (name.startswith(RESERVED_PREFIX) or name in ("none", "public")):
        return "is reserved by PostgreSQL"
    return _OWN if _folded(name, engine) in facts.roles else None


def length(name: str, *, engine: str) -> int:
    """How long ``name`` is as ``engine`` counts: bytes of UTF-8 on PostgreSQL, characters on MySQL."""
    return len(name) if engine == "mysql" else len(name.encode(errors="replace"))


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


def _problem(name: str, *, engine: str, limit: int) -> str | None:
    return _mysql_problem(name, limit=limit) if engine == "mysql" else name_problem(name, limit=limit)


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


def _folded(name: str, engine: str) -> str:
    # A MySQL server may not tell upper from lower case; then its own names are its own in any spelling.
    return name.lower() if engine == "mysql" else name
