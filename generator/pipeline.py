"""The way from files to files: load, resolve, plan, render. Pure: nothing here writes."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from generator.appconfig.loader import LoadedConfig, load_config, read_env_files
from generator.appconfig.reader import ConfigError, ConfigReader
from generator.appconfig.values import ConfigMap
from generator.backstage import resolve_plugins
from generator.collect import Rendering, collect
from generator.diagnostics import Diagnostics, GreenroomError
from generator.layout import Layout, make_layout
from generator.lock import Lock, read_lock, reconcile
from generator.planning import make_plan
from generator.settings_file import read_settings
from generator.targets import TARGETS
from generator.targets.base import Artifact, RenderContext, Target
from generator.validate import validate_database
from generator.verify import verify_artifacts, verify_fragment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.model import Plan, PluginDatabase, PluginDatabaseMap
    from generator.settings import Settings

Placeholders = Literal["keep", "backstage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a user asks for: the options all commands share.

    ``config`` are ``--config`` files in order, ``plugins`` ids added by ``--plugin``, ``targets`` and ``out`` what
    ``generate`` writes and where. ``environ`` is the process environment.
    """

    root: Path = Path()
    config: Sequence[str] = ()
    settings: Path | None = None
    plugins: Sequence[str] = ()
    env_files: Sequence[Path] = ()
    placeholders: Placeholders = "keep"
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: Path | None = None
    targets: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What was read: settings, configuration and environment, with every problem found so far.

    ``database`` is the merged value of ``backend.database`` (empty when there is none).
    """

    request: Request
    settings: Settings
    layout: Layout
    config: LoadedConfig
    reader: ConfigReader
    database: ConfigMap
    environ: Mapping[str, str]
    plugin_ids: tuple[str, ...]
    diagnostics: Diagnostics


def load(request: Request) -> Project:
    """Read settings, environment files and app-config. Problems are in the result's ``diagnostics``."""
    diagnostics = Diagnostics()
    settings = read_settings(request.settings, root=request.root, diagnostics=diagnostics)
    layout = make_layout(settings, out=request.out, only=request.targets)
    environ = {**read_env_files(request.env_files, diagnostics), **request.environ}
    files = _config_files(request, settings, layout, diagnostics)
    config = load_config(root=request.root, config=files, environ=environ, placeholders=request.placeholders)
    diagnostics.extend(config.diagnostics)
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    database = _merged_database(reader)
    return Project(
        request=request,
        settings=settings,
        layout=layout,
        config=config,
        reader=reader,
        database=database,
        environ=environ,
        plugin_ids=_plugin_ids(request, settings, database),
        diagnostics=diagnostics,
    )


def _config_files(request: Request, settings: Settings, layout: Layout, diagnostics: Diagnostics) -> tuple[str, ...]:
    """The ``--config`` files, else those of the settings. greenroom's own fragment is output, never input."""
    files = tuple(request.config) or tuple(str(settings.folder / name) for name in settings.app_config)
    fragment = layout.targets.get("app-config")
    kept = []
    for name in files:
        if fragment is not None and Path(name).resolve() == fragment.resolve():
            diagnostics.warning(
                "GR406",
                f"{name} is what greenroom generates; it is left out of its own input",
                settings.locations.get("appConfig"),
                hint="pass it to Backstage as the last --config, not to greenroom",
            )
        else:
            kept.append(name)
    return tuple(kept)


def _merged_database(reader: ConfigReader) -> ConfigMap:
    """The merged ``backend.database``, empty where it is missing or unusable (resolving reports why)."""
    try:
        value: Any = reader.get_optional("backend.database")
    except ConfigError:
        return ConfigMap()
    return value if isinstance(value, ConfigMap) else ConfigMap()


def _plugin_ids(request: Request, settings: Settings, database: ConfigMap) -> tuple[str, ...]:
    """The plugins to look at: asked for, configured and included, less the excluded ones."""
    configured = database.get("plugin")
    ids = {*request.plugins, *settings.include, *(configured if isinstance(configured, ConfigMap) else ())}
    return tuple(sorted(ids - set(settings.exclude)))


