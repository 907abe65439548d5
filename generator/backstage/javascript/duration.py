"""``readDurationFromConfig`` of ``@backstage/config``, for its errors: the length itself does not matter here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from generator.backstage.config.reader import ConfigError
from generator.documents.javascript import trim
from generator.documents.values import Placeholder

if TYPE_CHECKING:
    from generator.backstage.config.reader import ConfigReader

_UNITS = ("years", "months", "weeks", "days", "hours", "minutes", "seconds", "milliseconds")
_GOOD = ", ".join(f"'{unit}'" for unit in _UNITS)
_NUMBER = r"-?[0-9]{1,20}(?:\.[0-9]{1,20})?"
_ISO = re.compile(
    rf"-?P(?:({_NUMBER})Y)?(?:({_NUMBER})M)?(?:({_NUMBER})W)?(?:({_NUMBER})D)?"
    rf"(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:(-?[0-9]{{1,20}})(?:[.,](-?[0-9]{{1,20}}))?S)?)?"
)
_MS = re.compile(
    r"(-?(?:[0-9]+)?\.?[0-9]+) *(?:milliseconds?|msecs?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w"
    r"|years?|yrs?|y)?",
    re.IGNORECASE | re.ASCII,
)
_LONGEST_MS = 100  # characters


def check_duration(config: ConfigReader, key: str) -> None:
    """Raise ``ConfigError`` unless ``key`` is a duration: text such as ``1d`` or ``PT1M``, or an object of units."""
    value = config.get_optional(key)
    if isinstance(value, Placeholder):
        return
    if not isinstance(value, str):
        _check_object(config, key)
        return
    text = trim(config.get_string(key))
    problem = _iso_problem(text) if text.startswith("P") else _ms_problem(text)
    if problem:
        message = f"Invalid duration '{text}' in config at '{key}', Error: {problem}"
        raise ConfigError("InputError", message, config.locate(key), config.full_key(key))


def _iso_problem(text: str) -> str | None:
    match = _ISO.fullmatch(text)
    if not match:
        return "Invalid ISO format, expected a value similar to 'P2DT6H' (2 days 6 hours) or 'PT1M' (1 minute)"
    return None if any(match.groups()) else "Invalid ISO format, no values given"


def _ms_problem(text: str) -> str | None:
    if re.fullmatch(r"[0-9]+", text):
        return "The value cannot be a plain number; try adding a unit like 'ms' or 'seconds'"
    if not text:
        return 'val is not a non-empty string or a valid number. val=""'
    match = _MS.fullmatch(text) if len(text) <= _LONGEST_MS else None
    if not match:
        return "Not a valid duration string, try a number followed by a unit such as '1d' or '2 seconds'"
    return "Negative durations are not allowed" if float(match[1]) < 0 else None


def _check_object(config: ConfigReader, key: str) -> None:
    try:
        root = config.get_config(key)
        found = [unit for unit in _UNITS if _has_number(root, unit)]
    except ConfigError as error:
        message = f"Failed to read duration from config, {error}"
        raise ConfigError("InputError", message, error.location, error.path) from None
    names = root.keys()
    unknown = [name for name in names if name not in _UNITS]
    if not found:
        problem = f"Needs one or more of {_GOOD}"
    elif unknown:
        what = "property" if len(unknown) == 1 else "properties"
        bad = ", ".join(f"'{name}'" for name in unknown)
        problem = f"Unknown {what} {bad}; expected one or more of {_GOOD}"
    else:
        return
    message = f"Failed to read duration from config at '{key}', Error: {problem}"
    raise ConfigError("Error", message, config.locate(key), config.full_key(key))


def _has_number(root: ConfigReader, unit: str) -> bool:
    if isinstance(root.get_optional(unit), Placeholder):
        return True
    return root.get_optional_number(unit) is not None
