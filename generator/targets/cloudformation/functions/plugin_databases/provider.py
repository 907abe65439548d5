"""ProviderFunction: outside the VPC. It reads secrets, has the work done, and answers CloudFormation, always."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

from .again import called_again, error_code
from .carry_out import carry_out
from .certificates import certificates
from .deadline import Deadline
from .failures import RefusedError
from .logs import Secrets, log
from .marker import owner_of
from .order import Order, event_part, read_order
from .respond import answer_body, put_answer
from .scram import prepared

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_CREATED = "not-created:"
#: Kept for the answer to CloudFormation, retries included.
_MARGIN = 15.0
#: SqlFunction is not called any more when it would have less.
_SQL_SECONDS = 15.0
_PASSWORD_CHARACTERS = 1000

_clients: dict[str, Any] = {}


def handler(event: dict[str, Any], context: Any) -> None:
    """Carry out one request of CloudFormation and answer it."""
    secrets = Secrets()
    physical_id = event.get("PhysicalResourceId", f"{NOT_CREATED}{event['RequestId']}")
    data: dict[str, str] = {}
    status, reason = "SUCCESS", ""
    fields = {"request": event["RequestId"], "resource": event["LogicalResourceId"], "type": event["RequestType"]}
    log(secrets, "request", **fields)
    try:
        deadline = Deadline(context.get_remaining_time_in_millis() / 1000 - _MARGIN)
        physical_id, data = _carry_out(event, physical_id, deadline, secrets)
    except RefusedError as error:
        status, reason = "FAILED", secrets.hide(str(error))
    except Exception as error:
        status, reason = "FAILED", secrets.hide(f"unexpected {type(error).__name__} in ProviderFunction: {error}")
    log(secrets, "answer", status=status, reason=reason, physicalId=physical_id, **fields)
    put_answer(event["ResponseURL"], answer_body(event, status, physical_id, reason, data))


def _carry_out(event: dict[str, Any], physical_id: str, deadline: Deadline, secrets: Secrets) -> tuple[str, dict[str, str]]:
    """Physical id and attributes of the resource."""
    is_delete = event["RequestType"] == "Delete"
    # A resource that was never made, also one that CloudFormation named itself because nobody answered.
    if is_delete and (physical_id.startswith(NOT_CREATED) or not owner_of(physical_id)):
        return physical_id, {}
    # The first lock: without it a Delete does not even look at the server, which may be gone, nor at the other properties,
    # which a newer version of the functions may not know any more.
    if is_delete and event["ResourceProperties"].get("OnDelete") != "Drop":
        log(secrets, "retained", physicalId=physical_id)
        return physical_id, {}
    order = read_order(event)
    admin = _read_secret(order.wanted.admin_secret, "AdminSecretArn", deadline, secrets)
    password = _plugin_password(order, deadline, secrets)
    if order.wanted.cluster:
        notes = _over_data_api(order, password, deadline, secrets)
    else:
        notes = _invoke(lambda: sql_event(event, order, admin, password, deadline), deadline, secrets)
    log(secrets, "done", notes=notes, request=event["RequestId"])
    return (physical_id, {}) if is_delete else (order.wanted.id, order.wanted.attributes)


def sql_event(
    event: dict[str, Any], order: Order, admin: dict[str, str], password: str, deadline: Deadline
) -> dict[str, Any]:
    """What SqlFunction gets. It holds passwords: Lambda encrypts it, and nobody logs it."""
    return {
        "request": event_part(event),
        "admin": {"username": admin["username"], "password": admin["password"]},
        "password": password,
        "ca": certificates(order.wanted.ca_bundle, event["StackId"], deadline),
        "seconds": deadline.remaining() - 2,
    }


def _client(name: str, **config: Any) -> Any:
    if name not in _clients:
        import boto3
        from botocore.config import Config

        _clients[name] = boto3.client(name, config=Config(**config))
    return _clients[name]


def _report(secrets: Secrets, what: str) -> Callable[[str], None]:
    return lambda code: log(secrets, "not ready, calling again", call=what, reason=code)


def _read_secret(arn: str, property_name: str, deadline: Deadline, secrets: Secrets) -> dict[str, str]:
    client = _client("secretsmanager", connect_timeout=5, read_timeout=15, retries={"total_max_attempts": 4})
    report = _report(secrets, property_name)
    try:
        text = called_again(lambda: client.get_secret_value(SecretId=arn), deadline, _SQL_SECONDS, report)["SecretString"]
        found = json.loads(text)
        username, password = found.get("username", ""), found["password"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedError(f"the secret in {property_name} is no JSON with a password") from error
    except Exception as error:
        raise RefusedError(f"the secret in {property_name} cannot be read: {_aws_message(error)}") from error
    if not isinstance(password, str) or not isinstance(username, str):
        raise RefusedError(f"username or password of the secret in {property_name} is no text")
    secrets.add(password)
    return {"username": username, "password": password}


def _aws_message(error: Exception) -> str:
    response = getattr(error, "response", {})
    return f"{error_code(error)}: {response.get('Error', {}).get('Message', '')}".rstrip(": ")


def _plugin_password(order: Order, deadline: Deadline, secrets: Secrets) -> str:
    """The password of the role, empty when this resource has none to give."""
    if order.is_delete or not order.wanted.secret:
        return ""
    found = _read_secret(order.wanted.secret, "SecretArn", deadline, secrets)
    if found["username"] not in ("", order.wanted.role):
        raise RefusedError(f"the secret in SecretArn is of user {found['username']!r}, and Role is {order.wanted.role!r}")
    password = found["password"]
    problem = _password_problem(order.wanted.engine, password)
    if problem:
        raise RefusedError(f"the password in SecretArn {problem}")
    return password


def _password_problem(engine: str, password: str) -> str | None:
    if not password:
        return "is empty"
    if "\0" in password:
        return "holds NUL"
    if len(password) > _PASSWORD_CHARACTERS:
        return f"has more than {_PASSWORD_CHARACTERS} characters"
    if any("\ud800" <= character <= "\udfff" for character in password):
        return "is not valid Unicode"
    if engine == "postgresql" and prepared(password) is None:
        return "holds a character that a login by SCRAM cannot carry (RFC 4013)"
    return None


def _over_data_api(order: Order, password: str, deadline: Deadline, secrets: Secrets) -> list[str]:
    from .data_api import DataApiServer

    client = _client("rds-data", connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 1})
    patience = float(os.environ.get("RETRY_SECONDS", "60"))
    return carry_out(lambda: DataApiServer(client, order.wanted, deadline), order, password, deadline, patience, secrets)


def _invoke(make_event: Callable[[], dict[str, Any]], deadline: Deadline, secrets: Secrets) -> list[str]:
    """Have SqlFunction do it, and wait.

    Raises:
        RefusedError: it did not work, with the reason.
    """
    function = os.environ.get("SQL_FUNCTION")
    if not function:
        raise RefusedError("ProviderFunction has no SQL_FUNCTION in its environment, and the resource no ClusterArn")

    def call() -> tuple[dict[str, Any], Any]:
        payload = json.dumps(make_event()).encode()
        # One attempt: SqlFunction tries again by itself, and two at once would wait for each other.
        _clients.pop("lambda", None)
        seconds = max(1, int(deadline.remaining()))
        client = _client("lambda", connect_timeout=5, read_timeout=seconds, retries={"total_max_attempts": 1})
        response = client.invoke(FunctionName=function, Payload=payload)
        return response, json.loads(response["Payload"].read())

    try:
        response, answer = called_again(call, deadline, _SQL_SECONDS, _report(secrets, "SqlFunction"))
    except RefusedError:
        raise
    except Exception as error:
        raise RefusedError(f"SqlFunction did not answer: {_aws_message(error)}") from error
    if "FunctionError" in response:
        message = answer.get("errorMessage", "") if isinstance(answer, dict) else ""
        raise RefusedError(f"SqlFunction ended without a result: {message or response['FunctionError']}")
    if "reason" in answer:
        raise RefusedError(answer["reason"])
    notes: list[str] = answer["notes"]
    return notes
