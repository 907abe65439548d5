"""What the kinds of servers have in common that Terraform creates, in a root module of their own.

The configuration of the databases gets host, port and administrator from that module's output ``databases``, by way of a
file of variables: which backend holds the state is nobody's business then. The administrator's password is in the cloud's
own store of secrets, and read from there anew by every plan and apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from generator.clouds.server_logs import COMMENTS
from generator.documents.values import Placeholder
from generator.targets.terraform.escaping import string
from generator.targets.terraform.hcl import FALSE, Validation, aligned
from generator.targets.terraform.servers.base import PRIMARY, folder
from generator.targets.terraform.servers.existing import Existing
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics
    from generator.targets.terraform.hcl import Arguments, Variable

ADMIN: Final = "backstage_admin"
_OUTPUTS: Final = ("host", "port", "admin_user", "admin_secret")


class Created(Existing):
    """A kind that is created. ``secret`` says what its variable ``…_admin_secret`` is."""

    secret = ""
    #: What names the authorities the system does not know, where that is so.
    authorities = ""
    sslmode = "verify-full"
    #: Whether the name in the certificate is the host's. MySQL's driver verifies name and authority together or not at all.
    names_host = True

    def variables(self, server: Server) -> list[Variable]:
        """Those of an existing server, without defaults from app-config; the password's place instead of the password."""
        found = {variable.name: variable for variable in super().variables(server._replace(host=None, port=None))}
        password = Escaped(f"{server.name}_admin_password")
        secret = Escaped(f"{server.name}_admin_secret")
        found[secret] = found.pop(password)._replace(
            name=secret,
            description=string(f"{self.secret} of {server.name}_admin_user, an output of {folder(server)}/."),
            settings={"nullable": FALSE},
        )
        for name in ("host", "admin_user"):
            variable = found[Escaped(f"{server.name}_{name}")]
            what = {"host": "Host", "admin_user": "Administrator"}[name]
            found[variable.name] = variable._replace(
                description=string(f"{what} of server {server.name}, an output of {folder(server)}/.")
            )
        mode = found.get(Escaped(f"{server.name}_sslmode"))
        if mode is not None:
            found[mode.name] = mode._replace(settings={"default": string(self.sslmode), "nullable": FALSE})
        certificate = found.get(Escaped(f"{server.name}_{'tls_ca' if server.engine == 'mysql' else 'sslrootcert'}"))
        if server.engine == "mysql" and not self.names_host:
            mode = found[Escaped(f"{server.name}_tls")]
            found[mode.name] = mode._replace(
                description=string(
                    f"Encryption of the connection to server {server.name}. Its certificate lacks the address, "
                    "which the driver would look for: true cannot be kept."
                ),
                settings={"default": string("skip-verify"), "nullable": FALSE},
            )
        elif certificate is not None and self.authorities:
            found[certificate.name] = certificate._replace(
                description=string(f"File with the certificate authority of server {server.name}: {self.authorities}."),
                settings={"nullable": FALSE},
                validations=(
                    Validation(
                        condition=Escaped(f"fileexists(var.{certificate.name})"),
                        message=string("A file that exists where Terraform runs."),
                    ),
                ),
            )
        return list(found.values())

    def check(self, server: Server, diagnostics: Diagnostics) -> None:
        """GR661: a host in app-config that cannot be the one of a server that is yet to be created."""
        if not isinstance(server.host, Placeholder):
            said = "no host" if server.host is None else f"the host {server.host!r}"
            diagnostics.warning(
                "GR661",
                f"app-config has {said}, and the server {server.name!r} is created: its host is known only then",
                path=f"servers.{server.name}.kind",
                hint="host: ${POSTGRES_HOST} in app-config, and the output of the server's configuration in that variable",
            )

    def password(self, server: Server) -> Escaped:
        """The administrator's password: an ephemeral expression."""
        raise NotImplementedError

    def provider_arguments(self, server: Server) -> dict[str, Escaped]:
        """Those of an existing server, with the password from the cloud's store."""
        return super().provider_arguments(server) | {"password": self.password(server)}


def server_id(server: Server, plan: Plan) -> str:
    """A name for the server in the cloud."""
    name = f"backstage-{plan.environment}" + ("" if server.name == PRIMARY else f"-{server.name}")
    return name.lower().replace("_", "-")


def outputs(server: Server, values: Mapping[str, Escaped], more: Mapping[str, Escaped]) -> Arguments:
    """The variables of the configuration of the databases that follow from the server; ``more`` by their whole names."""
    return aligned({f"{server.name}_{name}": values[name] for name in _OUTPUTS} | dict(more))


def parameters(values: Mapping[str, str]) -> list[dict[str, Any]]:
    """Settings of the server, as the templates print them."""
    return [{"name": name, "value": value, "comment": COMMENTS.get(name, "")} for name, value in values.items()]
