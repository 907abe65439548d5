"""The kind ``aws-aurora``: a cluster of Amazon Aurora with a writer and a reader."""

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
    "postgresql": ("16.8", "^1[5-9]\\.[0-9]{1,2}$", "A version of Aurora PostgreSQL from 15 on, such as 16.8."),
    "mysql": (
        "8.0.mysql_aurora.3.08.2",
        "^8\\.[0-9]\\.mysql_aurora\\.[0-9]+\\.[0-9]{2}\\.[0-9]+$",
        "A version of Aurora MySQL, such as 8.0.mysql_aurora.3.08.2.",
    ),
}


class AwsAurora(Created):
    """See the module."""

    name = "aws-aurora"
    template = "server/aurora.yaml.j2"
    logical_id = "Cluster"
    resource_id_attribute = "DBClusterResourceId"

    def family(self, server: Server) -> Escaped:
        """The version of MySQL that Aurora's one is compatible with, the major version of PostgreSQL."""
        family = AWS_SERVERS[self.name, server.engine].family
        if server.engine == "mysql":
            return Escaped(
                f'!Sub ["{family}${{Version}}", {{Version: !Select [0, !Split [".mysql_aurora.", !Ref EngineVersion]]}}]'
            )
        return Escaped(f'!Sub ["{family}${{Major}}", {{Major: !Select [0, !Split [".", !Ref EngineVersion]]}}]')

    def server_parameters(self, server: Server) -> list[Parameter]:
        """Version and size besides what every server asks for."""
        version, pattern, rule = _VERSIONS[server.engine]
        return [
            *super().server_parameters(server),
            Parameter(
                name=Escaped("EngineVersion"),
                group="Size",
                description="Version of the cluster.",
                default=version,
                pattern=pattern,
                rule=rule,
            ),
            Parameter(
                name=Escaped("InstanceClass"),
                group="Size",
                description="Class of the two instances; db.serverless grows and shrinks by itself.",
                default="db.serverless",
                pattern="^db\\.(serverless|[a-z0-9]+\\.[a-z0-9-]+)$",
                rule="db.serverless, or the class of an instance such as db.r7g.large.",
            ),
            Parameter(
                name=Escaped("MinCapacity"),
                group="Size",
                type="Number",
                description="Smallest size of a serverless instance, in Aurora capacity units (2 GiB of memory each).",
                default=1,
                smallest=1,
                largest=256,
            ),
            Parameter(
                name=Escaped("MaxCapacity"),
                group="Size",
                type="Number",
                description="Largest size of a serverless instance, in Aurora capacity units; not less than MinCapacity.",
                default=8,
                smallest=1,
                largest=256,
            ),
        ]
