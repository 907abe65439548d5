"""One checked request on one server: what SqlFunction does, and ProviderFunction over the Data API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .failures import RefusedError, SqlError, TransientError
from .logs import log
from .retry import retried

if TYPE_CHECKING:
    from collections.abc import Callable

    from .deadline import Deadline
    from .logs import Secrets
    from .order import Order
    from .session import Server


def carry_out(
    make_server: Callable[[], Server],
    order: Order,
    password: str,
    deadline: Deadline,
    patience: float,
    secrets: Secrets,
    sleep: Callable[[float], None] = time.sleep,
) -> list[str]:
    """Make or drop what the order says; what was done, in words.

    Raises:
        RefusedError: it did not work; the message is for the stack's events.
    """

    def attempt() -> list[str]:
        server = make_server()
        if order.wanted.engine == "mysql":
            from . import mysql

            return mysql.drop(server, order, deadline) if order.is_delete else mysql.apply(server, order, password, deadline)
        if order.is_delete:
            from . import postgresql_drop

            return postgresql_drop.drop(server, order, deadline)
        from . import postgresql

        return postgresql.apply(server, order, password, deadline)

    def report(error: TransientError) -> None:
        log(secrets, "not ready, trying again", reason=str(error), request=order.claim.request)

    try:
        return retried(attempt, deadline, patience, report, sleep)
    except SqlError as error:
        raise RefusedError(f"the server refused: {error}") from error
