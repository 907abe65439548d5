"""A first greenroom.yaml from what is there: app-config files, plugins, servers, and what their connections point at."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from generator.backstage.config.production import PRODUCTION
from generator.documents.schema import schema_text
from generator.init.files import FORMAT_NOTES, config_of, fragment_format
from generator.init.guesses import find_servers, guess_cloud, guess_file, guess_store, wanted
from generator.init.manager import Manager, find_manager
from generator.init.text import default_place, settings_text
from generator.init.unknown import Unknown, added_to, report, unknown_names, unknown_settings
from generator.problems.diagnostic import Diagnostics
from generator.run import steps
from generator.run.steps import Request
from generator.settings.model import Settings
from generator.settings.target_keys import target_key
from generator.targets import TARGETS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from generator.backstage.config.production import ConfigFiles
    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.model import Server
    from generator.problems.diagnostic import Location
    from generator.run.steps import Project

__all__ = ["Start", "start"]

HEAD = (
    "Settings of greenroom, as `greenroom init` found them. Every key is optional; a line that starts with # and no blank "
    "is a key with its default or an example.",
)

#: Stands for every plugin that app-config does not mention.
_ANY = "any"
_ONE_USER = "single-connection"
#: For every environment but production, so that its roles are not production's where both are on one server.
_ROLE_NAME = "backstage_{environment}_{plugin}"


class Start(NamedTuple):
    """A settings file: its ``text`` (empty where there is nothing to make one from), what was found, and every problem.

    ``unknown`` are variables whose value has to be written into it before anything can be generated.
    """

    text: str
    plugins: Sequence[str]
    servers: Sequence[str]
    diagnostics: Diagnostics
    unknown: Sequence[str] = ()


class _Found(NamedTuple):
    """What the text is made from."""

    files: ConfigFiles
    manager: Manager | None
    project: Project
    resolved: PluginDatabaseMap
    folder: Path
    why: Sequence[str] = ()

    def place(self, location: Location | None, root: Path | None = None) -> str:
        """A place as the settings file calls it, wherever greenroom runs. ``root``: what its name is relative to."""
        if location is None:
            return "app-config"
        file = location.file if root is None else root / location.file
        return str(location._replace(file=Path(os.path.relpath(file, self.folder)).as_posix()))


def start(root: Path, *, config: Sequence[str] = (), folder: Path | None = None) -> Start:
    """The settings file for the Backstage repository at ``root``: the same on every machine, whatever its environment.

    Args:
        config: the app-config files, as Backstage's ``--config``; without them they are looked for.
        folder: where the settings file will lie (paths in it are relative to that; default ``root``).
    """
    folder = root if folder is None else folder
    diagnostics = Diagnostics()
    taken = config_of(root, config, diagnostics)
    files = taken.files
    if diagnostics.has_errors:
        return Start("", (), (), diagnostics)
    if not files.chosen:
        diagnostics.error(
            "GR421",
            "there is no app-config file here",
            path=root.as_posix(),
            hint="run this in the Backstage repository or give --root, or name the files with --config",
        )
        return Start("", (), (), diagnostics)
    manager = find_manager(root)
    names = list(config) or [str(root / name) for name in files.chosen]
    settings = Settings(folder=folder, database_manager=manager.kind if manager else "current")  # type: ignore[arg-type]
    request = Request(root=root, config=names, environ={})
    project, resolved = _resolved(request, settings)
    unknown: list[Unknown] = []
    while new := added_to(unknown, unknown_settings(project)):
        unknown += new  # with usual values in their place the rest can be told
        project, resolved = _resolved(request._replace(environ={item.name: item.example for item in unknown}), settings)
    unknown += added_to(unknown, unknown_names(resolved))
    report(unknown, diagnostics)
    left = {"GR407", "GR202"} if unknown else {"GR407"}
    diagnostics.extend(item for item in project.diagnostics if item.code not in left)
    if diagnostics.has_errors:
        return Start("", (), (), diagnostics)
    if not config:
        names = [str(root / name) for name in files.chosen]
    relative = [Path(os.path.relpath(name, folder)).as_posix() for name in names]
    found = _Found(files._replace(chosen=tuple(relative)), manager, project, resolved, folder, taken.why)
    values, notes = _settings(found)
    schema = json.loads(schema_text("settings"))
    if unknown:
        schema["properties"]["values"]["examples"] = [{item.name: item.example for item in unknown}]
        notes["values"] = [
            f"{found.place(item.location)} asks for ${{{item.name}}}: give its value here, it has to be known."
            for item in unknown
        ]
    text = settings_text(schema, values, notes, HEAD)
    plugins = [plugin.plugin_id for plugin in wanted(resolved) if plugin.plugin_id != _ANY]
    return Start(text, plugins, list(values.get("servers", {})), diagnostics, [item.name for item in unknown])


def _resolved(request: Request, settings: Settings) -> tuple[Project, PluginDatabaseMap]:
    """Nobody has named the plugins yet where there is no backend to read: any plugin says where the connections lead."""
    project = steps.load(request, settings=settings)
    probe = () if project.discovery else (_ANY,)
    return project, steps.resolve(project, (*project.plugin_ids, *probe))


def _settings(found: _Found) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The keys to set, and what to say about them."""
    values: dict[str, Any] = {"version": 1, "appConfig": list(found.files.chosen)}
    notes: dict[str, list[str]] = {"appConfig": _about_files(found)}
    if found.files.environment:
        values["environment"] = found.files.environment
    if found.manager is not None:
        place = found.place(found.manager.location, found.project.request.root)
        values["backstage"] = {"databaseManager": found.manager.kind}
        notes["backstage.databaseManager"] = [f"{place} {found.manager.reason}."]
    values["plugins"] = {"discover": True}
    notes |= _about_plugins(found)
    credentials = _credentials(found, notes)
    if credentials:
        values["credentials"] = credentials
    servers, plugins = find_servers(found.resolved, found.project.settings)
    if servers:
        values["servers"] = {name: _server(server, servers.values()) for name, server in servers.items()}
    if found.manager is not None and found.manager.kind == _ONE_USER:
        values["targets"] = {
            target_key(name): {"path": default_place(entry)}
            for name, entry in TARGETS.items()
            if entry.by_default and not entry.is_app_config
        }
        notes["targets"] = ["There is no appConfig: nothing in it could give a plugin of this backend a user of its own."]
    elif (format_ := fragment_format(found.project.config.layers)) is not None:
        values["targets"] = {
            target_key(name): {"path": default_place(entry, format_ if entry.is_app_config else "")}
            | ({"format": format_} if entry.is_app_config else {})
            for name, entry in TARGETS.items()
            if entry.by_default
        }
        notes["targets.appConfig"] = [FORMAT_NOTES[format_]]
    for name, ids in plugins.items():
        named = [plugin_id for plugin_id in ids if plugin_id != _ANY]
        notes[f"servers.{name}"] = [f"Of {', '.join(named)}."] if len(servers) > 1 and named else []
    return values, notes


