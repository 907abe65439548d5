"""How Terraform gets to a MySQL or MariaDB server: what a kind of server says when its engine is this one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, NULL, TRUE, Validation, Variable
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Server

#: `skip-verify` encrypts without a look at the certificate.
_TLS_MODES: Final = ("true", "skip-verify", "false")
_RETRY_SECONDS = 10
#: As many as Terraform works on at a time. The provider's own default of 1 does everything one after the other.
_CONNECTIONS = 10


def mysql_provider_arguments(server: Server) -> dict[str, Escaped]:
    """The connection, encrypted and verified unless a variable says otherwise."""

    def variable(name: str) -> Escaped:
        return Escaped(f"var.{server.name}_{name}")

    return {
        "endpoint": Escaped(f'"${{{variable("host")}}}:${{{variable("port")}}}"'),
        "username": variable("admin_user"),
        "password": variable("admin_password"),
        "tls": variable("tls"),
        "max_open_conns": Escaped(str(_CONNECTIONS)),
        "connect_retry_timeout_sec": Escaped(str(_RETRY_SECONDS)),
    }


def mysql_provider_blocks(server: Server) -> tuple[Escaped, ...]:
    """The certificate authority, where a variable names one."""
    name = f"var.{server.name}_tls_ca"
    lines = (
        'dynamic "custom_tls" {',
        f"    for_each = {name} == null ? [] : [{name}]",
        "",
        "    content {",
        "      ca_cert = custom_tls.value",
        "    }",
        "  }",
    )
    return (Escaped("\n".join(lines)),)


def mysql_variables(server: Server) -> list[Variable]:
    """The administrator and the encryption."""
    user, mode, authority = (Escaped(f"{server.name}_{name}") for name in ("admin_user", "tls", "tls_ca"))
    modes = ", ".join(string(item) for item in _TLS_MODES)
    return [
        Variable(
            name=Escaped(f"{server.name}_admin_password"),
            type=Escaped("string"),
            description=string(f"Password of {user}. It is kept in neither state nor plan."),
            settings={"ephemeral": TRUE, "sensitive": TRUE, "nullable": FALSE},
        ),
        Variable(
            name=user,
            type=Escaped("string"),
            description=string(
                f"User Terraform works as on server {server.name}: CREATE USER, and what plugins get WITH GRANT OPTION; "
                "no SUPER is needed."
            ),
            settings={"nullable": FALSE},
            validations=(Validation(condition=Escaped(f"length(var.{user}) > 0"), message=string("The name of a user.")),),
        ),
        Variable(
            name=mode,
            type=Escaped("string"),
            description=string(
                f"Encryption of the connection to server {server.name}: true also verifies the server, by the system's "
                f"authorities or by {authority}."
            ),
            settings={"default": string("true"), "nullable": FALSE},
            validations=(
                Validation(
                    condition=Escaped(f"contains([{modes}], var.{mode})"),
                    message=string(f"One of {', '.join(_TLS_MODES)}."),
                ),
            ),
        ),
        Variable(
            name=authority,
            type=Escaped("string"),
            description=string(
                f"File with the certificate authority of server {server.name}; the system's authorities when null. With it "
                "the connection is encrypted and verified in any case."
            ),
            settings={"default": NULL},
            validations=(
                Validation(
                    condition=Escaped(f"var.{authority} == null ? true : fileexists(var.{authority})"),
                    message=string("A file that exists where Terraform runs."),
                ),
            ),
        ),
    ]
