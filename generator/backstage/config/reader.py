"""Backstage's ``ConfigReader``: typed reads from a chain of layers, with the same answers and the same errors.

A reader holds one layer; ``fallback`` is the reader of the layers below it. What a read returns keeps its marks, so that
the place where a value was written is known after layers are merged.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from generator.documents.javascript import (
    FUNCTION,
    INHERITED,
    is_number,
    is_object,
    number_to_string,
    own_keys,
    to_number,
    type_of,
    yes_or_no,
)
from generator.documents.unknown import waits_for
from generator.documents.values import UNDEFINED, ConfigMap, Mark, Placeholder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from generator.problems.diagnostic import Location

_KEY_PART = re.compile(r"[a-z][a-z0-9]*(?:[-_:][a-z0-9]+)*", re.IGNORECASE | re.ASCII).fullmatch
# Parts that were checked before: the same few are read again and again.
_GOOD_PARTS: set[str] = set()
_GOOD_PARTS_KEPT = 100_000


def _is_key_part(part: str) -> bool:
    if not _KEY_PART(part):
        return False
    if len(_GOOD_PARTS) < _GOOD_PARTS_KEPT:
        _GOOD_PARTS.add(part)
    return True


class ConfigError(Exception):
    """An error Backstage would throw.

    ``name`` is the JavaScript class (``TypeError``), ``message`` its message, ``location`` the offending value and ``path``
    its full key where there is one. ``str()`` is what Backstage prints: ``TypeError: Invalid type in config …``.
    """

    def __init__(self, name: str, message: str, location: Location | None = None, path: str = "") -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message
        self.location = location
        self.path = path


class PlaceholderError(Exception):
    """A value has to be known to go on, and only the run-time environment knows it.

    ``wanted`` says what is missing (``a boolean``), ``references`` what it waits for, ``path`` is the full key. The
    message names those variables or files, and nothing else of the value.
    """

    def __init__(self, value: Placeholder, wanted: str, location: Location | None = None, path: str = "") -> None:
        names = waits_for(value.references)
        super().__init__(f"{path} has to be known here ({wanted}), and {names} has no value at generation time")
        self.references = value.references
        self.wanted = wanted
        self.location = location
        self.path = path


def merge(into: Any, base: Any = UNDEFINED) -> Any:
    """``into`` laid over ``base`` as the reader does it: objects merge deeply, ``null`` deletes, all else replaces.

    Returns new maps and never changes its arguments; lists are shared with them.
    """
    if into is None:
        return UNDEFINED
    if into is UNDEFINED:
        return UNDEFINED if base is UNDEFINED else merge(base)
    if not isinstance(into, dict):
        return into
    below = base if isinstance(base, dict) else {}
    out = ConfigMap()
    for key in [*into, *(key for key in below if key not in into)]:
        if key == "__proto__" or (key not in into and key in INHERITED):
            # JavaScript does not set a key there, or finds the function every object inherits, which hides the value below.
            continue
        value = merge(into.get(key, UNDEFINED), below.get(key, UNDEFINED))
        if value is not UNDEFINED:
            out[key] = value
            mark = mark_of(into, key) if key in into else mark_of(below, key)
            if mark:
                out.marks[key] = mark
    return out


def mark_of(container: Any, key: str) -> Mark | None:
    """Where the value of ``key`` was written, if ``container`` knows."""
    return container.marks.get(key) if isinstance(container, ConfigMap) else None


class ConfigReader:
    """One layer of configuration with a fallback.

    ``data`` is the layer's value (``UNDEFINED`` for none), ``context`` its name in error messages, ``prefix`` the key of
    ``data`` from the root of the configuration.
    """

    __slots__ = ("context", "data", "fallback", "prefix")

    def __init__(
        self, data: Any = UNDEFINED, context: str = "mock-config", fallback: ConfigReader | None = None, prefix: str = ""
    ) -> None:
        self.data = data
        self.context = context
        self.fallback = fallback
        self.prefix = prefix

    @classmethod
    def from_layers(cls, layers: Iterable[tuple[Any, str]]) -> ConfigReader:
        """A reader of ``(data, context)`` layers, the last of which wins."""
        reader: ConfigReader | None = None
        for data, context in layers:
            reader = cls(data, context, reader)
        return reader if reader is not None else cls()

    # --- presence --------------------------------------------------------------------------------------------------

    def has(self, key: str) -> bool:
        """Whether ``key`` has a value that no layer above deletes."""
        value = self._read(key)[0]
        if value is None:
            return False
        if value is not UNDEFINED:
            return True
        return self.fallback.has(key) if self.fallback else False

    def keys(self) -> list[str]:
        """The keys of all layers, this layer's first, without those this layer deletes."""
        data = self.data if isinstance(self.data, dict) else {}
        below = self.fallback.keys() if self.fallback else []
        return [key for key in dict.fromkeys([*own_keys(data), *below]) if data.get(key, UNDEFINED) is not None]

    def mark(self, key: str) -> Mark | None:
        """Where the value a read of ``key`` returns was written; for an object, where the uppermost layer has it."""
        reader: ConfigReader | None = self
        while reader is not None:
            try:
                value, holder = reader._read(key)
            except ConfigError:
                return None
            if value is not UNDEFINED:
                return mark_of(holder, key.rpartition(".")[2])
            reader = reader.fallback
        return None

    def locate(self, key: str) -> Location | None:
        """Where the value a read of ``key`` returns was written, if that is known."""
        mark = self.mark(key)
        return mark.location if mark else None

    # --- values ----------------------------------------------------------------------------------------------------

    def get(self, key: str = "") -> Any:
        """The merged value of ``key``. Raises ``ConfigError`` when there is none."""
        return self._required(key, self.get_optional(key))

    def get_optional(self, key: str = "") -> Any:
        """The merged value of ``key``, or ``UNDEFINED``."""
        value = self._read(key)[0]
        # The layers below are read even when this one decides, and may throw.
        below = self.fallback.get_optional(key) if self.fallback else UNDEFINED
        return merge(value, below)

    def get_config(self, key: str) -> ConfigReader:
        """A reader of the object at ``key``. Raises ``ConfigError`` when there is none."""
        value = self.get_optional_config(key)
        if value is None:
            raise self._missing(key)
        return value

    def get_optional_config(self, key: str) -> ConfigReader | None:
        """A reader of the object at ``key``, or ``None``. Raises ``ConfigError`` when it is not an object."""
        value, holder = self._read(key)
        below = self.fallback.get_optional_config(key) if self.fallback else None
        if is_object(value):
            return ConfigReader(value, self.context, below, self.full_key(key))
        if value is None:
            return None
        if value is not UNDEFINED:
            raise self._wrong_type(key, value, "object", holder)
        return below

    def get_string(self, key: str) -> str:
        """The non-empty string at ``key``. Raises ``ConfigError`` when there is none."""
        value = self.get_optional_string(key)
        if value is None:
            raise self._missing(key)
        return value

    def get_optional_string(self, key: str) -> str | None:
        """The non-empty string at ``key``, or ``None``. Raises ``ConfigError`` for anything else, ``""`` included."""
        value = self._read_checked(key, lambda value: isinstance(value, str) and value != "", "string")[0]
        return None if value is UNDEFINED else value

    def get_number(self, key: str) -> float:
        """The number at ``key``. Raises ``ConfigError`` when there is none."""
        value = self.get_optional_number(key)
        if value is None:
            raise self._missing(key)
        return value

    def get_optional_number(self, key: str) -> float | None:
        """The number at ``key``, also when it is a numeric string, or ``None``.

        Raises ``ConfigError`` for anything else and ``PlaceholderError`` for a placeholder.
        """
        value, holder = self._read_checked(key, lambda value: is_number(value) or isinstance(value, str), "number")
        if value is UNDEFINED:
            return None
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]  # an int or a float
        self._known(key, value, "a number", holder)
        number = to_number(value)
        if not math.isfinite(number):
            raise self._not_convertible(key, "number", holder)
        return number

    def get_boolean(self, key: str) -> bool:
        """The boolean at ``key``. Raises ``ConfigError`` when there is none."""
        value = self.get_optional_boolean(key)
        if value is None:
            raise self._missing(key)
        return value

    def get_optional_boolean(self, key: str) -> bool | None:
        """The boolean at ``key``, also when spelled ``yes``, ``0``, ``off``, …, or ``None``.

        Raises ``ConfigError`` for anything else and ``PlaceholderError`` for a placeholder.
        """
        value, holder = self._read_checked(key, lambda value: isinstance(value, (bool, int, float, str)), "boolean")
        if value is UNDEFINED:
            return None
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._known(key, value, "a boolean", holder)
        result = yes_or_no(value if isinstance(value, str) else number_to_string(value))
        if result is None:
            raise self._not_convertible(key, "boolean", holder)
        return result

    # --- inside ----------------------------------------------------------------------------------------------------

    def full_key(self, key: str) -> str:
        """``key`` from the root of the configuration."""
        return f"{self.prefix}.{key}" if self.prefix else key

    def _read(self, key: str) -> tuple[Any, Any]:
        """This layer's value of ``key``, and the container that holds it."""
        parts = key.split(".") if key else []
        for part in parts:
            if part not in _GOOD_PARTS and not _is_key_part(part):
                raise ConfigError("TypeError", f"Invalid config key '{key}'", path=self.full_key(key))
        value = self.data
        if value is UNDEFINED:
            return UNDEFINED, None
        holder = None
        for index, part in enumerate(parts):
            if isinstance(value, dict):
                holder = value
                value = holder.get(part, UNDEFINED)
                if value is UNDEFINED and part in INHERITED:
                    value = FUNCTION
            elif value is not UNDEFINED and value is not None:
                raise self._wrong_type(".".join(parts[:index]), value, "object", holder)
        return value, holder

    def _read_checked(self, key: str, check: Callable[[Any], bool], expected: str) -> tuple[Any, ConfigReader]:
        """The value of ``key`` in the first layer that has it, and that layer's reader."""
        reader: ConfigReader | None = self
        while reader is not None:
            value, holder = reader._read(key)
            if value is None:
                return UNDEFINED, reader
            if value is not UNDEFINED:
                if not check(value):
                    raise reader._wrong_type(key, value, expected, holder)
                return value, reader
            reader = reader.fallback
        return UNDEFINED, self

    def _required(self, key: str, value: Any) -> Any:
        if value is UNDEFINED:
            raise self._missing(key)
        return value

    def _known(self, key: str, value: str, wanted: str, reader: ConfigReader) -> None:
        if isinstance(value, Placeholder):
            raise PlaceholderError(value, wanted, reader.locate(key), reader.full_key(key))

    def _missing(self, key: str) -> ConfigError:
        full = self.full_key(key)
        place = None
        parent = key.rpartition(".")[0]
        if parent:
            place = self.locate(parent)
        return ConfigError("Error", f"Missing required config value at '{full}' in '{self.context}'", place, full)

    def _not_convertible(self, key: str, expected: str, reader: ConfigReader) -> ConfigError:
        full = self.full_key(key)
        message = f"Unable to convert config value for key '{full}' in '{self.context}' to a {expected}"
        return ConfigError("Error", message, reader.locate(key), full)

    def _wrong_type(self, key: str, value: Any, expected: str, holder: Any) -> ConfigError:
        full = self.full_key(key)
        message = f"Invalid type in config for key '{full}' in '{self.context}', got {type_of(value)}, wanted {expected}"
        mark = mark_of(holder, key.rpartition(".")[2])
        return ConfigError("TypeError", message, mark.location if mark else None, full)
