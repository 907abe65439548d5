"""Prove each plugin's database with the plugin's own credentials, before Backstage does.

Every target is one connection in one transaction that is rolled back, so nothing of a probe can stay behind, and one
attempt to reach what belongs to another plugin, which has to fail.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generator.diagnostics import Diagnostic, Severity
from generator.live.driver import load_psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from generator.live.targets import PreflightTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightOptions:
    """How to look. Times are in seconds.

    ``connect_timeout`` bounds each connection attempt, ``statement_timeout`` each statement, ``total_timeout`` everything
    after the connection of one plugin, also when the server no longer answers. ``parallel`` plugins are looked at at
    once, each with one connection at a time.
    """

    connect_timeout: int = 5
    statement_timeout: float = 10
    total_timeout: float = 30
    parallel: int = 12


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. ``detail`` says what was found, in either case."""

    name: str
    ok: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult:
    """What preflight found for one plugin.

    ``ready`` holds when every check does. ``code`` (GR71x) names the first check that failed; ``backstage`` is what
    Backstage would have printed at start for it, ``hint`` what to do. ``seconds`` is how long it took.
    """

    plugin_id: str
    server: str
    database: str
    schema: str | None
    user: str
    checks: tuple[Check, ...]
    code: str = ""
    backstage: str = ""
    hint: str = ""
    seconds: float = 0.0

    @property
    def ready(self) -> bool:
        """Whether Backstage can start this plugin, and the plugin is kept apart from the others."""
        return bool(self.checks) and all(check.ok for check in self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json``."""
        return {
            "ready": self.ready,
            "server": self.server,
            "database": self.database,
            "schema": self.schema,
            "user": self.user,
            "checks": [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in self.checks],
            "code": self.code or None,
            "backstage": self.backstage or None,
            "hint": self.hint or None,
            "seconds": round(self.seconds, 3),
        }

    def diagnostic(self) -> Diagnostic | None:
        """The problem as a diagnostic; ``None`` when the plugin is ready."""
        if self.ready:
            return None
        failed = next(check for check in self.checks if not check.ok)
        return Diagnostic(
            self.code,
            Severity.ERROR,
            f"plugin {self.plugin_id!r} is not ready: {failed.name}: {failed.detail}",
            path=f"backend.database.plugin.{self.plugin_id}",
            hint=self.hint,
            backstage=self.backstage,
        )


@dataclass(frozen=True, slots=True)
class PreflightReport:
    """The results of a run, sorted by plugin id."""

    results: tuple[PreflightResult, ...] = field(default_factory=tuple)

    @property
    def ready(self) -> bool:
        """Whether every plugin is ready."""
        return all(result.ready for result in self.results)

    def to_json(self) -> dict[str, Any]:
        """Plain data, for ``--format json``."""
        return {"ready": self.ready, "plugins": {result.plugin_id: result.to_json() for result in self.results}}

    def diagnostics(self) -> list[Diagnostic]:
        """One problem for each plugin that is not ready."""
        return [found for result in self.results if (found := result.diagnostic()) is not None]


def run_preflight(
    targets: Iterable[PreflightTarget],
    options: PreflightOptions | None = None,
    on_result: Callable[[PreflightResult], None] | None = None,
) -> PreflightReport:
    """Look at every target, several at a time.

    Args:
        on_result: is called with each result, in the order of the plugin ids, as soon as it and those before it are there.

    Raises:
        GreenroomError: GR704, the driver is not installed.
    """
    load_psycopg()  # one clear error, not one for each plugin
    from generator.live.checks import check_target

    wanted = sorted(targets, key=lambda target: target.plugin_id)
    chosen = options or PreflightOptions()
    if not wanted:
        return PreflightReport()
    folder = Path(tempfile.mkdtemp(prefix="greenroom-preflight-"))  # mode 0700: it may hold client keys

    def look(target: PreflightTarget) -> PreflightResult:
        started = time.monotonic()
        return check_target(target, chosen, folder, started)

    try:
        with ThreadPoolExecutor(max_workers=min(chosen.parallel, len(wanted)), thread_name_prefix="preflight") as pool:
            futures = [pool.submit(look, target) for target in wanted]
            try:
                results = []
                for future in futures:
                    results.append(future.result())
                    if on_result is not None:
                        on_result(results[-1])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C: the ones that wait need not begin
                raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return PreflightReport(tuple(results))