def _server(server: Server, servers: Collection[Server]) -> dict[str, Any]:
    """One entry of ``servers``: with its host where there are several, with its port where two share a host."""
    entry: dict[str, Any] = {"kind": "existing"}
    if len(servers) > 1 and server.host:
        entry["host"] = str(server.host)
        if isinstance(server.port, int) and sum(other.host == server.host for other in servers) > 1:
            entry["port"] = server.port
    return entry


def _about_files(found: _Found) -> list[str]:
    files, lines = found.files, []
    if files.source is not None:
        lines.append(f"{found.place(files.source, found.project.request.root)} starts the backend with these.")
    lines += found.why
    if files.others:
        lines.append(f"Not among them: {', '.join(files.others)}.")
    return lines


def _about_plugins(found: _Found) -> dict[str, list[str]]:
    """What discovery found, and what it did not."""
    discovery = found.project.discovery
    notes: dict[str, list[str]] = {}
    if discovery is None:
        notes["plugins.discover"] = ["There is no Backstage backend here: name the plugins below."]
        if found.project.plugin_ids:
            notes["plugins.discover"] += [f"app-config names {', '.join(found.project.plugin_ids)}."]
    elif discovery.plugins:
        backends = ", ".join(discovery.backends) or "here"
        notes["plugins.discover"] = [f"Found in {backends}: {', '.join(sorted(discovery.plugins))}."]
    if discovery is not None and discovery.unknown:
        places = "; ".join(f"{found.place(location)} ({reason})" for location, reason in sorted(discovery.unknown))
        notes["plugins.include"] = [f"These cannot be known without running the code, so name their plugins: {places}."]
    return notes


def _credentials(found: _Found, notes: dict[str, list[str]]) -> dict[str, Any]:
    """How plugins sign in, where the code or the connections say it."""
    if found.manager is not None and found.manager.kind == _ONE_USER:
        notes["credentials.mode"] = ["The database manager of this backend has one user for all plugins."]
        return {"mode": "shared"}
    cloud = guess_cloud(found.project.database, found.resolved)
    if cloud is not None:
        notes["credentials.mode"] = [f"{found.place(cloud.location)} {cloud.reason}."]
        return {"mode": "iam", "iam": cloud.value}
    guesses = {"store": guess_store(found.resolved), "delivery": guess_file(found.resolved)}
    values: dict[str, Any] = {}
    if found.files.environment not in (None, *PRODUCTION):
        values["roleName"] = _ROLE_NAME
        notes["credentials.roleName"] = ["Not the names of production: the two may be on one server."]
    for key, guess in guesses.items():
        if guess is not None:
            values[key] = {"file": guess.value} if key == "delivery" else guess.value
            notes[f"credentials.{key}"] = [f"{found.place(guess.location)} {guess.reason}."]
    return values
