"""Passwords that are tokens: ``connection.type`` rds, azure or cloudsql.

For rds the token is computed here, with botocore where it is installed: no network is needed for it. For azure it has to be
handed over. Cloud SQL's connector dials by itself, with its own certificates: there is nothing here to connect with.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from generator.clouds import CLOUDS
from generator.preflight.workers import BoundedTimeoutError, bounded

if TYPE_CHECKING:
    from generator.preflight.probes import PreflightTarget

#: Values of ``connection.type`` that fetch a token instead of a password.
TOKEN_TYPES: Final = tuple(CLOUDS)
#: A token for Azure's databases, as ``az account get-access-token`` prints it.
AZURE_VARIABLE: Final = "GREENROOM_AZURE_TOKEN"
_RDS_REGION = "Missing region for AWS RDS IAM auth: set connection.region or the AWS_REGION environment variable"


class TokenError(Exception):
    """There is no token. ``backstage`` is what Backstage would print, ``hint`` what helps."""

    def __init__(self, problem: str, hint: str, backstage: str = "") -> None:
        super().__init__(problem)
        self.hint = hint
        self.backstage = backstage


def fetch_token(target: PreflightTarget, timeout: float) -> str:
    """The token of ``target``, which is secret.

    Raises:
        TokenError: it cannot be had here; the text says what was not checked.
    """
    kind = target.connection.get("type")
    if kind == "rds":
        return _rds_token(target, timeout)
    if kind == "azure":
        token = target.environment.get(AZURE_VARIABLE, "").strip()
        if token:
            return token
        raise TokenError(
            "connection.type is azure, and preflight fetches no tokens from Azure: nothing was checked",
            f'{AZURE_VARIABLE}="$(az account get-access-token --resource-type oss-rdbms --query accessToken --output tsv)"',
        )
    raise TokenError(
        "connection.type is cloudsql: its connector dials by itself, so nothing was checked",
        "run preflight against the Cloud SQL Auth Proxy: an app-config with its host and `type: default` as last --config",
    )


def _rds_token(target: PreflightTarget, timeout: float) -> str:
    connection, environment = target.connection, target.environment
    host, port, user = (connection.get(key) for key in ("host", "port", "user"))
    if not host or not port or not user:
        raise TokenError(
            "AWS RDS IAM auth needs connection.host, connection.port and connection.user",
            "set all three; the values of the environment count as well",
            "AWS RDS IAM auth: missing required database connection config",
        )
    region = connection.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not region:
        raise TokenError("there is no AWS region for the RDS token", "set connection.region or AWS_REGION", _RDS_REGION)
    try:
        session_module: Any = importlib.import_module("botocore.session")
        signers: Any = importlib.import_module("botocore.signers")
    except ImportError:
        raise TokenError(
            "connection.type is rds, and botocore, which makes its tokens, is not installed: nothing was checked",
            "pip install botocore (or boto3)",
        ) from None

    def make() -> str:
        session = session_module.Session()
        client = session.create_client("rds", region_name=str(region))
        return str(signers.generate_db_auth_token(client, str(host), int(port), str(user)))

    try:
        return bounded(make, timeout)  # the credentials may come from a metadata service that does not answer
    except BoundedTimeoutError:
        problem = f"the AWS credentials for the RDS token did not come within {timeout:g} s"
    except Exception as error:  # botocore's own hierarchy, and only the type: texts may quote what they were given
        problem = f"the RDS token cannot be made ({type(error).__name__})"
    raise TokenError(
        problem,
        "give this machine AWS credentials that may rds-db:connect: AWS_PROFILE, AWS_ACCESS_KEY_ID or an instance role",
        f"AWS RDS IAM auth token acquisition failed for {user}@{host}:{port}",
    )
