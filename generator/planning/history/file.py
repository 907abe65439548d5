"""Read ``greenroom.lock.json``."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from generator.documents.files import ReadError, read_bytes
from generator.planning.history.record import Lock, LockedPlugin, Names
from generator.planning.pair import Pair
from generator.problems.diagnostic import Diagnostics, Location

if TYPE_CHECKING:
    from pathlib import Path

LOCK_VERSION: Final = 2
"""The version of the format this greenroom writes. It reads this one and older ones, but no newer one.

Since version 2 a plugin has ``store``, ``secret``, ``formerIds``, ``dropped``, ``left``, ``leftAsOf``, ``formerly`` and
``extensions``. ``pair`` came later: only a file of an installation that has pairs of logins has it.
"""

_ENGINES = ("postgresql", "mysql")
_KINDS = ("database", "role", "schema")
_PLUGIN_KEYS = {
    "label",
    "server",
    "engine",
    "database",
    "schema",
    "role",
    "passwordVersion",
    "shared",
    "group",
    "renamedFrom",
    "stack",
    "common",
    "returned",
    "store",
    "secret",
    "formerIds",
    "dropped",
    "left",
    "leftAsOf",
    "formerly",
    "extensions",
    "pair",
}
_NAMES = {*_KINDS, "store", "secret"}
_HASH = re.compile(r"[0-9a-f]{64}")
_RESTORE = "take the file from version control again"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*", re.ASCII)
_MERGE = (
    'keep the side of the merge in which "passwordVersion" is higher (either one, where they do not differ) and run '
    "`greenroom generate` again"
)


class _InvalidError(ValueError):
    """What is wrong, and at which path in the document."""

    def __init__(self, path: tuple[str, ...], what: str) -> None:
        super().__init__(what)
        self.path = path


def read_lock(path: Path, diagnostics: Diagnostics) -> Lock | None:
    """The lock file at ``path``; ``None`` if there is none.

    A file that cannot be read (GR510), was written by a newer greenroom (GR511) or does not say what a lock file says
    (GR512) is an error in ``diagnostics``, and the result is ``None`` as well.
    """
    try:
        content = read_bytes(str(path))
    except ReadError as error:
        # What is in the way of the folder is for the writer to say.
        if not error.missing and not error.node.startswith("ENOTDIR"):
            hint = error.hint or "make it a file greenroom may read"
            diagnostics.error("GR510", f"cannot read the lock file: {error.reason}", Location(str(path)), hint=hint)
        return None
    return parse_lock(content, str(path), diagnostics)


def digest_of(content: bytes) -> str:
    """What a list of ``greenroom adopt`` calls the lock file with these bytes (``Adopted.as_of``)."""
    return hashlib.sha256(content).hexdigest()[:16]


def parse_lock(content: bytes, shown: str, diagnostics: Diagnostics) -> Lock | None:
    """The lock file whose bytes are ``content`` and which a reader knows as ``shown``.

    ``None`` with an error (GR510, GR511, GR512) when it is not one: see :func:`read_lock`.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        diagnostics.error("GR510", "the lock file is not UTF-8", Location(shown), hint=_RESTORE)
        return None
    try:
        return _lock(json.loads(text, object_pairs_hook=_unique))._replace(digest=digest_of(content))
    except json.JSONDecodeError as error:
        hint = _MERGE if re.search(r"^(<<<<<<<|=======|>>>>>>>)", text, re.MULTILINE) else _RESTORE
        place = Location(shown, error.lineno, error.colno)
        diagnostics.error("GR510", f"the lock file is not JSON: {error.msg}", place, hint=hint)
    except RecursionError:
        diagnostics.error("GR510", "the lock file is nested too deeply", Location(shown), hint=_RESTORE)
    except _InvalidError as error:
        newer = error.path == ("version",) and "newer" in str(error)
        place = _locate(shown, text, error.path)
        hint = "use the greenroom that wrote it, or a newer one" if newer else _RESTORE
        diagnostics.error("GR511" if newer else "GR512", str(error), place, path=".".join(error.path), hint=hint)
    except ValueError as error:  # a number of thousands of digits
        diagnostics.error("GR510", f"the lock file is not JSON: {error}", Location(shown), hint=_RESTORE)
    return None


# --- checking ---------------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _InvalidError((twice,), f"{twice!r} is there twice")
    return found


def _lock(document: Any) -> Lock:
    root = _object(document, (), {"version", "generator", "environment", "plugins", "retired", "files"})
    version = root.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > LOCK_VERSION:
        raise _InvalidError(("version",), f"a newer greenroom wrote the lock file (format {version})")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _InvalidError(("version",) if "version" in root else (), f"`version` is not a number from 1 to {LOCK_VERSION}")
    plugins, retired = (
        {name: _plugin(value, (key, name)) for name, value in _object(root.get(key, {}), (key,)).items()}
        for key in ("plugins", "retired")
    )
    for name in sorted(plugins.keys() & retired.keys()):
        raise _InvalidError(("retired", name), f"the plugin {name!r} cannot be in use and retired")
    files = {}
    for target, listed in _object(root.get("files", {}), ("files",)).items():
        path = ("files", target)
        files[target] = {name: _hash(name, value, (*path, name)) for name, value in _object(listed, path).items()}
    environment = _text(root, "environment", ()) if "environment" in root else None
    return Lock(plugins=plugins, retired=retired, files=files, environment=environment)


