"""The extensions that a plugin's migrations create: there, where the plugin looks; or to be had by the plugin itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.failures import Failure, quoted, startup
from generator.preflight.postgresql.session import savepoint

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_PRESENT: Final = """
SELECT nspname::text, nspname = ANY (current_schemas(true)), pg_catalog.has_schema_privilege(namespace.oid, 'USAGE')
FROM pg_catalog.pg_extension JOIN pg_catalog.pg_namespace AS namespace ON namespace.oid = extnamespace WHERE extname = %s
"""
_AVAILABLE: Final = (
    "SELECT bool_or(trusted) FROM pg_catalog.pg_available_extension_versions WHERE name = %s HAVING count(*) > 0"
)


def check_extensions(run: Recorder, connection: Any) -> None:
    """Record one check about all extensions of the target; nothing where it has none."""
    names = run.target.extensions
    if not names:
        return
    found: list[str] = []
    for name in names:
        failure = _look(run, connection, name, found)
        if failure is not None:
            run.failed("extensions", failure)
            return
    run.passed("extensions", ", ".join(found))


def _look(run: Recorder, connection: Any, name: str, found: list[str]) -> Failure | None:
    """What is wrong with one extension, or a word on it in ``found``."""
    row = connection.execute(_PRESENT, [name]).fetchone()
    if row is None:
        return _missing(run, connection, name, found)
    schema, is_visible, may_use = row
    if not is_visible or not may_use:
        here = quoted(run.schema)
        return Failure(
            f"{name} is in schema {schema}, where the plugin does not look"
            if not is_visible or schema != run.schema
            else f"{name} is in schema {schema}, which the plugin may not use",
            startup(run.target, f"migration failed with error: … {name} is there, and what it brings is not found"),
            f"if no other plugin uses it there, as its owner: ALTER EXTENSION {quoted(name)} SET SCHEMA {here}",
        )
    found.append(f"{name} in schema {schema}")
    return None


def _missing(run: Recorder, connection: Any, name: str, found: list[str]) -> Failure | None:
    """An extension that is not there: whether the plugin could create it, tried in the transaction that is rolled back."""
    from psycopg import sql

    psycopg = load_psycopg()
    target = run.target
    available = connection.execute(_AVAILABLE, [name]).fetchone()
    if available is None:
        return Failure(
            f"the server does not have {name}",
            startup(target, f'migration failed with error: … extension "{name}" is not available'),
            f"install {name} on the server; a managed one: allow it (Azure: the server parameter azure.extensions)",
        )
    try:
        with savepoint(connection):
            connection.execute(sql.SQL("CREATE EXTENSION {}").format(sql.Identifier(name)))
    except psycopg.Error as error:
        said = str(error).partition("\n")[0]
        who = "" if available[0] else " (it is not trusted: only a superuser may, on Amazon RDS a member of rds_superuser)"
        return Failure(
            f"{name} is missing, and the plugin may not create it{who}",
            startup(target, f"migration failed with error: … {said}"),
            "apply what greenroom generates, or as an administrator in database "
            f"{quoted(target.connects_to or target.database)}: CREATE EXTENSION {quoted(name)} SCHEMA {quoted(run.schema)}",
        )
    found.append(f"{name} is missing, and the plugin may create it")
    return None
