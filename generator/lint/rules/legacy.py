"""Backends of the time before ``@backstage/backend-defaults``: the manager they use, and what it does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.backstage.checks import known
from generator.documents.files import display_path
from generator.documents.values import ConfigMap
from generator.lint.model import WARNING, Rule, found
from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tree_sitter import Node

    from generator.lint.model import Finding
    from generator.lint.subject import Subject

SINGLE: Final = Rule(
    "GR084",
    "single-connection-manager",
    WARNING,
    "The backend uses the manager that knows one connection for all plugins.",
    "backend-common: CHANGELOG 0.8.3 (pull 5700), issue 2894",
)
UNREAD: Final = Rule(
    "GR085",
    "not-read-by-old-manager",
    WARNING,
    "The backend's old database manager does not read this setting.",
    "backend-common: DatabaseManager (PluginConnectionDatabaseManager), SingleConnectionDatabaseManager",
)
RULES: Final = (SINGLE, UNREAD)

_OLD, _NEW = "SingleConnectionDatabaseManager", "DatabaseManager"
_PACKAGE = "@backstage/backend-common"
_READ = {
    "plugin-connection": known.BASE_AND_KNEX
    - {"schemaPrefix", "ensureSchemaExists", "pluginDivisionMode", "role", "knexConfig", "skipMigrations"},
    "single-connection": (known.BASE_AND_KNEX - known.BASE) | {"client", "connection"},
}
_READ_OF_A_PLUGIN = frozenset({"client", "connection", "ensureExists"})
_MOST_FILES = 200


def check(subject: Subject) -> Iterator[Finding]:
    """The manager in the code, and the settings it does not know."""
    manager: str = subject.project.settings.database_manager
    discovery, root = subject.project.discovery, subject.project.request.root
    for folder in discovery.backends if discovery is not None else ():
        for path in _sources(root / folder / "src"):
            finding = _single(path)
            if finding is not None:
                manager = "single-connection" if manager == "current" else manager
                yield finding
    if manager != "current":
        yield from _unread(subject, manager)


def _unread(subject: Subject, manager: str) -> Iterator[Finding]:
    for entry in subject.entries:
        if entry.plugin_id is not None and manager == "single-connection":
            continue  # the whole of `plugin` is reported
        read = _READ[manager] if entry.plugin_id is None else _READ_OF_A_PLUGIN
        for key in sorted((entry.data.keys() & (known.BASE | known.PLUGIN)) - read):
            yield found(
                UNREAD,
                f"{key!r} is not known to this backend's database manager",
                entry.data.locate_key(key),
                path=f"{entry.path}.{key}",
                backstage="ignores it",
                hint="use DatabaseManager of @backstage/backend-common 0.8.3 or later"
                if manager == "single-connection"
                else "move to the new backend system (@backstage/backend-defaults)",
            )
        connection = entry.connection
        if manager != "current" and isinstance(connection, ConfigMap) and connection.get("type") not in (None, "default"):
            yield found(
                UNREAD,
                "signing in with a cloud identity is not known to this backend's database manager",
                connection.locate_key("type"),
                path=f"{entry.path}.connection.type",
                backstage="hands it to the driver, which ignores it and asks for a password",
                hint="move to the new backend system (@backstage/backend-defaults)",
            )


def _sources(folder: Path) -> Iterator[Path]:
    """The TypeScript files of a backend that name the old manager."""
    if not folder.is_dir():
        return
    for count, path in enumerate(sorted(folder.rglob("*.ts"))):
        if count >= _MOST_FILES:
            return
        try:
            if not path.is_symlink() and _OLD.encode() in path.read_bytes():
                yield path
        except OSError:
            continue


def _single(path: Path) -> Finding | None:
    """The finding for one file, with the diff; ``None`` where the manager is only mentioned."""
    from generator.backstage.repository.typescript import TooHardError, parse, text_of, walk
    from generator.output.changes import unified_diff

    try:
        text = path.read_bytes().decode("utf-8")
        root = parse(text)
    except (OSError, ValueError, TooHardError):
        return None
    imported = _import(root)
    if imported is None:
        return None
    specifier, has_new = imported
    alias = specifier.child_by_field_name("alias")
    names = [
        node
        for node in walk(root)
        if node.type in ("identifier", "type_identifier") and text_of(node) == _OLD and node.parent != specifier
    ]
    changes = [] if alias is not None else [(node.start_byte, node.end_byte, _NEW) for node in names]
    name = specifier.child_by_field_name("name")
    if name is None or (not names and alias is None):
        return None
    if has_new and alias is None:
        changes.append((*_with_comma(text.encode(), specifier), ""))
    else:
        changes.append((name.start_byte, name.end_byte, _NEW))
    data = text.encode()
    for start, end, new in sorted(changes, reverse=True):
        data = data[:start] + new.encode() + data[end:]
    file = display_path(path)
    first = names[-1] if names else specifier
    return found(
        SINGLE,
        "this backend has one connection for all plugins: backend.database.plugin and prefix have no effect",
        Location(file, first.start_point[0] + 1, _column(text, first)),
        backstage="gives every plugin the base connection and a database named backstage_plugin_<id>",
        hint="apply the patch (it needs @backstage/backend-common 0.8.3 or later)",
        patch=unified_diff({file: text}, {file: data.decode()}),
    )


def _import(root: Node) -> tuple[Node, bool] | None:
    """The import of the old manager, and whether the new one is imported beside it."""
    from generator.backstage.repository.typescript import string_of, text_of, walk

    for statement in root.named_children:
        source = statement.child_by_field_name("source") if statement.type == "import_statement" else None
        if source is None or string_of(source) != _PACKAGE:
            continue
        specifiers = [node for node in walk(statement) if node.type == "import_specifier"]
        names = {text_of(node.child_by_field_name("name")): node for node in specifiers}
        if _OLD in names:
            return names[_OLD], _NEW in names
    return None


def _with_comma(data: bytes, specifier: Node) -> tuple[int, int]:
    """The bytes of an import specifier together with the comma and the white space after it."""
    end = specifier.end_byte
    while end < len(data) and data[end : end + 1] in (b",", b" ", b"\n", b"\r"):
        end += 1
    return specifier.start_byte, end


def _column(text: str, node: Node) -> int:
    line = text.encode().split(b"\n")[node.start_point[0]]
    return len(line[: node.start_point[1]].decode("utf-8", "replace")) + 1
