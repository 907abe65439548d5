"""Read and write ``greenroom.lock.json``."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from generator.diagnostics import Diagnostics, Location
from generator.lock.record import Lock, LockedPlugin, Names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from generator.model import Plan, PluginPlan, Retired

LOCK_VERSION: Final = 1
"""The version of the format this greenroom writes. It reads no newer one."""

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
}
_HASH = re.compile(r"[0-9a-f]{64}")
_RESTORE = "take the file from version control again"
_MERGE = "keep either side of the merge and run `greenroom generate` again"


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
        text = path.read_bytes().decode()
    except (FileNotFoundError, NotADirectoryError):  # what is in the way of the folder is for the writer to say
        return None
    except UnicodeDecodeError:
        diagnostics.error("GR510", "the lock file is not UTF-8", Location(str(path)), hint=_RESTORE)
        return None
    except OSError as error:
        hint = "make it a file greenroom may read"
        diagnostics.error("GR510", f"cannot read the lock file: {error.strerror}", Location(str(path)), hint=hint)
        return None
    try:
        return _lock(json.loads(text, object_pairs_hook=_unique))
    except json.JSONDecodeError as error:
        hint = _MERGE if re.search(r"^(<<<<<<<|=======|>>>>>>>)", text, re.MULTILINE) else _RESTORE
        place = Location(str(path), error.lineno, error.colno)
        diagnostics.error("GR510", f"the lock file is not JSON: {error.msg}", place, hint=hint)
    except RecursionError:
        diagnostics.error("GR510", "the lock file is nested too deeply", Location(str(path)), hint=_RESTORE)
    except _InvalidError as error:
        newer = error.path == ("version",) and "newer" in str(error)
        place = _locate(path, text, error.path)
        hint = "use the greenroom that wrote it, or a newer one" if newer else _RESTORE
        diagnostics.error("GR511" if newer else "GR512", str(error), place, path=".".join(error.path), hint=hint)
    except ValueError as error:  # a number of thousands of digits
        diagnostics.error("GR510", f"the lock file is not JSON: {error}", Location(str(path)), hint=_RESTORE)
    return None


def write_lock(plan: Plan, files: Mapping[str, Mapping[str, bytes]], *, previous: Lock | None) -> bytes:
    """The lock file for ``plan``.

    ``files`` are the rendered targets with their files, by path relative to the lock file's folder; what ``previous``
    says about other targets stays. The same plan and files give the same bytes.
    """
    engines = {server.name: server.engine for server in plan.servers}
    known = previous.known if previous else {}
    document = {
        "version": LOCK_VERSION,
        "generator": "greenroom",
        "plugins": {
            plugin.plugin_id: _planned(plugin, engines[plugin.server], returned=has_returned(plugin.plugin_id, previous))
            for plugin in plan.plugins
        },
        "retired": {gone.plugin_id: _retired(gone, known.get(gone.plugin_id)) for gone in plan.retired},
        "files": _hashes(files, previous),
    }
    return f"{json.dumps(_without_nothing(document), indent=2, sort_keys=True)}\n".encode()


def has_returned(plugin_id: str, previous: Lock | None) -> bool:
    """Whether a plugin that is planned was retired before ``previous``, or in it."""
    if previous is None:
        return False
    before = previous.plugins.get(plugin_id)
    return plugin_id in previous.retired or (before is not None and before.returned)


def _planned(plugin: PluginPlan, engine: str, *, returned: bool) -> dict[str, Any]:
    return {
        "label": plugin.label,
        "server": plugin.server,
        "engine": engine,
        "database": plugin.database.name,
        "schema": plugin.schema,
        "role": plugin.role.name,
        "passwordVersion": plugin.role.password_version,
        "shared": plugin.database.shared,
        "group": plugin.role.group,
        "common": plugin.role.is_common or None,
        "returned": returned or None,
        "renamedFrom": {
            "database": plugin.database.renamed_from,
            "schema": plugin.schema_renamed_from,
            "role": plugin.role.renamed_from,
        },
        "stack": plugin.stack,
    }


def _retired(gone: Retired, before: LockedPlugin | None) -> dict[str, Any]:
    names = before.renamed_from if before else Names()
    return {
        "label": gone.label,
        "server": gone.server,
        "engine": gone.engine,
        "database": gone.database,
        "schema": gone.schema,
        "role": gone.role,
        "passwordVersion": before.password_version if before else 1,
        "shared": before.shared if before else False,
        "group": before.group if before else None,
        "common": (before.common if before else False) or None,
        "returned": (before.returned if before else False) or None,
        "renamedFrom": {"database": names.database, "schema": names.schema, "role": names.role},
        "stack": before.stack if before else None,
    }


def _hashes(files: Mapping[str, Mapping[str, bytes]], previous: Lock | None) -> dict[str, dict[str, str]]:
    hashes = {target: dict(listed) for target, listed in (previous.files.items() if previous else ())}
    for target, contents in files.items():
        hashes[target] = {path: hashlib.sha256(content).hexdigest() for path, content in contents.items()}
    return hashes


def _without_nothing(value: Any) -> Any:
    """``value`` without the keys that do not apply; a plugin without renames says nothing about renames."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_nothing(child) for key, child in value.items() if child is not None}
    return {key: child for key, child in kept.items() if not (key == "renamedFrom" and child == {})}


