"""MySQL with the real provider, on a real MariaDB: from nothing, and on to what happens later."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from mariadb import MariaDB, mariadb_server
from mysql_workspace import MysqlWorkspace
from terraform_plans import Wanted, make_plan, on_mysql, render, retired, server

from generator.demo.embedded import embedded_server
from generator.settings.model import Adopted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from generator.planning.model import Plan

# Characters that mean something in SQL, in HCL and in a shell.
_PASSWORD = "it's-\"%41${x}%{y}&?#/:@{}`"
_PLAIN = (Wanted("auth"), Wanted("catalog"), Wanted("a_b"), Wanted("a-b"))
_MIGRATE = (
    "CREATE TEMPORARY TABLE t (a INT); CREATE TABLE p (id INT PRIMARY KEY); CREATE TABLE c (id INT REFERENCES p (id));"
    "CREATE INDEX i ON c (id); ALTER TABLE c ADD n TEXT; CREATE VIEW v AS SELECT * FROM p; INSERT INTO p VALUES (7);"
    "SELECT * FROM v; DROP VIEW v; DROP TABLE c; DROP TABLE p;"
)


@pytest.fixture(scope="module")
def mariadb(mirror: Path) -> Iterator[MariaDB]:
    """A server that tells its log everything clients send."""
    if not (mirror / "registry.terraform.io" / "petoju" / "mysql").is_dir():
        pytest.skip(f"the provider petoju/mysql is not in {mirror.name}: see the fixture `mirror`")
    with mariadb_server({"general-log": "1"}) as running:
        yield running


@pytest.fixture
def work(mirror: Path, mariadb: MariaDB, program: str, tmp_path: Path) -> Iterator[MysqlWorkspace]:
    """An empty server, and a folder to run Terraform (or OpenTofu) in."""
    made = MysqlWorkspace(tmp_path, mirror, {"primary": mariadb}, program=program)
    mariadb.clear()
    yield made
    made.clean()


#: What the life of an installation shows with both programs is not shown twice.
with_terraform = pytest.mark.parametrize("program", ["terraform"], indirect=True)


def apply(work: MysqlWorkspace, plan: Plan, **variables: object) -> str:
    """Render ``plan`` and apply it, with a password for every user; afterwards there is nothing left to do."""
    work.passwords = {role.plugins[0]: f"{_PASSWORD}{role.name}-{role.password_version}" for role in plan.roles}
    work.write(render(plan))
    said = work.apply(**variables)
    work.run("plan", "-input=false", "-detailed-exitcode", **variables)
    work.assert_no_secret()
    return said


def works(work: MysqlWorkspace, plan: Plan) -> None:
    """Every plugin can do what its migrations do, comes in with TLS only, and gets into no database but its own."""
    for plugin in plan.plugins:
        done = work.as_plugin(plan, plugin.plugin_id, _MIGRATE)
        assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
        assert "Access denied" in work.as_plugin(plan, plugin.plugin_id, "SELECT 1", tls=False).stderr
        own = {item.database.name for item in plan.plugins if item.role == plugin.role}
        for name in {item.name for item in plan.databases if item.server == plugin.server} - own | {"mysql"}:
            assert "Access denied" in work.as_plugin(plan, plugin.plugin_id, "SELECT 1", name).stderr, name


def test_the_life_of_an_installation(work: MysqlWorkspace, mariadb: MariaDB) -> None:
    plan = make_plan(*_PLAIN, servers=on_mysql())
    assert "16 added, 0 changed, 0 destroyed" in apply(work, plan)
    works(work, plan)
    assert mariadb.databases == {item.name for item in plan.databases}
    assert mariadb.users == {(role.name, "%") for role in plan.roles}
    assert work.as_plugin(plan, "catalog", "CREATE TABLE kept AS SELECT 42 AS a").returncode == 0
    # One plugin more: nothing of the others changes.
    plan = make_plan(*_PLAIN, Wanted("search"), servers=on_mysql())
    assert "4 added, 0 changed, 0 destroyed" in apply(work, plan)
    # One password: the old one is refused, the others stay.
    old = dict(work.passwords)
    before = {row[0]: row for row in mariadb.root("SELECT User, Priv FROM mysql.global_priv")}
    role = next(item for item in plan.roles if item.plugins == ("catalog",))._replace(password_version=2)
    rotated = plan._replace(
        roles=tuple(role if item.name == role.name else item for item in plan.roles),
        plugins=tuple(item._replace(role=role) if item.role.name == role.name else item for item in plan.plugins),
    )
    assert "0 added, 1 changed, 0 destroyed" in apply(work, rotated)
    assert "Access denied" in mariadb.query(role.name, old["catalog"], "SELECT 1").stderr
    after = {row[0]: row for row in mariadb.root("SELECT User, Priv FROM mysql.global_priv")}
    assert [name for name in after if after[name] != before[name]] == [role.name]
    works(work, rotated)
    # A plugin that is gone: out of the state, its database, user and data still there.
    gone = make_plan(*(item for item in _PLAIN if item.plugin_id != "catalog"), servers=on_mysql())
    gone = gone._replace(retired=(retired("catalog", engine="mysql"), retired("search", engine="mysql")))
    assert "0 added, 0 changed, 0 destroyed" in apply(work, gone)
    assert not any(address.startswith("module.catalog.") for address in work.state())  # the guard never forgets
    new = f"{_PASSWORD}backstage_catalog-2"
    assert mariadb.query("backstage_catalog", new, "SELECT a FROM kept", "backstage_plugin_catalog").stdout == "42\n"
    # Back: taken over as it is, with its data.
    back = rotated._replace(
        adopted=(
            Adopted(
                "primary",
                ("backstage_plugin_catalog", "backstage_plugin_search"),
                (),
                ("backstage_catalog", "backstage_search"),
            ),
        )
    )
    assert "6 imported, 0 added" in apply(work, back)
    assert work.as_plugin(back, "catalog", "SELECT a FROM kept").stdout == "42\n"
    works(work, back)
    # Whoever wants to destroy it all has to say so in the code.
    assert "prevent_destroy" in work.run("destroy", "-auto-approve", status=(1,))
    assert work.as_plugin(back, "catalog", "SELECT a FROM kept").stdout == "42\n"
    # Without its state, Terraform is told that all of it is there: nothing is lost, and adopted it is as it was.
    work.clean_state()
    work.write(render(rotated))
    assert "database exists" in work.run("apply", "-input=false", "-auto-approve", status=(1,))
    works(work, back)
    work.clean_state()
    names = [item.name for item in rotated.databases], [item.name for item in rotated.roles]
    adopted = rotated._replace(adopted=(Adopted("primary", tuple(names[0]), (), tuple(names[1])),))
    assert "15 imported, " in apply(work, adopted)
    works(work, adopted)
    assert work.as_plugin(back, "catalog", "SELECT a FROM kept").stdout == "42\n"


@with_terraform
def test_taking_over_what_a_dba_made(work: MysqlWorkspace, mariadb: MariaDB) -> None:
    """Without TLS, in another character set, and with a grant whose underscores are wildcards."""
    mariadb.root(
        "CREATE DATABASE backstage_plugin_auth CHARACTER SET latin1;"
        "CREATE TABLE backstage_plugin_auth.kept AS SELECT 42 AS a;"
        "CREATE USER backstage_auth@'%' IDENTIFIED BY 'old'; GRANT SELECT ON backstage_plugin_auth.* TO backstage_auth@'%'"
    )
    plan = make_plan(Wanted("auth"), servers=on_mysql())
    plan = plan._replace(adopted=(Adopted("primary", ("backstage_plugin_auth",), (), ("backstage_auth",)),))
    work.passwords = {"auth": "no-matter-here"}
    work.write(render(plan))
    assert "failed to find the grant to import" in work.run("plan", "-input=false", status=(1,))
    assert "2 imported, 2 added, 2 changed, 0 destroyed" in apply(work, plan, import_existing_grants="false")
    assert work.as_plugin(plan, "auth", "SELECT a FROM kept").stdout == "42\n"
    assert "Access denied" in work.as_plugin(plan, "auth", "SELECT 1", tls=False).stderr


@with_terraform
def test_a_verifier_is_no_password_of_a_user(work: MysqlWorkspace) -> None:
    """MySQL would take it for a password like any other, and nobody could log in with the real one."""
    work.passwords = {"auth": f"SCRAM-SHA-256$4096:{'s' * 22}==${'k' * 43}=:{'k' * 43}="}
    work.write(render(make_plan(Wanted("auth"), servers=on_mysql())))
    said = " ".join(work.run("plan", "-input=false", status=(1,)).split())
    assert "The password of backstage_auth is a verifier, which MySQL cannot use." in said


@with_terraform
def test_a_retired_plugin_is_locked_and_dropped_by_hand(work: MysqlWorkspace, mariadb: MariaDB) -> None:
    """The statements in retired.tf, run as the administrator Terraform works as."""
    plan = make_plan(Wanted("auth"), Wanted("catalog"), servers=on_mysql())
    apply(work, plan)
    password = work.passwords["catalog"]
    assert work.as_plugin(plan, "catalog", "CREATE TABLE kept AS SELECT 42 AS a").returncode == 0
    apply(work, make_plan(Wanted("auth"), servers=on_mysql())._replace(retired=(retired("catalog", engine="mysql"),)))
    said = dict(re.findall(r"^# To (lock|drop) it.*?: (.*)$", (work.root / "retired.tf").read_text(), re.MULTILINE))

    def by_hand(statements: str) -> None:
        done = mariadb.query(mariadb.admin, mariadb.admin_password, statements)
        assert done.returncode == 0, done.stderr

    by_hand(said["lock"])
    assert "account is locked" in mariadb.query("backstage_catalog", password, "SELECT 1").stderr
    assert mariadb.root("SELECT a FROM backstage_plugin_catalog.kept") == [["42"]]
    by_hand(said["drop"])
    assert (mariadb.databases, mariadb.users) == ({"backstage_plugin_auth"}, {("backstage_auth", "%")})


@with_terraform
def test_what_plugins_share(work: MysqlWorkspace) -> None:
    users = [Wanted("x", database="both"), Wanted("y", database="both", role="two"), Wanted("z", role="two")]
    plan = make_plan(Wanted("auth"), *users, servers=on_mysql())
    apply(work, plan)
    assert work.as_plugin(plan, "x", "CREATE TABLE t AS SELECT 1 AS a").returncode == 0
    assert work.as_plugin(plan, "y", "SELECT a FROM t; DROP TABLE t").stdout == "1\n"
    works(work, plan)
    # One of two users of a database goes, another one comes: no grant of the others is touched.
    plan = make_plan(Wanted("auth"), *users[1:], Wanted("w", database="both"), servers=on_mysql())
    plan = plan._replace(retired=(retired("x", engine="mysql", database="both", shared=True),))
    assert "3 added, 0 changed, 0 destroyed" in apply(work, plan)
    works(work, plan)


@with_terraform
def test_both_engines_in_one_configuration(mirror: Path, mariadb: MariaDB, program: str, tmp_path: Path) -> None:
    from terraform_workspace import ADMIN, ADMIN_PASSWORD

    with embedded_server() as postgres:
        postgres.create_admin(ADMIN, ADMIN_PASSWORD)
        mariadb.clear()
        work = MysqlWorkspace(tmp_path, mirror, {"reports": mariadb}, {"primary": postgres}, program)
        plan = make_plan(
            Wanted("auth"), Wanted("catalog", server="reports"), servers=[server(), *on_mysql("reports")], store="variables"
        )
        apply(work, plan)
        assert mariadb.databases == {"backstage_plugin_catalog"}
        assert work.databases() == {"backstage_plugin_auth"}
        done = work.as_plugin(plan, "catalog", _MIGRATE)
        assert done.returncode == 0, done.stderr
        with work.connect("backstage_auth", work.passwords["auth"], "backstage_plugin_auth") as connection:
            connection.execute("CREATE TABLE made (id int)")
        work.clean()


@with_terraform
def test_the_server_is_verified(work: MysqlWorkspace, mariadb: MariaDB) -> None:
    """A server whose certificate nobody vouches for gets no password."""
    work.passwords = {"auth": "no-matter-here"}
    work.write(render(make_plan(Wanted("auth"), servers=on_mysql())))
    empty = work.folder / "nobody.pem"
    empty.write_text("")
    said = work.run("apply", "-input=false", "-auto-approve", status=(1,), primary_tls_ca=empty)
    assert "failed to append pem" in said
    with mariadb_server() as other:
        said = work.run("apply", "-input=false", "-auto-approve", status=(1,), primary_tls_ca=other.ca)
    assert "certificate signed by unknown authority" in said
    assert not mariadb.databases
