"""app-config files that a run did not read: where it makes nothing because of them, that is no success."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Final

from generator.backstage.config.deployed import find_deployed
from generator.backstage.config.loader import load_config
from generator.backstage.config.production import find_config_files
from generator.backstage.config.reader import ConfigError, ConfigReader
from generator.documents.files import display_path
from generator.documents.values import ConfigMap
from generator.problems.diagnostic import Diagnostic, Location, Severity

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap
    from generator.planning.model import Plan
    from generator.run.project import Project

#: What Backstage reads by itself on the machine of one developer.
_OWN: Final = ".local.yaml"


def check_unread(project: Project, resolved: PluginDatabaseMap, plan: Plan) -> None:
    """Say why nothing is generated, and which app-config files with database settings were not read.

    Nothing to generate is an error where nobody named the files and there are more (GR545); else it is a note, or with files
    that were left out a warning (GR546).
    Where there is something to generate, files that nobody named and that have more to say are a warning (GR547), and so is
    a developer's own file that Backstage's lookup took (GR548).
    """
    named = bool(project.request.config or project.settings.app_config)
    unread = [] if project.config.error else _unread(project)
    if plan.plugins:
        if not named:
            _warn(project, unread)
        return
    if project.diagnostics.has_errors or not resolved or len(plan.not_provisioned) < len(resolved):
        return
    own = [] if named else _own(project)
    if not named and not project.config.error:
        unread += [display_path(project.request.root / item.target) for item in find_deployed(project.request.root)]
    where = _where(resolved)
    memory = all(_is_in_memory(plugin) for plugin in resolved.values())
    everything = f"nothing to generate: {_plugins(resolved)} in SQLite{' in memory' if memory else ''}"
    if named or not (unread or own):
        also = f"; {_and(unread)} {_verb(unread)} database settings too, and {_was(unread)} not read" if unread else ""
        severity = Severity.WARNING if unread else Severity.INFO
        backstage = "forgets it all when it stops" if memory else ""
        project.diagnostics.add(
            Diagnostic("GR546", severity, f"{everything}{also}", where, "backend.database", backstage=backstage)
        )
        return
    if unread:
        project.diagnostics.error(
            "GR545",
            f"{everything}, and {_and(unread)}, which {_verb(unread)} database settings, {_was(unread)} not read",
            where,
            path="backend.database",
            backstage="reads app-config.yaml and app-config.local.yaml where no --config names others",
            hint=_hint(project, unread),
        )
        return
    project.diagnostics.error(
        "GR545",
        f"{everything}, and {_and(own)} is of one developer's machine",
        where,
        path="backend.database",
        hint=_without(project),
    )


def _warn(project: Project, unread: list[str]) -> None:
    if unread:
        project.diagnostics.warning(
            "GR547",
            f"{_and(unread)} {_verb(unread)} database settings, and {_was(unread)} not read",
            Location(unread[0]),
            hint=_hint(project, unread),
        )
    for name in _own(project):
        project.diagnostics.warning(
            "GR548",
            "this file is of one developer's machine, and what is generated depends on it",
            Location(name),
            hint=_without(project),
        )


def _unread(project: Project) -> list[str]:
    """The files in the root that may be for production, set something of the database, and were not read."""
    root = project.request.root
    found = find_config_files(root)
    read = {Path(layer.path).resolve() for layer in project.config.layers if layer.path != "env"}
    read |= {Path(name).resolve() for name in (*project.request.config, *project.settings.app_config)}
    fragment = project.layout.app_config
    names = [name for name in (*found.chosen, *found.others) if (root / name).resolve() not in read]
    return [
        display_path(root / name)
        for name in names
        if (fragment is None or (root / name).resolve() != fragment.resolve()) and _sets_database(root / name)
    ]


def _own(project: Project) -> list[str]:
    """The files that were read of one developer's machine, as far as they set something of the database."""
    return [
        layer.path
        for layer in project.config.layers
        if layer.path.endswith(_OWN) and _database(ConfigReader.from_layers([(layer.data, layer.context)]))
    ]


def _sets_database(path: Path) -> bool:
    config = load_config(root=path.parent, config=[str(path)], environ={})
    return bool(config.layers) and _database(
        ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    )


def _database(reader: ConfigReader) -> bool:
    try:
        value = reader.get_optional("backend.database")
    except ConfigError:
        return False
    return isinstance(value, ConfigMap) and bool(value)


def _hint(project: Project, unread: list[str]) -> str:
    """How to say which files count. Where one of several could be meant, the first of them is the example."""
    root, settings = project.request.root, project.settings
    chosen = find_config_files(root).chosen
    is_clear = any(display_path(root / name) in unread for name in chosen)
    names = list(chosen) if is_clear else [*chosen, os.path.relpath(unread[0], root)]
    if settings.environments:
        found = find_config_files(root)
        own = [name for name in (*found.chosen, *found.others) if f".{settings.environment}." in name]
        listed = ", ".join(_beside(project, name) for name in ([chosen[0], *own] if own and chosen else names))
        of_which = f"environments.{settings.environment} of {settings.path}"
        return f"say under {of_which} which files it starts with: `appConfig: [{listed}]`"
    if settings.path is not None:
        listed = ", ".join(_beside(project, name) for name in names)
        return f"say in {settings.path} which files production starts with: `appConfig: [{listed}]`"
    options = [] if is_clear else [word for name in names for word in ("--config", display_path(root / name))]
    return f"{_init(project, *options)} writes the files that production starts with into greenroom.yaml"


def _beside(project: Project, name: str) -> str:
    """A file of the root as the settings call it."""
    return Path(os.path.relpath(project.request.root / name, project.settings.folder)).as_posix()


def _without(project: Project) -> str:
    if project.settings.path is None:
        return f"leave it out: {_init(project)} writes the files that production starts with into greenroom.yaml"
    names = [layer.target for layer in project.config.layers if layer.path != "env" and not layer.path.endswith(_OWN)]
    listed = ", ".join(Path(os.path.relpath(name, project.settings.folder)).as_posix() for name in names)
    return f"leave it out: `appConfig: [{listed}]` in {project.settings.path}"


def _init(project: Project, *options: str) -> str:
    root = [] if project.request.root == Path() else ["--root", project.request.root.as_posix()]
    return f"`{shlex.join(['greenroom', 'init', *root, *options])}`"


def _where(resolved: PluginDatabaseMap) -> Location | None:
    return next((place for plugin in resolved.values() if (place := plugin.sources.get("client")) is not None), None)


def _is_in_memory(plugin: PluginDatabase) -> bool:
    connection = plugin.connection
    name = connection.get("filename") if isinstance(connection, dict) else connection
    return name == ":memory:"


def _plugins(resolved: PluginDatabaseMap) -> str:
    if len(resolved) == 1:
        return f"the only plugin ({next(iter(resolved))}) keeps its data"
    return f"all {len(resolved)} plugins keep their data"


def _verb(names: list[str]) -> str:
    return "has" if len(names) == 1 else "have"


def _was(names: list[str]) -> str:
    return "was" if len(names) == 1 else "were"


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
