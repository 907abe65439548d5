"""Tokens instead of passwords: made, handed over, or said to be missing."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from generator.preflight.probes import PreflightTarget
from generator.preflight.tokens import TokenError, fetch_token

RDS = {"type": "rds", "host": "db.example.com", "port": 5432, "user": "backstage_catalog", "region": "eu-central-1"}


def target(connection: dict[str, Any], **environment: str) -> PreflightTarget:
    return PreflightTarget(
        plugin_id="catalog", connection=connection, environment=environment, database="d", role="backstage_catalog"
    )


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very secret key")


def test_a_token_for_rds_is_a_signed_request() -> None:
    token = fetch_token(target(RDS), 10)
    parts = urlsplit(f"https://{token}")
    query = parse_qs(parts.query)
    assert parts.netloc == "db.example.com:5432"
    assert (query["Action"], query["DBUser"], query["X-Amz-Expires"]) == (["connect"], ["backstage_catalog"], ["900"])
    assert "/eu-central-1/rds-db/" in query["X-Amz-Credential"][0]
    assert len(query["X-Amz-Signature"][0]) == 64


def test_the_region_may_come_from_the_environment() -> None:
    connection = {key: value for key, value in RDS.items() if key != "region"}
    assert "eu-west-1" in fetch_token(target(connection, AWS_REGION="eu-west-1"), 10)
    with pytest.raises(TokenError, match="no AWS region") as caught:
        fetch_token(target(connection), 10)
    assert caught.value.backstage.startswith("Missing region for AWS RDS IAM auth")


def test_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(TokenError, match="cannot be made") as caught:
        fetch_token(target(RDS), 10)
    assert "AWS_PROFILE" in caught.value.hint
    assert caught.value.backstage.endswith("failed for backstage_catalog@db.example.com:5432")


def test_without_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.session", None)
    with pytest.raises(TokenError, match="botocore, which makes its tokens, is not installed: nothing was checked"):
        fetch_token(target(RDS), 10)


@pytest.mark.parametrize("missing", ["host", "port", "user"])
def test_what_rds_needs(missing: str) -> None:
    with pytest.raises(TokenError, match=r"needs connection\.host, connection\.port and connection\.user"):
        fetch_token(target({**RDS, missing: None}), 10)


def test_azure_and_cloudsql() -> None:
    assert fetch_token(target({"type": "azure"}, GREENROOM_AZURE_TOKEN=" the token\n"), 10) == "the token"
    with pytest.raises(TokenError, match="nothing was checked") as caught:
        fetch_token(target({"type": "azure"}), 10)
    assert "az account get-access-token" in caught.value.hint
    with pytest.raises(TokenError, match="nothing was checked"):
        fetch_token(target({"type": "cloudsql"}), 10)
