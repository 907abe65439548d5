"""Reads what a retirement has to know of a PostgreSQL server: who can log in, and who is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.adopt.postgresql import open_session

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_LOGINS: Final = """
SELECT rolname, rolcanlogin, (
  SELECT substr(line, length('role=') + 1) FROM pg_db_role_setting CROSS JOIN LATERAL unnest(setconfig) AS line
  WHERE setrole = role.oid AND setdatabase = 0 AND line LIKE 'role=%%')
FROM pg_roles AS role WHERE rolname = ANY (%(names)s)
"""
_SESSIONS: Final = """
SELECT usename, pid, coalesce(datname, ''), coalesce(host(client_addr), ''), coalesce(application_name, '')
FROM pg_stat_activity WHERE usename = ANY (%(names)s) AND pid <> pg_backend_pid() ORDER BY usename, pid
"""


class OpenSession(NamedTuple):
    """One session; ``host`` and ``application`` are empty where the administrator may not see them."""

    login: str
    pid: int
    database: str
    host: str
    application: str

    def __str__(self) -> str:
        """What a reader needs to find the instance."""
        parts = [f"pid {self.pid}", self.database, self.host and f"from {self.host}", self.application]
        return f"{self.login} ({', '.join(part for part in parts if part)})"


class FoundLogins(NamedTuple):
    """``can_log_in``: the roles that exist, and whether they may log in. ``acts_as``: the role each turns into."""

    can_log_in: Mapping[str, bool]
    acts_as: Mapping[str, str | None]
    sessions: tuple[OpenSession, ...]


def read_logins(parameters: Mapping[str, str], names: Collection[str], timeout: int) -> FoundLogins:
    """The roles among ``names`` on the server behind ``parameters`` (libpq's, password included), and their sessions.

    Raises:
        psycopg.Error: the server cannot be reached, refuses the login, or a query fails.
    """
    values: dict[str, Any] = {"names": sorted(names)}
    with open_session(parameters, parameters["dbname"], timeout) as session:
        rows = session.execute(_LOGINS, values).fetchall()
        sessions = tuple(OpenSession(*row) for row in session.execute(_SESSIONS, values).fetchall())
    return FoundLogins({row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}, sessions)
