"""Which plugin an unknown database looks like, and the settings that would keep names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from generator.adopt.likeness import likely_plugin, names_plugin
from generator.adopt.names import keep_names
from generator.adopt.state import Administrator, FoundDatabase, FoundRole, OwnedObject, ServerState
from generator.planning.model import Database, Delivery, PluginPlan, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

KNEX = frozenset({"knex_migrations", "knex_migrations_lock"})
CATALOG = KNEX | {"refresh_state", "final_entities"}


def plugin(plugin_id: str, database: str | None = None, role: str | None = None) -> PluginPlan:
    name, user = database or f"backstage_plugin_{plugin_id}", role or f"backstage_{plugin_id}"
    return PluginPlan(
        plugin_id=plugin_id,
        label=plugin_id,
        server="primary",
        database=Database(name=name, server="primary", plugins=(plugin_id,), label=plugin_id),
        role=Role(user, "primary", (plugin_id,), plugin_id, Delivery(env="X"), "x", 1),
    )


def state(databases: Iterable[FoundDatabase], roles: Iterable[FoundRole] = ()) -> ServerState:
    return ServerState(
        engine="postgresql",
        version=180000,
        user="dba",
        administrator=Administrator("dba"),
        databases={item.name: item for item in databases},
        roles={item.name: item for item in roles},
    )


def owned_by(owner: str) -> tuple[OwnedObject, ...]:
    return (OwnedObject("public", "TABLE", "public.knex_migrations", owner),)


@pytest.mark.parametrize(
    ("name", "tables", "expected"),
    [
        ("bs_catalog", CATALOG, "catalog"),
        ("whatever", CATALOG, "catalog"),
        ("bs_tech-insights", KNEX, "tech-insights"),
        ("bs_insights", KNEX, None),
        ("bs_own-plugin", frozenset({"backstage_backend_public_keys__keys"}), "own-plugin"),
        ("shop_search", frozenset({"orders"}), None),  # a name alone proves nothing
        ("mycatalog", KNEX, None),
    ],
)
def test_what_a_database_looks_like(name: str, tables: frozenset[str], expected: str | None) -> None:
    assert likely_plugin(FoundDatabase(name, tables=tables), ["own-plugin"]) == expected


def test_a_database_nobody_can_read_is_known_by_its_name_alone() -> None:
    assert likely_plugin(FoundDatabase("bs_catalog", unread="permission denied"), []) == "catalog"


def test_the_longest_name_wins() -> None:
    assert likely_plugin(FoundDatabase("x_user-settings", tables=KNEX), ["settings"]) == "user-settings"
    assert names_plugin("catalog", "catalog")
    assert not names_plugin("metacatalog", "catalog")


def test_one_prefix_for_all_is_one_setting() -> None:
    unplanned = [FoundDatabase("bs_catalog", tables=CATALOG), FoundDatabase("bs_auth", tables=KNEX)]
    found = keep_names([plugin("catalog"), plugin("auth")], state(unplanned), unplanned)
    assert found.app_config == {"backend": {"database": {"prefix": "bs_"}}}


def test_a_prefix_that_would_rename_what_fits_is_not_proposed() -> None:
    unplanned = [FoundDatabase("bs_catalog", tables=CATALOG)]
    there = state([*unplanned, FoundDatabase("backstage_plugin_auth", tables=KNEX)])
    found = keep_names([plugin("catalog"), plugin("auth")], there, unplanned)
    own = {"catalog": {"connection": {"database": "bs_catalog"}}}
    assert found.app_config == {"backend": {"database": {"plugin": own}}}


def test_two_databases_that_look_the_same_are_no_proposal() -> None:
    unplanned = [FoundDatabase("old_catalog", tables=CATALOG), FoundDatabase("bs_catalog", tables=CATALOG)]
    assert not keep_names([plugin("catalog")], state(unplanned), unplanned)


def test_the_users_there_are_become_a_template() -> None:
    databases = [
        FoundDatabase("backstage_plugin_catalog", tables=CATALOG, objects=owned_by("portal-catalog")),
        FoundDatabase("backstage_plugin_auth", tables=KNEX, objects=owned_by("portal-auth")),
    ]
    roles = [FoundRole("portal-catalog"), FoundRole("portal-auth")]
    found = keep_names([plugin("catalog"), plugin("auth")], state(databases, roles), [])
    assert found.settings == {"credentials": {"roleName": "portal-{plugin}"}}
    assert not found.app_config


@pytest.mark.parametrize("owner", [FoundRole("root", powers=("SUPERUSER",)), FoundRole("dba")])
def test_an_administrator_is_nobodys_plugin_user(owner: FoundRole) -> None:
    databases = [FoundDatabase("backstage_plugin_catalog", tables=CATALOG, objects=owned_by(owner.name))]
    assert not keep_names([plugin("catalog")], state(databases, [owner]), [])


def test_one_user_of_several_plugins_is_not_kept() -> None:
    databases = [
        FoundDatabase("backstage_plugin_catalog", tables=CATALOG, objects=owned_by("backstage")),
        FoundDatabase("backstage_plugin_auth", tables=KNEX, objects=owned_by("backstage")),
    ]
    assert not keep_names([plugin("catalog"), plugin("auth")], state(databases, [FoundRole("backstage")]), [])


def test_a_user_of_one_plugin_is_written_at_that_plugin() -> None:
    databases = [
        FoundDatabase("backstage_plugin_catalog", tables=CATALOG, objects=owned_by("the_catalog_user")),
        FoundDatabase("backstage_plugin_auth", tables=KNEX, objects=owned_by("somebody")),
    ]
    found = keep_names(
        [plugin("catalog"), plugin("auth")], state(databases, [FoundRole("the_catalog_user"), FoundRole("somebody")]), []
    )
    assert found.app_config["backend"]["database"]["plugin"] == {
        "auth": {"connection": {"user": "somebody"}},
        "catalog": {"connection": {"user": "the_catalog_user"}},
    }
