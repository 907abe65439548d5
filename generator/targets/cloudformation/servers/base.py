"""What a kind of server means for the templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from generator.targets.cloudformation.escaping import logical_id, logical_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.targets.base import Artifact
    from generator.targets.cloudformation.parameters import Parameter
    from generator.targets.text.escaped import Escaped


#: Beginnings of the logical ids that are not a server's; a server whose name begins like one gets a longer id.
_TAKEN: Final = ("Plugin", "Shared", "Provider", "Sql", "Server", "Encryption", "Backstage", "Databases")

#: On everything. The functions may read secrets that have it, and no others.
ENVIRONMENT_TAG: Final = "greenroom-environment"

#: The addresses of a server that has none: nobody gets there.
NOWHERE: Final = "127.0.0.1/32"

#: What a ``Host`` may be.
HOST_PATTERN: Final = r"[0-9A-Za-z._:-]{1,255}"
ADMINISTRATOR_ARN_PATTERN: Final = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}"


def server_stack(environment: str, server: str) -> str:
    """What the stack of a server is called unless somebody calls it otherwise."""
    return f"backstage-{environment}-{server}".replace("_", "-")


def server_id(server: str, what: str = "") -> Escaped:
    """The logical id of something of a server: ``primary`` and ``Host`` → ``PrimaryHost``."""
    part = logical_part(server.replace("_", "-"))
    return logical_id("Server" if part.startswith(_TAKEN) else "", part, what)


class Connection(NamedTuple):
    """How a template gets to a server: YAML expressions for the properties of its custom resources.

    ``reference`` maps a property to the expression.
    """

    engine: str
    reference: dict[str, Escaped]


class ServerKind(Protocol):
    """How CloudFormation gets to a server of one kind, and what creates it."""

    @property
    def name(self) -> str:
        """What ``servers.<name>.kind`` says."""

    def parameters(self, server: Server, plan: Plan, *, data_api: bool) -> list[Parameter]:
        """What ``databases.yaml`` asks about the server."""

    def connection(self, server: Server, *, data_api: bool) -> Connection:
        """How ``databases.yaml`` says where the server is."""

    def security_group(self, server: Server) -> Escaped:
        """The expression for the server's security group."""

    def resource_id(self, server: Server) -> Escaped:
        """The expression for the id that IAM knows the server by."""

    def templates(self, server: Server, plan: Plan, *, data_api: bool) -> dict[str, list[Parameter]]:
        """The templates among ``artifacts``, and what each asks for."""

    def artifacts(self, server: Server, plan: Plan, *, data_api: bool) -> list[Artifact]:
        """The template that creates the server, and its example of a parameter file; none for a server that exists."""

    def check(self, server: Server, places: Callable[[str], Location | None], diagnostics: Diagnostics) -> None:
        """Report what CloudFormation cannot reach; ``places`` says where app-config has a part of the connection."""
