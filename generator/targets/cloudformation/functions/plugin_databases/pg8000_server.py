"""PostgreSQL through pg8000."""

from __future__ import annotations

import contextlib
import struct
from typing import TYPE_CHECKING, Any

from .failures import RefusedError, SqlError, TransientError
from .tls import explain, make_context, postgresql_socket

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ssl import SSLSocket

    from .deadline import Deadline
    from .wanted import Wanted

#: Out of connections, starting up or shutting down, killed by an operator, serialisation, deadlock, lock not available. And
#: what was not there a moment ago: a statement of an attempt whose line broke may still be running.
TRANSIENT_CODES = frozenset({"53300", "57P01", "57P02", "57P03", "40001", "40P01", "55P03", "23505", "42710", "42P04"})
#: A function that was frozen, not ended, must not keep its locks: the server looks after its sessions.
_SESSION_SETTINGS = (
    "SET tcp_keepalives_idle = 15; "
    "SET tcp_keepalives_interval = 5; "
    "SET tcp_keepalives_count = 3; "
    "SET idle_in_transaction_session_timeout = '120s'; "
    "SET search_path = ''; "
    "SET client_min_messages = error; "
    "SET application_name = greenroom"
)
#: What pg8000 raises when the line breaks in the middle of a message.
_BROKEN = (OSError, struct.error, EOFError, IndexError)


def translate(error: dict[str, str]) -> SqlError | TransientError:
    """The exception for PostgreSQL's error message."""
    code, message = error.get("C", ""), error.get("M", "").partition("\n")[0]
    if code in TRANSIENT_CODES or code.startswith("08") or "tuple concurrently" in message:
        return TransientError(f"{message} ({code})")
    return SqlError(code, message)


class Pg8000Session:
    """One connection."""

    def __init__(self, connection: Any, stream: SSLSocket, address: tuple[str, int], deadline: Deadline) -> None:
        self._connection = connection
        self._stream = stream
        self._address = address
        self._deadline = deadline

    def run(self, sql: str) -> list[list[Any]]:
        """See :class:`.session.Session`."""
        from pg8000.exceptions import DatabaseError, InterfaceError

        self._stream.settimeout(self._deadline.timeout(240))
        try:
            return self._connection.run(sql) or []
        except DatabaseError as error:
            raise translate(error.args[0]) from error
        except (InterfaceError, *_BROKEN) as error:
            raise explain(*self._address, error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See :class:`.session.Session`."""
        self.run("BEGIN")
        try:
            yield
        except BaseException:
            with contextlib.suppress(SqlError, TransientError, RefusedError):
                self.run("ROLLBACK")
            raise
        self.run("COMMIT")


class Pg8000Server:
    """A server; see :class:`.session.Server`."""

    def __init__(self, wanted: Wanted, admin: tuple[str, str], password: str, ca: str, deadline: Deadline) -> None:
        self._address = (wanted.host, wanted.port)
        self._admin = admin
        self._password = password
        self._context = make_context(ca)
        self._deadline = deadline

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator[Pg8000Session]:
        """A session of the administrator."""
        with self._open(*self._admin, database) as session:
            session.run(_SESSION_SETTINGS)
            yield session

    @contextlib.contextmanager
    def login(self, user: str, database: str) -> Iterator[Pg8000Session]:
        """A session of the plugin's user."""
        with self._open(user, self._password, database) as session:
            yield session

    @contextlib.contextmanager
    def _open(self, user: str, password: str, database: str) -> Iterator[Pg8000Session]:
        from pg8000.exceptions import DatabaseError, InterfaceError
        from pg8000.native import Connection

        stream = postgresql_socket(*self._address, self._context, self._deadline)
        try:
            try:
                connection = Connection(
                    user, password=password, database=database, sock=stream, host=None, ssl_context=False
                )
            except DatabaseError as error:
                failure = translate(error.args[0])
                if isinstance(failure, SqlError):
                    raise RefusedError(f"{user!r} cannot log in to database {database!r}: {failure}") from error
                raise failure from error
            except (InterfaceError, *_BROKEN) as error:
                raise explain(*self._address, error) from error
            except Exception as error:  # scramp's errors have no common class
                raise RefusedError(f"{user!r} cannot log in to database {database!r}: {type(error).__name__}") from error
            try:
                yield Pg8000Session(connection, stream, self._address, self._deadline)
            finally:
                # The driver's goodbye ends the session on the server now; a server that is gone is not waited for.
                stream.settimeout(1)
                with contextlib.suppress(InterfaceError, *_BROKEN):
                    connection.close()
        finally:
            stream.close()
