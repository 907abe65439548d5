"""From nothing to databases that plugins work in, and on to what happens to them later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from terraform_plans import Wanted, make_plan, render, retired, server, shapes
from terraform_workspace import REGISTRIES, Workspace

if TYPE_CHECKING:
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.model import Plan

# Characters that mean something in a URL, in SQL, in HCL and in a shell.
_PASSWORD = "it's-\"%41${x}%{y}&?#/:@{}"


def apply(workspace: Workspace, plan: Plan) -> str:
    """Render ``plan`` and apply it, with a password for every role; afterwards there is nothing left to do."""
    workspace.passwords = {
        role.plugins[0]: f"{_PASSWORD}{role.name}-{role.password_version}" for role in plan.roles if role.plugins
    }
    workspace.write(render(plan))
    said = workspace.apply()
    workspace.assert_nothing_to_do()
    workspace.assert_no_secret()
    return said


def login(workspace: Workspace, plan: Plan, plugin_id: str, database: str | None = None) -> psycopg.Connection[Any]:
    """A connection as Backstage makes it for a plugin."""
    plugin = next(item for item in plan.plugins if item.plugin_id == plugin_id)
    password = workspace.passwords[plugin.role.plugins[0]]
    return workspace.connect(plugin.role.name, password, database or plugin.database.name, plugin.server)


def works(workspace: Workspace, plan: Plan) -> None:
    """Every plugin can do what its migrations do, and gets into no database but its own."""
    databases = {(item.server, item.name) for item in plan.databases}
    for plugin in plan.plugins:
        with login(workspace, plan, plugin.plugin_id) as connection:
            connection.execute("CREATE TABLE made (id serial PRIMARY KEY, name text)")
            connection.execute("INSERT INTO made (name) VALUES ('x')")
            connection.execute("CREATE TEMPORARY TABLE passing (id int)")
            connection.execute("CREATE INDEX ON made (name)")
            where = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'made'").fetchall()
            assert (plugin.schema or "public",) in where
            connection.execute("DROP TABLE made")
            rights = connection.execute(
                "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = %s",
                [plugin.role.name],
            ).fetchone()
            assert rights == (False,) * 5
        used = {(item.server, item.database.name) for item in plan.plugins if item.role == plugin.role}
        for place, name in databases - used:
            if place == plugin.server:
                with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
                    login(workspace, plan, plugin.plugin_id, name)


PLAIN = (Wanted("auth"), Wanted("catalog"), Wanted("tech-insights"))
SCHEMAS = tuple(
    Wanted(name, database="backstage", schema=name.replace("-", "_")) for name in ("auth", "catalog", "tech-insights")
)


def test_a_database_for_each_plugin(workspace: Workspace) -> None:
    plan = make_plan(*PLAIN)
    assert "Apply complete! Resources: 18 added" in apply(workspace, plan)
    works(workspace, plan)
    with login(workspace, plan, "catalog") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE DATABASE more")


def test_a_schema_for_each_plugin(workspace: Workspace) -> None:
    plan = make_plan(*SCHEMAS)
    apply(workspace, plan)
    works(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        assert connection.execute("SHOW search_path").fetchone() == ("catalog",)
        for statement in (
            "CREATE TABLE auth.mine (id int)",
            "CREATE TABLE public.mine (id int)",
            "CREATE SCHEMA mine",
            "DROP SCHEMA catalog",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_plugins_with_different_roles_in_one_database(workspace: Workspace) -> None:
    plan = make_plan(Wanted("auth"), Wanted("search", database="both"), Wanted("techdocs", database="both"))
    apply(workspace, plan)
    works(workspace, plan)
    with login(workspace, plan, "search") as one, login(workspace, plan, "techdocs") as other:
        one.execute("CREATE TABLE shared (id int)")
        other.execute("ALTER TABLE shared ADD COLUMN name text")
        one.execute("DROP TABLE shared")
    # The provider revokes and grants memberships anew whenever it changes a role: they have to survive a new password.
    rotated = plan._replace(**_rotated(plan))
    apply(workspace, rotated)
    works(workspace, rotated)


def _rotated(plan: Plan) -> dict[str, Any]:
    roles = {role.name: role._replace(password_version=role.password_version + 1) for role in plan.roles}
    plugins = tuple(plugin._replace(role=roles[plugin.role.name]) for plugin in plan.plugins)
    return {"roles": tuple(roles.values()), "plugins": plugins}


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param([Wanted("search", role="both"), Wanted("techdocs", role="both")], id="databases of their own"),
        pytest.param([Wanted(name, role="both", database="both") for name in ("search", "techdocs")], id="one database"),
        pytest.param(
            [Wanted(name, role="both", database="both", schema=name) for name in ("search", "techdocs")],
            id="schemas of their own",
        ),
    ],
)
def test_plugins_with_one_role(workspace: Workspace, wanted: list[Wanted]) -> None:
    plan = make_plan(*wanted)
    apply(workspace, plan)
    if wanted[0].schema is None:
        works(workspace, plan)
    for item in wanted:  # Backstage sets the search path itself, so a role may have several schemas
        with login(workspace, plan, item.plugin_id) as connection:
            connection.execute(f"SET search_path TO {item.schema or 'public'}")
            connection.execute("CREATE TABLE made (id int)")
            connection.execute("DROP TABLE made")


def test_a_new_password(workspace: Workspace) -> None:
    plan = make_plan(*PLAIN)
    apply(workspace, plan)
    old = dict(workspace.passwords)
    rotated = make_plan(*PLAIN, password_version=2)
    assert "0 added, 3 changed, 0 destroyed" in apply(workspace, rotated)
    works(workspace, rotated)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        workspace.connect("backstage_catalog", old["catalog"], "backstage_plugin_catalog")


def test_a_password_that_could_not_be_set_needs_one_more_version(workspace: Workspace) -> None:
    """The provider notes the new version even when the server refused; the generated README says what to do."""
    apply(workspace, make_plan(Wanted("catalog")))
    superuser = workspace.servers["primary"].dsn()
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("ALTER ROLE backstage_catalog SUPERUSER")  # which the administrator may not touch
    workspace.write(render(make_plan(Wanted("catalog"), password_version=2)))
    workspace.run("apply", "-input=false", "-auto-approve", status=(1,))
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute("ALTER ROLE backstage_catalog NOSUPERUSER")
    again = make_plan(Wanted("catalog"), password_version=3)
    apply(workspace, again)
    works(workspace, again)


def test_a_scram_verifier_for_a_password(workspace: Workspace) -> None:
    plan = make_plan(Wanted("catalog"))
    with psycopg.connect(workspace.servers["primary"].dsn()) as connection:
        verifier = connection.pgconn.encrypt_password(
            b"the password itself", b"backstage_catalog", b"scram-sha-256"
        ).decode()
    workspace.passwords = {"catalog": verifier}
    workspace.write(render(plan))
    workspace.apply()
    workspace.connect("backstage_catalog", "the password itself", "backstage_plugin_catalog").close()


def test_new_names_keep_the_data(workspace: Workspace) -> None:
    plan = make_plan(Wanted("auth"), Wanted("catalog"))
    apply(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    renamed = make_plan(
        Wanted("auth"),
        Wanted("catalog", database="catalog_of_portal", role="catalog_user"),
        renamed={"catalog_of_portal": "backstage_plugin_catalog", "catalog_user": "backstage_catalog"},
    )
    workspace.passwords["catalog"] = f"{_PASSWORD}backstage_catalog-1"
    workspace.write(render(renamed))
    workspace.apply()
    workspace.assert_nothing_to_do()
    works(workspace, renamed)
    with login(workspace, renamed, "catalog") as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]
        connection.execute("DROP TABLE kept")
    assert workspace.databases() == {"backstage_plugin_auth", "catalog_of_portal"}


def test_a_database_in_use_is_renamed_once_it_is_free(workspace: Workspace) -> None:
    apply(workspace, make_plan(Wanted("catalog")))
    plan = make_plan(Wanted("catalog", database="portal"), renamed={"portal": "backstage_plugin_catalog"})
    with workspace.connect("backstage_catalog", workspace.passwords["catalog"], "backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
        workspace.write(render(plan))
        said = workspace.run("apply", "-input=false", "-auto-approve", status=(1,))
        assert "is being accessed by other users" in said
    apply(workspace, plan)
    works(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]


def test_a_new_name_of_a_schema_keeps_the_data(workspace: Workspace) -> None:
    plan = make_plan(*SCHEMAS)
    apply(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    renamed = make_plan(SCHEMAS[0], Wanted("catalog", database="backstage", schema="entities"), SCHEMAS[2])
    apply(workspace, renamed)
    with login(workspace, renamed, "catalog") as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]
    works(workspace, renamed)


def test_a_new_name_of_the_shared_database_takes_two_applies(workspace: Workspace) -> None:
    plan = make_plan(*SCHEMAS)
    apply(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    moved = [Wanted(item.plugin_id, database="portal", schema=item.schema) for item in SCHEMAS]
    renamed = make_plan(*moved, renamed={"portal": "backstage"})
    workspace.write(render(renamed))
    assert "1 changed" in workspace.apply()
    with login(workspace, renamed, "catalog") as connection:  # works already
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]
    assert "3 added, 0 changed, 0 destroyed" in workspace.apply()
    workspace.assert_nothing_to_do()
    with login(workspace, renamed, "catalog") as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]
    works(workspace, renamed)


def test_a_retired_plugin_keeps_its_database(workspace: Workspace) -> None:
    plan = make_plan(*PLAIN)
    apply(workspace, plan)
    with login(workspace, plan, "catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    password = workspace.passwords["catalog"]
    left = make_plan(PLAIN[0], PLAIN[2], gone=[retired("catalog")])
    assert "0 added, 0 changed, 0 destroyed" in apply(workspace, left)
    assert not any(address.startswith("module.catalog.") for address in workspace.state())
    with workspace.connect("backstage_catalog", password, "backstage_plugin_catalog") as connection:
        assert connection.execute("SELECT value FROM kept").fetchall() == [(42,)]


def test_everything_retired_keeps_everything(workspace: Workspace) -> None:
    shared = [Wanted(name, role="both", database="both", schema=name) for name in ("search", "techdocs")]
    apply(workspace, make_plan(*shared, Wanted("x", database="both", schema="x")))
    gone = [retired(name, database="both", schema=name, role="both", shared=True) for name in ("search", "techdocs")]
    workspace.write(render(make_plan(gone=[*gone, retired("x", database="both", schema="x", shared=True)])))
    assert "0 added, 0 changed, 0 destroyed" in workspace.apply()
    assert {address.split("[")[0] for address in workspace.state()} == {"terraform_data.kept"}
    assert workspace.databases() == {"both"}
    assert {("search",), ("techdocs",), ("x",)} <= set(workspace.query("SELECT nspname FROM pg_namespace", database="both"))


def test_one_user_of_a_shared_role_retires(workspace: Workspace) -> None:
    apply(workspace, make_plan(Wanted("search", role="both"), Wanted("techdocs", role="both")))
    password = workspace.passwords["search"]
    plan = make_plan(Wanted("techdocs", role="both"), gone=[retired("search", role="both")])
    workspace.passwords = {"techdocs": password}
    workspace.write(render(plan))
    assert "0 added, 0 changed, 0 destroyed" in workspace.apply()
    workspace.assert_nothing_to_do()
    works(workspace, plan)


def test_a_call_of_another_module_destroys_no_data(workspace: Workspace) -> None:
    """greenroom refuses such a change as long as it has its lock file; Terraform must not lose data without one either."""
    apply(workspace, make_plan(Wanted("catalog")))
    workspace.write(render(make_plan(Wanted("catalog", database="shared", schema="catalog"))))
    workspace.apply()
    assert workspace.databases() == {"backstage_plugin_catalog", "shared"}


def test_destroy_is_refused(workspace: Workspace) -> None:
    apply(workspace, make_plan(Wanted("catalog")))
    assert "prevent_destroy" in workspace.run("destroy", "-auto-approve", status=(1,))
    assert workspace.databases() == {"backstage_plugin_catalog"}


def test_several_servers(mirror: Path, server: EmbeddedServer, other_server: EmbeddedServer, tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, mirror, {"primary": server, "reporting": other_server})
    try:
        _several_servers(workspace)
    finally:
        workspace.clean()


def _several_servers(workspace: Workspace) -> None:
    plan = make_plan(*PLAIN, Wanted("search", server="reporting"))
    apply(workspace, plan)
    works(workspace, plan)
    assert workspace.databases("reporting") == {"backstage_plugin_search"}
    # The server goes with its last plugin; state still says by which configuration that plugin was managed.
    left = make_plan(*PLAIN, gone=[retired("search", server="reporting")])
    assert "0 added, 0 changed, 0 destroyed" in apply(workspace, left)
    assert workspace.databases("reporting") == {"backstage_plugin_search"}


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        pytest.param(
            {"plugin_passwords": "{}"}, 'var.plugin_passwords["catalog"] The given key does not identify', id="no password"
        ),
        pytest.param(
            {"plugin_passwords": '{"catalog": "back\\\\slash"}'}, "backstage_catalog has to be 8 or more", id="backslash"
        ),
        pytest.param({"primary_host": "db/x?y"}, "A host name, an IPv4 address", id="host"),
        pytest.param({"primary_port": "54.5"}, "whole number from 1 to 65535", id="port"),
        pytest.param({"primary_sslmode": "prefer"}, "One of disable, require, verify-ca, verify-full", id="sslmode"),
        pytest.param({"primary_sslrootcert": "/nowhere"}, "A file that exists", id="certificate"),
        pytest.param({"primary_admin_database": "a?b"}, "letters, digits, underscores and dashes", id="admin database"),
        pytest.param({"primary_admin_user": ""}, "The name of a role", id="admin user"),
    ],
)
def test_variables_are_checked(workspace: Workspace, variables: dict[str, str], message: str) -> None:
    workspace.passwords = {"catalog": "long enough-not".replace(" ", "-")}
    workspace.write(render(make_plan(Wanted("catalog"))))
    said = workspace.run("plan", "-input=false", status=(1,), **variables)
    assert message in " ".join(said.split())


def test_encryption_is_the_default(workspace: Workspace) -> None:
    workspace.passwords = {"catalog": "long-enough"}
    workspace.write(render(make_plan(Wanted("catalog"))))
    said = workspace.run("apply", "-input=false", "-auto-approve", status=(1,), primary_sslmode="verify-full")
    assert "SSL is not enabled on the server" in said


def test_a_known_host_is_the_default(workspace: Workspace) -> None:
    running = workspace.servers.pop("primary")
    workspace.passwords = {"catalog": "long-enough"}
    workspace.write(render(make_plan(Wanted("catalog"), servers=[server(host="127.0.0.1", port=running.port)])))
    given = {"primary_admin_user": "terraform_admin", "primary_admin_password": "throw-away-admin-password"}
    try:
        said = workspace.run("apply", "-input=false", "-auto-approve", **given, primary_sslmode="disable")
    finally:
        workspace.servers["primary"] = running
    assert "6 added" in said


@pytest.mark.parametrize("name", [name for name, plan in shapes().items() if plan.store == "variables"])
def test_every_shape_is_valid(mirror: Path, tmp_path: Path, name: str) -> None:
    workspace = Workspace(tmp_path, mirror, {})
    artifacts = render(shapes()[name])
    needed = {source for item in artifacts for source in re.findall(r'source  = "([^".]+/[^"]+)"', item.text)}
    missing = sorted(source for source in needed if not any((mirror / place / source).is_dir() for place in REGISTRIES))
    if missing:
        pytest.skip(f"not in {mirror.name}: {', '.join(missing)}")
    workspace.write(artifacts)
    assert "The configuration is valid." in workspace.run("validate")
