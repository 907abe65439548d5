"""Hostile names and passwords on real servers: created exactly as they are, or refused clearly. Nothing in between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cfn_stage import ADMIN_PASSWORD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plugin_databases.deadline import Deadline
from plugin_databases.mysql_text import literal as mysql_literal
from plugin_databases.pg8000_server import Pg8000Server
from plugin_databases.postgresql_text import identifier, literal
from plugin_databases.pymysql_server import PyMySQLServer
from plugin_databases.scram import prepared
from plugin_databases.wanted import read_wanted

if TYPE_CHECKING:
    from cfn_stage import Cloud, Target

NAMES = [
    "it's",
    'dou"ble',
    "back\\slash",
    "back`tick",
    "$$dollar$do$",
    "%s %(x)s {0} :name",
    "under_score%per",
    "a; DROP DATABASE postgres; --",
    "/* comment */ --",
    "CamelCase and space",
    "line\nbreak",
    "tab\there",
    "üñï→日本",
    "emoji😀",
    "E'\\x27",
    "x" * 63,
    "x" * 64,
    "ü" * 31 + "x",
    "ü" * 32,
    "nul\0inside",
    "trailing ",
    "a@b@c",
    "{{ name }} ${name}",
]
NO_LOGIN = "holds a character that a login by SCRAM cannot carry"
#: What an engine cannot have, and why; every other name has to work.
REFUSED = {
    ("postgresql", "line\nbreak"): NO_LOGIN,
    ("postgresql", "tab\there"): NO_LOGIN,
    ("postgresql", "emoji😀"): NO_LOGIN,
    ("postgresql", "x" * 64): "is longer than 63 bytes",
    ("postgresql", "ü" * 32): "is longer than 63 bytes",
    ("postgresql", "nul\0inside"): "holds NUL",
    ("mysql", "emoji😀"): "holds a character MySQL has in no name",
    ("mysql", "nul\0inside"): "holds NUL",
    ("mysql", "trailing "): "begins or ends with white space",
}
PASSWORDS = [
    "it's",
    "back\\slash' OR 1=1 --",
    'quo"te`$$do$',
    "%s:%(x)s",
    " spaces at both ends ",
    "line\nbreak\ttab",
    "üñï→日本😀",
    "\u2168 IX\u00a0\u00adsoft",  # changed by SASLprep
    "x" * 900,
    "SCRAM-SHA-256$4096:c2FsdA==$x:y",
    "md5aabbccddeeff00112233445566778899",
    "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19",
]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_names(cloud: Cloud, name: str) -> None:
    properties = cloud.plugin("catalog", Database=name, Role=f"{name[:-2]}_r" if len(name) > 60 else name)
    refused = REFUSED.get((cloud.target.engine, name))
    if refused:
        assert refused in cloud.refused("Create", properties)
        assert not cloud.target.databases
        assert not cloud.target.roles
        if refused != NO_LOGIN:
            return
        properties = cloud.plugin("catalog", Database=name)
    cloud.must("Create", properties)
    assert cloud.target.marker("database", name) is not None, "the database does not have exactly this name"
    assert cloud.target.marker("role", properties["Role"]) is not None
    with cloud.target.session(properties["Role"], "secret", name) as run:
        run("CREATE TABLE entity (id int)")


@pytest.mark.parametrize("password", PASSWORDS)
def test_hostile_passwords(cloud: Cloud, password: str) -> None:
    """SqlFunction logs in before it answers; a second driver does here."""
    properties = cloud.plugin("catalog", password)
    if cloud.target.is_postgresql and prepared(password) is None:
        assert "a login by SCRAM cannot carry" in cloud.refused("Create", properties)
        return
    cloud.must("Create", properties)
    with cloud.target.session("backstage_catalog", password, "plugin_catalog") as run:
        run("CREATE TABLE entity (id int)")
    with (
        pytest.raises(Exception, match=r"(?i)denied|password"),
        cloud.target.session("backstage_catalog", "", "plugin_catalog"),
    ):
        pass


@pytest.mark.parametrize(("password", "reason"), [("", "is empty"), ("nul\0", "holds NUL"), ("x" * 1001, "1000 characters")])
def test_impossible_passwords(cloud: Cloud, password: str, reason: str) -> None:
    assert reason in cloud.refused("Create", cloud.plugin("catalog", password))
    assert not cloud.target.databases


def test_a_wildcard_in_a_name_reaches_no_other_database(mysql_cloud: Cloud) -> None:
    mysql_cloud.must("Create", mysql_cloud.plugin("a", Database="plugin_a"))
    mysql_cloud.must("Create", mysql_cloud.plugin("b", Database="pluginXa"), logical_id="B")
    mysql_cloud.must("Create", mysql_cloud.plugin("c", Database="plugin%"), logical_id="C")
    for user in ("backstage_a", "backstage_c"):
        with pytest.raises(Exception, match="denied"), mysql_cloud.target.session(user, "secret", "pluginXa"):
            pass


def _server(target: Target) -> Any:
    kind = Pg8000Server if target.is_postgresql else PyMySQLServer
    more = {"PluginId": "p", "Database": "p", "Role": "p", "SecretArn": "p"}
    wanted = read_wanted("Custom::PluginDatabase", target.properties(**more), "owner")
    return kind(wanted, (target.admin, target.admin_password), "", target.ca, Deadline(300))


QUICK = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)


def test_every_text_is_a_constant_of_exactly_that_text(target: Target) -> None:
    quote = literal if target.is_postgresql else mysql_literal
    with _server(target).session((target.is_postgresql and "postgres") or "") as session:

        @QUICK
        @given(st.lists(TEXT, min_size=1, max_size=5))
        def check(texts: list[str]) -> None:
            columns = ", ".join(quote(text) for text in texts)
            assert session.run(f"SELECT {columns}") == [texts]

        check()


def test_every_name_is_an_identifier_of_exactly_that_name(postgresql: Target) -> None:
    assert postgresql.admin_password == ADMIN_PASSWORD
    names = TEXT.filter(lambda text: text and len(text.encode()) <= 63)
    with _server(postgresql).session("postgres") as session:

        @QUICK
        @given(names)
        def check(name: str) -> None:
            quoted = (
                f"SELECT pg_catalog.json_object_keys(pg_catalog.row_to_json(r.*)) FROM (SELECT 1 AS {identifier(name)}) AS r"
            )
            assert session.run(quoted) == [[name]]

        check()
