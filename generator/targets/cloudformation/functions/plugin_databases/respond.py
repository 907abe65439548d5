"""CloudFormation's answer: a PUT to the presigned address in the event, in at most 4,096 bytes."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

#: CloudFormation takes 4,096 bytes and less.
LIMIT = 4000
_PAUSES = (0.5, 2.0, 5.0)


def answer_body(event: dict[str, Any], status: str, physical_id: str, reason: str, data: dict[str, str]) -> bytes:
    """The answer as JSON; the reason is cut so that everything fits."""
    body: dict[str, Any] = {
        "Status": status,
        "PhysicalResourceId": physical_id,
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": data,
        "Reason": reason,
    }
    encoded = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    while len(encoded) > LIMIT and body["Reason"]:
        body["Reason"] = body["Reason"][: -max(4, (len(encoded) - LIMIT) // 12)].rstrip("…") + "…"
        if len(body["Reason"]) < 8:
            body["Reason"] = ""
        encoded = json.dumps(body, ensure_ascii=False).encode(errors="replace")
    return encoded


def put_answer(url: str, body: bytes, sleep: Callable[[float], None] = time.sleep) -> None:
    """Send the answer; try again when it does not arrive.

    Raises:
        OSError: it could not be delivered. Lambda then repeats the whole request, which is harmless.
    """
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise OSError("the ResponseURL is no https address")
    # An empty content type: the address is signed for one.
    headers = {"Content-Type": ""}
    request = urllib.request.Request(url, data=body, method="PUT", headers=headers)  # noqa: S310 - checked above
    pauses = iter(_PAUSES)
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10):  # noqa: S310
                return
        except OSError as error:
            refused = isinstance(error, urllib.error.HTTPError) and 400 <= error.code < 500
            pause = next(pauses, None)
            if pause is None or refused:
                raise
            sleep(pause)
