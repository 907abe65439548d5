"""What is generated for people to run: the test of the configuration, and the statements of retired plugins."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import psycopg
import pytest
from terraform_plans import Wanted, make_plan, render, retired, shapes
from terraform_workspace import ADMIN, ADMIN_PASSWORD, Workspace

from generator.demo.embedded import find_psql
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.model import Plan


@pytest.fixture
def either(mirror: Path, server: EmbeddedServer, program: str, tmp_path: Path) -> Iterator[Workspace]:
    """A workspace for Terraform, and one for OpenTofu."""
    made = Workspace(tmp_path, mirror, {"primary": server}, program)
    yield made
    made.clean()


# --- terraform test ---------------------------------------------------------------------------------------------------

PLAIN = make_plan(Wanted("auth"), Wanted("catalog"), Wanted("tech-insights"))


def bring(workspace: Workspace, plan: Plan) -> None:
    workspace.passwords = {role.plugins[0]: f"a-password-of-{role.name}" for role in plan.roles}
    workspace.write(render(plan))


def test_the_generated_test_passes_and_touches_nothing(either: Workspace) -> None:
    bring(either, PLAIN)
    assert "1 passed, 0 failed" in either.run("test")
    assert either.databases() == set()
    either.apply()
    addresses = either.state()
    assert "1 passed, 0 failed" in either.run("test")
    assert either.state() == addresses
    either.assert_nothing_to_do()
    either.assert_no_secret()


@pytest.mark.parametrize("shape", ["schemas", "one role for two plugins", "one database, several roles", "retired"])
def test_the_generated_test_knows_what_plugins_share(workspace: Workspace, shape: str) -> None:
    plan = shapes()[shape]
    if shape == "retired":  # the server of one that is gone is not there any more either
        plan = plan._replace(retired=tuple(gone for gone in plan.retired if gone.server == "primary"))
    bring(workspace, plan)
    assert "1 passed, 0 failed" in workspace.run("test")


def test_the_generated_test_imports_what_is_there_without_a_change(workspace: Workspace) -> None:
    bring(workspace, PLAIN)
    workspace.apply()
    everything = tuple(item.name for item in PLAIN.databases), (), tuple(role.name for role in PLAIN.roles)
    bring(workspace, PLAIN._replace(adopted=(Adopted("primary", *everything),)))
    addresses, names = workspace.state(), workspace.databases()
    assert "1 passed, 0 failed" in workspace.run("test")
    assert (workspace.state(), workspace.databases()) == (addresses, names)


def test_the_generated_test_finds_what_somebody_changed(workspace: Workspace) -> None:
    bring(workspace, PLAIN)
    override = workspace.root / "mine_override.tf"
    override.write_text('module "catalog" {\n  database = "somewhere_else"\n}\n')
    said = workspace.run("test", status=(1,))
    assert "catalog does not get what greenroom planned for it." in said
    assert "auth does not get" not in said
    override.unlink()
    (workspace.root / "outputs.tf").write_text('output "plugins" {\n  value = { auth = module.auth }\n}\n')
    assert "These are not the plugins greenroom planned for." in workspace.run("test", status=(1,))


# --- what was retired -------------------------------------------------------------------------------------------------


def statements(workspace: Workspace) -> dict[str, dict[str, tuple[str, str]]]:
    """By module and what for (``lock``, ``drop``): the database to be connected to, and the statements."""
    text = (workspace.root / "retired.tf").read_text()
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for comments, label in re.findall(r"((?:^# .*\n)+)removed \{\n  from = module\.(.*)", text, re.MULTILINE):
        lines = re.findall(r"^# To (lock|drop) it(?: for good)?(?:, connected to (.*?))?: (.*)$", comments, re.MULTILINE)
        found[label] = {what: (database or "postgres", said) for what, database, said in lines}
    return found


def by_hand(workspace: Workspace, database: str, said: str) -> None:
    """Run statements as the administrator Terraform works as, who is no superuser."""
    server = workspace.servers["primary"]
    command = ["-X", "-v", "ON_ERROR_STOP=1", "-h", server.host, "-p", str(server.port), "-U", ADMIN, "-d", database]
    done = subprocess.run(
        [str(find_psql(server.bin_dir)), *command],
        input=said,
        env={"PGPASSWORD": ADMIN_PASSWORD},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def roles(workspace: Workspace) -> set[str]:
    return {name for (name,) in workspace.query("SELECT rolname FROM pg_roles WHERE oid >= 16384")} - {ADMIN}


def test_a_retired_plugin_is_locked_and_dropped_by_hand(workspace: Workspace) -> None:
    bring(workspace, make_plan(Wanted("auth"), Wanted("catalog")))
    workspace.apply()
    password = workspace.passwords["catalog"]
    with workspace.connect("backstage_catalog", password, "backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS value")
    bring(workspace, make_plan(Wanted("auth"), gone=[retired("catalog")]))
    workspace.apply()
    said = statements(workspace)["catalog"]
    by_hand(workspace, *said["lock"])
    with pytest.raises(psycopg.OperationalError, match="not permitted to log in"):
        workspace.connect("backstage_catalog", password, "backstage_plugin_catalog")
    assert workspace.query("SELECT value FROM kept", database="backstage_plugin_catalog") == [(42,)]
    by_hand(workspace, *said["drop"])
    assert workspace.databases() == {"backstage_plugin_auth"}
    assert roles(workspace) == {"backstage_auth"}
    workspace.assert_nothing_to_do()


def test_a_retired_schema_is_dropped_and_its_neighbours_stay(workspace: Workspace) -> None:
    wanted = [Wanted(name, database="portal", schema=name) for name in ("auth", "catalog")]
    bring(workspace, make_plan(*wanted))
    workspace.apply()
    for name in ("auth", "catalog"):
        with workspace.connect(f"backstage_{name}", workspace.passwords[name], "portal") as connection:
            connection.execute(f"CREATE TABLE kept AS SELECT '{name}' AS value")
    bring(workspace, make_plan(wanted[0], gone=[retired("catalog", database="portal", schema="catalog")]))
    workspace.apply()
    said = statements(workspace)["catalog"]
    assert said["drop"][0] == "portal"
    by_hand(workspace, *said["lock"])
    by_hand(workspace, *said["drop"])
    assert workspace.query("SELECT value FROM auth.kept", database="portal") == [("auth",)]
    assert roles(workspace) == {"backstage_auth"}
    workspace.assert_nothing_to_do()


def test_what_several_shared_is_dropped_once_the_last_is_gone(workspace: Workspace) -> None:
    both = [Wanted(name, role="both", database="both") for name in ("search", "techdocs")]
    bring(workspace, make_plan(Wanted("auth"), *both))
    workspace.apply()
    gone = [retired(name, role="both", database="both", shared=True) for name in ("search", "techdocs")]
    bring(workspace, make_plan(Wanted("auth"), gone=gone))
    workspace.apply()
    said = statements(workspace)
    assert said["search"] == said["techdocs"] == {}
    by_hand(workspace, *said["role_both"]["lock"])
    by_hand(workspace, *said["database_both"]["drop"])
    by_hand(workspace, *said["role_both"]["drop"])
    assert (workspace.databases(), roles(workspace)) == ({"backstage_plugin_auth"}, {"backstage_auth"})
