"""How much work a function does, counted and not timed: the same number on every machine and under any load."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def count_calls(function: Callable[[], object]) -> int:
    """How many functions are called, Python's and C's, while ``function`` runs.

    A loop inside one C function (``in`` on a long list) is not seen; tests/bench has the seconds.
    """
    number = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal number
        number += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(before)
    return number
