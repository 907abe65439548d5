"""The PostgreSQL driver: an optional dependency, imported where it is needed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from generator.diagnostics import Diagnostic, GreenroomError, Severity

if TYPE_CHECKING:
    from types import ModuleType


def load_psycopg() -> ModuleType:
    """The module ``psycopg``.

    Raises:
        GreenroomError: GR704, it is not installed, or libpq is missing.
    """
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        summary = f"the PostgreSQL driver psycopg cannot be loaded ({str(error).splitlines()[0]})"
        raise GreenroomError([Diagnostic("GR704", Severity.ERROR, summary, hint="pip install 'greenroom[live]'")]) from None
