"""Carry out a whole request again when the server was not ready: every request is idempotent."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, TypeVar

from .deadline import Deadline
from .failures import RefusedError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
_LONGEST_PAUSE = 5.0


def retried(
    attempt: Callable[[], T],
    deadline: Deadline,
    patience: float,
    report: Callable[[TransientError], None],
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """The result of the first attempt that works.

    Args:
        deadline: when the answer has to be ready.
        patience: for how many seconds after the first failure a server that is not ready is tried.
        report: is told of every failed attempt.

    Raises:
        RefusedError: as ``attempt`` does, or when there is no time for another one.
    """
    pause, tried = 0.25, None
    while True:
        try:
            return attempt()
        except TransientError as error:
            report(error)
            tried = tried or Deadline(patience)
            wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
            if min(deadline.remaining(), tried.remaining()) <= wait + 1:
                raise RefusedError(str(error)) from error
            sleep(wait)
            pause = min(pause * 2, _LONGEST_PAUSE)
