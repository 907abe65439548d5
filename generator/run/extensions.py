"""Which extensions the plugins of a project are known to create, from the packages that its repository adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.backstage.repository.catalogue import Catalogue
from generator.planning.extensions import schema_of
from generator.problems.diagnostic import Diagnostic, Severity
from generator.targets import TARGETS

if TYPE_CHECKING:
    from generator.planning.model import Plan
    from generator.run.project import Project


def known_extensions(project: Project) -> dict[str, tuple[str, ...]]:
    """Plugin id to the extensions that its packages create.

    Of a plugin that is only named (no repository, or its package is not known there) it is what every published package of
    that id creates; what only one of several does is not said of it.
    """
    catalogue, found = Catalogue.load(), {}
    discovered = project.discovery.plugins if project.discovery is not None else {}
    for plugin_id in project.plugin_ids:
        plugin = discovered.get(plugin_id)
        if plugin is not None and plugin.package is not None:
            names = set(plugin.extensions)
        else:
            each = [set(item.extensions) for item in catalogue.of(plugin_id, None)]
            names = set.intersection(*each) if each else set()
        if names:
            found[plugin_id] = tuple(sorted(names))
    return found


def report_extensions(project: Project, plan: Plan) -> None:
    """Report the extensions that a target of this run does not create (GR555), and those of an older package (GR556)."""
    discovered = project.discovery.plugins if project.discovery is not None else {}
    without = [name for name in project.layout.targets if not TARGETS[name].creates_extensions]
    for plugin in plan.plugins:
        names = ", ".join(plugin.extensions)
        for target in without if names else ():
            statements = "; ".join(f"CREATE EXTENSION {name} SCHEMA {schema_of(plugin)}" for name in plugin.extensions)
            project.diagnostics.warning(
                "GR555",
                f"the target {target} does not create the extension {names} of the plugin {plugin.plugin_id!r}",
                path=f"targets.{target}",
                backstage="fails in the plugin's migrations where its role may not create it: in schema mode, and where the "
                "extension is not trusted",
                hint=f"after the first deployment, as the master user in database {plugin.database.name}: {statements}; "
                "`greenroom preflight` sees whether it is there. Then end this warning with an entry under `ignore`",
            )
        found = discovered.get(plugin.plugin_id)
        if names and found is not None and found.is_newer and plugin.plugin_id not in project.settings.extensions:
            project.diagnostics.add(
                Diagnostic(
                    "GR556",
                    Severity.INFO,
                    f"the extension {names} of {plugin.plugin_id!r} is known of {found.package} {found.measured}, and "
                    f"{found.version} is here: it is assumed to need the same",
                    found.location,
                    hint=f"say it in greenroom.yaml: `plugins: {{extensions: {{{plugin.plugin_id}: [{names}]}}}}`",
                )
            )
