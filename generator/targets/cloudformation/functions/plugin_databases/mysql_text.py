"""Values in MySQL's and MariaDB's SQL, for a session with NO_BACKSLASH_ESCAPES (see :mod:`.pymysql_server`)."""

from __future__ import annotations

import hashlib

#: Privileges are stored under the escaped name, and that column has 64 characters.
PATTERN_CHARACTERS = 64


def literal(value: str) -> str:
    """A string constant: a backslash is a character like any other, only the quote is special."""
    return "'" + value.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("`", "``") + "`"


def pattern(database: str) -> str:
    """A database in GRANT, where ``_`` and ``%`` would mean any character, and so reach the databases of others."""
    return "".join("\\" + character if character in "\\_%" else character for character in database)


def native_hash(password: str) -> str:
    """What MariaDB stores for a password; the clear one never reaches the server."""
    inner = hashlib.sha1(password.encode(), usedforsecurity=False).digest()
    return "*" + hashlib.sha1(inner, usedforsecurity=False).hexdigest().upper()
