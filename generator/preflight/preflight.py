"""Prove each plugin's database with the plugin's own credentials, before Backstage does.

Every PostgreSQL target is one connection in one transaction that is rolled back, so nothing of a probe can stay behind, and
one attempt to reach what belongs to another plugin, which has to fail. MySQL commits each table at once: there a probe has a
name of its own and is dropped again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.preflight.driver import load_psycopg, load_pymysql
from generator.preflight.network import Network
from generator.preflight.options import PreflightOptions
from generator.preflight.pools import check_servers
from generator.preflight.private_files import PrivateFiles
from generator.preflight.results import PreflightReport, PreflightResult
from generator.preflight.workers import in_parallel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from generator.preflight.probes import PreflightTarget

#: How long probes under way may clean up after Ctrl-C.
_GRACE_SECONDS = 2.0


def run_preflight(
    targets: Iterable[PreflightTarget],
    options: PreflightOptions | None = None,
    on_result: Callable[[PreflightResult], None] | None = None,
) -> PreflightReport:
    """Look at every target, several at a time.

    Args:
        on_result: is called with each result as soon as it is there, in this thread.

    Raises:
        GreenroomError: GR704 or GR705, a driver is not installed.
    """
    wanted = sorted(targets, key=lambda target: target.plugin_id)
    chosen = options or PreflightOptions()
    if not wanted:
        return PreflightReport()
    engines = {target.engine for target in wanted if target.error is None}
    if "postgresql" in engines:
        load_psycopg()  # one clear error, not one for each plugin
    if "mysql" in engines:
        load_pymysql()
    results: dict[str, PreflightResult] = {}
    for result in _look_at_all(wanted, chosen):
        results[result.plugin_id] = result
        if on_result is not None:
            on_result(result)
    servers = check_servers(wanted, results, chosen.replicas)
    return PreflightReport(tuple(results[target.plugin_id] for target in wanted), tuple(servers))


def _look_at_all(wanted: list[PreflightTarget], options: PreflightOptions) -> Iterable[PreflightResult]:
    from generator.preflight.checks import check_target

    network = Network(options.connect_timeout, options.statement_timeout)
    with PrivateFiles() as files:
        yield from in_parallel(
            lambda target: check_target(target, options, files, network),
            wanted,
            options.parallel,
            grace=_GRACE_SECONDS,
        )
