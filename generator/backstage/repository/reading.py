"""What those who read code ask of each other: expressions lead to files, and files to expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from tree_sitter import Node

    from generator.backstage.repository.bindings import Pick, SourceFile
    from generator.backstage.repository.kinds import Feature


class Sources(Protocol):
    """The files of a repository, and how much may still be read of them (:class:`.packages.Packages`)."""

    def spend(self) -> bool:
        """Count one evaluated expression; false when there have been too many."""

    def relative(self, file: SourceFile, specifier: str) -> SourceFile | None:
        """The file that ``./specifier`` means in ``file``."""

    def source(self, file: SourceFile, specifier: str) -> SourceFile | None:
        """The file behind any specifier: relative, or of a package."""


class Evaluator(Protocol):
    """Evaluates expressions as far as that is possible without running them (:class:`.features.Features`)."""

    @property
    def packages(self) -> Sources:
        """Where the files come from."""

    def of(self, node: Node, file: SourceFile, pick: Pick = ()) -> list[Feature]:
        """The features that the value of ``node`` brings; ``pick`` leads from it to the feature."""

    def created(self, file: SourceFile) -> list[Feature]:
        """The plugins and modules that are created anywhere in a file, exported or not."""

    def exported(self, file: SourceFile, name: str, pick: Pick = ()) -> list[Feature] | None:
        """What a file's export brings; ``None`` when there is no such export."""
