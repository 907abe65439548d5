"""Real servers behind verified TLS, and a CloudFormation that delivers single requests to the real handlers.

Secrets Manager and Lambda are stand-ins here; the run through a whole CloudFormation is in ``test_lifecycle.py``.
"""

from __future__ import annotations

import contextlib
import http.server
import io
import itertools
import json
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pymysql
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[3]
FUNCTIONS = PROJECT / "generator" / "targets" / "cloudformation" / "functions"
if str(FUNCTIONS) not in sys.path:
    sys.path.insert(0, str(FUNCTIONS))

from plugin_databases import provider  # noqa: E402
from plugin_databases import sql as sql_function  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

ADMIN = "greenroom admin"
ADMIN_PASSWORD = "admin's pass\\word"
STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backstage/5a1b0000-0000-0000-0000-000000000000"
OWNER = "123456789012/eu-central-1/backstage"


@dataclass
class Target:
    """One server as the functions see it: ``host`` and ``port`` with TLS; and as its superuser."""

    engine: str
    port: int
    ca: str
    admin: str
    admin_password: str
    running: Any
    label: str
    host: str = "localhost"

    @property
    def is_postgresql(self) -> bool:
        return self.engine == "postgresql"

    def rows(self, statement: str, database: str = "postgres") -> list[list[Any]]:
        """Run something as the superuser."""
        if not self.is_postgresql:
            return self.running.root(statement)  # type: ignore[no-any-return]
        with psycopg.connect(self.running.dsn(database), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[call-overload]
            return [list(row) for row in cursor.fetchall()] if cursor.description else []

    @contextlib.contextmanager
    def session(self, user: str, password: str, database: str) -> Iterator[Any]:
        """A session of somebody, for ``execute(statement) -> rows``."""
        if self.is_postgresql:
            with psycopg.connect(
                host="127.0.0.1", port=self.running.port, user=user, password=password, dbname=database, autocommit=True
            ) as connection:
                yield lambda text: (c := connection.execute(text)).description and c.fetchall()
        else:
            connection = pymysql.connect(
                host="127.0.0.1",
                port=self.running.port,
                user=user,
                password=password.encode(),  # as text the driver would take Latin-1
                database=database,
                ssl_ca=str(self.running.ca),
                autocommit=True,
            )
            with connection, connection.cursor() as cursor:
                yield lambda text: (cursor.execute(text), cursor.fetchall())[1]

    @property
    def databases(self) -> set[str]:
        if not self.is_postgresql:
            return set(self.running.databases) - {"greenroom_registry"}
        return {row[0] for row in self.rows("SELECT datname FROM pg_database")} - {"postgres", "template0", "template1"}

    @property
    def roles(self) -> set[str]:
        if not self.is_postgresql:
            return {user for user, _ in self.running.users}
        rows = self.rows("SELECT rolname FROM pg_roles WHERE rolname NOT LIKE 'pg\\_%'")
        return {row[0] for row in rows} - {"postgres", ADMIN, "rds_iam"}

    def marker(self, kind: str, name: str) -> dict[str, Any] | None:
        """The ownership marker of a database or a role."""
        if self.is_postgresql:
            catalog = {"database": "pg_database", "role": "pg_authid"}[kind]
            column = {"database": "datname", "role": "rolname"}[kind]
            with psycopg.connect(self.running.dsn(), autocommit=True) as connection:
                row = connection.execute(
                    f"SELECT shobj_description(oid, '{catalog}') FROM {catalog} WHERE {column} = %s",
                    [name],  # type: ignore[arg-type]
                ).fetchone()
        else:
            kind, name = ("user", f"{name}@%") if kind == "role" else (kind, name)
            quoted = name.replace("\\", "\\\\").replace("'", "''")
            rows = self.rows(f"SELECT marker FROM greenroom_registry.objects WHERE kind = '{kind}' AND name = '{quoted}'")
            row = (rows[0][0],) if rows else None
        if not row or not row[0] or not row[0].startswith("{"):
            return None
        found: dict[str, Any] = json.loads(row[0])
        return found

    def clear(self) -> None:
        if not self.is_postgresql:
            self.running.clear()
            return
        databases, roles = self.databases, self.roles
        with psycopg.connect(self.running.dsn(), autocommit=True) as connection:
            for name in databases:
                connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            for name in [*roles, ADMIN, "rds_iam"]:
                connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
        self.running.create_admin(ADMIN, ADMIN_PASSWORD)

    def properties(self, **more: str) -> dict[str, str]:
        """The properties every resource on this server has."""
        return {
            "ServiceToken": "arn:aws:lambda:eu-central-1:123456789012:function:provider",
            "Engine": self.engine,
            "Host": self.host,
            "Port": str(self.port),
            "AdminSecretArn": "admin",
            "CaBundle": self.ca,
            **more,
        }


class Context:
    """What Lambda hands to a handler."""

    def __init__(self, seconds: float = 120) -> None:
        self.seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Cloud:
    """Delivers requests, and keeps what was answered."""

    target: Target
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict)
    seconds: float = 120
    numbers: Any = field(default_factory=lambda: itertools.count(1))
    url: str = ""

    def __post_init__(self) -> None:
        self.secrets["admin"] = {"username": self.target.admin, "password": self.target.admin_password}

    # The two services, as provider._client hands them out.

    def client(self, *_: str, **__: Any) -> Any:
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        return {"SecretString": json.dumps(self.secrets[SecretId])}

    def invoke(self, Payload: bytes, **_: str) -> dict[str, Any]:  # noqa: N803
        answer = sql_function.handler(json.loads(Payload), Context(self.seconds))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    # CloudFormation.

    def event(
        self,
        kind: str,
        properties: dict[str, str],
        *,
        old: dict[str, str] | None = None,
        physical_id: str = "",
        logical_id: str = "Catalog",
        resource_type: str = "Custom::PluginDatabase",
        request_id: str = "",
    ) -> dict[str, Any]:
        request_id = request_id or f"request-{next(self.numbers)}"
        event: dict[str, Any] = {
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": STACK,
            "ResponseURL": f"{self.url}/{request_id}",
            "ResourceType": resource_type,
            "LogicalResourceId": logical_id,
            "ResourceProperties": properties,
        }
        if physical_id:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = old
        return event

    def deliver(self, event: dict[str, Any]) -> dict[str, Any]:
        """Run ProviderFunction; what it answered."""
        self.answers.pop(event["RequestId"], None)
        provider.handler(event, Context(self.seconds))
        return self.answers[event["RequestId"]]

    def send(self, kind: str, properties: dict[str, str], **more: Any) -> dict[str, Any]:
        return self.deliver(self.event(kind, properties, **more))

    def must(self, kind: str, properties: dict[str, str], **more: Any) -> str:
        """The physical id of a request that has to succeed."""
        answer = self.send(kind, properties, **more)
        assert answer["Status"] == "SUCCESS", answer
        return str(answer["PhysicalResourceId"])

    def refused(self, kind: str, properties: dict[str, str], **more: Any) -> str:
        """The reason of a request that has to fail."""
        answer = self.send(kind, properties, **more)
        assert answer["Status"] == "FAILED", answer
        if "PhysicalResourceId" in self.event(kind, properties, **more):
            assert answer["PhysicalResourceId"] == more["physical_id"]
        return str(answer["Reason"])

    def plugin(self, name: str, password: str = "secret", **more: str) -> dict[str, str]:
        """The properties of a plugin's resource, and its secret."""
        arn = f"secret-{name}"
        self.secrets[arn] = {"username": more.get("Role", f"backstage_{name}"), "password": password}
        properties = {"PluginId": name, "Database": f"plugin_{name}", "Role": f"backstage_{name}", "SecretArn": arn, **more}
        return self.target.properties(**{key: value for key, value in properties.items() if value})


@contextlib.contextmanager
def response_server(cloud: Cloud) -> Iterator[None]:
    """Where the answers are PUT to."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert len(body) <= 4096
            cloud.answers[self.path[1:]] = json.loads(body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        cloud.url = f"http://127.0.0.1:{server.server_address[1]}"
        yield
        server.shutdown()
        thread.join()
