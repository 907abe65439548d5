"""Targets as greenroom.yaml spells them: a key in camel case, as all keys are, for a name with dashes."""

from __future__ import annotations

import re

_CAPITAL = re.compile("[A-Z]")
_DASH = re.compile("-([a-z])")


def target_name(key: str) -> str:
    """The name that ``--target`` takes: ``appConfig`` → ``app-config``."""
    return _CAPITAL.sub(lambda match: f"-{match[0].lower()}", key)


def target_key(name: str) -> str:
    """The key below ``targets``: ``app-config`` → ``appConfig``."""
    return _DASH.sub(lambda match: match[1].upper(), name)
