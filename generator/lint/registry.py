"""The one mapping of rules: code to :class:`~generator.lint.model.Rule`, with the function that looks for each family."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.lint import comments
from generator.lint.rules import (
    adopted,
    clients,
    creation,
    credentials,
    drivers,
    knexconfig,
    legacy,
    merging,
    names,
    repository,
    roles,
    strings,
    substitution,
    tls,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.lint.model import Finding, Rule
    from generator.lint.subject import Subject

_FAMILIES = (
    tls,
    credentials,
    creation,
    roles,
    names,
    knexconfig,
    clients,
    strings,
    merging,
    substitution,
    repository,
    drivers,
    legacy,
)

#: Every rule by its code, sorted.
RULES: Final[dict[str, Rule]] = {
    rule.code: rule for rule in sorted(rule for family in (*_FAMILIES, comments, adopted) for rule in family.RULES)
}

#: What looks for the rules that no earlier stage reports, in the order of the codes.
CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = tuple(family.check for family in _FAMILIES)


def matching(prefixes: tuple[str, ...]) -> list[str]:
    """The codes that start with one of ``prefixes``."""
    return [code for code in RULES if code.startswith(prefixes)]
