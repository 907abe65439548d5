"""From what Backstage resolves to what has to exist. Target-neutral: naming and safety rules live here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.planning.credentials import PASSWORD_EACH, plan_sign_in
from generator.planning.encryption import check_encryption
from generator.planning.model import Plan, PluginPlan
from generator.planning.names import name_plugin
from generator.planning.naming import label
from generator.planning.secrets import report_secrets
from generator.planning.servers import assign_servers
from generator.planning.sharing import check_labels, plan_databases, plan_roles
from generator.planning.unknown_names import UnknownNames

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.problems.diagnostic import Diagnostics
    from generator.settings.model import Settings


def make_plan(resolved: PluginDatabaseMap, settings: Settings, diagnostics: Diagnostics) -> Plan:
    """What has to exist for ``resolved``.

    A plugin Backstage itself would refuse, and a name that cannot be carried, are errors in ``diagnostics``; the plan
    returned then lacks that plugin and is good only for reporting more problems.
    """
    found = (plugin for plugin in resolved.values() if plugin.engine in ("postgresql", "mysql"))
    wanted = [plugin for plugin in found if not report_secrets(plugin, diagnostics)]
    servers, server_of = assign_servers(wanted, settings, diagnostics)
    sign_in = plan_sign_in(wanted, server_of, settings, diagnostics)
    unknown = UnknownNames()
    named = [
        names
        for plugin in wanted
        for server in (server_of[plugin.plugin_id],)
        if (names := name_plugin(plugin, server, sign_in.get(server.name, PASSWORD_EACH), settings, diagnostics, unknown))
        is not None
    ]
    check_encryption(named, diagnostics)
    unknown.report(diagnostics)
    databases = plan_databases(named, diagnostics)
    roles = plan_roles(named, databases, settings, diagnostics)
    plugins = tuple(
        PluginPlan(
            plugin_id=names.plugin.plugin_id,
            label=label(names.plugin.plugin_id),
            server=names.server.name,
            database=databases[names.server.name, names.database],
            role=roles[names.server.name, names.role],
            schema=names.schema,
            source=names.plugin,
        )
        for names in named
    )
    check_labels(plugins, diagnostics)
    used = {plugin.server for plugin in plugins}
    return Plan(
        environment=settings.environment,
        store=settings.store,
        servers=tuple(server for name, server in sorted(servers.items()) if name in used),
        databases=tuple(databases[key] for key in sorted(databases)),
        roles=tuple(roles[key] for key in sorted(roles)),
        plugins=plugins,
        not_provisioned=tuple(plugin.plugin_id for plugin in resolved.values() if plugin.is_sqlite and not plugin.error),
        credentials=settings.credentials_mode,
        adopted=settings.adopt,
        tags=tuple(sorted(settings.tags.items())),
    )
