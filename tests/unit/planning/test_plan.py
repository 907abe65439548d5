"""From resolved plugins to what has to exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.database.resolved import PluginDatabase
from generator.documents.values import Placeholder, Reference
from generator.planning import make_plan
from generator.problems.diagnostic import Diagnostics, Location
from generator.settings.model import ServerSettings, Settings

if TYPE_CHECKING:
    from generator.planning.model import Plan


def env(name: str) -> Placeholder:
    return Placeholder(f"${{{name}}}", (Reference("env", name),))


def plugin(plugin_id: str, **fields: Any) -> PluginDatabase:
    """A plugin on the base connection, as the resolver gives it."""
    own = fields.pop("own", {})
    values: dict[str, Any] = {
        "client": "pg",
        "client_overridden": False,
        "plugin_division_mode": "database",
        "database_name": f"backstage_plugin_{plugin_id}",
        "connection": {"host": env("POSTGRES_HOST"), "port": 5432, "user": env("POSTGRES_USER"), **own},
        "own_connection": own,
        "sources": {
            "connection.user": Location("app-config.yaml", 7, 15),
            "databaseName": Location("app-config.yaml", 8, 19),
        },
    }
    return PluginDatabase(plugin_id=plugin_id, **{**values, **fields})


def planned(*plugins: PluginDatabase, **settings: Any) -> tuple[Plan, Diagnostics]:
    diagnostics = Diagnostics()
    resolved = {item.plugin_id: item for item in sorted(plugins, key=lambda item: item.plugin_id)}
    return make_plan(resolved, Settings(folder=Path(), **settings), diagnostics), diagnostics


def codes(diagnostics: Diagnostics) -> list[str]:
    return [item.code for item in diagnostics]


def test_each_plugin_gets_a_database_a_role_and_a_secret() -> None:
    plan, diagnostics = planned(plugin("tech-insights"), plugin("catalog"))
    assert not len(diagnostics)
    assert [(item.plugin_id, item.database.name, item.role.name, item.schema) for item in plan.plugins] == [
        ("catalog", "backstage_plugin_catalog", "backstage_catalog", None),
        ("tech-insights", "backstage_plugin_tech-insights", "backstage_tech-insights", None),
    ]
    role = plan.roles[1]
    assert role.delivery.app_config == "${BACKSTAGE_DB_TECH_INSIGHTS_PASSWORD}"
    assert role.secret_name == "backstage/production/database/tech-insights"
    assert [(server.name, server.host, server.port) for server in plan.servers] == [("primary", "${POSTGRES_HOST}", 5432)]
    assert not any(database.shared for database in plan.databases)


def test_an_explicit_user_and_database_win() -> None:
    plan, diagnostics = planned(plugin("catalog", database_name="cat", own={"user": "cat_user", "database": "cat"}))
    assert not len(diagnostics)
    assert (plan.plugins[0].database.name, plan.plugins[0].role.name) == ("cat", "cat_user")


def test_the_password_may_come_as_a_file() -> None:
    plan, _ = planned(plugin("catalog"), delivery_file="/run/secrets/{plugin}-db-password")
    assert plan.roles[0].delivery.app_config == {"$file": "/run/secrets/catalog-db-password"}


def test_one_number_rotates_one_password() -> None:
    plan, _ = planned(plugin("auth"), plugin("catalog"), password_versions={"catalog": 3})
    assert {role.name: role.password_version for role in plan.roles} == {"backstage_auth": 1, "backstage_catalog": 3}


def test_sqlite_needs_nothing() -> None:
    plan, diagnostics = planned(plugin("catalog"), plugin("todo", client="better-sqlite3", database_name=":memory:"))
    assert not len(diagnostics)
    assert [item.plugin_id for item in plan.plugins] == ["catalog"]
    assert plan.not_provisioned == ("todo",)


def test_another_host_is_another_server() -> None:
    plan, diagnostics = planned(
        plugin("catalog"),
        plugin("search", own={"host": "search-db.example.com"}),
        plugin("reporting", own={"host": env("REPORTING_HOST"), "port": env("REPORTING_PORT")}),
        servers={"reports": ServerSettings(host="${REPORTING_HOST}")},
    )
    assert not len(diagnostics)
    assert {item.plugin_id: item.server for item in plan.plugins} == {
        "catalog": "primary",
        "search": "search_db_example_com",
        "reporting": "reports",
    }


def test_the_default_port_written_down_is_the_same_server() -> None:
    plan, _ = planned(plugin("catalog"), plugin("search", connection={"host": env("POSTGRES_HOST")}))
    assert [server.name for server in plan.servers] == ["primary"]


def test_two_ports_of_one_host_are_two_servers() -> None:
    plan, _ = planned(plugin("catalog"), plugin("search", own={"port": 6432}))
    assert sorted(server.name for server in plan.servers) == ["postgres_host", "primary"]


def test_a_lone_server_is_primary_even_when_the_base_is_sqlite() -> None:
    plan, _ = planned(plugin("catalog", client_overridden=True, own={"host": "db.example.com"}))
    assert [server.name for server in plan.servers] == ["primary"]


def test_a_connection_string_without_a_value_is_one_server() -> None:
    plan, _ = planned(plugin("catalog", connection={"connectionString": env("DATABASE_URL")}))
    assert (plan.servers[0].name, plan.servers[0].host) == ("primary", "${DATABASE_URL}")


def test_a_server_nobody_uses_is_said() -> None:
    _, diagnostics = planned(plugin("catalog"), servers={"reports": ServerSettings(host="elsewhere")})
    assert codes(diagnostics) == ["GR405"]


# --- schema mode ------------------------------------------------------------------------------------------------------


def schema_plugin(plugin_id: str, **fields: Any) -> PluginDatabase:
    return plugin(
        plugin_id,
        **{"plugin_division_mode": "schema", "schema_name": plugin_id, "database_name": "backstage", **fields},
    )


def test_schema_mode_shares_one_database() -> None:
    plan, diagnostics = planned(schema_plugin("catalog"), schema_plugin("auth"))
    assert not len(diagnostics)
    assert [(item.name, item.shared, item.group, item.plugins) for item in plan.databases] == [
        ("backstage", True, None, ("auth", "catalog"))
    ]
    assert [item.schema for item in plan.plugins] == ["auth", "catalog"]


def test_schema_mode_without_a_database_takes_the_one_of_the_base_user() -> None:
    plan, diagnostics = planned(schema_plugin("catalog", database_name=None, connection={"user": "backstage"}))
    assert codes(diagnostics) == ["GR304"]
    assert not diagnostics.has_errors
    assert plan.plugins[0].database.name == "backstage"


def test_schema_mode_without_any_name_is_an_error() -> None:
    plan, diagnostics = planned(schema_plugin("catalog", database_name=None))
    assert diagnostics.has_errors
    assert not plan.plugins


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema"])
def test_reserved_schemas(schema: str) -> None:
    _, diagnostics = planned(schema_plugin("x", schema_name=schema))
    assert codes(diagnostics) == ["GR306"]


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_plugins_that_name_one_database_share_it_through_a_group() -> None:
    plan, diagnostics = planned(
        plugin("a", database_name="both", own={"database": "both"}),
        plugin("b", database_name="both", own={"database": "both"}),
    )
    assert codes(diagnostics) == ["GR307"]
    assert not diagnostics.has_errors
    assert [(item.name, item.shared, item.group) for item in plan.databases] == [("both", True, "both_plugins")]
    assert {role.group for role in plan.roles} == {"both_plugins"}


def test_plugins_that_name_one_user_share_its_secret() -> None:
    plan, diagnostics = planned(plugin("a", own={"user": "u"}), plugin("b", own={"user": "u"}))
    assert codes(diagnostics) == ["GR307"]
    assert not diagnostics.has_errors
    assert [(role.name, role.plugins, role.delivery.env) for role in plan.roles] == [
        ("u", ("a", "b"), "BACKSTAGE_DB_A_PASSWORD")
    ]


def test_a_made_role_that_meets_a_written_one_is_an_error() -> None:
    _, diagnostics = planned(plugin("a", own={"user": "backstage_b"}), plugin("b"))
    assert codes(diagnostics) == ["GR305"]
    assert diagnostics.has_errors


# --- what cannot be carried -------------------------------------------------------------------------------------------


def test_a_placeholder_where_a_name_is_needed_is_an_error_for_each() -> None:
    _, diagnostics = planned(
        plugin("a", database_name=env("A_DB")),
        plugin("b", own={"user": env("B_USER")}),
        plugin("c", database_name=env("C_DB")),
    )
    assert codes(diagnostics) == ["GR302"] * 3
    found = next(iter(diagnostics))
    assert str(found.location) == "app-config.yaml:7:15"
    assert "--env-file" in found.hint


def test_a_name_over_63_bytes_says_what_postgresql_would_do() -> None:
    _, diagnostics = planned(plugin("a", database_name="backstage_plugin_" + "x" * 47))
    (found,) = diagnostics
    assert found.code == "GR303"
    assert "64 bytes" in found.summary
    assert "silently cuts" in found.backstage


@pytest.mark.parametrize("name", ["postgres", "template1", "", 12, "a\0b"])
def test_databases_that_cannot_be(name: Any) -> None:
    _, diagnostics = planned(plugin("a", database_name=name))
    assert codes(diagnostics) == ["GR303"]


def test_a_role_over_63_bytes_is_an_error() -> None:
    _, diagnostics = planned(plugin("x" * 60, database_name="x"))
    assert codes(diagnostics) == ["GR305"]


def test_plugins_whose_ids_make_the_same_names_are_errors() -> None:
    _, diagnostics = planned(plugin("a-b"), plugin("a_b"))
    (found,) = diagnostics
    assert found.code == "GR308"
    assert "BACKSTAGE_DB_A_B_PASSWORD" in found.summary


def test_labels_that_meet_are_errors() -> None:
    _, diagnostics = planned(plugin("a:b"), plugin("a_b"))
    assert set(codes(diagnostics)) == {"GR308"}
    assert any("label" in item.summary for item in diagnostics)


def test_what_backstage_refuses_is_not_planned() -> None:
    plan, _ = planned(PluginDatabase(plugin_id="a", client="oracle", error="Error: Unsupported database client type"))
    assert not plan.plugins
