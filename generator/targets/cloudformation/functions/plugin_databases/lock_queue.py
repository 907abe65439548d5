"""Waiting for the server's lock without standing in anybody's way."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from .deadline import Deadline
    from .session import Session

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 2.0


@contextlib.contextmanager
def queued(
    enter: Callable[[], AbstractContextManager[Session]],
    take: Callable[[Session], bool],
    deadline: Deadline,
    sleep: Callable[[float], None],
) -> Iterator[None]:
    """Hold what ``take`` takes, in a session of its own.

    Who has to wait leaves the server meanwhile: CloudFormation sends the requests of all plugins at once, and Backstage
    needs the connections of the server.

    Args:
        enter: opens the session; closing it gives back what was taken.
        take: tries to take it; whether that worked.
    """
    pause = _FIRST_PAUSE
    with contextlib.ExitStack() as held:
        while True:
            with contextlib.ExitStack() as attempt:
                if take(attempt.enter_context(enter())):
                    held.push(attempt.pop_all())
                    break
            sleep(min(random.uniform(0.5, 1.5) * pause, deadline.timeout()))  # noqa: S311 - no secret
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        yield
