"""PostgreSQL through the RDS Data API (Aurora only): no VPC, no driver. The same statements as through the driver.

Every statement is a session of its own unless a transaction holds several together. Constants in the statements hold no
colon (see :mod:`.postgresql_text`), so the API finds no named parameter in them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .failures import RefusedError, SqlError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .deadline import Deadline
    from .wanted import Wanted

_TRANSIENT = (
    "StatementTimeoutException",
    "ServiceUnavailableError",
    "InternalServerErrorException",
    "DatabaseUnavailableException",
    "DatabaseResumingException",
    "ThrottlingException",
)


def translate(error: Exception) -> Exception:
    """The exception for whatever boto3 raised: the API puts PostgreSQL's message and SQLSTATE into its own message."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return TransientError(f"the RDS Data API cannot be reached: {type(error).__name__}")
    code = response.get("Error", {}).get("Code", "")
    message = str(response.get("Error", {}).get("Message", "")).partition("\n")[0]
    state = message.rpartition("SQLState: ")[2][:5] if "SQLState: " in message else ""
    if code == "HttpEndpointNotEnabledException":
        return RefusedError("the cluster's Data API is not enabled (EnableHttpEndpoint: true)")
    if code in _TRANSIENT or state in ("53300", "57P01", "57P03", "40001", "40P01") or "tuple concurrently" in message:
        return TransientError(f"RDS Data API: {message or code}")
    if code in ("AccessDeniedException", "ForbiddenException", "SecretsErrorException", "InvalidSecretException"):
        return RefusedError(f"RDS Data API: {code}: {message}")
    return SqlError(state or code, message)


def _value(field: dict[str, Any]) -> Any:
    if field.get("isNull"):
        return None
    return next(iter(field.values()))


class DataApiSession:
    """One user and one database."""

    def __init__(self, client: Any, target: dict[str, str], deadline: Deadline) -> None:
        self._client = client
        self._target = target
        self._deadline = deadline
        self._transaction = ""

    def _call(self, method: str, **arguments: str) -> dict[str, Any]:
        self._deadline.timeout()
        try:
            result: dict[str, Any] = getattr(self._client, method)(**arguments)
        except Exception as error:
            raise translate(error) from error
        return result

    def run(self, sql: str) -> list[list[Any]]:
        """See :class:`.session.Session`."""
        arguments = {**self._target, "sql": sql}
        if self._transaction:
            arguments["transactionId"] = self._transaction
        records = self._call("execute_statement", **arguments).get("records", [])
        return [[_value(field) for field in record] for record in records]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """See :class:`.session.Session`."""
        self._transaction = self._call("begin_transaction", **self._target)["transactionId"]
        ended = {key: self._target[key] for key in ("resourceArn", "secretArn")} | {"transactionId": self._transaction}
        try:
            # Plugins may make functions and operators in their databases: nothing of theirs is found by its name alone.
            self.run("SET LOCAL search_path = ''")
            yield
        except BaseException:
            self._transaction = ""
            with contextlib.suppress(SqlError, TransientError, RefusedError):
                self._call("rollback_transaction", **ended)
            raise
        self._transaction = ""
        self._call("commit_transaction", **ended)


class DataApiServer:
    """A cluster; see :class:`.session.Server`. The API reads the secrets itself, by their ARNs."""

    def __init__(self, client: Any, wanted: Wanted, deadline: Deadline) -> None:
        self._client = client
        self._wanted = wanted
        self._deadline = deadline

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator[DataApiSession]:
        """A session of the administrator."""
        yield self._open(self._wanted.admin_secret, database)

    @contextlib.contextmanager
    def login(self, user: str, database: str) -> Iterator[DataApiSession]:  # noqa: ARG002 - the secret names the user
        """A session of the plugin's user."""
        yield self._open(self._wanted.secret, database)

    def _open(self, secret: str, database: str) -> DataApiSession:
        target = {"resourceArn": self._wanted.cluster, "secretArn": secret, "database": database}
        return DataApiSession(self._client, target, self._deadline)
