"""Servers in states that are hard to bring a real one into: what the functions make of their answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from plugin_databases import (
    mysql,
    mysql_registry,
    pg8000_server,
    postgresql,
    postgresql_checks,
    postgresql_inside,
    respond,
    tls,
)
from plugin_databases.data_api import DataApiSession
from plugin_databases.deadline import Deadline
from plugin_databases.failures import RefusedError, SqlError, TransientError
from plugin_databases.lock_queue import queued
from plugin_databases.marker import Marker
from plugin_databases.order import read_order
from plugin_databases.pymysql_server import PyMySQLSession

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "arn:aws:cloudformation:eu-central-1:123456789012:stack/backstage/5a1b"
PROPERTIES = {
    "Engine": "postgresql",
    "Host": "localhost",
    "AdminSecretArn": "admin",
    "PluginId": "catalog",
    "Database": "catalog",
    "Role": "catalog",
    "SecretArn": "secret",
}


def order(kind: str = "Create", **more: str) -> Any:
    event = {
        "RequestType": kind,
        "RequestId": "r",
        "StackId": STACK,
        "ResourceType": "Custom::PluginDatabase",
        "LogicalResourceId": "Catalog",
        "ResourceProperties": {**PROPERTIES, **more},
    }
    return read_order(event)


class Scripted:
    """A session that answers by what is in the statement; the first entry that matches counts."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.statements: list[str] = []

    def run(self, sql: str) -> list[list[Any]]:
        self.statements.append(sql)
        for part, answer in self.answers.items():
            if part.replace("_", " ").lower() in sql.replace("_", " ").lower():
                if isinstance(answer, Exception):
                    raise answer
                return answer  # type: ignore[no-any-return]
        return []

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        yield


def test_a_replica_and_a_role_of_another_administrator() -> None:
    problems: list[str] = []
    session = Scripted(pg_is_in_recovery=[["admin", True, True, True, False]])
    postgresql_checks.check_admin(session, order().wanted, problems)
    assert problems == ["this server is a read-only replica"]
    problems.clear()
    session = Scripted(shobj_description=[[None, False, True, False]])
    postgresql_checks.role_step(session, "role", "catalog", "", order(Adopt="true"), problems)
    assert problems == ["the administrator has no ADMIN option on role 'catalog', so it cannot manage it"]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ([True, True, True, True, True, "x"], "every role may still connect to database 'catalog'"),
        ([False, True, False, True, True, "x"], "role 'catalog' may not connect, or not make temporary tables"),
        (
            [False, True, True, True, False, "x"],
            "may not create tables in schema 'public' of database 'catalog', which belongs",
        ),
    ],
)
def test_grants_that_did_nothing(row: list[Any], problem: str) -> None:
    with pytest.raises(RefusedError, match=problem):
        postgresql_inside.apply_inside(Scripted(has_database_privilege=[row]), order().wanted, order())


def test_a_group_that_was_never_the_plugins() -> None:
    """Both names are there, and the plugin is a member of the other one: no rename, and no rollback either."""
    problems: list[str] = []
    session = Scripted(**{"rolname IN": [["after"], ["before"]]})
    wanted = order(DatabaseOf="shared", Group="after").wanted
    assert postgresql_checks.existing(session, "group", "after", "before", wanted, problems) == "after"
    assert problems == ["group changes from 'before' to 'after', but both exist: it can only be renamed"]
    assert "pg_has_role(r.oid, 'after', 'MEMBER')" in session.statements[-1]


def test_mysql_has_no_transaction_around_what_makes_users() -> None:
    with PyMySQLSession(None, ("localhost", 3306)).transaction():
        pass


def test_a_login_that_acts_as_somebody_else() -> None:
    class Server:
        @contextlib.contextmanager
        def login(self, *_: str) -> Iterator[Scripted]:
            yield Scripted(session_user=[["catalog", "somebody"]])

    with pytest.raises(RefusedError, match="a login as 'catalog' acts as 'somebody'"):
        postgresql_inside.check_login(Server(), order().wanted)  # type: ignore[arg-type]
    postgresql_inside.check_login(Server(), replace(order().wanted, database=""))  # type: ignore[arg-type]


def test_a_database_that_is_in_use_for_a_moment() -> None:
    with pytest.raises(TransientError), postgresql._in_use_for_a_moment():
        raise SqlError("55006", "in use")
    with pytest.raises(SqlError), postgresql._in_use_for_a_moment():
        raise SqlError("42501", "denied")


