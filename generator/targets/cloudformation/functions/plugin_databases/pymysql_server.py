"""MySQL and MariaDB through PyMySQL."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any

from .failures import RefusedError, SqlError, TransientError
from .tls import connect, explain, make_context

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .deadline import Deadline
    from .wanted import Wanted

#: Out of connections, shutting down, killed, lock wait, deadlock, and everything the client says of a broken line.
TRANSIENT_CODES = frozenset({0, 1040, 1053, 1105, 1158, 1159, 1160, 1161, 1205, 1213, 2003, 2006, 2013, 2014})
_NO_TLS = 2026
# With the sql_mode a backslash in a constant means nothing, whatever the server's default is.
_SESSION_SETTINGS = "SET SESSION wait_timeout = 120, sql_mode = 'STRICT_TRANS_TABLES,NO_BACKSLASH_ESCAPES'"


def translate(address: tuple[str, int], error: Exception) -> Exception:
    """The exception for whatever PyMySQL raised."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return explain(*address, cause)
        cause = getattr(cause, "original_exception", None) or cause.__cause__ or cause.__context__
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    message = str(error.args[1] if len(error.args) > 1 else error).partition("\n")[0]
    if code == _NO_TLS:
        return RefusedError(f"{address[0]}:{address[1]} has no TLS: switch it on (require_secure_transport = 1)")
    if code in TRANSIENT_CODES:
        return TransientError(f"{address[0]}:{address[1]}: {message or type(error).__name__} ({code})")
    return SqlError(str(code), message)


class PyMySQLSession:
    """One connection, which commits every statement."""

    def __init__(self, connection: Any, address: tuple[str, int]) -> None:
        self._connection = connection
        self._address = address

    def run(self, sql: str) -> list[list[Any]]:
        """See :class:`.session.Session`."""
        from pymysql import MySQLError

        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                return [list(row) for row in cursor.fetchall()]
        except (MySQLError, OSError) as error:
            raise translate(self._address, error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Nothing: statements that make databases and users commit by themselves here."""
        yield


class PyMySQLServer:
    """A server; see :class:`.session.Server`."""

    def __init__(self, wanted: Wanted, admin: tuple[str, str], password: str, ca: str, deadline: Deadline) -> None:
        self._address = (wanted.host, wanted.port)
        self._admin = admin
        self._password = password
        self._context = make_context(ca)
        self._deadline = deadline

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator[PyMySQLSession]:
        """A session of the administrator; ``database`` is empty for none."""
        with self._open(*self._admin, database) as session:
            session.run(_SESSION_SETTINGS)
            yield session

    @contextlib.contextmanager
    def login(self, user: str, database: str) -> Iterator[PyMySQLSession]:
        """A session of the plugin's user."""
        with self._open(user, self._password, database) as session:
            yield session

    @contextlib.contextmanager
    def _open(self, user: str, password: str, database: str) -> Iterator[PyMySQLSession]:
        import pymysql

        stream = connect(*self._address, self._deadline)
        timeout = math.ceil(self._deadline.timeout(240))
        connection = pymysql.connections.Connection(
            host=self._address[0],
            port=self._address[1],
            user=user,
            password=password.encode(),  # as text the driver would take Latin-1
            database=database or None,
            charset="utf8mb4",
            autocommit=True,
            ssl=self._context,
            read_timeout=timeout,
            write_timeout=timeout,
            defer_connect=True,
        )
        try:
            try:
                connection.connect(sock=stream)
            except (pymysql.MySQLError, OSError) as error:
                failure = translate(self._address, error)
                if isinstance(failure, SqlError):
                    raise RefusedError(f"{user!r} cannot log in to database {database!r}: {failure}") from error
                raise failure from error
            yield PyMySQLSession(connection, self._address)
        finally:
            # The driver's goodbye ends the session, and its lock, now.
            if connection.open:
                connection.close()
            stream.close()
