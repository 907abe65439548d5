"""What a kind of server adds to the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import (
        Arguments,
        Ephemeral,
        Output,
        ProviderConfiguration,
        RequiredProvider,
        Variable,
    )
    from generator.targets.terraform.stores.base import Tags
    from generator.targets.text.escaped import Escaped


PRIMARY: Final = "primary"


def folder(server: Server) -> str:
    """The folder of the root module that creates ``server``, beside ``databases``."""
    return "server" if server.name == PRIMARY else f"server-{server.name}"


class ServerModule(NamedTuple):
    """The root module that creates a server.

    ``parts`` are the templates of its ``main.tf``, which print ``view``; ``databases`` is what its output of that name has:
    variables of the configuration of the databases. ``readme`` is the template that explains it.
    """

    summary: str
    parts: tuple[str, ...]
    view: dict[str, Any]
    variables: tuple[Variable, ...]
    providers: tuple[RequiredProvider, ...]
    configuration: ProviderConfiguration
    databases: Arguments
    readme: str
    outputs: tuple[Output, ...] = ()


class ServerKind(Protocol):
    """How Terraform gets to a server of one kind, and makes it if it does."""

    @property
    def name(self) -> str:
        """What ``servers.<name>.kind`` says."""

    @property
    def engines(self) -> frozenset[str]:
        """The engines there are of it."""

    @property
    def providers(self) -> tuple[RequiredProvider, ...]:
        """The providers the configuration of the databases needs to log in."""

    @property
    def shared_variables(self) -> tuple[Variable, ...]:
        """The variables behind ``configurations``, one for all servers."""

    @property
    def without_passwords(self) -> ServerKind:
        """The kind where plugins sign in without passwords."""

    @property
    def has_labels(self) -> bool:
        """Whether its tags are what Google calls labels."""

    @property
    def needs_authorities(self) -> bool:
        """Whether whoever logs in needs a file with the cloud's certificate authorities."""

    @property
    def has_own_authority(self) -> bool:
        """Whether a PostgreSQL server of it has a certificate authority of its own."""

    @property
    def signs_in_by_token(self) -> bool:
        """Whether its administrator signs in with a token where plugins sign in without passwords."""

    def variables(self, server: Server) -> list[Variable]:
        """The variables of the configuration of the databases."""

    def provider_arguments(self, server: Server) -> dict[str, Escaped]:
        """What the ``provider`` block of ``server`` says, apart from its alias."""

    def provider_blocks(self, server: Server) -> tuple[Escaped, ...]:
        """The blocks in there."""

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """What has to be read to log in, and must not be kept."""

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """Further ``provider`` blocks of the configuration of the databases."""

    def module(self, server: Server, plan: Plan) -> ServerModule | None:
        """The root module that creates ``server``; ``None`` where it is there already."""

    def check(self, server: Server, diagnostics: Diagnostics) -> None:
        """Report what Terraform cannot reach."""
