"""What a target is: a name and a function from a plan to finished texts."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics, Location

_NO_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType({})


class Artifact(NamedTuple):
    """One file to write: ``path`` is relative to the target's own folder, with forward slashes."""

    path: str
    text: str


class RenderContext(NamedTuple):
    """What a target may look at.

    ``plan`` is what has to exist, ``resolved`` what the input says now, ``merged`` the merged value of
    ``backend.database`` (for the fragment), ``database_manager`` the manager Backstage runs. ``options`` are the target's
    own settings as they were written, ``folder`` is where relative paths in them start, and ``written`` says which settings
    were written at all, and where. ``excluded`` are the plugins that somebody else looks after.
    """

    plan: Plan
    resolved: PluginDatabaseMap
    merged: Mapping[str, Any]
    database_manager: str = "current"
    options: Mapping[str, Any] = _NO_OPTIONS
    folder: Path = Path()
    written: Mapping[str, Location] = _NO_OPTIONS
    excluded: tuple[str, ...] = ()


class Target(Protocol):
    """A target. ``name`` is what ``--target`` says, ``default_path`` where it goes under ``--out``."""

    name: str
    default_path: str

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what this target cannot carry, before anything is rendered."""

    def render(self, context: RenderContext) -> list[Artifact]:
        """The files of the target, sorted by path. Pure."""

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """Parse rendered artifacts with a real parser: what they create, as (kind, server, name, …) tuples.

        Kinds: ``("database", server, name)``, ``("role", server, name)``, ``("schema", server, database, name)``.
        """
