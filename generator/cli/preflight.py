"""``greenroom preflight``."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from generator.cli.options import common_options, make_request, one_environment, with_formats
from generator.cli.output import say, say_document

if TYPE_CHECKING:
    from generator.preflight.options import PreflightOptions
    from generator.preflight.probes import PreflightTarget
    from generator.preflight.results import PreflightReport
    from generator.problems.diagnostic import Diagnostic
    from generator.run.project import Project

NOT_READY = 4
TERMINATED = 143


@with_formats("text", "json", "junit")
@click.command("preflight")
@common_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="Where `generate --out` wrote. [default: infra]",
)
@click.option("--wait", type=click.IntRange(min=0), default=0, metavar="SECONDS", help="Try again until all are ready.")
@click.option(
    "--timeout",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="For each connection attempt and name server; a statement may take twice, a plugin six times as long.",
)
@click.option(
    "--replicas",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    metavar="N",
    help="How many Backstage instances share the server: their pools have to fit.",
)
@click.option(
    "--junit",
    "junit_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write the checks as JUnit XML.",
)
def command(
    *,
    output_format: str,
    quiet: bool,
    verbose: bool,
    wait: int,
    timeout: int,
    replicas: int,
    junit_file: Path | None,
    placeholders: str,
    **options: Any,
) -> int:
    """Prove each plugin's database with the plugin's own credentials.

    Reads app-config with the generated fragment as Backstage would in this environment (the passwords come from it, from
    --env-file or from the fragment's files), logs in as every plugin, does to a table what migrations do, and proves that
    the other plugins' databases refuse. Exit code 4 when one is not ready.
    """
    from generator.cli.output import show_diagnostics
    from generator.planning.history import read_lock
    from generator.preflight.base_settings import read_base
    from generator.preflight.options import PreflightOptions
    from generator.preflight.pairs import with_pairs
    from generator.preflight.probes import targets_from_map
    from generator.preflight.unset import find_unset
    from generator.problems.diagnostic import Diagnostics
    from generator.run import steps
    from generator.run.logins import without_logins

    signal.signal(signal.SIGTERM, _terminated)
    # The whole run is about this environment: a variable without a value is what Backstage would see as well.
    request = one_environment(make_request(placeholders="backstage", **options))
    project = steps.with_fragment(steps.load(request._replace(skips_others=True)))
    _say_without_fragment(project)
    resolved = steps.resolve(project)
    # What is wrong with the lock file is for `generate` to say.
    lock = read_lock(project.layout.lock, Diagnostics())
    # The fragment names a login of each pair: whose it is, with_pairs says.
    alone = project._replace(settings=project.settings._replace(rotation="in-place"))
    plan = steps.plan_afresh(alone, without_logins(resolved, lock))
    unset = find_unset(project)
    known = {(item.server, item.database) for item in lock.known.values()} if lock is not None else set()
    plan, guessed = with_pairs(plan, lock, resolved, wants=project.settings.rotation == "pair")
    targets = targets_from_map(resolved, plan, project.environ, read_base(project), unset, known, guessed)
    if not targets:
        _refuse_nothing(project)
    chosen = PreflightOptions(
        connect_timeout=timeout, statement_timeout=2 * timeout, total_timeout=6 * timeout, replicas=replicas
    )
    report = _run(targets, chosen, wait=wait, quiet=quiet)
    project.diagnostics.extend(unset.diagnostics({result.plugin_id: result.hidden for result in report.results}))
    if junit_file is not None:
        _write_junit(junit_file, report)
    # The fragment among the --config files is right here, where it is proved.
    read = [item for item in project.diagnostics if item.code != "GR406"]
    _show(report, read, output_format)
    if output_format != "json":
        show_diagnostics(read, quiet=quiet)
        show_diagnostics(report.diagnostics(), quiet=quiet)
    return 0 if report.ready else NOT_READY


def _say_without_fragment(project: Project) -> None:
    """Without the fragment it is the base connection that is proved, and what helps against its failures helps nobody."""
    from generator.problems.diagnostic import Diagnostic, Severity

    fragment = project.layout.app_config
    if fragment is not None and not fragment.is_file():
        project.diagnostics.add(
            Diagnostic(
                "GR707",
                Severity.INFO,
                f"there is no {fragment.as_posix()}: app-config is looked at without a generated fragment",
                hint="`greenroom generate` makes it; --out says where it is",
            )
        )


def _refuse_nothing(project: Project) -> NoReturn:
    from generator.problems.diagnostic import GreenroomError

    project.diagnostics.error(
        "GR708",
        "no plugin is on a PostgreSQL or MySQL server: there is nothing to prove",
        path="backend.database",
        backstage="keeps everything in SQLite",
        hint="name production's files with --config, in Backstage's order",
    )
    raise GreenroomError(project.diagnostics)


def _run(targets: list[PreflightTarget], options: PreflightOptions, *, wait: int, quiet: bool) -> PreflightReport:
    from generator.cli.progress import show_progress
    from generator.preflight.waiting import wait_until_ready

    def tell(line: str) -> None:
        if not quiet:
            say(line, err=True)

    # While it waits, the lines about what changed are the progress.
    with show_progress(len(targets), quiet=quiet or wait > 0) as on_result:
        return wait_until_ready(targets, options, wait, tell, on_result)


def _terminated(_signal: int, _frame: object) -> NoReturn:
    """Kubernetes and ECS stop a container with SIGTERM: end as for Ctrl-C, so that nothing stays behind."""
    os.write(2, b"Terminated.\n")  # not through a stream: the signal may have come in the middle of a write to it
    raise SystemExit(TERMINATED)


def _write_junit(path: Path, report: PreflightReport) -> None:
    from generator.preflight.junit import junit

    try:
        path.write_text(junit(report), encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{path}: {error.strerror}", param_hint="--junit") from None


def _show(report: PreflightReport, read: list[Diagnostic], output_format: str) -> None:
    """The result; ``read`` is what was wrong in the configuration already."""
    from generator.cli.output import show_json

    if output_format == "json":
        show_json({**report.to_json(), "diagnostics": [item.to_json() for item in (*read, *report.diagnostics())]})
    elif output_format == "junit":
        from generator.preflight.junit import junit

        say_document(junit(report))
    else:
        show_report(report)


def show_report(report: PreflightReport) -> None:
    """Print one line for each plugin: where it is, who logs in, and the checks that failed; then the servers."""
    from generator.cli.output import show_table

    rows = []
    for result in report.results:
        place = f"{result.database}.{result.schema}" if result.schema else result.database
        failed = ", ".join(check.name for check in result.failed)
        verdict = "ready" if result.ready else f"NOT READY: {failed}"
        passed = sum(check.ok for check in result.checks)
        rows.append((result.plugin_id, place, result.user, f"{passed} of {len(result.checks)}", verdict))
    show_table(("plugin", "database", "user", "checks", "verdict"), rows)
    if report.servers:
        say("")
    for server in report.servers:
        say(f"{server.server}: {server.check.detail}")
