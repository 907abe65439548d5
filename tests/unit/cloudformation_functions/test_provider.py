"""ProviderFunction answers, whatever the services around it do."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from plugin_databases import again, certificates, provider, sql
from plugin_databases.deadline import Deadline

STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backstage/5a1b"
PROPERTIES = {
    "Engine": "postgresql",
    "Host": "db.example",
    "AdminSecretArn": "admin",
    "CaBundle": "system",
    "PluginId": "catalog",
    "Database": "catalog",
    "Role": "catalog",
    "SecretArn": "plugin",
}


class AwsError(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.response = {"Error": {"Code": code, "Message": message}}


class Context:
    def __init__(self, seconds: float = 60) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


class Services:
    """Stand-ins for Secrets Manager and Lambda, and CloudFormation's end of the line."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.secrets: dict[str, Any] = {
            "admin": {"username": "admin", "password": "admin-secret"},
            "plugin": {"username": "catalog", "password": "plugin-secret"},
        }
        self.response: Any = {"notes": ["done"]}
        self.error: str | None = None
        self.failures: list[Exception] = []
        self.payloads: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        monkeypatch.setattr(provider, "_client", lambda *_, **__: self)
        monkeypatch.setattr(provider, "put_answer", lambda _, body: self.answers.append(json.loads(body)))
        monkeypatch.setenv("SQL_FUNCTION", "sql")

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803
        value = self.secrets[SecretId]
        if isinstance(value, Exception):
            raise value
        return {"SecretString": value if isinstance(value, str) else json.dumps(value)}

    def invoke(self, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        self.payloads.append(json.loads(Payload))
        if self.failures:
            raise self.failures.pop(0)
        if isinstance(self.response, Exception):
            raise self.response
        more = {"FunctionError": self.error} if self.error else {}
        return {"Payload": io.BytesIO(json.dumps(self.response).encode()), **more}

    def send(self, kind: str = "Create", seconds: float = 60, **more: Any) -> dict[str, Any]:
        event = {
            "RequestType": kind,
            "RequestId": "r1",
            "StackId": STACK,
            "ResponseURL": "https://answer.example",
            "ResourceType": "Custom::PluginDatabase",
            "LogicalResourceId": "Catalog",
            "ResourceProperties": PROPERTIES,
            **more,
        }
        provider.handler(event, Context(seconds))
        return self.answers[-1]

    def reason(self, **more: Any) -> str:
        answer = self.send(**more)
        assert answer["Status"] == "FAILED"
        assert answer["PhysicalResourceId"] == "not-created:r1"
        return str(answer["Reason"])


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch) -> Services:
    return Services(monkeypatch)


