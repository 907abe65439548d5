"""What is read without a server: grants with their wildcards, TLS settings as mysql2 takes them."""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from generator.preflight.mysql.mysql_connection import address, context_of, database_of, user_of
from generator.preflight.mysql.mysql_failures import quoted
from generator.preflight.mysql.mysql_grants import global_powers, read_grants
from generator.preflight.postgresql.libpq import Address, ConnectionSettingError

LINES = [
    "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*00' REQUIRE SSL",
    "GRANT SELECT, INSERT, CREATE TEMPORARY TABLES ON `backstage_plugin_a_b`.* TO `u`@`%`",
    "GRANT ALL PRIVILEGES ON `backstage\\_plugin\\_c`.* TO `u`@`%` WITH GRANT OPTION",
    "GRANT SELECT (`id`, `name`) ON `we``ird`.`table` TO `u`@`%`",
    "GRANT `some role` TO `u`@`%`",
]


def test_grants_and_their_patterns() -> None:
    everywhere, wildcard, escaped, odd = read_grants(LINES)
    assert (everywhere.privileges, everywhere.database, everywhere.covers("x")) == (frozenset({"USAGE"}), None, True)
    assert wildcard.privileges == {"SELECT", "INSERT", "CREATE TEMPORARY TABLES"}
    assert wildcard.has_wildcard
    assert wildcard.covers("backstage_plugin_a_b")
    assert wildcard.covers("backstage_plugin_a-b"), "the trap: `_` stands for any character"
    assert not wildcard.covers("backstage_plugin_a_bc")
    assert not escaped.has_wildcard
    assert escaped.covers("backstage_plugin_c")
    assert not escaped.covers("backstage-plugin-c")
    assert (odd.database, odd.privileges) == ("we`ird", frozenset({"SELECT"}))
    assert global_powers(read_grants(LINES)) == ["GRANT OPTION"]
    assert global_powers(read_grants(["GRANT ALL PRIVILEGES ON *.* TO `u`@`%`"])) == ["ALL PRIVILEGES"]
    assert read_grants(["GRANT SELECT ON `a%`.* TO `u`@`%`"])[0].covers("anything")


def test_names_in_the_statements_of_a_hint() -> None:
    assert quoted("a_b`c") == "`a_b``c`"
    assert quoted("a_b%", pattern=True) == "`a\\_b\\%`"


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({}, Address("localhost", 3306)),
        ({"host": "db", "port": "3307"}, Address("db", 3307)),
        ({"socketPath": "/run/mysqld.sock", "host": "db"}, Address("/run/mysqld.sock", 3306)),
    ],
)
def test_address(connection: dict[str, Any], expected: Address) -> None:
    assert address(connection, {}) == expected
    assert (user_of(connection, {"USER": "me"}), database_of(connection, {})) == (None, None)


def test_tls_as_mysql2_takes_it() -> None:
    assert context_of({}, {}) is None
    assert context_of({"ssl": False}, {}) is None
    for value, mode, host in (
        ({}, ssl.CERT_REQUIRED, False),
        ({"verifyIdentity": True}, ssl.CERT_REQUIRED, True),
        ({"rejectUnauthorized": False, "verifyIdentity": True}, ssl.CERT_NONE, False),
        ("Amazon RDS", ssl.CERT_NONE, False),
    ):
        context = context_of({"ssl": value}, {})
        assert context is not None
        assert (context.verify_mode, context.check_hostname) == (mode, host), value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "TypeError: SSL profile must be an object, instead it's a boolean"),
        (1, "TypeError: SSL profile must be an object, instead it's a number"),
        ("require", "TypeError: Unknown SSL profile 'require'"),
        ({"ca": "/etc/ca.pem"}, ""),
        ({"cert": "secret", "key": "secret"}, ""),
    ],
)
def test_tls_settings_that_cannot_work(value: Any, words: str) -> None:
    with pytest.raises(ConnectionSettingError) as caught:
        context_of({"ssl": value}, {})
    assert caught.value.backstage == words
    assert "secret" not in str(caught.value)
