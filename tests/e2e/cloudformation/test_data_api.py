"""Aurora's mode: the same statements over the RDS Data API. Its client is a stand-in that runs them on a real PostgreSQL."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from cfn_stage import provider

if TYPE_CHECKING:
    from cfn_stage import Cloud


class FailureError(Exception):
    """As botocore raises it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.response = {"Error": {"Code": code, "Message": message}}


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    kinds = {bool: "booleanValue", int: "longValue"}
    kind = kinds.get(type(value), "stringValue")
    return {kind: value if kind != "stringValue" else str(value)}


class DataApi:
    """``rds-data``: a session for each statement, or for each transaction."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.numbers = itertools.count()
        self.transactions: dict[str, psycopg.Connection[Any]] = {}
        self.statements: list[str] = []

    def _connect(self, secretArn: str, database: str, **_: str) -> psycopg.Connection[Any]:  # noqa: N803
        secret = self.cloud.secrets[secretArn]
        running = self.cloud.target.running
        try:
            return psycopg.connect(
                host="127.0.0.1",
                port=running.port,
                user=secret["username"],
                password=secret["password"],
                dbname=database,
            )
        except psycopg.OperationalError as error:
            raise FailureError("DatabaseErrorException", "FATAL: password authentication failed; SQLState: 28P01") from error

    def execute_statement(self, sql: str, transactionId: str = "", **target: str) -> dict[str, Any]:  # noqa: N803
        self.statements.append(sql)
        # The API would take :name for a parameter, outside of constants and inside.
        assert ":" not in sql.replace("::", ""), sql
        connection = self.transactions.get(transactionId)
        if connection is None:
            connection = self._connect(**target)
            connection.autocommit = True
        try:
            cursor = connection.execute(sql.encode())
            rows = cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise FailureError(
                "DatabaseErrorException", f"ERROR: {str(error).splitlines()[0]}; SQLState: {error.sqlstate}"
            ) from error
        finally:
            if not transactionId:
                connection.close()
        return {"records": [[_field(value) for value in row] for row in rows]}

    def begin_transaction(self, **target: str) -> dict[str, str]:
        number = f"t{next(self.numbers)}"
        self.transactions[number] = self._connect(**target)
        return {"transactionId": number}

    def commit_transaction(self, transactionId: str, **_: str) -> None:  # noqa: N803
        with self.transactions.pop(transactionId) as connection:
            connection.commit()

    def rollback_transaction(self, transactionId: str, **_: str) -> None:  # noqa: N803
        with self.transactions.pop(transactionId) as connection:
            connection.rollback()


@pytest.fixture
def api(pg_cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> DataApi:
    made = DataApi(pg_cloud)
    monkeypatch.setattr(provider, "_client", lambda name, **_: made if name == "rds-data" else pg_cloud)
    monkeypatch.delenv("SQL_FUNCTION")
    monkeypatch.setenv("RETRY_SECONDS", "5")
    return made


def test_the_life_of_a_plugin_over_the_data_api(pg_cloud: Cloud, api: DataApi) -> None:
    cluster = {"ClusterArn": "arn:aws:rds:eu-central-1:123456789012:cluster:backstage", "OnDelete": "Drop"}
    old = pg_cloud.plugin("catalog", **cluster)
    physical_id = pg_cloud.must("Create", old)
    new = pg_cloud.plugin("catalog", "new", Database="portal: catalog", **cluster)
    pg_cloud.must("Update", new, old=old, physical_id=physical_id)
    with pg_cloud.target.session("backstage_catalog", "new", "portal: catalog") as run:
        run("CREATE TABLE entity (id int)")
    pg_cloud.target.rows("CREATE DATABASE foreign_one")
    foreign = pg_cloud.plugin("search", Database="foreign_one", **cluster)
    assert "already exists" in pg_cloud.refused("Create", foreign, logical_id="Search")
    pg_cloud.must("Delete", new, physical_id=physical_id)
    assert pg_cloud.target.databases == {"foreign_one"}
    assert not api.transactions, "a transaction was left open"


def test_an_error_of_the_server_is_the_reason(pg_cloud: Cloud, api: DataApi) -> None:
    cluster = {"ClusterArn": "arn:aws:rds:eu-central-1:123456789012:cluster:backstage"}
    pg_cloud.secrets["admin"]["password"] = "wrong"
    assert "password authentication failed" in pg_cloud.refused("Create", pg_cloud.plugin("catalog", **cluster))
    assert not api.statements
