"""The lock of knex's migrations: ``is_locked`` stays 1 where a process was killed in the middle of a migration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.preflight.postgresql.failures import Failure, startup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from generator.preflight.recorder import Recorder

#: knex names the table after its migration table. A plugin's database has up to three: its own, and those of Backstage's
#: scheduler and key store; a module may name others.
SUFFIX: Final = "_lock"
#: The columns by which such a table is known.
COLUMNS: Final = ("index", "is_locked")
_WORDS: Final = "MigrationLocked: Migration table is already locked"


def record_locks(run: Recorder, locked: Sequence[str], found: int) -> None:
    """Record the check.

    Args:
        locked: the tables that are locked, as SQL names them (``"public"."knex_migrations_lock"``).
        found: how many of these tables there are; without one the check says nothing.
    """
    if not found:
        return
    if not locked:
        run.passed("migration lock", f"{found} table{'s' * (found != 1)}, none is locked")
        return
    statements = "; ".join(f"UPDATE {table} SET is_locked = 0" for table in locked)  # noqa: S608  # words of a hint
    hint = f"when no Backstage is migrating at the moment: {statements}"
    detail = f"the migrations are locked ({', '.join(locked)}): a migration was killed, or one is running"
    if run.target.skip_migrations:
        said = "starts, because of skipMigrations; what runs the migrations ends with: Migration table is already locked"
        run.warned("migration lock", Failure(detail, said, hint))
    else:
        run.failed("migration lock", Failure(detail, startup(run.target, _WORDS), hint))
