"""What ``greenroom generate`` has for each environment, before any of it is printed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from generator.output.rendering import Rendering
    from generator.problems.diagnostic import Diagnostic
    from generator.run.project import Project
    from generator.run.shared import Shared
    from generator.run.verdict import Gate

#: What changes nothing that is generated: what a user has excluded, and packages that are installed or added by halves.
ELSEWHERE = frozenset({"GR408", "GR805", "GR806", "GR808"})


class Outcome(NamedTuple):
    """What a run has for one environment; ``gate`` is the verdict of a check."""

    project: Project
    rendering: Rendering
    gate: Gate | None = None

    @property
    def findings(self) -> list[Diagnostic]:
        """What there is to say about what is generated: `discover` and `lint` say the rest."""
        return [item for item in self.project.diagnostics if item.code not in ELSEWHERE]


@dataclass(slots=True)
class Run:
    """What a run has: by environment what was ``done``, or the problems because of which it ``failed``.

    ``order``: the names of the environments, as the settings file has them.
    """

    shared: Shared | None
    order: Sequence[str]
    done: dict[str, Outcome] = field(default_factory=dict)
    failed: dict[str, Sequence[Diagnostic]] = field(default_factory=dict)

    @property
    def several(self) -> bool:
        """Whether the names of the environments have to be said."""
        return len(self.order) > 1

    def findings(self) -> list[Diagnostic]:
        """The problems of all environments, each once."""
        return self._told({name: item.findings for name, item in self.done.items()})

    def errors(self) -> list[Diagnostic]:
        """The problems of the environments that failed, each once."""
        return self._told(self.failed)

    def problems(self) -> list[Diagnostic]:
        """All of them, each once: what is about all environments is found in those that failed and in those that did not."""
        found = {name: self.failed[name] if name in self.failed else self.done[name].findings for name in self.names}
        return self._told(found)

    @property
    def names(self) -> list[str]:
        """The environments in the order of the settings file."""
        return [name for name in self.order if name in self.failed or name in self.done]

    def _told(self, found: Mapping[str, Sequence[Diagnostic]]) -> list[Diagnostic]:
        from generator.run.environments import told_once

        return told_once(found, self.shared, several=self.several)

    def stop(self) -> NoReturn:
        """End with what is wrong.

        Raises:
            GreenroomError: always.
        """
        from generator.problems.diagnostic import GreenroomError

        raise GreenroomError(self.errors())
