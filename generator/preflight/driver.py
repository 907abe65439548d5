"""The database drivers: optional dependencies, imported where they are needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

from generator.problems.diagnostic import Diagnostic, GreenroomError, Severity

if TYPE_CHECKING:
    from types import ModuleType

#: What node-postgres says where the server wants a password and there is none.
NOT_A_STRING: Final = "Error: SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"


def load_psycopg() -> ModuleType:
    """The module ``psycopg``.

    Raises:
        GreenroomError: GR704, it is not installed, or libpq is missing.
    """
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        summary = f"the PostgreSQL driver psycopg cannot be loaded ({str(error).splitlines()[0]})"
        raise GreenroomError([Diagnostic("GR704", Severity.ERROR, summary, hint="pip install 'psycopg[binary]'")]) from None


def load_pymysql() -> ModuleType:
    """The module ``pymysql``.

    Raises:
        GreenroomError: GR705, it is not installed.
    """
    try:
        return importlib.import_module("pymysql")
    except ImportError as error:
        summary = f"the MySQL driver PyMySQL cannot be loaded ({str(error).splitlines()[0]})"
        raise GreenroomError([Diagnostic("GR705", Severity.ERROR, summary, hint="pip install 'PyMySQL[rsa]'")]) from None