def test_what_sql_function_gets(services: Services) -> None:
    answer = services.send()
    assert answer["Status"] == "SUCCESS"
    assert answer["PhysicalResourceId"] == "123456789012/eu-central-1/backstage/Catalog@db.example:5432"
    (payload,) = services.payloads
    assert payload["admin"] == {"username": "admin", "password": "admin-secret"}
    assert payload["password"] == "plugin-secret"
    assert payload["ca"] == ""
    assert payload["seconds"] < 45
    assert "ResponseURL" not in payload["request"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("admin", "no json", "the secret in AdminSecretArn is no JSON with a password"),
        ("admin", [], "the secret in AdminSecretArn is no JSON with a password"),
        ("admin", {"username": "a"}, "the secret in AdminSecretArn is no JSON with a password"),
        ("plugin", {"password": 1}, "username or password of the secret in SecretArn is no text"),
        ("plugin", {"password": "x", "username": 1}, "username or password of the secret in SecretArn is no text"),
        ("plugin", AwsError("AccessDeniedException", "no"), "cannot be read: AccessDeniedException: no"),
        ("plugin", OSError("x"), "the secret in SecretArn cannot be read: OSError"),
        ("plugin", {"password": "\ud800"}, "the password in SecretArn is not valid Unicode"),
        ("plugin", {"password": "tab\t"}, "a login by SCRAM cannot carry"),
        ("plugin", {"password": "x" * 1001}, "has more than 1000 characters"),
        ("plugin", {"password": ""}, "the password in SecretArn is empty"),
        ("plugin", {"password": "\0"}, "the password in SecretArn holds NUL"),
    ],
)
def test_secrets_that_cannot_be_used(
    services: Services, name: str, value: Any, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(again, "_POLICY_SECONDS", 0)
    services.secrets[name] = value
    assert reason in services.reason()


def test_what_sql_function_may_do_wrong(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    services.response = {"reason": "no: plugin-secret"}
    assert services.reason() == "no: ********"
    services.response, services.error = {"errorMessage": "Task timed out after 240 seconds"}, "Unhandled"
    assert services.reason() == "SqlFunction ended without a result: Task timed out after 240 seconds"
    services.response = None
    assert services.reason() == "SqlFunction ended without a result: Unhandled"
    services.response = AwsError("ResourceNotFoundException", "Function not found")
    assert services.reason() == "SqlFunction did not answer: ResourceNotFoundException: Function not found"
    services.response, services.error = {}, None
    assert services.reason() == "unexpected KeyError in ProviderFunction: 'notes'"
    monkeypatch.delenv("SQL_FUNCTION")
    assert "no SQL_FUNCTION in its environment" in services.reason()


def test_a_delete_that_keeps_does_not_look_at_the_server(services: Services) -> None:
    services.secrets.clear()
    answer = services.send("Delete", PhysicalResourceId="me@db.example:5432")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("SUCCESS", "me@db.example:5432")
    assert services.send("Delete", PhysicalResourceId="not-created:x")["Status"] == "SUCCESS"
    assert services.send("Delete", PhysicalResourceId="stack-Catalog-ABC")["Status"] == "SUCCESS"


def test_a_delete_that_drops_needs_no_plugin_secret(services: Services) -> None:
    del services.secrets["plugin"]
    properties = {**PROPERTIES, "OnDelete": "Drop"}
    answer = services.send("Delete", PhysicalResourceId="me@db.example:5432", ResourceProperties=properties)
    assert answer["Status"] == "SUCCESS"
    assert services.payloads[0]["password"] == ""


def test_certificates(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[str] = []

    def fetch(address: str, _: float) -> str:
        fetched.append(address)
        if "missing" in address or (address.endswith("flaky") and len(fetched) % 3):
            raise OSError("404")
        return "PEM"

    monkeypatch.setattr(certificates, "_fetch", fetch)
    monkeypatch.setattr(certificates, "_bundles", {})
    monkeypatch.setattr("time.sleep", lambda _: None)
    monkeypatch.delenv("AWS_REGION", raising=False)
    for _ in range(2):
        services.send(ResourceProperties={**PROPERTIES, "CaBundle": "rds"})
    assert services.payloads[-1]["ca"] == "PEM"
    assert fetched == ["https://truststore.pki.rds.amazonaws.com/eu-central-1/eu-central-1-bundle.pem"]
    monkeypatch.setenv("AWS_REGION", "cn-north-1")
    monkeypatch.setenv("RDS_TRUST_STORE_URL", "https://elsewhere/{region}.pem")
    services.send(ResourceProperties={**PROPERTIES, "CaBundle": "rds"})
    assert fetched[-1] == "https://elsewhere/cn-north-1.pem"
    services.send(ResourceProperties={**PROPERTIES, "CaBundle": "-----BEGIN CERTIFICATE-----"})
    assert services.payloads[-1]["ca"] == "-----BEGIN CERTIFICATE-----"
    fetched.clear()
    services.send(ResourceProperties={**PROPERTIES, "CaBundle": "https://example/flaky"})
    assert (services.payloads[-1]["ca"], len(fetched)) == ("PEM", 3)
    missing = {**PROPERTIES, "CaBundle": "https://missing"}
    assert "cannot be fetched from https://missing: 404" in services.reason(ResourceProperties=missing)
    assert len(fetched) == 6
    assert "CaBundle is none of" in services.reason(ResourceProperties={**PROPERTIES, "CaBundle": "file:///etc/passwd"})


@pytest.mark.parametrize(
    ("region", "address"),
    [
        ("us-gov-east-1", "https://truststore.pki.us-gov-west-1.rds.amazonaws.com/us-gov-east-1/us-gov-east-1-bundle.pem"),
        ("cn-northwest-1", "https://rds-truststore.s3.cn-north-1.amazonaws.com.cn/cn-northwest-1/cn-northwest-1-bundle.pem"),
    ],
)
def test_every_partition_has_a_trust_store_of_its_own(region: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RDS_TRUST_STORE_URL", raising=False)
    assert certificates._trust_store(region) == address


def test_certificates_come_over_https_all_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    handler = certificates._HttpsOnly()
    request = urllib.request.Request("https://example/a")
    with pytest.raises(urllib.error.URLError, match="leads to http, which is not https"):
        handler.redirect_request(request, None, 302, "", {}, "http://example/b")
    assert handler.redirect_request(request, None, 302, "", {}, "https://example/b").full_url == "https://example/b"
    used: list[Any] = []

    class Opener:
        def open(self, address: str, timeout: float) -> Any:
            used.append((address, timeout))
            return io.BytesIO(b"PEM")

    monkeypatch.setattr("urllib.request.build_opener", lambda *handlers: used.append(handlers) or Opener())
    assert certificates._fetch("https://example/a", 7) == "PEM"
    assert used == [(certificates._HttpsOnly,), ("https://example/a", 7)]


# --- what is called again ---------------------------------------------------------------------------------------------


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time passes only where somebody waits."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    monkeypatch.setattr("time.monotonic", lambda: sum(made))
    monkeypatch.setattr(Deadline.__init__, "__defaults__", (lambda: sum(made),))
    return made


@pytest.mark.parametrize(
    "code",
    ["ResourceNotReadyException", "ResourceConflictException", "TooManyRequestsException", "EC2ThrottledException"],
)
def test_a_function_that_is_not_ready_is_called_until_it_is(services: Services, waits: list[float], code: str) -> None:
    """Weeks without a deployment: Lambda has taken the network away, and brings it back for the first call."""
    services.failures = [AwsError(code, "not now") for _ in range(12)]
    answer = services.send(seconds=240)
    assert answer["Status"] == "SUCCESS"
    assert len(services.payloads) == 13
    assert 60 < sum(waits) < 200
    assert max(waits) <= 15
    # SqlFunction hears how much time is left then, not how much there was.
    assert services.payloads[-1]["seconds"] < 240 - 15 - sum(waits)


def test_a_function_that_never_gets_ready_leaves_time_for_the_answer(services: Services, waits: list[float]) -> None:
    services.failures = [AwsError("TooManyRequestsException", "Rate Exceeded.") for _ in range(1000)]
    assert services.reason(seconds=240) == "SqlFunction did not answer: TooManyRequestsException: Rate Exceeded."
    assert 190 < sum(waits) <= 240 - 15 - 15


def test_a_new_policy_is_waited_for_half_a_minute(services: Services, waits: list[float]) -> None:
    denied = AwsError("AccessDeniedException", "not authorized")
    services.failures = [denied, denied]
    assert services.send(seconds=240)["Status"] == "SUCCESS"
    waits.clear()
    services.failures = [denied] * 1000
    assert "AccessDeniedException: not authorized" in services.reason(seconds=240)
    assert 15 < sum(waits) <= 30
    waits.clear()
    services.secrets["admin"] = denied
    assert "the secret in AdminSecretArn cannot be read: AccessDeniedException" in services.reason(seconds=240)
    assert 15 < sum(waits) <= 30


def test_what_would_fail_again_is_not_called_again(services: Services, waits: list[float]) -> None:
    services.failures = [AwsError("ResourceNotFoundException", "Function not found")]
    assert "Function not found" in services.reason(seconds=240)
    services.failures = [TimeoutError("read timed out")]
    assert "SqlFunction did not answer: TimeoutError" in services.reason(seconds=240)
    assert waits == []


def test_a_delete_that_keeps_needs_no_property_that_is_still_known(services: Services) -> None:
    old = {**PROPERTIES, "Colour": "green", "Engine": "oracle"}
    assert services.send("Delete", PhysicalResourceId="me@db.example:5432", ResourceProperties=old)["Status"] == "SUCCESS"
    assert not services.payloads


def test_clients_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    made: list[str] = []
    monkeypatch.setattr(boto3, "client", lambda name, **_: made.append(name) or name)
    monkeypatch.setattr(provider, "_clients", {})
    assert provider._client("secretsmanager", read_timeout=1) == "secretsmanager"
    assert provider._client("secretsmanager", read_timeout=1) == "secretsmanager"
    assert made == ["secretsmanager"]


# --- SqlFunction ------------------------------------------------------------------------------------------------------


def test_sql_function_never_raises(capsys: pytest.CaptureFixture[str]) -> None:
    assert sql.handler({}, Context()) == {"reason": "unexpected KeyError in SqlFunction: 'admin'"}
    request = {
        "RequestType": "Create",
        "RequestId": "r",
        "LogicalResourceId": "L",
        "StackId": STACK,
        "ResourceType": "Custom::X",
    }
    event = {
        "admin": {"username": "a", "password": "Custom::X"},
        "password": "",
        "ca": "",
        "seconds": 1,
        "request": {**request, "ResourceProperties": {}},
    }
    assert sql.handler(event, Context())["reason"].startswith("the resource type ******** is none of")
    assert "Custom::X" not in capsys.readouterr().out
