"""One connection to a server: patient with a full one, never stuck on a silent one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from generator.live.driver import load_psycopg
from generator.live.failures import is_full

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PAUSES: Final = (0.2, 0.5, 1.0)


def connect(parameters: Mapping[str, str], timeout: int) -> Any:
    """A ``psycopg.Connection`` in autocommit. A server without a free connection is asked again for about two seconds.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
    """
    psycopg = load_psycopg()
    for pause in (*_PAUSES, None):
        try:
            return psycopg.connect(**parameters, connect_timeout=timeout, autocommit=True, prepare_threshold=None)
        except psycopg.OperationalError as error:
            if pause is None or not is_full(error):
                raise
            time.sleep(pause)
    raise AssertionError("the last round returns or raises")


@contextlib.contextmanager
def savepoint(connection: Any) -> Iterator[None]:
    """Undo what happens inside, whether or not it fails, so that the transaction goes on."""
    connection.execute("SAVEPOINT greenroom")
    try:
        yield
    finally:
        if not connection.broken:
            connection.execute("ROLLBACK TO SAVEPOINT greenroom")


@contextlib.contextmanager
def deadline(connection: Any, seconds: float) -> Iterator[None]:
    """Break the connection off after ``seconds``: a server that hangs keeps no thread for ever.

    The socket is shut down under libpq, which then reports a lost connection (``psycopg.OperationalError``).
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as line:

        def hang_up() -> None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
