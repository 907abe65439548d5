"""``APP_CONFIG_a_b_c=value``: the variables that overrule every file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from generator.documents.javascript import INHERITED
from generator.documents.jsontext import JsonError, locate, parse_json
from generator.documents.values import ConfigMap, Mark
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.problems.diagnostic import Diagnostics

PREFIX: Final = "APP_CONFIG_"
_PART = re.compile(r"[a-zA-Z][a-zA-Z0-9]*(?:[-_:][a-zA-Z0-9]+)*")
_HINT: Final = "a key is letters and digits, with _ between its levels: APP_CONFIG_backend_database_client"


class _Invalid(Exception):  # noqa: N818 - becomes a diagnostic
    """A variable that cannot be used; the message is Backstage's."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


def read_environment(environ: Mapping[str, str], diagnostics: Diagnostics) -> tuple[ConfigMap | None, str | None]:
    """The layer that ``APP_CONFIG_*`` make up (``None`` without any), and the error Backstage would throw.

    A value is JSON where it parses as JSON, else a string; an empty value counts as unset. Every variable that cannot be
    used is reported (GR114).
    """
    data: ConfigMap | None = None
    first_error = None
    for name, value in environ.items():
        if not value or not name.startswith(PREFIX):
            continue
        data = ConfigMap() if data is None else data
        try:
            _set(data, name, value)
        except _Invalid as error:
            first_error = first_error or f"TypeError: {error}"
            diagnostics.error(
                "GR114", str(error), Location(name), hint=error.hint, backstage=f"fails to start: TypeError: {error}"
            )
    return data, first_error


def _set(data: ConfigMap, name: str, value: str) -> None:
    key = name.removeprefix(PREFIX)
    parts = key.split("_")
    mark = Mark(name, 0, 0)
    container: Any = data
    for index, part in enumerate(parts):
        if not _PART.fullmatch(part):
            raise _Invalid(f"Invalid env config key '{key}'", _HINT)
        if index == len(parts) - 1:
            if part in container or part in INHERITED:
                message = f"Refusing to override existing config at key '{key}'"
                raise _Invalid(message, "another variable sets this key already")
            container[part] = locate(_parse(key, value), None, mark)
            container.marks[part] = mark
            return
        if container.get(part) is None and part not in INHERITED:
            container[part] = ConfigMap()
            container.marks[part] = mark
        container = container.get(part)
        if not isinstance(container, ConfigMap):
            outer = "_".join(parts[: index + 1])
            message = f"Could not nest config for key '{key}' under existing value '{outer}'"
            raise _Invalid(message, f"{PREFIX}{outer} has a value of its own: keep one of the two")


def _parse(key: str, value: str) -> Any:
    try:
        parsed = parse_json(value)
    except JsonError:
        return value
    if parsed is None:
        message = f"Failed to parse JSON-serialized config value for key '{key}', Error: value may not be null"
        raise _Invalid(message, "a variable cannot delete a key: write null in a file, or leave the variable out")
    return parsed
