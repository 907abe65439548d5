"""From a run to a report."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from generator.output.entrance import ENTRANCE
from generator.problems.diagnostic import Severity
from generator.problems.paths import shown
from generator.report.model import Report, Row, ServerPart
from generator.report.origins import address, secret_of, values_of
from generator.settings.environments import listing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.output.changes import Change
    from generator.output.rendering import Rendering
    from generator.planning.model import Plan, PluginPlan, Server
    from generator.problems.diagnostic import Diagnostic
    from generator.report.verdicts import Verdicts
    from generator.run.project import Project


def build_report(project: Project, rendering: Rendering, verdicts: Verdicts | None = None) -> Report:
    """What is known of a project: ``rendering`` is what `greenroom generate` would do now."""
    plan = rendering.plan
    changes = {change.plugin_id: change for change in rendering.changes}
    edited = edited_files(rendering)
    servers = [
        ServerPart(
            name=server.name,
            kind=server.kind,
            engine=server.engine,
            address=address(server),
            origin=_server_origin(project, plan, server),
            rows=tuple(
                _row(project, plan, plugin, server, changes, edited=bool(edited), verdicts=verdicts)
                for plugin in plan.plugins
                if plugin.server == server.name
            ),
            retired=_retired(plan, server.name),
            room=verdicts.room([plugin.plugin_id for plugin in plan.plugins if plugin.server == server.name])
            if verdicts
            else (),
        )
        for server in plan.servers
    ]
    return Report(
        environment=plan.environment,
        credentials=plan.credentials,
        store=plan.store,
        servers=(*servers, *_left_servers(plan, rendering.layout.lock.name)),
        not_provisioned=plan.not_provisioned,
        excluded=sorted(project.settings.exclude),
        changed=[shown(path) for path in rendering.changed],
        edited=edited,
        preflight=verdicts.file if verdicts else None,
        is_generated=rendering.past.lock is not None,
        problems=[_line(item) for item in project.diagnostics if item.severity is Severity.WARNING],
    )


def together(reports: Mapping[str, Report]) -> Report:
    """The reports of several environments as one: each server has the name of its environment in front."""
    if len(reports) == 1:
        return next(iter(reports.values()))
    parts = tuple(reports.values())
    problems: dict[str, list[str]] = {}
    for name, report in reports.items():
        for line in report.problems:
            problems.setdefault(line, []).append(name)
    return Report(
        environment=", ".join(reports),
        credentials=parts[0].credentials,
        store=parts[0].store,
        servers=tuple(
            server._replace(name=f"{name}: {server.name}") for name, report in reports.items() for server in report.servers
        ),
        not_provisioned=[f"{item} ({name})" for name, report in reports.items() for item in report.not_provisioned],
        excluded=sorted({item for report in parts for item in report.excluded}),
        changed=[path for report in parts for path in report.changed],
        edited=[path for report in parts for path in report.edited],
        problems=[
            f"{line} (environment{'s' if len(names) > 1 else ''} {listing(names)})" for line, names in problems.items()
        ],
        is_generated=any(report.is_generated for report in parts),
        parts=parts,
    )


def _line(item: Diagnostic) -> str:
    place = f"{item.location}: " if item.location else ""
    return f"{place}{item.summary} ({item.code})"


def edited_files(rendering: Rendering) -> list[str]:
    """The files that are not as greenroom wrote them last: edited, deleted, or merged by halves."""
    lock = rendering.past.lock
    if lock is None:
        return []
    base = rendering.layout.base
    current = {os.path.normpath(path): data for path, data in rendering.current.items()}
    found = []
    for target, files in lock.files.items():
        if target not in (*rendering.layout.targets, ENTRANCE):
            continue  # not of this run, so nothing was read of it
        for name, digest in files.items():
            path = os.path.normpath(base / name)
            data = current.get(path)
            if data is None or hashlib.sha256(data).hexdigest() != digest:
                found.append(shown(path))
    return sorted(found)


def _row(
    project: Project,
    plan: Plan,
    plugin: PluginPlan,
    server: Server,
    changes: Mapping[str, Change],
    *,
    edited: bool,
    verdicts: Verdicts | None,
) -> Row:
    change = changes.get(plugin.plugin_id)
    state, note = _state(change, edited=edited)
    return Row(
        plugin_id=plugin.plugin_id,
        database=plugin.database.name,
        schema=plugin.schema,
        role=plugin.role.name,
        secret=secret_of(plan, plugin),
        state=state,
        note=note,
        verdict=verdicts.on(plugin, server) if verdicts else None,
        values=values_of(project, plan, plugin, server),
    )


def _state(change: Change | None, *, edited: bool) -> tuple[str, str]:
    if change is None:
        return ("edited", "") if edited else ("generated", "")
    if change.kind == "added":
        return "new", ""
    if change.kind == "back":
        return "new", "it was retired before"
    # The line begins with a sign and the plugin.
    note = change.line.partition(": ")[2]
    return ("forgotten" if change.kind == "forgotten" else "changed"), note


def _retired(plan: Plan, server: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            plugin_id=item.plugin_id,
            database=item.database,
            schema=item.schema,
            role=item.role,
            secret="",
            state="dropped" if item.dropped else "retired",
        )
        for item in plan.retired
        if item.server == server
    )


def _left_servers(plan: Plan, lock: str) -> list[ServerPart]:
    """Servers that only retired plugins are on: app-config says nothing of them any more."""
    known = {server.name for server in plan.servers}
    left = {item.server: item.engine for item in plan.retired if item.server not in known}
    return [
        ServerPart(name, "existing", engine, "no longer in app-config", lock, (), _retired(plan, name))
        for name, engine in sorted(left.items())
    ]


def _server_origin(project: Project, plan: Plan, server: Server) -> str:
    place = project.settings.locations.get(f"servers.{server.name}")
    if place is not None:
        return str(place)
    sources = [plugin.source.sources for plugin in plan.plugins if plugin.server == server.name and plugin.source]
    found = next((of[key] for of in sources for key in ("connection.host", "connection") if key in of), None)
    return str(found) if found is not None else "Backstage's default"