# --- checking ---------------------------------------------------------------------------------------------------------


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _InvalidError((twice,), f"{twice!r} is there twice")
    return found


def _lock(document: Any) -> Lock:
    root = _object(document, (), {"version", "generator", "plugins", "retired", "files"})
    version = root.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version > LOCK_VERSION:
        raise _InvalidError(("version",), f"a newer greenroom wrote the lock file (format {version})")
    if version != LOCK_VERSION or isinstance(version, bool):
        raise _InvalidError(("version",) if "version" in root else (), f"`version` is not {LOCK_VERSION}")
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
    return Lock(plugins=plugins, retired=retired, files=files)


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
    if names["engine"] not in _ENGINES:
        raise _InvalidError((*path, "engine"), f"`engine` is none of {', '.join(_ENGINES)}")
    version, shared = _number(plugin, "passwordVersion", path), plugin.get("shared")
    if not isinstance(shared, bool):
        raise _InvalidError((*path, "shared"), "`shared` is neither true nor false")
    renamed = _object(plugin.get("renamedFrom", {}), (*path, "renamedFrom"), set(_KINDS))
    return LockedPlugin(
        **names,
        schema=_text(plugin, "schema", path) if "schema" in plugin else None,
        password_version=version,
        shared=shared,
        group=_text(plugin, "group", path) if "group" in plugin else None,
        common=_true(plugin, "common", path),
        returned=_true(plugin, "returned", path),
        renamed_from=Names(**{kind: _text(renamed, kind, (*path, "renamedFrom")) for kind in renamed}),
        stack=_number(plugin, "stack", path) if "stack" in plugin else None,
    )


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


def _is_text(value: Any) -> bool:
    """Whether ``value`` is a text that can be a name: not empty, no NUL, no half of a surrogate pair."""
    return isinstance(value, str) and value != "" and "\0" not in value and not re.search("[\ud800-\udfff]", value)


def _hash(name: str, value: Any, path: tuple[str, ...]) -> str:
    if name.startswith("/") or "\\" in name or name in (".", ".."):
        raise _InvalidError(path, f"{name!r} is not a relative path")
    if not isinstance(value, str) or not _HASH.fullmatch(value):
        raise _InvalidError(path, f"the hash of {name} is not a SHA-256")
    return value


def _locate(path: Path, text: str, keys: tuple[str, ...]) -> Location:
    """Where the value at ``keys`` is in ``text``. JSON is YAML, and only a YAML parser says where it read something."""
    import yaml

    try:
        found: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, RecursionError):
        return Location(str(path))  # the few documents that are JSON but not YAML, such as one indented with tabs
    for key in keys:
        pairs = found.value if isinstance(found, yaml.MappingNode) else []
        child = next((value for name, value in reversed(pairs) if name.value == key), None)
        if child is None:
            break
        found = child
    return Location(str(path), found.start_mark.line + 1, found.start_mark.column + 1)
