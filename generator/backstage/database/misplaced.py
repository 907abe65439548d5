"""Database settings in places where Backstage does not look for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from generator.backstage.config.nested import CONFIG_PARTS, config_options, find_configs
from generator.backstage.config.reader import ConfigError
from generator.documents.values import UNDEFINED, ConfigMap

if TYPE_CHECKING:
    from generator.backstage.config.reader import ConfigReader
    from generator.problems.diagnostic import Diagnostics, Location

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
    _nested(config, diagnostics)
    if _value(config, _DATABASE) is UNDEFINED:
        _misspelt(config, diagnostics)


def _nested(config: ConfigReader, diagnostics: Diagnostics) -> None:
    """GR229: files that have an app-config inside, given as if they were one."""
    layer: ConfigReader | None = config
    while layer is not None:
        data = layer.data
        # What has parts of an app-config at its top is one, whatever else its plugins call their keys.
        if isinstance(data, ConfigMap) and not CONFIG_PARTS & data.keys() and (found := list(find_configs(data))):
            _report_nested(data, found, diagnostics)
        layer = layer.fallback


def _report_nested(data: ConfigMap, found: list[str], diagnostics: Diagnostics) -> None:
    place = _locate(data, found[0])
    file = place.file if place else "FILE"
    diagnostics.error(
        "GR229",
        f"this file is no app-config; it has {'one' if len(found) == 1 else 'several'} inside ({', '.join(found[:5])})",
        place,
        path=found[0],
        backstage="ignores it: what a chart or a ConfigMap holds, it gets as a file of its own",
        hint=f"read it with {config_options(file, found[:5])} (or the same in appConfig of greenroom.yaml)",
    )


def _locate(value: Any, path: str) -> Location | None:
    """Where the key at ``path`` was written, or the innermost key before it."""
    place, rest = None, path
    while rest and isinstance(value, ConfigMap):
        key = next((key for key in value if rest == key or rest.startswith(f"{key}.")), None)
        if key is None:
            break
        place, value, rest = value.locate_key(key) or place, value[key], rest[len(key) + 1 :]
    return place


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
