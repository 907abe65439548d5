"""What the runs for several environments read only once: the settings file, and the Backstage repository."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from generator.problems.diagnostic import Diagnostics
from generator.settings.read import SettingsFile, read_file

if TYPE_CHECKING:
    from pathlib import Path

    from generator.backstage.repository import Discovery


@dataclass(slots=True)
class Shared:
    """The settings file and the repository at one root, each read when somebody first asks for it.

    ``diagnostics`` are the problems of the settings as a file: they are no environment's own.
    """

    diagnostics: Diagnostics = field(default_factory=Diagnostics)
    _file: SettingsFile | None = None
    _discovery: Discovery | None = None

    def settings(self, path: Path | None, root: Path) -> SettingsFile:
        """The settings file, as :func:`generator.settings.read.read_file` reads it."""
        if self._file is None:
            self._file = read_file(path, root=root, diagnostics=self.diagnostics)
        return self._file

    def discovery(self, root: Path) -> Discovery:
        """What the repository at ``root`` adds; each caller may take problems out of what it gets."""
        if self._discovery is None:
            from generator.backstage.repository import discover

            self._discovery = discover(root)
        own = Diagnostics()
        own.extend(self._discovery.diagnostics.items)
        return replace(self._discovery, diagnostics=own, gaps=list(self._discovery.gaps))
