"""One run for several environments: a request for each, and what all of them say, each problem once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generator.problems.diagnostic import Diagnostics
from generator.run.shared import Shared
from generator.settings.environments import listing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from generator.problems.diagnostic import Diagnostic
    from generator.run.project import Request

#: About the settings as a whole, whichever environment the run is for.
_OF_ALL = frozenset({"GR451", "GR452", "GR453", "GR454", "GR455", "GR456"})


def each_environment(request: Request) -> dict[str, Request]:
    """A request for each environment to work on, by name: all that the settings have, or the one ``request`` chooses.

    They share what is read once. Settings with one environment, and settings that cannot be read, give one request.
    """
    shared = request.shared or Shared()
    file = shared.settings(request.settings, request.root)
    request = request._replace(shared=shared)
    if request.environment is not None or not file.environments:
        return {request.environment or file.environment: request}
    return {name: request._replace(environment=name) for name in file.environments}


def known_environments(request: Request) -> tuple[str, ...]:
    """The names that the settings of ``request`` have; none where they have problems, which is then what there is to say."""
    shared = request.shared or Shared()
    file = shared.settings(request.settings, request.root)
    return (file.environments or (file.environment,)) if file.complete else ()


def told_once(found: Mapping[str, Iterable[Diagnostic]], shared: Shared | None, *, several: bool) -> list[Diagnostic]:
    """The problems by environment, in the order of the inputs: the same one is told once, and with ``several`` all say of
    which they are.

    What is wrong with the settings file is nobody's own.
    """
    by_problem: dict[Diagnostic, list[str]] = {}
    for name, items in found.items():
        for item in items:
            by_problem.setdefault(item, []).append(name)
    common = set(shared.diagnostics) if shared is not None else set()
    collected = Diagnostics()
    collected.extend(name_environments(item, names, common) if several else item for item, names in by_problem.items())
    return list(collected)


def name_environments(item: Diagnostic, names: list[str], common: Collection[Diagnostic] = ()) -> Diagnostic:
    """``item``, which says of which environments it is, unless it is of the settings as a whole, or one of ``common``."""
    if item in common or item.code in _OF_ALL:
        return item
    several = "s" if len(names) > 1 else ""
    return item._replace(summary=f"{item.summary} (environment{several} {listing(names)})")
