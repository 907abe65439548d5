"""The kind ``aws-rds``: an instance of Amazon RDS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from generator.clouds.aws_servers import AWS_SERVERS
from generator.targets.cloudformation.parameters import Parameter
from generator.targets.cloudformation.servers.created import Created
from generator.targets.text.escaped import Escaped

if TYPE_CHECKING:
    from generator.planning.model import Server

#: Default version, pattern and rule.
_VERSIONS: Final = {
    "postgresql": ("17", "^1[5-9](\\.[0-9]{1,2})?$", "A version of PostgreSQL from 15 on: 17 or 17.6."),
    "mysql": ("8.4", "^8\\.[0-9](\\.[0-9]{1,2})?$", "A version of MySQL 8: 8.4 or 8.4.6."),
}


class AwsRds(Created):
    """See the module."""

    name = "aws-rds"
    template = "server/rds.yaml.j2"
    logical_id = "Instance"
    resource_id_attribute = "DbiResourceId"

    def family(self, server: Server) -> Escaped:
        """Major and minor version of MySQL, the major one of PostgreSQL."""
        family = AWS_SERVERS[self.name, server.engine].family
        if server.engine == "mysql":
            return Escaped(
                f'!Sub ["{family}${{Major}}.${{Minor}}", {{Major: !Select [0, !Split [".", !Ref EngineVersion]], '
                'Minor: !Select [1, !Split [".", !Ref EngineVersion]]}]'
            )
        return Escaped(f'!Sub ["{family}${{Major}}", {{Major: !Select [0, !Split [".", !Ref EngineVersion]]}}]')

    def server_parameters(self, server: Server) -> list[Parameter]:
        """Version, size and storage besides what every server asks for."""
        version, pattern, rule = _VERSIONS[server.engine]
        return [
            *super().server_parameters(server),
            Parameter(
                name=Escaped("EngineVersion"),
                group="Size",
                description="Version of the server; without a minor one RDS picks it, and keeps it up to date in any case.",
                default=version,
                pattern=pattern,
                rule=rule,
            ),
            Parameter(
                name=Escaped("InstanceClass"),
                group="Size",
                description="Class of the instance.",
                default="db.t4g.medium",
                pattern="^db\\.[a-z0-9]+\\.[a-z0-9-]+$",
                rule="The class of an instance, such as db.m7g.large.",
            ),
            Parameter(
                name=Escaped("MultiAZ"),
                group="Size",
                description="Whether a second instance stands by in another availability zone.",
                default="true",
                allowed=("true", "false"),
            ),
            Parameter(
                name=Escaped("AllocatedStorage"),
                group="Size",
                type="Number",
                description="GiB of storage to begin with.",
                default=20,
                smallest=20,
                largest=65536,
            ),
            Parameter(
                name=Escaped("MaxAllocatedStorage"),
                group="Size",
                type="Number",
                description="GiB up to which storage grows by itself; more than AllocatedStorage.",
                default=100,
                smallest=22,
                largest=65536,
            ),
        ]
