"""The one mapping of rules: code to :class:`~generator.lint.model.Rule`, with the function that looks for each family."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final, Protocol, cast

from generator.lint import comments
from generator.lint.rules import adopted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from generator.lint.model import Finding, Rule
    from generator.lint.subject import Subject


class Family(Protocol):
    """A module of ``generator.lint.rules``: rules that are looked for together, and the function that does."""

    RULES: Sequence[Rule]
    check: Callable[[Subject], Iterator[Finding]]


#: In the order of the codes. A new module of rules is one line here.
_MODULES: Final = (
    "tls",
    "credentials",
    "creation",
    "roles",
    "names",
    "knexconfig",
    "clients",
    "strings",
    "merging",
    "substitution",
    "repository",
    "drivers",
    "options",
    "legacy",
)
_FAMILIES: Final = tuple(cast("Family", import_module(f"generator.lint.rules.{name}")) for name in _MODULES)

#: Every rule by its code, sorted.
RULES: Final[dict[str, Rule]] = {
    rule.code: rule
    for rule in sorted(
        [*comments.RULES, *adopted.RULES, *(rule for family in _FAMILIES for rule in family.RULES)],
        key=lambda rule: rule.code,
    )
}

#: What looks for the rules that no earlier stage reports, in the order of the codes.
CHECKS: Final[tuple[Callable[[Subject], Iterator[Finding]], ...]] = tuple(family.check for family in _FAMILIES)


def matching(prefixes: tuple[str, ...]) -> list[str]:
    """The codes that start with one of ``prefixes``."""
    return [code for code in RULES if code.startswith(prefixes)]
