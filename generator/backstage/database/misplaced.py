"""Database settings in places where Backstage does not look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.reader import ConfigError
from generator.documents.values import UNDEFINED

if TYPE_CHECKING:
    from generator.backstage.config.reader import ConfigReader
    from generator.problems.diagnostic import Diagnostics

_DATABASE = "backend.database"
_WRONG_PLACES = {
    "database": _DATABASE,
    "backend.reading.database": _DATABASE,
    "backend.auth.database": _DATABASE,
    "app.database": _DATABASE,
    "backend.knexConfig": f"{_DATABASE}.knexConfig",
    "backend.connection": f"{_DATABASE}.connection",
}
_CLOSE = 0.8  # difflib's ratio


def warn_about_places(config: ConfigReader, diagnostics: Diagnostics) -> None:
    """Report what looks like ``backend.database`` and is not there."""
    for key, right in _WRONG_PLACES.items():
        if _looks_like_settings(_value(config, key), right):
            diagnostics.warning(
                "GR212",
                f"{key} is not a place Backstage reads",
                config.locate(key),
                path=key,
                backstage="ignores it",
                hint=f"move it to {right}",
            )
    if _value(config, _DATABASE) is UNDEFINED:
        _misspelt(config, diagnostics)


def _misspelt(config: ConfigReader, diagnostics: Diagnostics) -> None:
    backend = _value(config, "backend")
    if not isinstance(backend, dict):
        return
    import difflib

    for key in difflib.get_close_matches("database", list(backend), 1, _CLOSE):
        diagnostics.warning(
            "GR211",
            f"there is no setting {key!r}",
            config.locate(f"backend.{key}"),
            path=f"backend.{key}",
            backstage="ignores it",
            hint="did you mean 'database'?",
        )


def _looks_like_settings(value: Any, right: str) -> bool:
    if right != _DATABASE:
        return value is not UNDEFINED
    return isinstance(value, dict) and ("client" in value or "connection" in value)


def _value(config: ConfigReader, key: str) -> Any:
    try:
        return config.get_optional(key)
    except ConfigError:
        return UNDEFINED
