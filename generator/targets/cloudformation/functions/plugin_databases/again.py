"""Calls of AWS that are worth repeating: what is not ready now, and what is not known everywhere yet."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from .deadline import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

#: A function in a VPC that nobody called for weeks has lost its network: the first call fails and brings it back, which
#: takes a minute or two. The account's concurrency is shared by everybody. The rest are AWS's own bad moments.
NOT_READY = frozenset(
    {
        "ResourceNotReadyException",
        "ResourceConflictException",
        "TooManyRequestsException",
        "ThrottlingException",
        "EC2ThrottledException",
        "EC2UnexpectedException",
        "ServiceException",
        "ServiceUnavailableException",
        "InternalServiceError",
        "InternalFailure",
        "ConnectTimeoutError",
        "EndpointConnectionError",
    }
)
#: A policy that was made a moment ago is not known everywhere yet.
NOT_ALLOWED = frozenset({"AccessDeniedException", "KMSAccessDeniedException"})
_POLICY_SECONDS = 30.0
_LONGEST_PAUSE = 10.0


def error_code(error: Exception) -> str:
    """AWS's code for an error, or botocore's name for it."""
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code", type(error).__name__))


def called_again(call: Callable[[], T], deadline: Deadline, keep: float, report: Callable[[str], None]) -> T:
    """The result of the first call that AWS carries out.

    Args:
        deadline: when the answer to CloudFormation has to be ready.
        keep: the seconds that have to be left for the call itself.
        report: is told the code of every failed call.

    Raises:
        Exception: what the last call raised.
    """
    policy = Deadline(_POLICY_SECONDS)
    pause = 1.0
    while True:
        try:
            return call()
        except Exception as error:
            code = error_code(error)
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            left = deadline.remaining() if code in NOT_READY else policy.remaining() if code in NOT_ALLOWED else 0.0
            if min(left, deadline.remaining() - keep) <= wait:
                raise
            report(code)
            time.sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)
