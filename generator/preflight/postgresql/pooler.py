"""Is there a pooler such as PgBouncer in between, and does what Backstage sets on a connection survive it?

Backstage sets the search path (schema mode) and the role once, when it opens a connection. A pooler in transaction mode
hands each transaction to whichever server connection is free: the setting stays behind on one of them.
"""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.failures import Failure, quoted
from generator.preflight.postgresql.session import connect

if TYPE_CHECKING:
    from generator.preflight.recorder import Recorder

_ROUNDS: Final = 3
_DEFAULT_PATH: Final = """
SELECT pg_catalog.current_schema(), (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path')
"""


def is_pooled(connection: Any) -> bool:
    """Whether somebody else answers for the server: the process number given at login is not the session's own."""
    (own,) = connection.execute("SELECT pg_backend_pid()").fetchone()
    return bool(own != connection.info.backend_pid)


def check_pooler(run: Recorder, connection: Any, wanted: dict[str, str]) -> None:
    """What a pooler does to the plugin. ``connection`` is idle, outside a transaction."""
    target = run.target
    if not _shares_sessions(run, connection, wanted):
        run.passed("pooler", "a pooler is in between, in session mode")
        return
    needs = []
    if target.search_path and not _path_is_default(connection, target.search_path[0]):
        database = quoted(target.connects_to or target.database)
        schema = ", ".join(map(quoted, target.search_path))
        users = target.pair.logins if target.pair is not None else (target.user or target.role,)
        places = [f"ALTER ROLE {quoted(user)} IN DATABASE {database} SET search_path = {schema}" for user in users]
        remedy = f"{'; '.join(places)} (and RECONNECT in the pooler)"
        needs.append(("the search path of schema mode", remedy))
    if target.set_role:
        needs.append((f"SET ROLE {target.set_role}", "take `role` out of backend.database"))
    if not needs:
        run.passed("pooler", "a pooler is in between, in transaction mode; nothing Backstage needs is lost by it")
        return
    lost, remedies = " and ".join(need for need, _ in needs), "; ".join(remedy for _, remedy in needs)
    failure = Failure(
        f"a pooler in transaction mode is in between, and {lost} is set on one connection and used on another",
        "starts or fails by chance: error: relation … does not exist, or no schema has been selected to create in",
        f"{remedies}; or pool_mode = session for this database; or connect to the server itself",
    )
    run.failed("pooler", failure)


def _shares_sessions(run: Recorder, connection: Any, wanted: dict[str, str]) -> bool:
    """Whether a mark that one client leaves is seen by another one while the first is still connected.

    The mark is a setting of our own, which nothing else reads, and it is taken off again.
    """
    psycopg = load_psycopg()
    mark = secrets.token_hex(8)
    connection.execute(f"SET greenroom.mark = '{mark}'")
    others: list[Any] = []
    shared = False
    try:
        for _ in range(_ROUNDS):
            try:
                other = connect(wanted, run.options.connect_timeout, run.network.statement_timeout, run.gave_up)
            except psycopg.OperationalError:
                break  # no room for a second connection: nothing more can be found out
            others.append(other)
            # Kept open: the next one gets another server connection, if the pooler has several.
            other.execute("BEGIN")
            (seen,) = other.execute("SELECT current_setting('greenroom.mark', true)").fetchone()
            if seen == mark:
                other.execute("RESET greenroom.mark")
                other.execute("COMMIT")
                shared = True
                break
    finally:
        for other in others:
            with contextlib.suppress(psycopg.Error):
                other.close()
        if not shared:
            connection.execute("RESET greenroom.mark")
    return shared


def _path_is_default(connection: Any, schema: str) -> bool:
    """Whether every session of the role begins in ``schema``, so that nothing depends on what Backstage sets."""
    current, default = connection.execute(_DEFAULT_PATH).fetchone()
    return bool(current == schema and default.replace('"', "").split(",")[0].strip() == schema)
