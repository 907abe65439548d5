"""Finished pieces of Terraform configuration: the view the templates print. Everything in them is escaped already."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Arguments = list[tuple[Escaped, Escaped]]
"""Names, padded so that the equal signs stand below each other as ``terraform fmt`` wants it, and expressions."""

TRUE = Escaped("true")
FALSE = Escaped("false")
NULL = Escaped("null")

_NO_SETTINGS: Final[Mapping[str, Escaped]] = MappingProxyType({})


def padded(names: Sequence[str]) -> tuple[Escaped, ...]:
    """``names`` (identifiers) of adjacent single-line arguments, all as long as the longest."""
    width = max(map(len, names), default=0)
    return tuple(Escaped(name.ljust(width)) for name in names)


def aligned(arguments: Mapping[str, Escaped] | Iterable[tuple[str, Escaped]]) -> Arguments:
    """``arguments`` as adjacent single-line arguments in the given order."""
    pairs = dict(arguments)
    return list(zip(padded(list(pairs)), pairs.values(), strict=True))


def mapping(name: str, values: Mapping[str, Escaped], indent: str) -> Escaped:
    """``name = { … }`` with a line for each of ``values``, whose keys may be any text, and the braces at ``indent``."""
    from generator.targets.terraform.escaping import string

    lines = [f"{indent}  {key} = {value}" for key, value in aligned((string(key), value) for key, value in values.items())]
    return Escaped("\n".join((f"{name} = {{", *lines, f"{indent}}}")))


class Validation(NamedTuple):
    """A rule of a variable: a condition, and what is wanted where it does not hold."""

    condition: Escaped
    message: Escaped


class Variable(NamedTuple):
    """An input variable of a module. ``settings`` are further arguments, such as ``default`` or ``ephemeral``."""

    name: Escaped
    type: Escaped
    description: Escaped
    settings: Mapping[str, Escaped] = _NO_SETTINGS
    validations: tuple[Validation, ...] = ()

    @property
    def arguments(self) -> Arguments:
        """What the block says before its validations."""
        return aligned({"type": self.type, "description": self.description, **self.settings})


class Output(NamedTuple):
    """An output of a module."""

    name: Escaped
    description: Escaped
    value: Escaped

    @property
    def arguments(self) -> Arguments:
        """What the block says."""
        return aligned({"description": self.description, "value": self.value})


class RequiredProvider(NamedTuple):
    """A provider of the registry: ``source`` (``hashicorp/aws``), the oldest version that works and the next major one."""

    name: str
    source: str
    oldest: str
    below: str

    @property
    def constraint(self) -> str:
        """The versions that will do."""
        return f">= {self.oldest}, < {self.below}"


class ProviderConfiguration(NamedTuple):
    """A ``provider`` block. ``blocks`` are blocks inside of it."""

    name: Escaped
    comment: str
    arguments: Arguments
    blocks: tuple[Escaped, ...] = ()


class Ephemeral(NamedTuple):
    """An ``ephemeral`` block."""

    type: Escaped
    label: Escaped
    comment: str
    arguments: Arguments


class Call(NamedTuple):
    """A ``module`` block, or only a comment where there is nothing to call (``label`` is ``None``).

    ``engine`` is the provider of the server, ``provider`` the alias of its configuration, ``after`` modules that come first.
    """

    label: Escaped | None
    comment: str = ""
    module: Escaped | None = None
    provider: Escaped | None = None
    engine: Escaped = Escaped("postgresql")
    arguments: Sequence[tuple[Escaped, Escaped]] = ()
    after: tuple[Escaped, ...] = ()
