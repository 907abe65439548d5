"""Servers that CloudFormation creates, each in a stack of its own; the databases' stack imports what that one exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.clouds.aws_servers import AWS_SERVERS, BACKUP_DAYS, CERTIFICATE_AUTHORITY, MONITORING_INTERVAL
from generator.clouds.server_logs import COMMENTS
from generator.engines import ENGINES
from generator.targets.base import Artifact
from generator.targets.cloudformation.escaping import FILTERS
from generator.targets.cloudformation.parameters import Output, Parameter, example, parameters_view
from generator.targets.cloudformation.servers.base import (
    ENVIRONMENT_TAG,
    Connection,
    server_id,
    server_stack,
)
from generator.targets.cloudformation.servers.existing import connection_names
from generator.targets.text.escaped import Escaped
from generator.targets.text.templates import render_template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from generator.planning.model import Plan, Server
    from generator.problems.diagnostic import Diagnostics, Location

ADMIN_USER: Final = "backstage_admin"
_BOOLEAN: Final = ("true", "false")
_PERFORMANCE_DAYS: Final = ("7", "31", "93", "186", "372", "731")


class Created:
    """What the kinds of servers have in common.

    ``name`` is the kind, ``template`` what its resources are printed with, ``logical_id`` the one that is the server and
    ``resource_id_attribute`` what IAM calls that.
    """

    name = ""
    template = ""
    logical_id = ""
    resource_id_attribute = ""

    # --- what the databases' stack needs ------------------------------------------------------------------------------

    def parameters(self, server: Server, plan: Plan, *, data_api: bool) -> list[Parameter]:
        """The name of the server's stack; everything else is imported from it."""
        del data_api
        return [
            Parameter(
                name=server_id(server.name, "Stack"),
                group=f"Server {server.name}",
                description=f"Name of the stack that created server {server.name} ({server_file(server)}).",
                default=server_stack(plan.environment, server.name),
                pattern="^[A-Za-z][A-Za-z0-9-]{0,127}$",
                rule="The name of a stack.",
            )
        ]

    def connection(self, server: Server, *, data_api: bool) -> Connection:
        """What the server's stack exports."""
        reference: dict[str, Escaped] = {}
        for what in connection_names(server, data_api=data_api):
            fixed = {"AdminDatabase": "postgres", "CaBundle": "rds"}.get(what)
            reference[what] = Escaped(fixed) if fixed else _imported(server, what)
        return Connection(engine=server.engine, reference=reference)

    def security_group(self, server: Server) -> Escaped:
        """What the server's stack exports."""
        return _imported(server, "SecurityGroupId")

    def resource_id(self, server: Server) -> Escaped:
        """What the server's stack exports."""
        return _imported(server, "ResourceId")

    def check(self, server: Server, places: Callable[[str], Location | None], diagnostics: Diagnostics) -> None:
        """Nothing: host and port of app-config are those of the server that comes."""
        del server, places, diagnostics

    # --- the server's own stack ---------------------------------------------------------------------------------------

    def templates(self, server: Server, plan: Plan, *, data_api: bool) -> dict[str, list[Parameter]]:
        """The server's template, and what it asks for."""
        del plan, data_api
        return {server_file(server): self.server_parameters(server)}

    def artifacts(self, server: Server, plan: Plan, *, data_api: bool) -> list[Artifact]:
        """The server's template and an example of its parameters."""
        parameters = self.server_parameters(server)
        aws = AWS_SERVERS[self.name, server.engine]
        view = {
            **parameters_view(parameters),
            "description": f"The {ENGINES[server.engine].title} server {server.name} of Backstage ({plan.environment}).",
            "environment": plan.environment,
            "servers": [(server_id(server.name), server.name)],
            "tags": sorted({**dict(plan.tags), ENVIRONMENT_TAG: plan.environment}.items()),
            "key_comment": "Encrypts storage, backups and administrator. Snapshots outlive the server, and so does it.",
            "key_policy": Escaped("Retain"),
            "key_description": f"Storage, backups and administrator of the server {server.name} of Backstage.",
            "has_logs": False,
            "engine": server.engine,
            "engine_name": ENGINES[server.engine].title,
            "rds_engine": Escaped(aws.engine),
            "logs": aws.logs,
            "settings": [
                {"name": name, "value": value, "comment": COMMENTS.get(name, "")} for name, value in aws.parameters.items()
            ],
            "certificate_authority": Escaped(CERTIFICATE_AUTHORITY),
            "monitoring_interval": Escaped(str(MONITORING_INTERVAL)),
            "family": self.family(server),
            "data_api": data_api,
            "resources": self.template,
            "outputs": list(self._outputs(data_api=data_api)),
        }
        file = server_file(server)
        return [
            Artifact(file, render_template("cloudformation", "server.yaml.j2", view, FILTERS)),
            Artifact(f"{file.removesuffix('.yaml')}.parameters.example.json", example(parameters)),
        ]

    def _outputs(self, *, data_api: bool) -> Iterator[Output]:
        server, resource_id = self.logical_id, self.resource_id_attribute
        exported = {
            "AdminSecretArn": ("ARN of the secret of the administrator.", f"{server}.MasterUserSecret.SecretArn"),
            "Host": ("Host of the server, for Backstage's environment too.", f"{server}.Endpoint.Address"),
            "Port": ("Port of the server.", f"{server}.Endpoint.Port"),
            "ResourceId": ("What IAM calls the server.", f"{server}.{resource_id}"),
            "SecurityGroupId": ("Security group of the server.", "SecurityGroup.GroupId"),
        }
        if data_api:
            exported["ClusterArn"] = ("ARN of the cluster, for the Data API.", f"{server}.DBClusterArn")
        for name, (description, attribute) in sorted(exported.items()):
            yield Output(Escaped(name), description, Escaped(f"!GetAtt {attribute}"), is_exported=True)

    def family(self, server: Server) -> Escaped:
        """The expression for the family of the server's settings, which follows from its version."""
        raise NotImplementedError

    def server_parameters(self, server: Server) -> list[Parameter]:
        """What the server's template asks for."""
        longest = 62 if server.engine == "postgresql" else 15
        return [
            *_network(server),
            Parameter(
                name=Escaped("AdminUser"),
                group="Administrator",
                description="Name of the administrator. RDS makes the password, keeps it in a secret and rotates it.",
                default=ADMIN_USER if server.engine == "postgresql" else "backstage_root",
                pattern=f"^(?!(?:admin|administrator|postgres|rdsadmin|root)$)[a-z][a-z0-9_]{{0,{longest}}}$",
                rule=f"1 to {longest + 1} lower-case letters, digits and underscores, a letter first, and no usual name.",
            ),
            Parameter(
                name=Escaped("Port"),
                group="Network",
                type="Number",
                description="Port the server listens on; app-config has to say the same.",
                default=ENGINES[server.engine].port,
                smallest=1150,
                largest=65535,
            ),
            Parameter(
                name=Escaped("BackupRetentionDays"),
                group="Data",
                type="Number",
                description="Days automatic backups are kept.",
                default=BACKUP_DAYS[1],
                smallest=BACKUP_DAYS[0],
                largest=BACKUP_DAYS[2],
            ),
            Parameter(
                name=Escaped("DeletionProtection"),
                group="Data",
                description="Whether the server refuses to be deleted. A last snapshot is taken in any case.",
                default="true",
                allowed=_BOOLEAN,
            ),
            Parameter(
                name=Escaped("PerformanceInsightsDays"),
                group="Operation",
                type="Number",
                description="Days of Performance Insights; 7 are free.",
                default=7,
                allowed=_PERFORMANCE_DAYS,
            ),
        ]


def server_file(server: Server) -> str:
    """The template of a server."""
    return f"server-{server.name}.yaml"


def _imported(server: Server, what: str) -> Escaped:
    return Escaped(f'{{"Fn::ImportValue": !Sub "${{{server_id(server.name, "Stack")}}}-{what}"}}')


def _network(server: Server) -> list[Parameter]:
    return [
        Parameter(
            name=Escaped("VpcId"),
            group="Network",
            type="AWS::EC2::VPC::Id",
            description="VPC of the server.",
            example="vpc-0123456789abcdef0",
        ),
        Parameter(
            name=Escaped("SubnetIds"),
            group="Network",
            type="List<AWS::EC2::Subnet::Id>",
            description="Subnets of the server, in two availability zones or more; isolated ones will do.",
            example="subnet-0123456789abcdef0,subnet-0123456789abcdef1",
        ),
        Parameter(
            name=Escaped("BackstageSecurityGroupId"),
            group="Network",
            type="AWS::EC2::SecurityGroup::Id",
            description=f"Security group Backstage runs in: it may connect to server {server.name}.",
            example="sg-0123456789abcdef0",
        ),
    ]
