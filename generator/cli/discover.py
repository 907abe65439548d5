"""``greenroom discover``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from generator.backstage.repository.model import Found


@click.command("discover")
@click.option(
    "--root",
    type=click.Path(path_type=Path, readable=False),
    default=Path(),
    help="The Backstage repository. [default: this one]",
)
@click.option("--exact", is_flag=True, help="Run node in the repository and ask the installed plugins themselves.")
@click.option("--format", "output_format", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--quiet", is_flag=True, help="Only the result and errors.")
@click.option("--verbose", is_flag=True, help="More of what is done, and tracebacks of internal errors.")
def command(*, root: Path, exact: bool, output_format: str, quiet: bool, verbose: bool) -> int:
    """List the plugins of a Backstage repository that need a database, and where each was added."""
    from generator.backstage.config.deployed import find_deployed
    from generator.backstage.config.nested import config_options
    from generator.backstage.repository import discover
    from generator.cli.output import say, show_diagnostics, show_json, show_table

    if not root.is_dir():
        raise click.BadParameter(f"{root} is not a folder", param_hint="--root")
    found = discover(root, exact=exact)
    deployed = find_deployed(root)
    if output_format == "json":
        show_json({**found.to_json(), "appConfigInside": [item.target for item in deployed]})
        return int(found.diagnostics.has_errors)
    if found.plugins:
        rows = (
            (
                plugin.plugin_id,
                plugin.package or "",
                str(plugin.location),
                str(plugin.source),
                str(plugin.confidence),
                _tables(plugin),
            )
            for plugin in found.plugins.values()
        )
        show_table(("plugin", "package", "added in", "known from", "confidence", "tables"), rows)
    for item in () if quiet else deployed:
        say(
            f"{item.location}: an app-config with database settings ({config_options(item.file, [item.found.path])})",
            err=True,
        )
    show_diagnostics(found.diagnostics, quiet=quiet)
    return int(found.diagnostics.has_errors)


def _tables(plugin: Found) -> str:
    """What is known of its database, and of which version, where the package is newer here."""
    said = {"own": "own", "keys": "keys only"}.get(plugin.tables or "", "unknown")
    if plugin.extensions:
        said += f", extension {', '.join(plugin.extensions)}"
    return f"{said} (as of {plugin.measured}, here {plugin.version})" if plugin.is_newer and plugin.tables else said
