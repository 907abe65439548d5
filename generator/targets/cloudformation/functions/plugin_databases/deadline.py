"""How much time is left until the function is killed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .failures import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable


class Deadline:
    """A point in time. Everything that waits asks it how long it may."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds

    def remaining(self) -> float:
        """Seconds left; not below zero."""
        return max(0.0, self._end - self._clock())

    def timeout(self, most: float = 60.0) -> float:
        """How long the next step may take.

        Raises:
            RefusedError: there is no time left.
        """
        left = self.remaining()
        if left < 0.1:
            raise RefusedError("there was not enough time left to finish; the next attempt goes on from here")
        return min(left, most)
