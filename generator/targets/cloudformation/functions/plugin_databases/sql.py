"""SqlFunction: inside the VPC. It speaks to the server over verified TLS and calls no AWS API.

Its event is what ProviderFunction sends (see :func:`.provider.sql_event`), its answer
``{"notes": […]}`` or ``{"reason": "…"}``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from .carry_out import carry_out
from .deadline import Deadline
from .failures import RefusedError
from .logs import Secrets, log
from .order import read_order

if TYPE_CHECKING:
    from .session import Server

#: Kept for the answer itself.
_MARGIN = 3.0


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Carry out one request. Never raises: a reason reaches the stack's events, an exception would not."""
    secrets = Secrets()
    request = {}
    try:
        secrets.add(event["admin"]["password"])
        secrets.add(event["password"])
        request = {"request": event["request"]["RequestId"], "resource": event["request"]["LogicalResourceId"]}
        seconds = min(context.get_remaining_time_in_millis() / 1000 - _MARGIN, float(event["seconds"]))
        notes = _carry_out(event, Deadline(seconds), secrets)
    except RefusedError as error:
        reason = secrets.hide(str(error))
        log(secrets, "failed", reason=reason, **request)
        return {"reason": reason}
    except Exception as error:
        reason = secrets.hide(f"unexpected {type(error).__name__} in SqlFunction: {error}")
        log(secrets, "failed", reason=reason, **request)
        return {"reason": reason}
    log(secrets, "done", notes=notes, **request)
    return {"notes": notes}


def _carry_out(event: dict[str, Any], deadline: Deadline, secrets: Secrets) -> list[str]:
    order = read_order(event["request"])
    admin = (event["admin"]["username"], event["admin"]["password"])

    def make_server() -> Server:
        if order.wanted.engine == "mysql":
            from .pymysql_server import PyMySQLServer

            return PyMySQLServer(order.wanted, admin, event["password"], event["ca"], deadline)
        from .pg8000_server import Pg8000Server

        return Pg8000Server(order.wanted, admin, event["password"], event["ca"], deadline)

    patience = float(os.environ.get("RETRY_SECONDS", "60"))
    return carry_out(make_server, order, event["password"], deadline, patience, secrets)
