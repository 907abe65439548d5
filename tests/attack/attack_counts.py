"""How many attacks a run makes: a few in every run of the tests, ``make attack ATTACKS=5000`` by the thousand."""

from __future__ import annotations

import os
from typing import Final

#: What ``make attack`` sets; nothing in a usual run.
_ATTACKS: Final = os.environ.get("GREENROOM_ATTACKS", "")
_FEW: Final = 24
FIRST: Final = int(os.environ.get("GREENROOM_ATTACK_FIRST", "1"))
IS_LONG: Final = bool(_ATTACKS)

HOSTILE: Final = int(_ATTACKS) if _ATTACKS else _FEW
#: Of 5,000 hostile configurations, 300 spellings of secrets and 1,500 lock files.
SPELLINGS: Final = max(1, HOSTILE * 6 // 100) if IS_LONG else _FEW
LOCKS: Final = max(1, HOSTILE * 3 // 10) if IS_LONG else _FEW


def seeds(count: int) -> range:
    """The seeds of a run."""
    return range(FIRST, FIRST + count)
