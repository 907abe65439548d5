"""How plugins sign in: a role each, one for all, or the cloud's identities."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from generator.backstage.database.resolved import PluginDatabase
from generator.planning import make_plan
from generator.planning.adoption import check_adopted
from generator.problems.diagnostic import Diagnostics, Location
from generator.settings.model import Adopted, ServerSettings, Settings

if TYPE_CHECKING:
    from generator.planning.model import Plan

WRITTEN = {"credentials.roleName": Location("greenroom.yaml", 3, 13)}


def plugin(plugin_id: str, *, client: str = "pg", own: dict[str, Any] | None = None, **base: Any) -> PluginDatabase:
    """A plugin in a database of its own on the base server; ``own`` is what its own connection says."""
    own = own or {}
    return PluginDatabase(
        plugin_id=plugin_id,
        client=client,
        client_overridden=False,
        plugin_division_mode="database",
        database_name=f"backstage_plugin_{plugin_id}",
        connection={"host": "db.example.com", "ssl": True, **base, **own},
        own_connection=own,
        cloud=base.pop("type", None),
    )


def planned(*plugins: PluginDatabase, **settings: Any) -> tuple[Plan, list[str]]:
    diagnostics = Diagnostics()
    resolved = {item.plugin_id: item for item in plugins}
    plan = make_plan(resolved, Settings(folder=Path(), **settings), diagnostics)
    return plan, [item.render().splitlines()[0] for item in diagnostics]


def shared(*plugins: PluginDatabase, **settings: Any) -> tuple[Plan, list[str]]:
    names = {
        "role_name": "backstage",
        "secret_name": "backstage/{environment}/database",
        "delivery_env": "BACKSTAGE_DB_PASSWORD",
    }
    return planned(*plugins, **{"credentials_mode": "shared", **names, **settings})


def test_shared_is_one_role_and_one_password() -> None:
    plan, problems = shared(plugin("auth"), plugin("catalog"))
    assert not problems
    assert plan.credentials == "shared"
    (role,) = plan.roles
    assert (role.name, role.plugins, role.is_common) == ("backstage", ("auth", "catalog"), True)
    assert (role.delivery.env, role.secret_name) == ("BACKSTAGE_DB_PASSWORD", "backstage/production/database")
    assert [item.name for item in plan.databases] == ["backstage_plugin_auth", "backstage_plugin_catalog"]


def test_one_plugin_alone_shares_all_the_same() -> None:
    plan, _ = shared(plugin("auth"))
    assert plan.roles[0].is_common


def test_each_server_has_its_own_shared_role() -> None:
    other = plugin("reports", own={"host": "reports.example.com"})
    plan, problems = shared(plugin("auth"), other, servers={"reports": ServerSettings(host="reports.example.com")})
    assert not problems
    assert [(role.server, role.name, role.delivery.env, role.secret_name) for role in plan.roles] == [
        ("primary", "backstage", "BACKSTAGE_DB_PASSWORD", "backstage/production/database"),
        ("reports", "backstage", "BACKSTAGE_DB_REPORTS_PASSWORD", "backstage/production/database/reports"),
    ]


@pytest.mark.parametrize(
    ("user", "settings", "name"),
    [
        ("portal", {}, "portal"),
        ("postgres", {}, "backstage"),  # an administrator is nothing a plugin may be
        (None, {}, "backstage"),
        ("portal", {"role_name": "bs_{environment}", "locations": WRITTEN}, "bs_production"),
    ],
)
def test_name_of_the_shared_role(user: str | None, settings: dict[str, Any], name: str) -> None:
    plan, _ = shared(plugin("auth", user=user), plugin("catalog", user=user), **settings)
    assert [role.name for role in plan.roles] == [name]


def test_a_user_of_its_own_contradicts_sharing() -> None:
    _, problems = shared(plugin("auth"), plugin("catalog", own={"user": "me"}))
    assert problems == [
        "error[GR311] backend.database.plugin.catalog.connection.user: plugin 'catalog' has the user 'me', where all "
        "plugins of the server share 'backstage'"
    ]


@pytest.mark.parametrize(
    ("kind", "settings", "base", "cloud", "roles"),
    [
        ("aws-rds", {}, {}, "rds", ["backstage_auth", "backstage_catalog"]),
        ("aws-aurora", {}, {}, "rds", ["backstage_auth", "backstage_catalog"]),
        ("existing", {"iam": "rds"}, {}, "rds", ["backstage_auth", "backstage_catalog"]),
        ("existing", {}, {"type": "rds"}, "rds", ["backstage_auth", "backstage_catalog"]),
        ("google-cloudsql", {}, {"user": "bs@project.iam"}, "cloudsql", ["bs@project.iam"]),
        ("azure-flexible", {}, {}, "azure", ["backstage"]),
        ("azure-flexible", {"role_name": "bs_{plugin}", "locations": WRITTEN}, {}, "azure", ["bs_auth", "bs_catalog"]),
    ],
)
def test_iam(kind: str, settings: dict[str, Any], base: dict[str, Any], cloud: str, roles: list[str]) -> None:
    plan, problems = planned(
        plugin("auth", **base),
        plugin("catalog", **base),
        credentials_mode="iam",
        servers={"primary": ServerSettings(kind=kind)},
        **settings,
    )
    assert not problems
    assert [role.name for role in plan.roles] == roles
    assert {role.iam for role in plan.roles} == {cloud}


def test_iam_that_cannot_be() -> None:
    _, problems = planned(
        plugin("auth"), plugin("catalog", client="mysql2"), credentials_mode="iam", locations=WRITTEN, iam=None
    )
    assert [text[:12] for text in problems if text.startswith("error")] == ["error[GR310]", "error[GR312]"]


def test_one_google_identity_for_all() -> None:
    _, problems = planned(plugin("auth"), credentials_mode="iam", iam="cloudsql", locations=WRITTEN)
    assert "error[GR313] credentials.roleName: a role for each plugin needs a Google identity for each" in problems[0]


def test_adopted_names_have_to_be_planned() -> None:
    adopt = (
        Adopted(
            "primary",
            databases=("backstage_plugin_auth", "old"),
            schemas=(("old", "auth"),),
            roles=("backstage_auth",),
            secrets=(("backstage_auth", 1), ("old", 2)),
        ),
    )
    plan, problems = planned(plugin("auth"), adopt=adopt)
    assert (plan.adopted, problems) == (adopt, [])
    diagnostics = Diagnostics()
    check_adopted(plan, Settings(folder=Path()), diagnostics)
    stays = "of server 'primary' is to be adopted, but no plugin uses it: it stays as it is"
    assert [item.render().splitlines()[0] for item in diagnostics] == [
        f"warning[GR314] adopt.primary: the database 'old' {stays}",
        f"warning[GR314] adopt.primary: the schema 'old.auth' {stays}",
        f"warning[GR314] adopt.primary: the secret of the role 'old' {stays}",
    ]
