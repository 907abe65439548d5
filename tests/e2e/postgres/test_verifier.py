"""What `greenroom verifier` prints is what PostgreSQL stores, libpq makes, and Backstage's driver logs in with."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import command_line
import psycopg
import pytest
from psycopg import sql
from test_as_node import node

from generator.engines.scram import verifier as with_salt

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_stage import Stage

PASSWORDS = (
    "correct horse battery staple",
    "it's-\"%41${x}%{y}&?#/:@{}\\`~",
    "8letters",
    "x" * 200,
    "gr\u00fcn und bl\u00fc\u00dfen",
    "\u05d0\u05d1\u05d2\u05d3\u05d4\u05d5\u05d6\u05d7",
    "\u65e5\u672c\u8a9e\u306e\u30d1\u30b9\u30ef\u30fc\u30c9",
)


def made(password: str) -> str:
    """What the command prints for ``password``."""
    done = command_line.run(
        ["verifier"],
        input=f"{password}\n".encode(),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().removesuffix("\n")


def salt_of(verifier: str) -> bytes:
    return base64.b64decode(verifier.split("$")[1].partition(":")[2])


@pytest.mark.parametrize("password", PASSWORDS, ids=range(len(PASSWORDS)))
def test_the_server_and_libpq_make_the_same(stage: Stage, password: str) -> None:
    """From the same salt: the algorithm is the functions', so this holds for them too."""
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE one LOGIN PASSWORD {}").format(sql.Literal(password)))
        ((stored,),) = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'one'").fetchall()
        of_libpq = connection.pgconn.encrypt_password(password.encode(), b"one", b"scram-sha-256").decode()
    for other in (stored, of_libpq):
        assert with_salt(password, salt_of(other)) == other
    printed = made(password)
    assert with_salt(password, salt_of(printed)) == printed
    assert len(salt_of(printed)) == len(salt_of(stored)) == 16
    assert made(password) != printed, "the salt is not random"


@pytest.mark.parametrize("password", PASSWORDS, ids=range(len(PASSWORDS)))
def test_a_role_with_a_verifier_logs_in_with_the_password(stage: Stage, password: str) -> None:
    printed = made(password)
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE one LOGIN PASSWORD {}").format(sql.Literal(printed)))
        ((stored,),) = connection.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'one'").fetchall()
    assert stored == printed
    stage.connect("one", password, "postgres").close()
    for wrong in (printed, f"{password}x"):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            stage.connect("one", wrong, "postgres")


def test_backstages_driver_logs_in_with_the_password(stage: Stage, oracle_dir: Path) -> None:
    """It prepares no password as libpq does, so only what needs no preparation is taken."""
    with stage.superuser() as connection:
        for number, password in enumerate(PASSWORDS):
            statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
            connection.execute(statement.format(sql.Identifier(f"role{number}"), sql.Literal(made(password))))
    server = {"host": stage.server.host, "port": stage.server.port, "database": "postgres"}
    cases = [
        {"connection": {**server, "user": f"role{number}", "password": password}, "statement": "select"}
        for number, password in enumerate(PASSWORDS)
    ]
    assert [result["error"] for result in node(oracle_dir, json.loads(json.dumps(cases)))] == [None] * len(PASSWORDS)
