"""What a configuration is made of: plain JSON values that know where they were written.

A mapping is a :class:`ConfigMap`, a sequence a :class:`ConfigList`, a scalar a plain ``str``, ``int``, ``float``, ``bool``
or ``None`` (JavaScript's ``null``). Positions are kept by the container, one mark for each child, so that a scalar costs
no object of its own. ``UNDEFINED`` is JavaScript's ``undefined``: a key that is not there.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, NamedTuple

from generator.diagnostics import Location


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

    __slots__ = ("marks",)

    def __init__(self, values: dict[str, Any] | None = None, marks: dict[str, Mark] | None = None) -> None:
        super().__init__(values or {})
        self.marks: dict[str, Mark] = marks if marks is not None else {}

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

    __slots__ = ("marks",)

    def __init__(self, values: list[Any] | None = None, marks: list[Mark] | None = None) -> None:
        super().__init__(values or [])
        self.marks: list[Mark] = marks if marks is not None else []

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
