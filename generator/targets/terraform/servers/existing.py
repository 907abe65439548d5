"""A server that is there already: everything about it is a variable, with a default where app-config knows the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from generator.documents.values import Placeholder
from generator.engines import ENGINES
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, NULL, TRUE, Validation, Variable
from generator.targets.terraform.servers.mysql import mysql_provider_arguments, mysql_provider_blocks, mysql_variables
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Ephemeral, ProviderConfiguration, RequiredProvider
    from generator.targets.terraform.servers.base import ServerKind, ServerModule
    from generator.targets.terraform.stores.base import Tags

#: What the provider's connection URL takes as it stands: a host name, an IPv4 address, an IPv6 address in brackets.
_HOST: Final = r"^([0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\])$"
_IPV6: Final = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")
_NAME: Final = "^[0-9A-Za-z_-]{1,63}$"
_SSL_MODES: Final = ("disable", "require", "verify-ca", "verify-full")
_PORTS: Final = range(1, 65536)
_CONNECT_SECONDS = 30
#: Above Terraform's own parallelism of 10: a plugin's database takes a second connection beside the provider's own.
_CONNECTIONS = 20


class Existing:
    """See the module."""

    name = "existing"
    engines = frozenset({"postgresql", "mysql"})
    providers: tuple[RequiredProvider, ...] = ()
    shared_variables: tuple[Variable, ...] = ()
    has_labels = False
    needs_authorities = False
    has_own_authority = False
    signs_in_by_token = False

    @property
    def without_passwords(self) -> ServerKind:
        """The same: the administrator has a password all the same."""
        return self

    def provider_arguments(self, server: Server) -> dict[str, Escaped]:
        """The connection, encrypted and verified unless a variable says otherwise."""
        if server.engine == "mysql":
            return mysql_provider_arguments(server)

        def variable(name: str) -> Escaped:
            return Escaped(f"var.{server.name}_{name}")

        return {
            "scheme": string("postgres"),
            "host": variable("host"),
            "port": variable("port"),
            "database": variable("admin_database"),
            "username": variable("admin_user"),
            "password": variable("admin_password"),
            "sslmode": variable("sslmode"),
            "sslrootcert": variable("sslrootcert"),
            "superuser": FALSE,
            "connect_timeout": Escaped(str(_CONNECT_SECONDS)),
            "max_connections": Escaped(str(_CONNECTIONS)),
        }

    def provider_blocks(self, server: Server) -> tuple[Escaped, ...]:
        """The certificate authority, where it is no argument."""
        return mysql_provider_blocks(server) if server.engine == "mysql" else ()

    def variables(self, server: Server) -> list[Variable]:
        """Host, port, administrator and encryption."""
        if server.engine == "mysql":
            return [_host(server), _port(server), *mysql_variables(server)]
        return [_host(server), _port(server), *_administrator(server), *_encryption(server)]

    def ephemerals(self, server: Server) -> list[Ephemeral]:
        """None: the password is a variable."""
        del server
        return []

    def configurations(self, tags: Tags) -> list[ProviderConfiguration]:
        """None."""
        del tags
        return []

    def module(self, server: Server, plan: Plan) -> ServerModule | None:
        """None: the server is there already."""
        del server, plan
        return None

    def check(self, server: Server, diagnostics: Diagnostics) -> None:
        """GR617: a port that no server can have."""
        if _given(server.port) and _literal_port(server.port) is None:
            diagnostics.error(
                "GR617",
                f"{server.port!r} cannot be the port of server {server.name!r}",
                path="backend.database.connection.port",
                hint="a whole number from 1 to 65535",
            )


def _given(value: object) -> bool:
    return value is not None and not isinstance(value, Placeholder)


def _literal_port(port: int | str | None) -> int | None:
    try:
        number = int(port) if _given(port) and port is not None else 0
    except ValueError:
        return None
    return number if number in _PORTS else None


def _literal_host(host: str | None) -> str | None:
    if host is None or isinstance(host, Placeholder):
        return None
    if _IPV6.fullmatch(host):
        return f"[{host}]"
    return host if re.fullmatch(_HOST, host, re.ASCII) else None


def _named(server: Server, name: str) -> Escaped:
    return Escaped(f"{server.name}_{name}")


def _matches(name: Escaped, pattern: str) -> Escaped:
    return Escaped(f"can(regex({string(pattern)}, var.{name}))")


def _host(server: Server) -> Variable:
    name, known = _named(server, "host"), _literal_host(server.host)
    says = f" app-config says {server.host}." if server.host is not None and known is None else ""
    return Variable(
        name=name,
        type=Escaped("string"),
        description=string(f"Host of the {ENGINES[server.engine].title} server {server.name}.{says}"),
        settings={"default": string(known), "nullable": FALSE} if known is not None else {"nullable": FALSE},
        validations=(
            Validation(
                condition=_matches(name, _HOST),
                message=string("A host name, an IPv4 address, or an IPv6 address in brackets."),
            ),
        ),
    )


def _port(server: Server) -> Variable:
    name = _named(server, "port")
    says = f" app-config says {server.port}." if isinstance(server.port, Placeholder) else ""
    default = None if isinstance(server.port, Placeholder) else _literal_port(server.port) or ENGINES[server.engine].port
    return Variable(
        name=name,
        type=Escaped("number"),
        description=string(f"Port of the {ENGINES[server.engine].title} server {server.name}.{says}"),
        settings={"default": Escaped(str(default)), "nullable": FALSE} if default else {"nullable": FALSE},
        validations=(
            Validation(
                condition=Escaped(f"var.{name} >= 1 && var.{name} <= 65535 && floor(var.{name}) == var.{name}"),
                message=string("A whole number from 1 to 65535."),
            ),
        ),
    )


def _administrator(server: Server) -> list[Variable]:
    database, user = _named(server, "admin_database"), _named(server, "admin_user")
    return [
        Variable(
            name=database,
            type=Escaped("string"),
            description=string(f"Database of server {server.name} to connect to first; nothing in it is changed."),
            settings={"default": string("postgres"), "nullable": FALSE},
            validations=(
                Validation(
                    condition=_matches(database, _NAME),
                    message=string(
                        "1 to 63 letters, digits, underscores and dashes: the provider puts it into a URL as it is."
                    ),
                ),
            ),
        ),
        Variable(
            name=_named(server, "admin_password"),
            type=Escaped("string"),
            description=string(f"Password of {user}. It is kept in neither state nor plan."),
            settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
        ),
        Variable(
            name=user,
            type=Escaped("string"),
            description=string(
                f"Role Terraform works as on server {server.name}: LOGIN, CREATEROLE and CREATEDB; no superuser is needed."
            ),
            settings={"nullable": FALSE},
            validations=(Validation(condition=Escaped(f"length(var.{user}) > 0"), message=string("The name of a role.")),),
        ),
    ]


def _encryption(server: Server) -> list[Variable]:
    mode, certificate = _named(server, "sslmode"), _named(server, "sslrootcert")
    modes = ", ".join(string(name) for name in _SSL_MODES)
    return [
        Variable(
            name=mode,
            type=Escaped("string"),
            description=string(f"How the connection to server {server.name} is encrypted and verified."),
            settings={"default": string("verify-full"), "nullable": FALSE},
            validations=(
                Validation(
                    condition=Escaped(f"contains([{modes}], var.{mode})"),
                    message=string(f"One of {', '.join(_SSL_MODES)}."),
                ),
            ),
        ),
        Variable(
            name=certificate,
            type=Escaped("string"),
            description=string(
                f"File with the certificate authority of server {server.name}; the system's authorities when null."
            ),
            settings={"default": NULL},
            validations=(
                Validation(
                    condition=Escaped(f"var.{certificate} == null ? true : fileexists(var.{certificate})"),
                    message=string("A file that exists where Terraform runs."),
                ),
            ),
        ),
    ]
