"""What a store of passwords adds to the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from generator.planning.model import Plan, Role
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Output, ProviderConfiguration, RequiredProvider, Variable
    from generator.targets.text.escaped import Escaped


Tags = tuple[tuple[str, str], ...]
"""Tags of what a cloud can tag, by key."""


class Left(NamedTuple):
    """A secret without its value that the store has already, to be imported.

    ``resource`` is its address in the module of the role, ``id`` what it is imported by. Where only the store knows that,
    ``lookup`` is the data source that asks for it (``id`` refers to ``data.<lookup>.<label>``) and ``name`` its argument.
    """

    resource: Escaped
    id: Escaped
    lookup: Escaped | None = None
    name: Escaped | None = None


class Store(Protocol):
    """Where the passwords of the roles come from.

    Two templates belong to a store: ``modules/password.<name>.tf.j2`` makes the password of ``var.role`` (where the store
    does: ``makes_password``), ``README.<name>.md.j2`` explains it.
    """

    @property
    def name(self) -> str:
        """What ``credentials.store`` says."""

    @property
    def providers(self) -> tuple[RequiredProvider, ...]:
        """The providers a module that makes a role needs besides PostgreSQL's."""

    @property
    def makes_password(self) -> bool:
        """Whether a module that makes a role makes its password too."""

    @property
    def overwrites(self) -> bool:
        """Whether the store writes over a secret that is there: then nothing may be written before the server is asked."""

    @property
    def by_hand(self) -> bool:
        """Whether a secret that is there has to be taken out of the store and put back."""

    @property
    def has_labels(self) -> bool:
        """Whether its tags are what Google calls labels."""

    @property
    def lost(self) -> str:
        """A sentence: what becomes of the passwords when everything is adopted again."""

    @property
    def read_action(self) -> str:
        """What IAM of AWS calls reading a secret of the store, where it is one of AWS."""

    def resource(self, role: Role) -> str:
        """Where a CSI driver finds the secret of ``role``, where it does not go by the name."""

    @property
    def password(self) -> Escaped:
        """The password in such a module: an ephemeral expression."""

    @property
    def password_version(self) -> Escaped:
        """What changes when the password does: an expression that is a string."""

    @property
    def has_keys(self) -> bool:
        """Whether a secret of the store is an object, and the password its key ``password``."""

    @property
    def argument_names(self) -> tuple[str, ...]:
        """The arguments of such a module that are the store's."""

    @property
    def module_variables(self) -> tuple[Variable, ...]:
        """The variables behind ``argument_names``."""

    @property
    def module_outputs(self) -> tuple[Output, ...]:
        """What such a module says about the password: where it is, never what it is."""

    def arguments(self, role: Role) -> tuple[Escaped, ...]:
        """The values of ``argument_names`` for ``role``."""

    def left(self, role: Role, label: Escaped) -> Left | None:
        """What can be imported of a role's secret without its value getting into the state; ``label`` is free to use."""

    def existing(self, role: Role, version: int) -> dict[str, Escaped]:
        """The further arguments of a role whose secret is there already, with the password of ``version``."""

    @property
    def to_take_over(self) -> tuple[RequiredProvider, ...]:
        """The providers with what it takes to take over a secret, where ``providers`` may be older."""

    def variables(self, roles: list[Role]) -> list[Variable]:
        """The variables of the root module, for ``roles``."""

    def existing_variables(self, kept: list[Role]) -> list[Variable]:
        """Further variables of the root module, where the store has the passwords of the roles in ``kept``."""

    def configurations(self, tags: Tags, *, takes_over: bool = False) -> list[ProviderConfiguration]:
        """The ``provider`` blocks of the root module. ``takes_over``: the store has some of the secrets already."""

    def check(self, plan: Plan, diagnostics: Diagnostics) -> None:
        """Report what the store cannot carry."""
