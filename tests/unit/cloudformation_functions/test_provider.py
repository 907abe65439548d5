"""ProviderFunction answers, whatever the services around it do."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from plugin_databases import provider, sql

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
def test_secrets_that_cannot_be_used(services: Services, name: str, value: Any, reason: str) -> None:
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

    def urlopen(address: str, timeout: float) -> Any:
        fetched.append(address)
        if "missing" in address:
            raise OSError("404")
        return io.BytesIO(b"PEM")

    monkeypatch.setattr("urllib.request.urlopen", urlopen)
    provider._bundles.clear()
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
    missing = {**PROPERTIES, "CaBundle": "https://missing"}
    assert "cannot be fetched from https://missing: 404" in services.reason(ResourceProperties=missing)
    assert "CaBundle is none of" in services.reason(ResourceProperties={**PROPERTIES, "CaBundle": "file:///etc/passwd"})


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