def _object(value: Any, path: tuple[str, ...], keys: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _InvalidError(path, f"{'`' + path[-1] + '`' if path else 'the lock file'} is not an object")
    for key in value:
        if not _is_text(key):
            raise _InvalidError(path, "a key is empty or not valid Unicode")
        if keys is not None and key not in keys:
            raise _InvalidError((*path, key), f"`{key}` is not a key of a lock file")
    return value


def _plugin(value: Any, path: tuple[str, ...]) -> LockedPlugin:
    plugin = _object(value, path, _PLUGIN_KEYS)
    names = {key: _text(plugin, key, path) for key in ("label", "server", "engine", "database", "role")}
    for key in ("label", "server"):
        if not _IDENTIFIER.fullmatch(names[key]):
            raise _InvalidError((*path, key), f"`{key}` is not an identifier of letters, digits, _ and -")
    if names["engine"] not in _ENGINES:
        raise _InvalidError((*path, "engine"), f"`engine` is none of {', '.join(_ENGINES)}")
    version, shared = _number(plugin, "passwordVersion", path), plugin.get("shared")
    if not isinstance(shared, bool):
        raise _InvalidError((*path, "shared"), "`shared` is neither true nor false")
    formerly = plugin.get("formerly", [])
    if not isinstance(formerly, list):
        raise _InvalidError((*path, "formerly"), "`formerly` is not a list")
    return LockedPlugin(
        **names,
        schema=_text(plugin, "schema", path) if "schema" in plugin else None,
        password_version=version,
        shared=shared,
        group=_text(plugin, "group", path) if "group" in plugin else None,
        common=_true(plugin, "common", path),
        returned=_true(plugin, "returned", path),
        renamed_from=_names(plugin.get("renamedFrom", {}), (*path, "renamedFrom")),
        stack=_number(plugin, "stack", path) if "stack" in plugin else None,
        store=_text(plugin, "store", path) if "store" in plugin else None,
        secret=_text(plugin, "secret", path) if "secret" in plugin else None,
        former_ids=_texts(plugin, "formerIds", path),
        dropped=_true(plugin, "dropped", path),
        left=_names(plugin.get("left", {}), (*path, "left")),
        left_as_of=_text(plugin, "leftAsOf", path) if "leftAsOf" in plugin else None,
        formerly=tuple(_names(item, (*path, "formerly")) for item in formerly),
        extensions=_texts(plugin, "extensions", path),
        pair=_pair(plugin["pair"], version, (*path, "pair")) if "pair" in plugin else None,
    )


def _pair(value: Any, version: int, path: tuple[str, ...]) -> Pair:
    """Where a rotation stands; never so that the live login could not log in."""
    pair = _object(value, path, {"retired", "ownerLogsIn", "until"})
    until = _number(pair, "until", path) if "until" in pair else None
    if until is not None and until > version:
        raise _InvalidError((*path, "until"), f"`until` is greater than `passwordVersion`, {version}")
    retired, most = pair.get("retired"), version - 1 if until is None else until
    if not isinstance(retired, int) or isinstance(retired, bool) or not 0 <= retired <= most:
        raise _InvalidError(
            (*path, "retired") if "retired" in pair else path, f"`retired` is no whole number from 0 to {most}"
        )
    owner_logs_in = _true(pair, "ownerLogsIn", path)
    if owner_logs_in and until is not None:
        raise _InvalidError((*path, "ownerLogsIn"), "`ownerLogsIn` and `until` exclude each other")
    return Pair(retired, owner_logs_in, until)


def _names(value: Any, path: tuple[str, ...]) -> Names:
    names = _object(value, path, _NAMES)
    return Names(**{kind: _text(names, kind, path) for kind in names})


def _number(value: dict[str, Any], key: str, path: tuple[str, ...]) -> int:
    number = value.get(key)
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise _InvalidError((*path, key), f"`{key}` is not a whole number from 1")
    return number


def _true(plugin: dict[str, Any], key: str, path: tuple[str, ...]) -> bool:
    if not isinstance(plugin.get(key, False), bool):
        raise _InvalidError((*path, key), f"`{key}` is neither true nor false")
    return bool(plugin.get(key))


def _text(value: dict[str, Any], key: str, path: tuple[str, ...]) -> str:
    text = value.get(key)
    if not _is_text(text):
        raise _InvalidError((*path, key) if key in value else path, f"`{key}` is not a text")
    assert isinstance(text, str)
    return text


def _texts(plugin: dict[str, Any], key: str, path: tuple[str, ...]) -> tuple[str, ...]:
    listed = plugin.get(key, [])
    if not isinstance(listed, list) or not all(map(_is_text, listed)):
        raise _InvalidError((*path, key), f"`{key}` is not a list of strings")
    return tuple(listed)


def _is_text(value: Any) -> bool:
    """Whether ``value`` is a text that can be a name: not empty, no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and value != "" and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def _hash(name: str, value: Any, path: tuple[str, ...]) -> str:
    if name.startswith("/") or "\\" in name or name in (".", ".."):
        raise _InvalidError(path, f"{name!r} is not a relative path")
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise _InvalidError(path, f"the hash of {name} is not a SHA-256")
    return value


def _locate(shown: str, text: str, keys: tuple[str, ...]) -> Location:
    """Where the value at ``keys`` is in ``text``. JSON is YAML, and only a YAML parser says where it read something."""
    import yaml

    try:
        found: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return Location(shown)  # the few documents that are JSON but not YAML, such as one indented with tabs
    for key in keys:
        pairs = found.value if isinstance(found, yaml.MappingNode) else []
        child = next((value for name, value in reversed(pairs) if name.value == key), None)
        if child is None:
            break
        found = child
    return Location(shown, found.start_mark.line + 1, found.start_mark.column + 1)