@pytest.mark.parametrize("code", ["42501", "57014", "XX000"])
def test_a_clear_password_is_only_for_a_server_that_asks_for_it(code: str) -> None:
    session = Scripted(**{"PASSWORD E'SCRAM": SqlError(code, "denied")})
    with pytest.raises(SqlError):
        postgresql._authenticate(session, order().wanted, "clear text")
    assert not [sql for sql in session.statements if "clear text" in sql]


@pytest.mark.parametrize("code", ["22023", "0A000"])
def test_a_server_that_wants_to_see_the_password(code: str) -> None:
    session = Scripted(**{"PASSWORD E'SCRAM": SqlError(code, "a password, please")})
    postgresql._authenticate(session, order().wanted, "clear text")
    (sql,) = [sql for sql in session.statements if "clear text" in sql]
    assert sql.startswith("SELECT pg_catalog.set_config(")


def test_who_waits_for_the_lock_leaves_the_server() -> None:
    opened, closed, waits = [], [], []

    @contextlib.contextmanager
    def enter() -> Iterator[Any]:
        session = Scripted()
        opened.append(session)
        yield session
        closed.append(session)

    def sleep(seconds: float) -> None:
        assert closed == opened, "a session is open while nobody uses it"
        waits.append(seconds)

    with queued(enter, lambda _: len(opened) == 12, Deadline(60), sleep):
        assert len(opened) == 12
        assert closed == opened[:-1]
    assert closed == opened
    assert len(waits) == 11
    assert max(waits) <= 3
    with (
        pytest.raises(RefusedError, match="not enough time left"),
        queued(enter, lambda _: False, Deadline(0), sleep),
    ):
        pass


def test_a_new_database_that_an_earlier_attempt_made() -> None:
    plan = postgresql.Plan(None, None, _step("create"), order().wanted)
    session = Scripted(pg_database=[[1]])
    postgresql._make_databases(session, plan)
    assert len(session.statements) == 1


def _step(action: str) -> Any:
    return postgresql.Step("database", "catalog", action, Marker("me@h:1", False, "r"))


def test_a_mysql_server_that_folds_case_and_reads_only() -> None:
    session = Scripted(lower_case_table_names=[[1, 1, "admin"]])
    wanted = order(Engine="mysql", Database="Catalog")
    with pytest.raises(RefusedError, match="this server is a read-only replica"):
        mysql._check(session, mysql_registry.Registry(session), wanted)
    assert any("BINARY 'catalog'" in sql for sql in session.statements)


def test_a_mysql_name_that_is_too_long_to_be_granted() -> None:
    session = Scripted(lower_case_table_names=[[0, 0, "admin"]])
    registry = mysql_registry.Registry(session)
    with pytest.raises(RefusedError, match="cannot be granted: with its _ and % escaped it is longer than 64"):
        mysql._check(session, registry, order(Engine="mysql", Database="_" * 40))


def test_a_mysql_statement_that_is_refused_leaves_no_marker() -> None:
    session = Scripted(CREATE=SqlError("1044", "denied"))
    registry = mysql_registry.Registry(session)
    with pytest.raises(SqlError):
        registry.make_object("database", "catalog", Marker("me@h:1", False, "r"), "CREATE DATABASE catalog")
    assert session.statements[-1].startswith("DELETE FROM")


def test_partial_revokes_make_wildcards_plain() -> None:
    assert mysql._grant_name(Scripted(), "a_b") == "`a\\_b`"
    assert mysql._grant_name(Scripted(SHOW=[["partial_revokes", "ON"]]), "a_b") == "`a_b`"
    assert mysql._grant_name(Scripted(SHOW=[["partial_revokes", "OFF"]]), "a_b") == "`a\\_b`"


def test_mysql_itself_gets_the_password_and_hides_it_in_its_logs() -> None:
    session = Scripted(VERSION=[["8.0.40"]])
    registry = mysql_registry.Registry(session)
    step = postgresql.Step("user", "catalog@%", "create", Marker("me@h:1", False, "r"))
    mysql._apply_user(session, registry, step, order(Engine="mysql"), "it's", [])
    assert "CREATE USER 'catalog'@'%' IDENTIFIED BY 'it''s' REQUIRE SSL" in session.statements


def test_a_user_that_may_come_without_tls() -> None:
    """One that was made before the template said so loses the requirement too."""
    session = Scripted(VERSION=[["10.11.6-MariaDB"]])
    step = postgresql.Step("user", "catalog@%", "keep", Marker("me@h:1", False, "r"))
    wanted = order(Engine="mysql", RequireTls="false")
    mysql._apply_user(session, mysql_registry.Registry(session), step, wanted, "it's", [])
    assert session.statements[-1].endswith(" REQUIRE NONE")


