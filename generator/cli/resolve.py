"""``greenroom resolve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, environments_of, make_request

if TYPE_CHECKING:
    from generator.backstage.database.resolved import PluginDatabase, PluginDatabaseMap


@click.command("resolve")
@common_options
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of <redacted>.")
def command(*, output_format: str, quiet: bool, show_secrets: bool, verbose: bool, **options: Any) -> int:
    """Show what Backstage resolves for each plugin."""
    from generator.backstage.database.to_json import to_json
    from generator.cli.output import show_diagnostics, show_json
    from generator.run import steps
    from generator.run.environments import told_once

    requests = environments_of(make_request(**options, reads_environment=True))
    several = len(requests) > 1
    problems, documents = {}, {}
    failed = False
    for name, request in requests.items():
        project = steps.load(request)
        resolved = steps.resolve(project)
        failed = failed or project.diagnostics.has_errors or any(plugin.error for plugin in resolved.values())
        problems[name] = project.diagnostics
        if output_format == "json":
            document = to_json(resolved, show_secrets=show_secrets)
            documents[name] = {**document, "diagnostics": [item.to_json() for item in project.diagnostics]}
        elif resolved and not project.config.error:
            _show(name if several else "", resolved, show_secrets=show_secrets, first=len(problems) == 1)
    if output_format == "json":
        show_json({"environments": documents} if several else documents[name])
    else:
        show_diagnostics(told_once(problems, request.shared, several=several), quiet=quiet)
    return int(failed)


def _show(environment: str, resolved: PluginDatabaseMap, *, show_secrets: bool, first: bool) -> None:
    """The table of an environment; its name above it, where it is one of several."""
    from generator.cli.output import say_text, show_table

    if environment:
        say_text(f"{environment}:\n" if first else f"\n{environment}:\n")
    headers = ("plugin", "client", "database", "user", "host", "from")
    show_table(headers, (_row(plugin, show_secrets=show_secrets) for plugin in resolved.values()))


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
