"""Looking again until everything is ready: for an init container."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from generator.preflight.pools import check_servers
from generator.preflight.preflight import run_preflight
from generator.preflight.results import PreflightReport, PreflightResult, by_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from generator.preflight.options import PreflightOptions
    from generator.preflight.probes import PreflightTarget

_LONGEST_PAUSE: Final = 5.0
_SHOWN: Final = 3


def pauses() -> Iterator[float]:
    """The seconds between two looks: doubled from half a second up to five, the same in every run."""
    pause = 0.5
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_PAUSE)


def wait_until_ready(
    targets: Sequence[PreflightTarget],
    options: PreflightOptions,
    seconds: float,
    on_change: Callable[[str], None],
    on_result: Callable[[PreflightResult], None] | None = None,
) -> PreflightReport:
    """Look at all targets, then again at those that are not ready, until all are or ``seconds`` are over.

    Args:
        on_change: gets a line for each change: what is waited for, and what became ready.
        on_result: gets each result of the first look, as soon as it is there.
    """
    until = time.monotonic() + seconds
    report = run_preflight(targets, options, on_result)
    results = dict(by_plugin(report.results))
    if seconds:
        _tell(report.results, {}, on_change)
    for pause in pauses():
        left = until - time.monotonic()
        waiting = [target for target in targets if not results[target.plugin_id].ready]
        if not waiting or left <= 0:
            break
        time.sleep(min(pause, left))  # the last look is when the time is over, not before
        again = run_preflight(waiting, options).results
        _tell(again, results, on_change)
        results.update((result.plugin_id, result) for result in again)
    ordered = tuple(results[plugin_id] for plugin_id in sorted(results))
    return PreflightReport(ordered, tuple(check_servers(targets, results, options.replicas)))


def _tell(found: Iterable[PreflightResult], before: dict[str, PreflightResult], on_change: Callable[[str], None]) -> None:
    """One line for each state that plugins have come into."""
    changed: dict[str, list[str]] = {}
    for result in found:
        old = before.get(result.plugin_id)
        state = _state(result)
        if (old is None and not result.ready) or (old is not None and _state(old) != state):
            changed.setdefault(state, []).append(result.plugin_id)
    for state, plugins in changed.items():
        more = f" and {len(plugins) - _SHOWN} more" if len(plugins) > _SHOWN else ""
        on_change(f"{', '.join(plugins[:_SHOWN])}{more}: {state}")


def _state(result: PreflightResult) -> str:
    if result.ready:
        return "ready"
    first = result.failed[0]
    return f"waiting: {first.name}: {first.detail}"