@contextlib.contextmanager
def answering(reply: bytes) -> Iterator[int]:
    """A server that says something, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                client, _ = listener.accept()
                with client:
                    client.recv(8)
                    client.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("reply", "error", "text"),
    [
        (b"N", RefusedError, "has no TLS"),
        (b"", TransientError, "closed before TLS began"),
        (b"E", TransientError, "closed before TLS began"),
        (b"Snonsense", TransientError, "localhost"),
    ],
)
def test_answers_that_are_no_tls(reply: bytes, error: type[Exception], text: str) -> None:
    with answering(reply) as port, pytest.raises(error, match=text):
        tls.postgresql_socket("localhost", port, tls.make_context(""), Deadline(5))


@pytest.mark.parametrize(("raised", "error"), [(ValueError("scram"), RefusedError), (EOFError(), TransientError)])
def test_a_driver_that_gives_up(monkeypatch: pytest.MonkeyPatch, raised: Exception, error: type[Exception]) -> None:
    def connection(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr("pg8000.native.Connection", connection)
    monkeypatch.setattr(pg8000_server, "postgresql_socket", lambda *_: socket.socket())
    server = pg8000_server.Pg8000Server(order().wanted, ("admin", "secret"), "", "", Deadline(5))
    with pytest.raises(error), server.session("postgres"):
        pass


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        ("53300", TransientError, r"sorry, too many clients \(53300\)"),
        ("57P03", TransientError, r"sorry, too many clients \(57P03\)"),
        ("28P01", RefusedError, "'admin' cannot log in to database 'postgres': sorry, too many clients"),
    ],
)
def test_a_server_that_lets_nobody_in(monkeypatch: pytest.MonkeyPatch, code: str, error: type[Exception], text: str) -> None:
    """What may be otherwise in a moment is tried again, a wrong password is not."""
    from pg8000.exceptions import DatabaseError

    def connection(*_: object, **__: object) -> None:
        raise DatabaseError({"C": code, "M": "sorry, too many clients"})

    stream = socket.socket()
    monkeypatch.setattr("pg8000.native.Connection", connection)
    monkeypatch.setattr(pg8000_server, "postgresql_socket", lambda *_: stream)
    server = pg8000_server.Pg8000Server(order().wanted, ("admin", "secret"), "", "", Deadline(5))
    with pytest.raises(error, match=text), server.session("postgres"):
        pass
    assert stream.fileno() == -1, "the connection was left open"


def test_a_line_that_breaks_in_the_middle_of_a_statement() -> None:
    """The driver's exceptions are as different as the places where it breaks; each of them is worth another attempt."""
    import struct

    import pymysql
    from pg8000.exceptions import InterfaceError

    class Connection:
        def __init__(self, raised: Exception) -> None:
            self.raised = raised

        def run(self, _: str) -> None:
            raise self.raised

        def cursor(self) -> None:
            raise self.raised

    address = ("localhost", 1)
    for error in (InterfaceError("network error"), struct.error("unpack"), IndexError("x"), TimeoutError("timed out")):
        with socket.socket() as stream, pytest.raises(TransientError, match="localhost:1: "):
            pg8000_server.Pg8000Session(Connection(error), stream, address, Deadline(5)).run("SELECT 1")  # type: ignore[arg-type]
    for error in (pymysql.OperationalError(2013, "Lost connection"), pymysql.InterfaceError(0, ""), BrokenPipeError("x")):
        with pytest.raises(TransientError, match="localhost:1: "):
            PyMySQLSession(Connection(error), address).run("SELECT 1")
    with pytest.raises(SqlError, match="denied"):
        PyMySQLSession(Connection(pymysql.OperationalError(1044, "denied")), address).run("SELECT 1")


def test_a_data_api_transaction_that_cannot_be_rolled_back() -> None:
    class Client:
        def begin_transaction(self, **_: str) -> dict[str, str]:
            return {"transactionId": "t"}

        def execute_statement(self, **_: str) -> dict[str, str]:
            return {}

        def rollback_transaction(self, **_: str) -> None:
            raise ValueError("gone")

    session = DataApiSession(Client(), {"resourceArn": "a", "secretArn": "b", "database": "c"}, Deadline(5))
    with pytest.raises(KeyError), session.transaction():
        raise KeyError


def test_a_reason_that_fits_just_so() -> None:
    base = {"StackId": STACK, "RequestId": "r", "LogicalResourceId": "L"}
    for size in range(3700, 3900, 7):
        assert len(respond.answer_body(base, "FAILED", "id", "x" * size, {})) <= respond.LIMIT
