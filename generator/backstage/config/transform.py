"""What Backstage does to a parsed config file: substitution, ``$file``, ``$env`` and ``$include``.

The file's own containers are changed in place; a value that several aliases share is worked on once and stays shared.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Literal

from generator.backstage.config.includes import FileCache, IncludeError, pick, split_target
from generator.backstage.config.place import Place
from generator.backstage.config.substitution import escape, names_in, substitute, substitute_known, unusable_names
from generator.documents.javascript import WHITESPACE
from generator.documents.values import UNDEFINED, ConfigList, Placeholder, Reference
from generator.problems.diagnostic import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.backstage.config.substitution import Lookup
    from generator.documents.values import ConfigMap
    from generator.problems.diagnostic import Diagnostics

Mode = Literal["keep", "backstage"]

INCLUDE_KEYS: Final = ("$file", "$env", "$include")
MAX_DEPTH: Final = 200
MAX_VALUES: Final = 10_000_000
#: Of a path in an app-config that is a part of another file.
_MOUNTED: Final = "Backstage reads this app-config where the chart or the pod mounts it, and so does the path"
_MOUNTED_HINT: Final = "write the value here, or as ${A_VARIABLE}; or an absolute path, as it is in the container"


class Stop(Exception):  # noqa: N818 - the file is given up; the problem has been reported
    """The values of this file cannot be built (too deep or too many)."""


class Transformer:
    """Works on one config file. ``error`` is the first message Backstage's loader would fail with; ``asked`` are the
    variables it refers to, each with whether ``backend.database`` is what refers to it.
    """

    def __init__(
        self,
        lookup: Lookup,
        mode: Mode,
        cache: FileCache,
        diagnostics: Diagnostics,
        root: str | None = None,
        *,
        skips_others: bool = False,
        is_inside: bool = False,
    ) -> None:
        """``root`` is the repository: with ``keep``, only the run-time environment has a ``$file`` outside of it.

        ``is_inside``: the configuration is a part of another file, and Backstage gets it as a file of its own, somewhere
        else: nobody knows here what its relative paths lead to.
        """
        self.error: str | None = None
        self.asked: dict[str, bool] = {}
        self._lookup = lookup
        self._keep = mode == "keep"
        #: Whether a file that is missing and cannot concern the databases is left out.
        self._skips = skips_others
        self._is_inside = is_inside
        self._cache = cache
        self._root = root
        self._diagnostics = diagnostics
        self._active: list[tuple[str, str]] = []
        self._included: dict[tuple[str, str], tuple[Any, int]] = {}
        self._shared: dict[int, tuple[Any, Any, int]] = {}
        self._values = 0

    def run(self, value: Any, file: str, *, shared: bool) -> Any:
        """The value of a whole document; ``UNDEFINED`` when nothing is left of it. ``shared``: it has aliases."""
        place = Place(None, None, None, os.path.dirname(file))  # noqa: PTH120 - the path as it is written, links kept
        if isinstance(value, str):
            return self._text(value, place)
        try:
            return self._container(value, place, shared=shared)
        except Stop:
            return UNDEFINED

    # --- values ---------------------------------------------------------------------------------------------------------

    def _container(self, value: Any, place: Place, *, shared: bool) -> Any:
        if not isinstance(value, (dict, list)):
            return value
        before = self._values
        if shared and id(value) in self._shared:
            _value, result, size = self._shared[id(value)]
            self._count(size, place)
            return result
        if isinstance(value, dict) and ("$file" in value or "$env" in value or "$include" in value):
            result = self._include(value, place)
        else:
            result = self._children(value, place, shared=shared)
        if shared:
            self._shared[id(value)] = (value, result, self._values - before)
        return result

    def _children(self, value: Any, place: Place, *, shared: bool) -> Any:
        """Transform what is in ``value``, in place."""
        if place.depth >= MAX_DEPTH:
            self._fail(
                "GR109", "values are nested too deeply", place, hint=f"more than {MAX_DEPTH} levels, includes counted"
            )
            raise Stop
        self._count(len(value), place)
        is_map = isinstance(value, dict)
        changes: list[tuple[Any, Any]] = []
        for key, item in value.items() if is_map else enumerate(value):
            if type(item) is str:
                if "${" in item:
                    changes.append((key, self._text(item, Place(place, value, key, place.folder))))
            elif isinstance(item, (dict, list)):
                result = self._container(item, Place(place, value, key, place.folder), shared=shared)
                if result is not item:
                    changes.append((key, result))
        if is_map and "__proto__" in value:
            self._drop_prototype(value, changes, place)
        _apply(value, changes)
        return value

    def _drop_prototype(self, value: ConfigMap, changes: list[tuple[Any, Any]], place: Place) -> None:
        self._diagnostics.warning(
            "GR107",
            "the key __proto__ has a meaning of its own in JavaScript",
            value.locate_key("__proto__"),
            path=place.path.removeprefix("."),
            hint="rename or remove the key",
            backstage="drops the key",
        )
        changes.append(("__proto__", UNDEFINED))

    def _count(self, values: int, place: Place) -> None:
        self._values += values
        if self._values > MAX_VALUES:
            self._fail(
                "GR109", f"aliases and includes make more than {MAX_VALUES:,} values", place, hint="share fewer of them"
            )
            raise Stop

    def _ask(self, names: list[str], place: Place) -> None:
        for name in names:
            self.asked[name] = self.asked.get(name, False) or place.touches_database

    def _text(self, text: str, place: Place) -> Any:
        if "${" in text:
            self._ask(names_in(text), place)
        if not self._keep:
            return substitute(text, self._lookup)
        result = substitute_known(text, self._lookup)
        if result is UNDEFINED:
            self._check_names(text, place)
        return result

    def _check_names(self, text: str, place: Place) -> None:
        """``${PORT:8080}``: the default value needs ``:-``. The value itself may be a secret and is not shown."""
        for name in unusable_names(text):
            variable = name.split(":", 1)[0]
            self._diagnostics.warning(
                "GR117",
                f"${{{variable}:…}} asks for a variable whose name has a colon in it",
                place.location,
                path=place.path.removeprefix("."),
                hint=f"a default value is written ${{{variable}:-…}}",
                backstage="finds no such variable and drops the key",
            )

    # --- includes -------------------------------------------------------------------------------------------------------

    def _include(self, value: dict[str, Any], place: Place) -> Any:
        """What ``{$file: …}``, ``{$env: …}`` or ``{$include: …}`` stands for; ``UNDEFINED`` drops the key."""
        key = next(name for name in value if name in INCLUDE_KEYS)
        if len(value) != 1:
            message = f"include key {key} should not have adjacent keys"
            others = ", ".join(name for name in value if name != key)
            return self._fail(
                "GR110", f"{key} stands beside other keys ({others})", place, message, hint=f"leave only {key}"
            )
        target = value[key]
        if not isinstance(target, str):
            message = f"{key} include value is not a string"
            return self._fail("GR110", f"the value of {key} is not a text", place, message, hint="write a path or name")
        name = self._text(target, place)
        if name is UNDEFINED:
            message = f"{key} substitution value was undefined"
            return self._fail(
                "GR110", f"a variable in the value of {key} is not set", place, message, hint="set it (--env-file)"
            )
        handlers: dict[str, Callable[[str, Place], Any]] = {
            "$file": self._file,
            "$env": self._variable,
            "$include": self._document,
        }
        return handlers[key](name, place)

    def _variable(self, name: str, place: Place) -> Any:
        if isinstance(name, Placeholder):
            summary = f"the name after $env depends on {name}, which is not set"
            return self._fail("GR110", summary, place, "$env substitution value was undefined", hint="set it (--env-file)")
        self._ask([name], place)
        value = self._lookup(name)
        if value is not None:
            return value
        return Placeholder(f"${{{name}}}", (Reference("env", name),)) if self._keep and name else UNDEFINED

    def _file(self, name: str, place: Place) -> Any:
        if isinstance(name, Placeholder):
            return Placeholder(name, (Reference("file", str(name)),))
        path = os.path.abspath(os.path.join(place.folder, name))  # noqa: PTH100, PTH118
        if self._is_unknown(name):
            return self._mounted_file(name, place)
        if self._keep and self._is_elsewhere(path, place.folder):
            return Placeholder(escape(name), (Reference("file", name),))
        try:
            return self._cache.text(path, self._diagnostics, lenient=True).rstrip(WHITESPACE)
        except IncludeError as error:
            if error.missing and self._skips and not place.touches_database:
                return self._missing_include(name, "there is no such file", place, "check the path", kind="$file")
            if error.missing and self._keep:
                return Placeholder(escape(name), (Reference("file", name),))
            message = f"failed to read file {name}, {error.name}: {error.javascript}"
            code = "GR113" if error.missing else "GR102"
            return self._fail(code, f"$file {name}: {error.summary}", place, message, hint=error.hint)

    def _is_unknown(self, name: str) -> bool:
        """Whether a path is relative to a file that only the run-time environment has."""
        return self._is_inside and not self._active and not os.path.isabs(name)  # noqa: PTH117

    def _mounted_file(self, name: str, place: Place) -> Any:
        if not self._keep:
            message = f"failed to read file {name}, relative to the mounted app-config"
            return self._fail("GR113", f"$file {name}: {_MOUNTED}", place, message, hint=_MOUNTED_HINT)
        if place.touches_database:
            self._diagnostics.add(
                Diagnostic(
                    "GR433",
                    Severity.INFO,
                    f"$file {name} was not read: {_MOUNTED}",
                    place.location,
                    place.path.removeprefix("."),
                    _MOUNTED_HINT,
                    "reads it there when it starts",
                )
            )
        return Placeholder(escape(name), (Reference("file", name),))

    def _is_elsewhere(self, path: str, folder: str) -> bool:
        """Whether a file is neither in the repository nor beside the configuration: each machine may have another one."""
        homes = (self._root, os.path.abspath(folder)) if self._root is not None else ()  # noqa: PTH100
        return bool(homes) and not any(path.startswith(home.rstrip(os.sep) + os.sep) for home in homes)

    def _document(self, name: str, place: Place) -> Any:
        """``$include: path#a.b``. Relative paths inside the included file are relative to that file."""
        if isinstance(name, Placeholder):
            return self._missing_include(
                name, "its path depends on a variable that is not set", place, "set it (--env-file)"
            )
        file, data_path = split_target(name)
        if self._is_unknown(file) or (self._is_inside and self._keep and not self._active):
            return self._missing_include(name, _MOUNTED, place, "write what it holds here")
        path = os.path.abspath(os.path.join(place.folder, file))  # noqa: PTH100, PTH118
        identity = (path, data_path)
        if identity in self._included:
            result, size = self._included[identity]
            self._count(size, place)
            return result
        if identity in self._active:
            chain = " → ".join(f"{self._cache.display(p)}{'#' if d else ''}{d}" for p, d in [*self._active, identity])
            return self._fail("GR112", f"$include goes round in a circle: {chain}", place, hint="break the circle")
        try:
            value, shared = self._cache.document(path, file, self._diagnostics)
            value = pick(value, file, data_path)
        except IncludeError as error:
            if error.missing and (self._keep or (self._skips and not place.touches_database)):
                return self._missing_include(name, "there is no such file", place, "check the path")
            code = "GR113" if error.missing else "GR111"
            return self._fail(code, f"$include {name}: {error.summary}", place, error.javascript, hint=error.hint)
        before = self._values
        self._active.append(identity)
        inner = place.moved(os.path.dirname(path))  # noqa: PTH120
        if isinstance(value, str):
            value = self._text(value, inner)
        elif isinstance(value, (dict, list)):
            # The included value itself is not looked at for $include and the like, only what is in it.
            value = self._children(value, inner, shared=shared)
        self._active.pop()
        self._included[identity] = (value, self._values - before)
        return value

    def _missing_include(self, name: str, why: str, place: Place, hint: str, kind: str = "$include") -> Any:
        """In keep mode: what is included elsewhere does not matter to the databases; near them nothing can be guessed."""
        severity = Severity.ERROR if place.touches_database else Severity.WARNING
        effect = "the databases cannot be resolved without it" if place.touches_database else "left out"
        summary = f"{kind} {name}: {why} ({effect})"
        backstage = "fails to start while the file is missing"
        self._diagnostics.add(
            Diagnostic("GR113", severity, summary, place.location, place.path.removeprefix("."), hint, backstage)
        )
        if place.touches_database:
            self._note(place, f"failed to include {name}")
        return UNDEFINED

    # --- problems -------------------------------------------------------------------------------------------------------

    def _fail(self, code: str, summary: str, place: Place, message: str = "", *, hint: str) -> Any:
        """Report an error; the key is dropped, so that the rest of the file is looked at as well."""
        backstage = f"fails to start: {message}" if message else "never finishes reading, or runs out of memory"
        self._diagnostics.error(
            code, summary, place.location, path=place.path.removeprefix("."), hint=hint, backstage=backstage
        )
        self._note(place, message or summary)
        return UNDEFINED

    def _note(self, place: Place, message: str) -> None:
        self.error = self.error or f"error at {place.path}, {message}"


def _apply(value: Any, changes: list[tuple[Any, Any]]) -> None:
    """Put the changed values in place; ``UNDEFINED`` removes the child."""
    if not changes:
        return
    gone = [key for key, item in changes if item is UNDEFINED]
    if gone:
        marks = value.marks  # while keys and positions still line up
        for key, item in changes:
            value[key] = item
        if isinstance(value, ConfigList):
            kept = [index for index, item in enumerate(value) if item is not UNDEFINED]
            value.marks = [marks[index] for index in kept]
            value[:] = [value[index] for index in kept]
        else:
            for key in gone:
                del value[key]
                marks.pop(key, None)
        return
    for key, item in changes:
        value[key] = item
