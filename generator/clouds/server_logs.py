"""What a server that greenroom creates must not log: statements that set a password. One fact for every target.

PostgreSQL logs a statement as it was sent, password included, wherever one of these settings lets it. Terraform sends
passwords; the functions of CloudFormation send SCRAM verifiers, which still allow guessing.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: RDS, Aurora, Cloud SQL and Azure take each of these values.
POSTGRESQL: Final[Mapping[str, str]] = MappingProxyType(
    {"log_min_duration_statement": "-1", "log_min_error_statement": "panic", "log_statement": "none"}
)
#: What Aurora's audit log has; it is the one log of MySQL that shows statements as they were sent.
AURORA_MYSQL: Final[Mapping[str, str]] = MappingProxyType({"server_audit_logging": "1", "server_audit_events": "CONNECT"})

COMMENTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "log_min_duration_statement": "A slow CREATE ROLE or ALTER ROLE would be logged with its password.",
        "log_min_error_statement": "With the default, error, a CREATE ROLE that fails is logged with its password.",
        "log_statement": "Any other value logs the passwords of new roles.",
        "server_audit_events": "Events of queries would show the passwords of new users.",
    }
)
