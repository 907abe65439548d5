"""One connection to a PostgreSQL server: patient with a full one, never stuck on a silent one."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.driver import load_psycopg
from generator.preflight.postgresql.failures import fatal_message, is_full

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from generator.preflight.network import Network
    from generator.preflight.postgresql.libpq import Address

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
            # A limit of the role or the database is a setting: nothing is won by waiting.
            if pause is None or not is_full(error) or "too many connections for" in (fatal_message(error) or ""):
                raise
            time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def open_session(parameters: Mapping[str, str], timeout: int, network: Network, place: Address) -> Any:
    """:func:`connect`, with the name resolved within the timeout, and without waiting again for a silent server.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
        HostNameError: the host name leads nowhere.
        SilentServerError: the server did not answer before in this run.
    """
    psycopg = load_psycopg()
    network.refuse_if_silent(place)
    addresses = () if parameters.get("hostaddr") else network.resolve(parameters["host"])
    wanted = dict(parameters)
    if addresses:  # libpq tries one after the other, as Node does, and checks certificates against `host`
        for key, value in (("host", parameters["host"]), ("port", parameters["port"])):
            wanted[key] = ",".join([value] * len(addresses))
        wanted["hostaddr"] = ",".join(addresses)
    try:
        return connect(wanted, timeout)
    except psycopg.OperationalError as error:
        if fatal_message(error) is None and "timeout expired" in str(error):
            network.was_silent(place)
        raise


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
def deadline(connection: Any, seconds: float, on_hang: Callable[[], None] | None = None) -> Iterator[None]:
    """Break the connection off after ``seconds``: a server that hangs keeps no thread for ever.

    The socket is shut down under libpq, which then reports a lost connection (``psycopg.OperationalError``).
    """
    with hang_up_after(connection.fileno(), seconds, on_hang):
        yield


@contextlib.contextmanager
def hang_up_after(fileno: int, seconds: float, on_hang: Callable[[], None] | None = None) -> Iterator[None]:
    """Shut the socket ``fileno`` down when the block takes longer than ``seconds``; ``on_hang`` is called before."""
    with socket.socket(fileno=os.dup(fileno)) as line:

        def hang_up() -> None:
            if on_hang is not None:
                on_hang()
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(seconds, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
