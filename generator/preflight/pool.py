"""What knex makes of the settings of a plugin's pool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from generator.backstage.versions import NEWEST

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX: Final = 10


@dataclass(frozen=True, slots=True)
class Pool:
    """What knex makes of a plugin's pool settings. ``error`` is what it throws for them, if it does."""

    min: int = NEWEST.pool_min
    max: int = 10
    error: str = ""


def read_pool(settings: Any, least_kept: int = NEWEST.pool_min) -> Pool:
    """The pool knex makes of ``pool`` settings: its own defaults, then tarn's rules.

    Each of ``min`` (``least_kept``) and ``max`` has its own default: where ``min`` is 2, ``max: 1`` alone is refused.
    """
    given: Mapping[str, Any] = settings if isinstance(settings, dict) else {}
    values = {key: given.get(key, default) for key, default in (("min", least_kept), ("max", _MAX))}
    for key, least in (("min", 0), ("max", 1)):
        value = values[key]
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least or value != round(value):
            return Pool(error=f"Error: Tarn: opt.{key} must be an integer {'>= 0' if key == 'min' else '> 0'}")
    if values["min"] > values["max"]:
        return Pool(error="Error: Tarn: opt.max is smaller than opt.min")
    return Pool(int(values["min"]), int(values["max"]))
