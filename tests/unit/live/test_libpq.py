"""Where node-postgres would connect to, and as whom. TLS is compared with node itself in tests/e2e/postgres."""

from __future__ import annotations

from typing import Any

import pytest

from generator.preflight.postgresql.libpq import Address, ConnectionSettingError, address, database_of, parameters, user_of
from generator.preflight.private_files import PrivateFiles


@pytest.mark.parametrize(
    ("connection", "environment", "expected"),
    [
        ({}, {}, Address("localhost", 5432)),
        ({"host": "db", "port": 5433}, {}, Address("db", 5433)),
        ({"host": "db", "port": "5433"}, {}, Address("db", 5433)),
        ({"host": "db", "port": " 5433 and more"}, {}, Address("db", 5433)),
        ({"host": "", "port": ""}, {"PGHOST": "from-env", "PGPORT": "6000"}, Address("from-env", 6000)),
        ({"host": "/run/postgresql"}, {}, Address("/run/postgresql", 5432)),
        ({"host": "::1"}, {}, Address("::1", 5432)),
    ],
)
def test_address(connection: dict[str, Any], environment: dict[str, str], expected: Address) -> None:
    assert address(connection, environment) == expected


def test_an_address_is_shown_as_a_url_would() -> None:
    assert str(Address("::1", 5432)) == "[::1]:5432"
    assert str(Address("db", 1)) == "db:1"


def test_user_and_database_fall_back_as_in_node() -> None:
    assert user_of({"user": "a"}, {"PGUSER": "b", "USER": "c"}) == "a"
    assert user_of({}, {"PGUSER": "b", "USER": "c"}) == "b"
    assert user_of({}, {"USER": "c"}) == "c"
    assert user_of({}, {}) is None
    assert database_of({"database": "d", "user": "a"}, {}) == "d"
    assert database_of({"user": "a"}, {"PGDATABASE": "e"}) == "e"
    assert database_of({"user": "a"}, {}) == "a"


def test_parameters_name_everything_so_that_libpq_looks_nowhere_else() -> None:
    found = parameters({"host": "db", "user": "u", "password": "p w'\\", "database": "a=b"}, {}, PrivateFiles())
    assert found == {
        "host": "db",
        "port": "5432",
        "user": "u",
        "dbname": "a=b",
        "password": "p w'\\",
        "hostaddr": "",
        "gssencmode": "disable",
        "options": "",
        "application_name": "greenroom preflight",
        "client_encoding": "UTF8",
        "sslmode": "disable",
    }


def test_a_socket_has_no_tls() -> None:
    assert "sslmode" not in parameters({"host": "/run/postgresql", "ssl": True}, {}, PrivateFiles())


@pytest.mark.parametrize(
    ("connection", "words"),
    [
        ({"port": "x"}, "connection.port"),
        ({"ssl": {"ca": "ca.pem"}}, "connection.ssl.ca is not PEM text"),
        ({"ssl": {"rejectUnauthorized": False, "key": "top secret"}}, "connection.ssl.key is not PEM text"),
        ({"ssl": "false"}, "connection.ssl is 'false'"),
    ],
)
def test_settings_that_cannot_work(connection: dict[str, Any], words: str) -> None:
    with pytest.raises(ConnectionSettingError, match=words) as caught:
        parameters(connection, {}, PrivateFiles())
    assert "secret" not in str(caught.value)
