"""A server that is there already: everything about it is a parameter, with a default where app-config knows the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.documents.values import Placeholder
from generator.engines import ENGINES
from generator.targets.cloudformation.parameters import Parameter
from generator.targets.cloudformation.servers.base import (
    ADMINISTRATOR_ARN_PATTERN,
    HOST_PATTERN,
    NOWHERE,
    Connection,
    server_id,
)
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Callable

    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics, Location
    from generator.targets.base import Artifact

_ADMINISTRATOR: Final = {
    "postgresql": "LOGIN, CREATEROLE and CREATEDB; no superuser is needed",
    "mysql": "CREATE USER, and GRANT OPTION on what plugins get",
}


_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"


class Existing:
    """See the module."""

    name = "existing"

    def parameters(self, server: Server, plan: Plan, *, data_api: bool) -> list[Parameter]:
        """Host, port, administrator, and either the network or the cluster of the Data API."""
        del plan
        return [
            _host(server),
            _port(server),
            *administrator(server),
            *([_cluster(server)] if data_api else _network(server)),
        ]

    def connection(self, server: Server, *, data_api: bool) -> Connection:
        """The parameters."""
        return parameter_connection(server, data_api=data_api)

    def security_group(self, server: Server) -> Escaped:
        """The parameter."""
        return Escaped(f"!Ref {server_id(server.name, 'SecurityGroupId')}")

    def resource_id(self, server: Server) -> Escaped:
        """The parameter."""
        return Escaped(f"!Ref {server_id(server.name, 'ResourceId')}")

    def templates(self, server: Server, plan: Plan, *, data_api: bool) -> dict[str, list[Parameter]]:
        """None: it exists."""
        del server, plan, data_api
        return {}

    def artifacts(self, server: Server, plan: Plan, *, data_api: bool) -> list[Artifact]:
        """None: it exists."""
        del server, plan, data_api
        return []

    def check(self, server: Server, places: Callable[[str], Location | None], diagnostics: Diagnostics) -> None:
        """GR673: a host or port that no parameter could hold."""
        if is_given(server.host) and literal_host(server.host) is None:
            diagnostics.error(
                "GR673",
                f"{server.host!r} cannot be the host of server {server.name!r}",
                places("connection.host"),
                path="backend.database.connection.host",
                hint="a host name or an address; a socket of the machine cannot be reached from a function",
            )
        if is_given(server.port) and literal_port(server.port) is None:
            diagnostics.error(
                "GR673",
                f"{server.port!r} cannot be the port of server {server.name!r}",
                places("connection.port"),
                path="backend.database.connection.port",
                hint="a whole number from 1 to 65535",
            )


def parameter_connection(server: Server, *, data_api: bool) -> Connection:
    """A connection made of the parameters of the template: what a server that exists has, and every nested template."""

    def reference(what: str) -> Escaped:
        return Escaped(f"!Ref {server_id(server.name, what)}")

    names = connection_names(server, data_api=data_api)
    return Connection(engine=server.engine, reference={name: reference(name) for name in names})


def connection_names(server: Server, *, data_api: bool) -> tuple[str, ...]:
    """The properties that say where a server is, in the order a template prints them."""
    database = ("AdminDatabase",) if server.engine == "postgresql" else ()
    return "Host", "Port", "AdminSecretArn", *database, "ClusterArn" if data_api else "CaBundle"


def _group(server: Server) -> str:
    return f"Server {server.name}"


def is_given(value: object) -> bool:
    """Whether app-config has a value and not a reference to one."""
    return value is not None and value != "" and not isinstance(value, Placeholder)


def literal_port(port: int | str | None) -> int | None:
    """The port as a number, where app-config has one that can be."""
    try:
        number = int(port) if is_given(port) and port is not None else 0
    except ValueError:
        return None
    return number if 1 <= number <= 65535 else None


def literal_host(host: str | None) -> str | None:
    """The host, where app-config has one that can be."""
    if host is None or isinstance(host, Placeholder) or not re.fullmatch(HOST_PATTERN, host, re.ASCII):
        return None
    return host


def _host(server: Server) -> Parameter:
    known = literal_host(server.host)
    says = f" app-config says {server.host}." if server.host is not None and known is None else ""
    return Parameter(
        name=server_id(server.name, "Host"),
        group=_group(server),
        description=f"Host of the {ENGINES[server.engine].title} server {server.name}.{says}",
        default=known,
        example="database.example.com",
        pattern=f"^{HOST_PATTERN}$",
        rule="A host name or an address.",
    )


def _port(server: Server) -> Parameter:
    says = f" app-config says {server.port}." if isinstance(server.port, Placeholder) else ""
    default = None if isinstance(server.port, Placeholder) else literal_port(server.port) or ENGINES[server.engine].port
    return Parameter(
        name=server_id(server.name, "Port"),
        group=_group(server),
        type="Number",
        description=f"Port of the {ENGINES[server.engine].title} server {server.name}.{says}",
        default=default,
        example=str(ENGINES[server.engine].port),
        smallest=1,
        largest=65535,
    )


def administrator(server: Server) -> list[Parameter]:
    """The administrator's secret, the certificates its connection is verified with, and where it connects to first."""
    found = [
        Parameter(
            name=server_id(server.name, "AdminSecretArn"),
            group=_group(server),
            description=(
                f"ARN of the secret with the administrator of server {server.name}: username and password of a role with "
                f"{_ADMINISTRATOR[server.engine]}."
            ),
            example="arn:aws:secretsmanager:eu-central-1:111122223333:secret:database-admin-AbCdEf",
            pattern=f"^{ADMINISTRATOR_ARN_PATTERN}$",
            rule="The whole ARN of a secret, with the six characters at its end.",
        )
    ]
    if server.engine == "postgresql":
        found.append(
            Parameter(
                name=server_id(server.name, "AdminDatabase"),
                group=_group(server),
                description=f"Database of server {server.name} to connect to first; nothing in it is changed.",
                default="postgres",
                pattern="^[0-9A-Za-z_-]{1,63}$",
                rule="1 to 63 letters, digits, underscores and dashes.",
            )
        )
    return found


