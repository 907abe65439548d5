"""What those who read code ask of each other: expressions lead to files, and files to expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from tree_sitter import Node

    from generator.backstage.repository.bindings import Pick, SourceFile
    from generator.backstage.repository.kinds import Feature


#: Reasons for what is not known that have nothing to do with a single value: the rest of the repository was left unread.
SPENT: Final = "the repository takes too long to read: what is added from here on is not known"
TOO_MANY: Final = "the backend starts with more files than are read: what the others add is not known"
TOO_DEEP: Final = "the code is nested too deeply to follow"
UNREAD: Final = frozenset({SPENT, TOO_MANY, TOO_DEEP})


class Sources(Protocol):
    """The files of a repository, and how much may still be read of them (:class:`.packages.Packages`)."""

    def spend(self) -> bool:
        """Count one evaluated expression; false when there have been too many."""

    @property
    def is_spent(self) -> bool:
        """Whether the repository has taken all the time it gets."""

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
