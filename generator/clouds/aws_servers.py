"""The servers that are created on AWS, by kind and engine: what every target that creates one has to say the same.

What a target asks its user (sizes, names, networks) is the target's own: Terraform's variables and CloudFormation's
parameters keep the names and limits they were published with.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

from generator.clouds import server_logs

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The authority of the certificate: valid until 2061, and known to all drivers.
CERTIFICATE_AUTHORITY: Final = "rds-ca-rsa2048-g1"
#: Days that backups are kept: the fewest, as a default, and the most that AWS takes.
BACKUP_DAYS: Final = (7, 14, 35)
#: Seconds between two measurements of enhanced monitoring.
MONITORING_INTERVAL: Final = 60


class AwsServer(NamedTuple):
    """What is known of one kind of server with one engine.

    ``engine`` is its name in AWS and the start of its parameter group's ``family``; ``logs`` are those that CloudWatch gets;
    ``parameters`` are the settings of the server. ``too_small`` matches the classes that have no Performance Insights.
    """

    engine: str
    logs: tuple[str, ...]
    parameters: Mapping[str, str]
    too_small: str | None = None

    @property
    def family(self) -> str:
        """What the name of the parameter group's family starts with; the version follows."""
        return self.engine


_POSTGRESQL: Final = MappingProxyType(
    {
        "rds.force_ssl": "1",
        **server_logs.POSTGRESQL,
        "log_connections": "1",
        "log_disconnections": "1",
        "log_lock_waits": "1",
    }
)
_SLOW_QUERIES: Final = {"slow_query_log": "1", "long_query_time": "1", "log_output": "FILE"}

AWS_SERVERS: Final[Mapping[tuple[str, str], AwsServer]] = MappingProxyType(
    {
        ("aws-rds", "postgresql"): AwsServer("postgres", ("postgresql", "upgrade"), _POSTGRESQL),
        ("aws-aurora", "postgresql"): AwsServer("aurora-postgresql", ("postgresql",), _POSTGRESQL),
        ("aws-rds", "mysql"): AwsServer(
            "mysql",
            ("error", "slowquery"),
            MappingProxyType({"require_secure_transport": "1", **_SLOW_QUERIES}),
            too_small=r"^db\.t[0-9a-z]+\.(micro|small)$",
        ),
        # A cluster takes ON, an instance 1.
        ("aws-aurora", "mysql"): AwsServer(
            "aurora-mysql",
            ("audit", "error", "slowquery"),
            MappingProxyType({"require_secure_transport": "ON", **server_logs.AURORA_MYSQL, **_SLOW_QUERIES}),
            too_small=r"^db\.t([23]\.|[0-9a-z]+\.(micro|small)$)",
        ),
    }
)