def _network(server: Server) -> list[Parameter]:
    return [
        certificates(server),
        Parameter(
            name=server_id(server.name, "SecurityGroupId"),
            group=_group(server),
            description=(
                f"Security group of server {server.name}: the function is let in on the server's port. Empty when it has "
                f"none; {server_id(server.name, 'Cidr')} is needed then."
            ),
            default="",
            example="sg-0123456789abcdef0",
            pattern="^(sg-[0-9a-f]{8,17})?$",
            rule="The id of a security group (sg-…), or nothing.",
        ),
        Parameter(
            name=server_id(server.name, "Cidr"),
            group=_group(server),
            description=f"Addresses of server {server.name} where it has no security group.",
            default=NOWHERE,
            pattern=rf"^({_OCTET}\.){{3}}{_OCTET}/(3[0-2]|[12]?[0-9])$",
            rule="A range of IPv4 addresses such as 10.0.8.0/24.",
        ),
    ]


def certificates(server: Server) -> Parameter:
    """Which certificate authorities are trusted."""
    return Parameter(
        name=server_id(server.name, "CaBundle"),
        group=_group(server),
        description=(
            f"Certificate authorities of server {server.name}: rds (those of Amazon RDS in this region), system (public "
            "ones), an https address of a file with them, or the file's text."
        ),
        default="rds",
        pattern=r'^(rds|system|https://[^\s"]+|-----BEGIN CERTIFICATE-----[0-9A-Za-z+/=\s-]+)$',
        rule="rds, system, an https address, or certificates in PEM form.",
    )


def _cluster(server: Server) -> Parameter:
    return Parameter(
        name=server_id(server.name, "ClusterArn"),
        group=_group(server),
        description=f"ARN of the Aurora cluster of server {server.name}; its Data API has to be enabled.",
        example="arn:aws:rds:eu-central-1:111122223333:cluster:backstage",
        pattern="^arn:aws[a-z-]*:rds:[a-z0-9-]+:[0-9]{12}:cluster:[A-Za-z0-9-]+$",
        rule="The ARN of an Aurora cluster.",
    )
