"""What a store of passwords adds to the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from generator.diagnostics import Diagnostics
    from generator.escaping import Escaped
    from generator.model import Plan, Role
    from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, Variable


class Store(Protocol):
    """Where the passwords of the roles come from.

    Two templates belong to a store: ``modules/role.<name>.tf.j2`` makes a role and its password, ``README.<name>.md.j2``
    explains it. ``argument_names`` are what a call of a module that makes a role passes in for the store.
    """

    name: str
    providers: tuple[RequiredProvider, ...]
    argument_names: tuple[str, ...]
    module_variables: tuple[Variable, ...]
    module_outputs: tuple[Output, ...]

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The values of ``argument_names`` for ``role``."""

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The variables of the root module, for ``roles``."""

    def configurations(self) -> list[ProviderConfiguration]:
        """The ``provider`` blocks of the root module."""

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """Report what the store cannot carry."""
