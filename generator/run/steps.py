"""The way from a project to files: resolve, plan, render. Pure: nothing here writes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from generator.backstage.checks import validate_database
from generator.backstage.database import resolve_plugins
from generator.backstage.database.origin import BaseOrigin
from generator.backstage.database.resolved import PluginDatabase
from generator.backstage.rbac import PLUGIN, has_rbac
from generator.output.rendering import Rendering, collect
from generator.output.verify import verify_artifacts, verify_fragment
from generator.planning import make_plan
from generator.planning.adoption import check_adopted
from generator.planning.extensions import with_extensions
from generator.planning.history import Past, assign_stacks, leave, read_past, reconcile, report_left_behind
from generator.planning.rbac import check_adapter, check_client, with_base_login
from generator.planning.search_path import refuse_search_paths
from generator.problems.diagnostic import Diagnostics, GreenroomError
from generator.run.backstage_version import report_version
from generator.run.development import reader_in_development, require_production
from generator.run.extensions import known_extensions, report_extensions
from generator.run.incomplete import leave_out_ignored
from generator.run.own_templates import each_with_own_templates
from generator.run.project import Project, Request, load, with_fragment
from generator.run.rotation import check_targets, report_unfinished
from generator.run.unread import check_unread
from generator.stores.names import makes_secrets
from generator.targets import TARGETS
from generator.targets.base import Artifact, RenderContext, Target

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.model import Plan

__all__ = [
    "Planned",
    "Project",
    "Rendering",
    "Request",
    "describe",
    "load",
    "plan",
    "plan_afresh",
    "render",
    "resolve",
    "with_fragment",
]


def resolve(project: Project, plugin_ids: Sequence[str] | None = None) -> PluginDatabaseMap:
    """What Backstage resolves for each plugin (``plugin_ids``, else the project's own).

    No plugin at all is an error in the project's ``diagnostics``.
    """
    diagnostics = project.diagnostics
    ids = project.plugin_ids if plugin_ids is None else tuple(sorted(plugin_ids))
    if project.config.error:
        return {plugin_id: PluginDatabase(plugin_id=plugin_id, error=project.config.error) for plugin_id in ids}
    # With a file that could not be read, a missing database is not worth a word of its own.
    if diagnostics.has_errors and not project.database:
        return {}
    # Settings with errors may name plugins all the same.
    if not ids and project.settings.complete:
        diagnostics.error(
            "GR407",
            "there is no plugin to look at",
            path="plugins.include",
            hint="name the backend's plugins: `--plugin catalog --plugin auth …`, or plugins.include in greenroom.yaml",
        )
    report_version(project)
    behaviour, manager = project.backstage.behaviour, project.settings.database_manager
    validate_database(project.database, diagnostics, behaviour, manager=manager)
    return resolve_plugins(
        reader_in_development(project),
        ids,
        manager=project.settings.database_manager,
        behaviour=project.backstage.behaviour,
        environ=project.environ,
        diagnostics=diagnostics,
        placeholders=project.request.placeholders,
    )


class Planned(NamedTuple):
    """The plan of a run, and what earlier runs generated."""

    plan: Plan
    past: Past


def plan(project: Project, resolved: PluginDatabaseMap) -> Planned:
    """What has to exist, with what earlier runs generated taken into account (renames, retirement).

    Earlier runs are what the lock file says, and the one that Git has of HEAD and of the request's ``base``: what those knew
    and this one does not is kept.

    Raises:
        GreenroomError: there is an error among the diagnostics, all of which it carries.
    """
    diagnostics = project.diagnostics
    require_production(project)
    fresh = make_plan(resolved, project.settings, diagnostics)
    refuse_search_paths(fresh, diagnostics)
    if has_rbac(project.discovery, project.reader):
        check_adapter(fresh, resolved, project.database, PLUGIN in project.settings.exclude, diagnostics)
        fresh = with_base_login(fresh)
    fresh = with_extensions(fresh, project.settings, known_extensions(project), diagnostics)
    ids = {plugin.plugin_id for plugin in fresh.plugins}
    request, settings = project.request, project.settings
    past = read_past(project.layout.lock, request.base, ids, settings, diagnostics, root=request.root)
    past = past._replace(lock=leave(past.lock, fresh, settings.moved))
    if not diagnostics.has_errors:  # a plan that lacks a plugin would make it look retired
        fresh = reconcile(fresh, past.lock, diagnostics, resolved=resolved)
        fresh = assign_stacks(fresh, past.lock, size=project.layout.stack_plugins)
        check_adopted(fresh, project.settings, diagnostics)
    report_extensions(project, fresh)
    report_unfinished(project, fresh)
    check_unread(project, resolved, fresh)
    project.kept.report(ids, diagnostics)
    leave_out_ignored(settings, diagnostics)
    _stop_with_the_rest(project)
    return Planned(plan=fresh, past=past)


def plan_afresh(project: Project, resolved: PluginDatabaseMap) -> Plan:
    """What has to exist for ``resolved`` alone, whatever was generated before.

    Raises:
        GreenroomError: there is an error among the diagnostics, all of which it carries.
    """
    require_production(project)
    made = make_plan(resolved, project.settings, project.diagnostics)
    runs_rbac = has_rbac(project.discovery, project.reader)
    if runs_rbac:
        check_client(resolved, project.database, project.diagnostics)
    _stop_on_errors(project.diagnostics)
    check_adopted(made, project.settings, project.diagnostics)
    made = with_extensions(made, project.settings, known_extensions(project))
    return with_base_login(made) if runs_rbac else made


def describe(project: Project, plugin_id: str) -> dict[str, str]:
    """The names generated for one plugin among the others, for display; empty when it needs nothing or cannot be planned.

    What is wrong with its names goes to the project's ``diagnostics``; what is wrong elsewhere is not the question here.
    """
    everything = Diagnostics()
    resolved = resolve_plugins(
        project.reader,
        {*project.plugin_ids, plugin_id},
        manager=project.settings.database_manager,
        behaviour=project.backstage.behaviour,
        environ=project.environ,
        diagnostics=everything,
        placeholders=project.request.placeholders,
    )
    made = make_plan(resolved, project.settings, everything)
    own = f"backend.database.plugin.{plugin_id}"
    told = {item.location for item in project.diagnostics}
    project.diagnostics.extend(
        item
        for item in everything
        if (item.path == own or item.path.startswith(f"{own}.")) and not (item.code == "GR423" and item.location in told)
    )
    found = next((plugin for plugin in made.plugins if plugin.plugin_id == plugin_id), None)
    if found is None:
        return {}
    names = {"server": found.server, "database": found.database.name, "schema": found.schema, "role": found.role.name}
    if found.role.has_pair:
        names["login"] = " or ".join(found.role.login_names)
    if found.role.group:
        names["acts as"] = found.role.group
    if found.role.iam is not None:
        names["password"] = f"none: {found.role.iam} signs it in"
        return {key: value for key, value in names.items() if value is not None}
    # Which login of a pair is live, the lock file says.
    each = found.role.logins or (found.role.live,)
    shown = [f"$file: {item.delivery.file}" if item.delivery.file else f"${{{item.delivery.env}}}" for item in each]
    names["password"] = " or ".join(shown)
    if makes_secrets(made.store):
        names["secret"] = f"{made.store}: {' or '.join(item.secret_name for item in each)}"
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
        base=BaseOrigin(project.database),
        database_manager=project.settings.database_manager,
        folder=project.settings.folder,
        written=project.settings.locations,
        excluded=tuple(project.settings.exclude),
    )
    contexts = {name: context._replace(options=project.settings.target_options.get(name, {})) for name in targets}
    check_targets(project, planned.plan)
    for name, target in targets.items():
        target.check(contexts[name], diagnostics)
    diagnostics.locate(project.settings.locations)  # what a target says about a setting
    _stop_with_the_rest(project)
    artifacts = _render(project, targets, contexts)
    # Nobody but this has looked at what a user's own template prints.
    found = diagnostics if project.templates is None else Diagnostics()
    _verify(project, planned.plan, targets, artifacts, found, deep=verify or project.templates is not None)
    if project.templates is not None:
        from generator.targets.text.overrides import blame_templates

        blame_templates(found, diagnostics)
    _stop_on_errors(diagnostics)
    rendering = collect(project.layout, planned.plan, planned.past, artifacts, diagnostics)
    if not project.request.targets:
        report_left_behind(planned.past.lock, project.layout.lock, project.layout.targets, diagnostics)
    _stop_on_errors(diagnostics)
    for name, target in targets.items():
        target.check_beside(rendering.files, rendering.owned, project.layout.targets[name], diagnostics)
    _stop_on_errors(diagnostics)
    return rendering


def _render(
    project: Project, targets: Mapping[str, Target], contexts: Mapping[str, RenderContext]
) -> dict[str, list[Artifact]]:
    """What each target renders, with the user's own templates in place of greenroom's where there are some."""
    makers = {name: partial(target.render, contexts[name]) for name, target in targets.items()}
    return each_with_own_templates(project, makers)


def _verify(
    project: Project,
    plan: Plan,
    targets: Mapping[str, Target],
    artifacts: Mapping[str, list[Artifact]],
    diagnostics: Diagnostics,
    *,
    deep: bool,
) -> None:
    for artifact in (item for name in targets if TARGETS[name].is_app_config for item in artifacts[name]):
        verify_fragment(
            project.config.layers,
            artifact.text,
            plan,
            diagnostics,
            environ=project.environ,
            manager=project.settings.database_manager,
            placeholders=project.request.placeholders,
            behaviour=project.backstage.behaviour,
        )
    if deep:
        for name, target in targets.items():
            verify_artifacts(name, target, artifacts[name], plan, diagnostics)


def _stop_on_errors(diagnostics: Diagnostics) -> None:
    if diagnostics.has_errors:
        raise GreenroomError(diagnostics)


def _stop_with_the_rest(project: Project) -> None:
    """Stop on errors, after a look at what would only be looked at later: a user hears of everything at once."""
    if not project.diagnostics.has_errors:
        return
    for name, folder in project.layout.targets.items():
        TARGETS[name].load().check_readable(folder, project.diagnostics)
    if project.templates is not None:
        from generator.targets.text.overrides import check_overrides

        check_overrides(project.templates, project.diagnostics)
    _stop_on_errors(project.diagnostics)