def resolve(project: Project, plugin_ids: Sequence[str] | None = None) -> PluginDatabaseMap:
    """What Backstage resolves for each plugin (``plugin_ids``, else the project's own).

    No plugin at all is an error in the project's ``diagnostics``.
    """
    diagnostics = project.diagnostics
    if project.config.error:
        return {}
    ids = project.plugin_ids if plugin_ids is None else tuple(sorted(plugin_ids))
    if not ids:
        diagnostics.error(
            "GR407",
            "there is no plugin to look at",
            path="plugins.include",
            hint="name the backend's plugins: `--plugin catalog --plugin auth …`, or plugins.include in greenroom.yaml",
        )
    validate_database(project.database, diagnostics)
    return resolve_plugins(
        project.reader,
        ids,
        manager=project.settings.database_manager,
        environ=project.environ,
        diagnostics=diagnostics,
        placeholders=project.request.placeholders,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The plan of a run, and what an earlier run generated."""

    plan: Plan
    previous: Lock | None


def plan(project: Project, resolved: PluginDatabaseMap) -> Planned:
    """What has to exist, with what an earlier run generated taken into account (renames, retirement).

    Raises:
        GreenroomError: there is an error among the diagnostics, all of which it carries.
    """
    diagnostics = project.diagnostics
    fresh = make_plan(resolved, project.settings, diagnostics)
    previous = read_lock(project.layout.lock, diagnostics)
    if not diagnostics.has_errors:  # a plan that lacks a plugin would make it look retired
        fresh = reconcile(fresh, previous, diagnostics, resolved=resolved)
    _stop_on_errors(diagnostics)
    return Planned(plan=fresh, previous=previous)


def plan_afresh(project: Project, resolved: PluginDatabaseMap) -> Plan:
    """What has to exist for ``resolved`` alone, whatever was generated before.

    Raises:
        GreenroomError: there is an error among the diagnostics, all of which it carries.
    """
    made = make_plan(resolved, project.settings, project.diagnostics)
    _stop_on_errors(project.diagnostics)
    return made


def with_fragment(project: Project) -> Project:
    """The project with the generated fragment as its last ``--config``, the way Backstage gets it.

    Where no fragment was generated the project is returned as it is: its app-config may name everything itself.
    """
    fragment = project.layout.targets.get("app-config")
    if fragment is None or not fragment.is_file():
        return project
    files = [layer.path for layer in project.config.layers if layer.path]
    config = load_config(
        root=project.request.root,
        config=[*files, str(fragment)],
        environ=project.environ,
        placeholders=project.request.placeholders,
    )
    reader = ConfigReader.from_layers((layer.data, layer.context) for layer in config.layers)
    return replace(project, config=config, reader=reader, database=_merged_database(reader))


def describe(project: Project, plugin: PluginDatabase) -> dict[str, str]:
    """The names generated for one plugin, for display; empty when it needs nothing or cannot be planned."""
    made = make_plan({plugin.plugin_id: plugin}, project.settings, project.diagnostics)
    if not made.plugins:
        return {}
    (found,) = made.plugins
    names = {"server": found.server, "database": found.database.name, "schema": found.schema, "role": found.role.name}
    delivery = found.role.delivery
    names["password"] = f"$file: {delivery.file}" if delivery.file else f"${{{delivery.env}}}"
    if made.store != "variables":
        names["secret"] = f"{made.store}: {found.role.secret_name}"
    return {key: value for key, value in names.items() if value is not None}


def render(project: Project, resolved: PluginDatabaseMap, planned: Planned, *, verify: bool = False) -> Rendering:
    """Every file of the run, in memory, proven to say what was planned.

    Args:
        verify: also parse every artifact back with a real parser (costs seconds for many plugins).

    Raises:
        GreenroomError: a target cannot carry the plan, or what was rendered is not what was planned.
    """
    diagnostics = project.diagnostics
    targets = {name: TARGETS[name].load() for name in project.layout.targets}
    context = RenderContext(
        plan=planned.plan,
        resolved=resolved,
        merged=project.database,
        database_manager=project.settings.database_manager,
    )
    for target in targets.values():
        target.check(context, diagnostics)
    _stop_on_errors(diagnostics)
    artifacts = {name: target.render(context) for name, target in targets.items()}
    _verify(project, planned.plan, targets, artifacts, deep=verify)
    _stop_on_errors(diagnostics)
    return collect(project.layout, planned.plan, planned.previous, artifacts, diagnostics)


def _verify(
    project: Project,
    plan: Plan,
    targets: Mapping[str, Target],
    artifacts: Mapping[str, list[Artifact]],
    *,
    deep: bool,
) -> None:
    for artifact in artifacts.get("app-config", ()):
        verify_fragment(
            project.config.layers,
            artifact.text,
            plan,
            project.diagnostics,
            environ=project.environ,
            manager=project.settings.database_manager,
            placeholders=project.request.placeholders,
        )
    if deep:
        for name, target in targets.items():
            verify_artifacts(name, target, artifacts[name], plan, project.diagnostics)


def _stop_on_errors(diagnostics: Diagnostics) -> None:
    if diagnostics.has_errors:
        raise GreenroomError(diagnostics)
