"""One connection to a PostgreSQL server: patient with a full one, never stuck on a silent one."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from generator.preflight.deadlines import hang_up_after
from generator.preflight.driver import load_psycopg
from generator.preflight.network import MOST_BYTES
from generator.preflight.postgresql.bounded import Budget, connect_within
from generator.preflight.postgresql.failures import fatal_message, is_full
from generator.preflight.workers import BoundedTimeoutError, bounded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from generator.preflight.network import Network
    from generator.preflight.postgresql.libpq import Address

_PAUSES: Final = (0.2, 0.5, 1.0)
#: What the client waits longer than the server: its own words for a statement that took too long are the better ones.
_LONGER: Final = 1.0


def connect(
    parameters: Mapping[str, str],
    timeout: int,
    statement_timeout: float | None = None,
    on_end: Callable[[str], None] | None = None,
) -> Any:
    """A ``psycopg.Connection`` in autocommit. A server without a free connection is asked again for about two seconds.

    Args:
        timeout: seconds for each attempt.
        statement_timeout: seconds for each statement; twice as long as an attempt when not given.
        on_end: is called with the reason when the connection is given up because the server sends too much or nothing.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
    """
    psycopg = load_psycopg()
    begin = time.monotonic()
    seconds = 2 * timeout if statement_timeout is None else statement_timeout
    for pause in (*_PAUSES, None):
        try:
            return connect_once(parameters, timeout, Budget(MOST_BYTES, seconds + _LONGER, on_end))
        except psycopg.OperationalError as error:
            # A limit of the role or the database is a setting: nothing is won by waiting. Nor is it where no is said slowly.
            if pause is None or not is_full(error) or "too many connections for" in (fatal_message(error) or ""):
                raise
            if time.monotonic() - begin > timeout:
                raise
            time.sleep(pause)
    raise AssertionError("the last round returns or raises")


def connect_once(parameters: Mapping[str, str], timeout: int, budget: Budget) -> Any:
    """A ``psycopg.Connection`` in autocommit, after one attempt at each of the addresses.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
    """
    psycopg = load_psycopg()
    attempts = parameters.get("hostaddr", "").count(",") + 1
    try:
        # libpq derives keys from passwords as often as the server likes, two thousand million times, and looks at no clock.
        return bounded(
            lambda: connect_within(budget, **parameters, connect_timeout=timeout, autocommit=True, prepare_threshold=None),
            (timeout + _LONGER) * attempts,
        )
    except BoundedTimeoutError:
        raise psycopg.OperationalError("connection timeout expired") from None


def open_session(parameters: Mapping[str, str], timeout: int, network: Network, place: Address) -> Any:
    """:func:`connect`, with the name resolved within the timeout, and without waiting again for a silent server.

    Raises:
        psycopg.OperationalError: there is no connection to be had.
        HostNameError: the host name leads nowhere.
        SilentServerError: this run gave up on the server before.
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
        return connect(wanted, timeout, network.statement_timeout, lambda reason: network.was_silent(place, reason))
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
