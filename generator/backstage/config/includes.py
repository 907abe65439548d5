"""The files that ``$file`` and ``$include`` name: read once, parsed by their extension."""

from __future__ import annotations

import re
from typing import Any, Final

from generator.documents.documents import parse_yaml
from generator.documents.files import ReadError, decode, display_path, read_bytes, report_encoding
from generator.documents.jsontext import JsonError, locate, parse_json
from generator.documents.values import UNDEFINED, ConfigList, ConfigMap, Mark
from generator.problems.diagnostic import Diagnostics, Location

_FRAGMENT = re.compile("#([^\n\r\u2028\u2029]*)")
_PARSED: Final = frozenset({".json", ".yaml", ".yml"})


class IncludeError(Exception):
    """An include that cannot be followed; ``javascript`` is the message Backstage's loader gives."""

    def __init__(self, summary: str, javascript: str, hint: str = "check the path", *, missing: bool = False) -> None:
        super().__init__(summary)
        self.summary, self.javascript, self.hint, self.missing = summary, javascript, hint, missing
        self.name = "NotFoundError" if missing else "Error"


def split_target(target: str) -> tuple[str, str]:
    """The file and the data path of ``file.yaml#a.b``."""
    match = _FRAGMENT.search(target)
    return (target[: match.start()], match[1]) if match else (target, "")


def extension(path: str) -> str:
    """``path.extname``: from the last dot of the last part of the path, nothing for ``.yaml`` alone."""
    name = path.rstrip("/").rsplit("/", 1)[-1]
    at = name.rfind(".")
    return name[at:] if at > 0 and name != ".." else ""


def pick(value: Any, file: str, data_path: str) -> Any:
    """The value at ``a.b`` of an included document; ``UNDEFINED`` when the last key is not there.

    Raises :class:`IncludeError` where the path leads through something that is not a mapping.
    """
    parts = data_path.split(".") if data_path else []
    for index, part in enumerate(parts):
        if not isinstance(value, dict):
            at = ".".join(parts[:index])
            message = f"value at '{at}' in included file {file} is not an object"
            raise IncludeError(f"there is no mapping at '{at}'", message, "check the part after #")
        value = value.get(part, UNDEFINED)
    return value


class FileCache:
    """The files read in one run. The parsed content of a file is handed out once as it is, later as copies."""

    def __init__(self) -> None:
        self._texts: dict[str, str | IncludeError] = {}
        self._seen: set[str] = set()
        self._documents: dict[str, tuple[Any, bool]] = {}

    def display(self, path: str) -> str:
        """The path as the user would write it."""
        return display_path(path)

    def text(self, path: str, diagnostics: Diagnostics, *, lenient: bool) -> str:
        """The content of a file, decoded. Bytes that are not UTF-8 are an error, with ``lenient`` a warning.

        Raises :class:`IncludeError`.
        """
        found = self._texts.get(path)
        if found is None:
            try:
                content = decode(read_bytes(path))
            except ReadError as error:
                found = _include_error(path, error)
            else:
                report_encoding(content, display_path(path), diagnostics, is_warning=lenient)
                found = content.text
            self._texts[path] = found
        if isinstance(found, IncludeError):
            raise found
        return found

    def document(self, path: str, file: str, diagnostics: Diagnostics) -> tuple[Any, bool]:
        """The parsed content of a file to include, free to be changed, and whether parts of it are shared by aliases.

        Raises :class:`IncludeError`; problems inside the file are reported with their positions as well.
        """
        suffix = extension(file)
        if suffix not in _PARSED:
            message = f"no configuration parser available for included file {file}"
            raise IncludeError("only .yaml, .yml and .json can be included", message, "use $file for the text of a file")
        if path in self._documents:
            value, shared = self._documents[path]
            return _copy(value, {}), shared
        text = self.text(path, diagnostics, lenient=False)
        value, shared, error = (_parse_json if suffix == ".json" else _parse_yaml)(text, display_path(path), diagnostics)
        if error is not None:
            message = f"failed to parse included file {file}, {error}"
            hint = f"see the problems of {display_path(path)}"
            raise IncludeError("the file cannot be parsed", message, hint)
        if path in self._seen:
            self._documents[path] = (value, shared)
            return _copy(value, {}), shared
        self._seen.add(path)
        return value, shared


def _include_error(path: str, error: ReadError) -> IncludeError:
    if error.missing:
        message = f'failed to include "{path}", file does not exist'
        return IncludeError("there is no such file", message, missing=True)
    return IncludeError(f"{display_path(path)}: {error.reason}", error.node, error.hint or "check the path")


def _parse_yaml(text: str, file: str, diagnostics: Diagnostics) -> tuple[Any, bool, str | None]:
    parsed = parse_yaml(text, file, diagnostics)
    return parsed.value, parsed.shared, parsed.error


def _parse_json(text: str, file: str, diagnostics: Diagnostics) -> tuple[Any, bool, str | None]:
    try:
        value = parse_json(text)
    except JsonError as error:
        place = Location(file, error.line, error.column)
        diagnostics.error("GR104", f"not valid JSON: {error.problem}", place, hint="check the commas and quotes around it")
        return UNDEFINED, False, f"SyntaxError: {error.problem}"
    # Almost every JSON text is YAML: that gives the positions.
    like = parse_yaml(text, file, Diagnostics()).value
    return locate(value, like, Mark(file, 1, 1)), False, None


def _copy(value: Any, done: dict[int, Any]) -> Any:
    """A copy of containers that keeps positions, and sharing where the original shares."""
    if not isinstance(value, (dict, list)):
        return value
    if id(value) not in done:
        copy: ConfigMap | ConfigList
        if isinstance(value, ConfigMap):
            copy = ConfigMap({key: _copy(item, done) for key, item in value.items()}, dict(value.marks))
        else:
            assert isinstance(value, ConfigList)
            copy = ConfigList([_copy(item, done) for item in value], list(value.marks))
        done[id(value)] = copy
    return done[id(value)]
