"""What is different on MySQL and MariaDB."""

from __future__ import annotations

from typing import Any

import pytest
from test_plan import codes, env, planned, plugin


def on_mysql(plugin_id: str, **fields: Any) -> Any:
    own = fields.pop("own", {})
    connection = {"host": env("MYSQL_HOST"), "ssl": {}, **own}
    return plugin(plugin_id, **{"client": "mysql2", "connection": connection, "own_connection": own, **fields})


def test_a_user_may_come_from_anywhere() -> None:
    plan, diagnostics = planned(on_mysql("catalog"))
    assert not len(diagnostics)
    assert [(item.engine, item.name) for item in plan.servers] == [("mysql", "primary")]
    assert [(role.name, role.host) for role in plan.roles] == [("backstage_catalog", "%")]


def test_users_of_one_database_need_no_group() -> None:
    plan, diagnostics = planned(
        on_mysql("catalog", database_name="shared"),
        on_mysql("auth", database_name="shared", own={"user": "both"}),
        on_mysql("search", own={"user": "both"}),
    )
    assert set(codes(diagnostics)) == {"GR307"}  # and no GR309: a MySQL user may work in several databases
    assert "pluginDivisionMode" not in "".join(item.hint for item in diagnostics)
    assert {item.name: (item.shared, item.group) for item in plan.databases} == {
        "shared": (True, None),
        "backstage_plugin_search": (False, None),
    }
    assert {role.group for role in plan.roles} == {None}


def test_names_that_differ_in_case_only_are_said() -> None:
    plan, diagnostics = planned(on_mysql("catalog", database_name="Portal"), on_mysql("auth", database_name="portal"))
    assert codes(diagnostics) == ["GR318"]
    assert "lower_case_table_names" in next(iter(diagnostics)).backstage
    assert len(plan.databases) == 2
    _, diagnostics = planned(plugin("catalog", database_name="Portal"), plugin("auth", database_name="portal"))
    assert not len(diagnostics)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"database_name": "mysql"}, "belongs to the server itself"),
        ({"database_name": "x" * 65}, "has 65 characters, and MySQL takes at most 64"),
        ({"own": {"user": "x" * 33}}, "has 33 characters, and MySQL takes at most 32"),
        ({"own": {"user": "root"}}, "belongs to the server itself"),
    ],
)
def test_names_mysql_does_not_have(fields: dict[str, Any], text: str) -> None:
    plan, diagnostics = planned(on_mysql("catalog", **fields))
    assert text in next(iter(diagnostics)).summary
    assert not plan.plugins


def test_both_engines_in_one_plan() -> None:

    plan, diagnostics = planned(
        plugin("catalog"), on_mysql("search", client_overridden=True, connection={"host": "m", "ssl": {}})
    )
    assert not len(diagnostics)
    assert {server.name: server.engine for server in plan.servers} == {"primary": "postgresql", "m": "mysql"}


@pytest.mark.parametrize(
    ("ssl", "text", "requires_tls"),
    [
        ({"ssl": {}}, None, True),
        ({"ssl": "Amazon RDS"}, None, True),
        ({}, "does not say `ssl`, and its user 'backstage_catalog' has to come with TLS", True),
        ({"ssl": False}, "says `ssl: false`, and its user may come without TLS", False),
    ],
)
def test_a_user_has_to_come_with_tls_unless_app_config_says_otherwise(
    ssl: dict[str, Any], text: str | None, requires_tls: bool
) -> None:
    plan, diagnostics = planned(on_mysql("catalog", connection={"host": "m", **ssl}))
    assert plan.roles[0].requires_tls is requires_tls
    assert [item.code for item in diagnostics] == (["GR319"] if text else [])
    assert not text or next(iter(diagnostics)).summary == f"the connection of plugin 'catalog' {text}"


def test_a_url_without_a_value_says_nothing_about_tls() -> None:
    plan, diagnostics = planned(on_mysql("catalog", connection={"connectionString": env("MYSQL_URL")}))
    assert not len(diagnostics)
    assert plan.roles[0].requires_tls
