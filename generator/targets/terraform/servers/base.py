"""What a kind of server adds to the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from generator.diagnostics import Diagnostics
    from generator.escaping import Escaped
    from generator.model import Server
    from generator.targets.terraform.hcl import Variable


class ServerKind(Protocol):
    """How Terraform gets to a server of one kind."""

    @property
    def name(self) -> str:
        """What ``servers.<name>.kind`` says."""

    def variables(self, server: Server) -> list[Variable]:
        """The variables of the root module."""

    def provider_arguments(self, server: Server) -> dict[str, Escaped]:
        """What the ``provider "postgresql"`` block of ``server`` says, apart from its alias."""

    def check(self, server: Server, diagnostics: Diagnostics) -> None:
        """Report what Terraform cannot reach."""
