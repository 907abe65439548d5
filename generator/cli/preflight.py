"""``greenroom preflight``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from generator.cli.options import common_options, make_request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from generator.live.preflight import PreflightReport, PreflightResult
    from generator.live.targets import PreflightTarget

NOT_READY = 4
_LONGEST_PAUSE = 5.0


@click.command("preflight")
@common_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Where `generate --out` wrote. [default: infra]",
)
@click.option("--wait", type=click.IntRange(min=0), default=0, metavar="SECONDS", help="Try again until all are ready.")
def command(*, output_format: str, quiet: bool, verbose: bool, wait: int, placeholders: str, **options: Any) -> int:
    """Prove each plugin's database with the plugin's own credentials.

    Reads app-config with the generated fragment as Backstage would in this environment (the passwords come from it, from
    --env-file or from the fragment's files), logs in as every plugin, creates and drops a table, and proves that the
    other plugins' databases refuse. Exit code 4 when one is not ready.
    """
    from generator import pipeline
    from generator.cli.output import show_diagnostics, show_json
    from generator.live.targets import targets_from_map

    # The whole run is about this environment: a variable without a value is what Backstage would see as well.
    project = pipeline.with_fragment(pipeline.load(make_request(placeholders="backstage", **options)))
    resolved = pipeline.resolve(project)
    plan = pipeline.plan_afresh(project, resolved)
    report = _run(targets_from_map(resolved, plan, project.environ), wait=wait, quiet=quiet)
    if output_format == "json":
        show_json({**report.to_json(), "diagnostics": [item.to_json() for item in report.diagnostics()]})
    else:
        show_report(report.results)
        # The fragment among the --config files is right here, where it is proved.
        show_diagnostics((item for item in project.diagnostics if item.code != "GR406"), quiet=quiet)
        show_diagnostics(report.diagnostics())
    return 0 if report.ready else NOT_READY


def _run(targets: list[PreflightTarget], *, wait: int, quiet: bool) -> PreflightReport:
    """Look at all targets; those that are not ready again, at growing intervals, until ``wait`` seconds are over."""
    from generator.live.preflight import PreflightReport, run_preflight

    deadline = time.monotonic() + wait
    results = {result.plugin_id: result for result in run_preflight(targets).results}
    pause = 0.5
    while not all(result.ready for result in results.values()) and time.monotonic() + pause < deadline:
        time.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
        again = run_preflight([target for target in targets if not results[target.plugin_id].ready]).results
        for result in again:
            if not quiet and (result.ready, result.code) != (
                results[result.plugin_id].ready,
                results[result.plugin_id].code,
            ):
                click.echo(f"{result.plugin_id}: {'ready' if result.ready else result.code}", err=True)
        results.update((result.plugin_id, result) for result in again)
    return PreflightReport(tuple(results[plugin_id] for plugin_id in sorted(results)))


def show_report(results: Iterable[PreflightResult]) -> None:
    """Print one line for each plugin: where it is, who logs in, and the checks that failed."""
    from generator.cli.output import show_table

    rows = []
    for result in results:
        place = f"{result.database}.{result.schema}" if result.schema else result.database
        failed = ", ".join(check.name for check in result.checks if not check.ok)
        verdict = "ready" if result.ready else f"NOT READY: {failed}"
        passed = sum(check.ok for check in result.checks)
        rows.append((result.plugin_id, place, result.user, f"{passed} of {len(result.checks)}", verdict))
    show_table(("plugin", "database", "user", "checks", "verdict"), rows)
