"""What a configuration is made of: plain JSON values that know where they were written.

A mapping is a :class:`ConfigMap`, a sequence a :class:`ConfigList`, a scalar a plain ``str``, ``int``, ``float``, ``bool``
or ``None`` (JavaScript's ``null``). Positions are kept by the container, one mark for each child, so that a scalar costs
no object of its own. ``UNDEFINED`` is JavaScript's ``undefined``: a key that is not there.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from generator.problems.diagnostic import Location

if TYPE_CHECKING:
    from collections.abc import Iterator


class Mark(NamedTuple):
    """Where a child of a container was written. Lines and columns count from 1, 0 where there are none."""

    file: str
    line: int
    column: int
    key_line: int = 0
    key_column: int = 0

    @property
    def location(self) -> Location:
        """Where the value starts."""
        return Location(self.file, self.line, self.column)

    @property
    def key_location(self) -> Location:
        """Where the key starts (the value, for an item of a list)."""
        return Location(self.file, self.key_line or self.line, self.key_column or self.column)


class Source:
    """A text that values come from: its ``file`` (as the user would write it) and where its lines start.

    Containers keep only character offsets (four bytes each); this turns them into lines and columns when somebody asks.
    """

    __slots__ = ("_starts", "file")

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self._starts = array("I", [0])
        self._starts.extend(_line_starts(text))

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of a character, both counted from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def location(self, offset: int) -> Location:
        """Where the character at ``offset`` stands."""
        return Location(self.file, *self.position(offset))

    def line_start(self, offset: int) -> int:
        """The offset of the first character of the line that ``offset`` is in."""
        return self._starts[bisect_right(self._starts, offset) - 1]


class ShiftedSource(Source):
    """A text that is a part of ``file``: ``lines`` lines down, each of its own lines indented by ``columns``."""

    __slots__ = ("_columns", "_lines")

    def __init__(self, file: str, text: str, lines: int, columns: int) -> None:
        super().__init__(file, text)
        self._lines, self._columns = lines, columns

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column in ``file``."""
        line, column = super().position(offset)
        return line + self._lines, column + self._columns


class FixedSource(Source):
    """A text that is written in ``file`` in another way (quoted, folded): everything in it is where that starts."""

    __slots__ = ("_mark",)

    def __init__(self, text: str, mark: Mark) -> None:
        super().__init__(mark.file, text)
        self._mark = mark

    def position(self, offset: int) -> tuple[int, int]:  # noqa: ARG002 - the same for every character
        """Line and column of the start, in ``file``."""
        return self._mark.line, self._mark.column


def _line_starts(text: str) -> Iterator[int]:
    end = text.find("\n") + 1
    while end:
        yield end
        end = text.find("\n", end) + 1


class Undefined(Enum):
    """The type of ``UNDEFINED``."""

    UNDEFINED = "undefined"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined.UNDEFINED


class ConfigMap(dict[str, Any]):
    """A mapping whose children know where they were written (``marks[key]``)."""

    __slots__ = ("_marks", "_offsets", "_source")

    def __init__(self, values: dict[str, Any] | None = None, marks: dict[str, Mark] | None = None) -> None:
        super().__init__(values or ())
        self._marks: dict[str, Mark] | None = marks if marks is not None else {}
        self._source: Source | None = None
        self._offsets: array[int] | None = None

    def place(self, source: Source, offsets: array[int]) -> None:
        """Say where the children were written: for each key, in order, the offset of the key and of the value.

        Compact until :attr:`marks` is read. Keys may not be added or removed before that; values may be replaced.
        """
        self._marks, self._source, self._offsets = None, source, offsets

    @property
    def marks(self) -> dict[str, Mark]:
        """Key → where it and its value were written. May be changed together with the mapping."""
        if self._marks is None:
            assert self._source is not None
            assert self._offsets is not None
            file, position, offsets = self._source.file, self._source.position, self._offsets
            self._marks = {
                key: Mark(file, *position(offsets[2 * index + 1]), *position(offsets[2 * index]))
                for index, key in enumerate(self)
            }
            self._source = self._offsets = None
        return self._marks

    @marks.setter
    def marks(self, marks: dict[str, Mark]) -> None:
        self._marks, self._source, self._offsets = marks, None, None

    def locate(self, key: str) -> Location | None:
        """Where the value of ``key`` was written, if that is known."""
        mark = self.marks.get(key)
        return mark.location if mark else None

    def locate_key(self, key: str) -> Location | None:
        """Where ``key`` itself was written, if that is known."""
        mark = self.marks.get(key)
        return mark.key_location if mark else None


class ConfigList(list[Any]):
    """A sequence whose items know where they were written (``marks[index]``)."""

    __slots__ = ("_marks", "_offsets", "_source")

    def __init__(self, values: list[Any] | None = None, marks: list[Mark] | None = None) -> None:
        super().__init__(values or ())
        self._marks: list[Mark] | None = marks if marks is not None else []
        self._source: Source | None = None
        self._offsets: array[int] | None = None

    def place(self, source: Source, offsets: array[int]) -> None:
        """Say where the items were written, as offsets. Compact until :attr:`marks` is read; see :class:`ConfigMap`."""
        self._marks, self._source, self._offsets = None, source, offsets

    @property
    def marks(self) -> list[Mark]:
        """Where each item was written. May be changed together with the list."""
        if self._marks is None:
            assert self._source is not None
            assert self._offsets is not None
            file, position = self._source.file, self._source.position
            self._marks = [Mark(file, *position(offset)) for offset in self._offsets]
            self._source = self._offsets = None
        return self._marks

    @marks.setter
    def marks(self, marks: list[Mark]) -> None:
        self._marks, self._source, self._offsets = marks, None, None

    def locate(self, index: int) -> Location | None:
        """Where item ``index`` was written, if that is known."""
        return self.marks[index].location if index < len(self.marks) else None


class Reference(NamedTuple):
    """A value that only the run-time environment has: ``kind`` is ``env`` (a variable) or ``file`` (a path)."""

    kind: str
    name: str


class Placeholder(str):
    """A string with at least one reference that has no value at generation time.

    The text is what app-config has to say to get the value back at run time (``${POSTGRES_HOST}``, ``pg.${ZONE}.example``;
    a literal ``${`` is written ``$${``). ``references`` are the variables or files it waits for, in order. A missing
    ``$file`` is a placeholder whose text is its path and whose only reference has the kind ``file``.
    """

    __slots__ = ("references",)

    references: tuple[Reference, ...]

    def __new__(cls, text: str, references: tuple[Reference, ...]) -> Placeholder:
        self = super().__new__(cls, text)
        self.references = references
        return self

    @property
    def is_file(self) -> bool:
        """Whether this stands for the content of a file that is not there."""
        return len(self.references) == 1 and self.references[0].kind == "file"

    @property
    def is_single_variable(self) -> bool:
        """Whether the whole text is one ``${NAME}``."""
        return len(self.references) == 1 and self == f"${{{self.references[0].name}}}"

    def __reduce__(self) -> tuple[type[Placeholder], tuple[str, tuple[Reference, ...]]]:
        return Placeholder, (str(self), self.references)
