"""``greenroom resolve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, make_request

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase


@click.command("resolve")
@common_options
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of <redacted>.")
def command(*, output_format: str, quiet: bool, show_secrets: bool, verbose: bool, **options: Any) -> int:
    """Show what Backstage resolves for each plugin."""
    from generator.backstage.database.to_json import to_json
    from generator.cli.output import show_diagnostics, show_json, show_table
    from generator.run import steps

    project = steps.load(make_request(**options, reads_environment=True))
    resolved = steps.resolve(project)
    failed = project.diagnostics.has_errors or any(plugin.error for plugin in resolved.values())
    if output_format == "json":
        document = to_json(resolved, show_secrets=show_secrets)
        show_json({**document, "diagnostics": [item.to_json() for item in project.diagnostics]})
        return int(failed)
    if resolved and not project.config.error:
        headers = ("plugin", "client", "database", "user", "host", "from")
        show_table(headers, (_row(plugin, show_secrets=show_secrets) for plugin in resolved.values()))
    show_diagnostics(project.diagnostics, quiet=quiet)
    return int(failed)


def _row(plugin: PluginDatabase, *, show_secrets: bool) -> tuple[str, ...]:
    from generator.backstage.database.to_json import plugin_to_json

    if plugin.error:
        return (plugin.plugin_id, "error", plugin.error, "", "", "")
    shown = plugin_to_json(plugin, show_secrets=show_secrets)
    connection = shown["connection"] if isinstance(shown["connection"], dict) else {}
    keys = ("databaseName", "connection.database", "connection", "client")
    source = next((plugin.sources[key] for key in keys if key in plugin.sources), None)
    name, schema = shown["databaseName"], shown["schemaName"]
    database = name if schema is None else f"{name or ''}.{schema}"
    cells = (plugin.plugin_id, shown["client"], database, connection.get("user"), connection.get("host"), source)
    return tuple("" if cell is None else str(cell) for cell in cells)
