"""What a target is: a function from a plan to finished texts, and what a run has to ask it besides."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from generator.backstage.database.origin import BaseOrigin
from generator.planning.access import access_of, place

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from generator.backstage.database.resolved import PluginDatabaseMap
    from generator.planning.model import Plan
    from generator.problems.diagnostic import Diagnostics, Location

_NO_OPTIONS: Final[Mapping[str, Any]] = MappingProxyType({})


class Artifact(NamedTuple):
    """One file to write: ``path`` is relative to the target's own folder, with forward slashes."""

    path: str
    text: str


class ReadFrom(NamedTuple):
    """Where an app-config was read from that a chart gives to Backstage: a file, and the keys in the chart's values."""

    file: str
    keys: tuple[str, ...]


class Inside(NamedTuple):
    """Where in its file a fragment is: ``keys`` lead to it (none: it is the file), and whether Helm puts it, as values, over
    the app-config that it was made from; Backstage gets one file then, and not two.
    """

    keys: tuple[str, ...] = ()
    is_values: bool = False


class RenderContext(NamedTuple):
    """What a target may look at.

    ``plan`` is what has to exist, ``resolved`` what the input says now, ``base`` how app-config writes what is for all
    plugins, ``database_manager`` the manager Backstage runs. ``options`` are the target's
    own settings as they were written, ``folder`` is where relative paths in them start, and ``written`` says which settings
    were written at all, and where. ``excluded`` are the plugins that somebody else looks after. ``read_from`` is where the
    app-config was read from, if it is one that a chart gives to Backstage.
    """

    plan: Plan
    resolved: PluginDatabaseMap
    base: BaseOrigin = BaseOrigin()
    database_manager: str = "current"
    options: Mapping[str, Any] = _NO_OPTIONS
    folder: Path = Path()
    written: Mapping[str, Location] = _NO_OPTIONS
    excluded: tuple[str, ...] = ()
    read_from: ReadFrom | None = None


class Entrance(NamedTuple):
    """Where a person begins with what a target generated: ``whom`` it is for, ``what`` it is, and the ``commands`` of a
    shell with every variable that has to be given. They run in the folder that all targets have in common; ``…`` stands for
    what only that person knows. Of the targets that are ``one_of`` several ways to the same databases, one is enough.
    """

    whom: str
    what: str
    commands: tuple[str, ...] = ()
    one_of: bool = True


class Target(Protocol):
    """A target. A class that inherits from this one has what most targets answer."""

    def check(self, context: RenderContext, diagnostics: Diagnostics) -> None:
        """Report what this target cannot carry, before anything is rendered."""

    def render(self, context: RenderContext) -> list[Artifact]:
        """The files of the target, sorted by path. Pure."""

    def read_back(self, artifacts: list[Artifact]) -> set[tuple[str, ...]]:
        """Parse rendered artifacts with a real parser: what they create, as (kind, server, name, …) tuples.

        Kinds: ``("database", server, name)``, ``("role", server, name)``, ``("schema", server, database, name)``.

        Raises:
            ValueError: an artifact is not of the shape this target writes.
        """

    def creates(self, plan: Plan) -> set[tuple[str, ...]]:
        """What :meth:`read_back` has to find in the artifacts for ``plan``: everything, unless the target says less."""
        return planned(plan)

    def check_beside(
        self, files: Mapping[Path, bytes], owned: Callable[[Path], bool], folder: Path, diagnostics: Diagnostics
    ) -> None:
        """Report where files of the user's in the target's ``folder`` would not work together with ``files`` of a run.

        ``owned`` says whether greenroom generated a file.
        """
        return

    def inside(self, options: Mapping[str, Any], read_from: ReadFrom | None) -> Inside:
        """Where in its file the target writes what Backstage is to read, if it writes that."""
        return Inside()

    def steps(self, context: RenderContext, file: str) -> list[str]:
        """What a person does with ``file``, which has what Backstage is to read, where that is no app-config by itself."""
        return []

    def way(self, folder: Path, files: Collection[Path]) -> str:
        """How a person brings ``files``, generated to ``folder``, to a server; empty where that is not what they are for."""
        return ""

    def entrance(self, context: RenderContext, at: str, artifacts: list[Artifact]) -> Entrance | None:
        """How a person begins with ``artifacts`` at ``at`` (relative to the common folder); ``None`` with nothing to do."""
        return None

    def check_readable(self, folder: Path, diagnostics: Diagnostics) -> None:
        """Report files of the user's in ``folder`` that :meth:`check_beside` could not read, where nothing was rendered."""
        return


def planned(plan: Plan) -> set[tuple[str, ...]]:
    """Everything that has to exist, as :meth:`Target.read_back` says it; a group is a role too."""
    access = access_of(plan)
    found: set[tuple[str, ...]] = {("database", *place(item)) for item in plan.databases}
    return found | {("role", *item) for item in access.roles} | {("schema", *item) for item in access.schemas}
