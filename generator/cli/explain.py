"""``greenroom explain PLUGIN``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, make_request
from generator.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from generator.backstage.database.resolved import PluginDatabase
    from generator.problems.diagnostic import Location


@click.command("explain")
@click.argument("plugin_id", metavar="PLUGIN")
@common_options
@click.option("--show-secrets", is_flag=True, help="Print passwords instead of <redacted>.")
def command(
    plugin_id: str,
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    show_secrets: bool,
    **options: Any,
) -> int:
    """Show every setting of PLUGIN, its value and the file:line it came from, then what is generated for it."""
    from generator.backstage.database.to_json import plugin_to_json
    from generator.cli.output import show_diagnostics, show_json, show_table
    from generator.run import steps

    project = steps.load(make_request(**options, reads_environment=True))
    resolved = steps.resolve(project, [plugin_id])
    plugin = resolved.get(plugin_id)
    if plugin is None or plugin.error:
        if output_format == "json":
            show_json({"plugin": plugin_id, "error": plugin.error if plugin else project.config.error, "settings": []})
        elif plugin is not None:
            say(f"{plugin_id}: Backstage would fail: {plugin.error}")
        show_diagnostics(project.diagnostics, quiet=quiet)
        return 1
    rows = list(_settings(plugin_to_json(plugin, show_secrets=show_secrets), plugin))
    planned = steps.describe(project, plugin_id)
    if output_format == "json":
        settings = [{"key": key, "value": value, "source": source} for key, value, source in rows]
        show_json({"plugin": plugin_id, "settings": settings, "generated": planned})
    else:
        show_table(
            ("setting", "value", "from"),
            ((key, _text(value), source or "Backstage's default") for key, value, source in rows),
        )
        if planned:
            show_table(("generated", "name"), planned.items())
        elif plugin.is_sqlite:
            say("SQLite: nothing has to exist before Backstage starts.")
    show_diagnostics(project.diagnostics, quiet=quiet)
    return int(project.diagnostics.has_errors)


def _settings(document: dict[str, Any], plugin: PluginDatabase) -> Iterator[tuple[str, Any, str | None]]:
    for key, value in document.items():
        if key == "sources":
            continue
        if key == "connection" and isinstance(value, dict):
            yield from _flat("connection", value, plugin)
        elif value is not None:
            yield key, value, _place(plugin.sources.get(key))


def _flat(prefix: str, value: dict[str, Any], plugin: PluginDatabase) -> Iterator[tuple[str, Any, str | None]]:
    for key, inner in value.items():
        path = f"{prefix}.{key}"
        if isinstance(inner, dict) and inner:
            yield from _flat(path, inner, plugin)
        else:
            yield path, inner, _place(plugin.sources.get(path) or plugin.sources.get(prefix))


def _place(location: Location | None) -> str | None:
    return str(location) if location else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
