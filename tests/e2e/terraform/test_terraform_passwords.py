"""Where passwords could be seen or lost: the server's log, verifiers in their place, MD5, and which of them is wrong."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
from psycopg import sql
from terraform_plans import Wanted, make_plan, render, signed_in
from terraform_workspace import ADMIN, ADMIN_PASSWORD, Workspace

from generator.clouds import server_logs
from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer
    from generator.planning.model import Plan

CLEAR = {"auth": "the-clear-password-of-auth", "catalog": "the-clear-password-of-catalog"}
PLAN = make_plan(Wanted("auth"), Wanted("catalog"))
RENAMED = make_plan(Wanted("auth"), Wanted("catalog", role="svc_catalog"), renamed={"svc_catalog": "backstage_catalog"})


def verifiers(passwords: Mapping[str, str], *options: str) -> dict[str, str]:
    """What ``greenroom verifier --json`` makes of ``passwords``."""
    done = command_line.run(
        ["verifier", "--json", *options],
        input=json.dumps(passwords),
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


@contextmanager
def settings(server: EmbeddedServer, **values: str) -> Iterator[None]:
    """Settings of the whole server, for a while."""

    def alter(template: str) -> None:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            for name, value in values.items():
                connection.execute(sql.SQL(template).format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")

    alter("ALTER SYSTEM SET {} = {}")
    try:
        yield
    finally:
        alter("ALTER SYSTEM RESET {}")


def log_of(workspace: Workspace) -> str:
    return (workspace.servers["primary"].folder / "log").read_text(errors="replace")


def superuser(workspace: Workspace, *statements: str) -> None:
    with psycopg.connect(workspace.servers["primary"].dsn(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def fails_to_create(workspace: Workspace, plan: Plan = PLAN) -> str:
    """Apply to a server that has the roles already; what the server logged meanwhile."""
    superuser(workspace, *(f"CREATE ROLE {role.name}" for role in plan.roles))
    before = len(log_of(workspace))
    workspace.write(render(plan))
    said = workspace.run("apply", "-input=false", "-auto-approve", status=(1,))
    assert "already exists" in said
    logged = log_of(workspace)[before:]
    assert 'ERROR:  role "backstage_catalog" already exists' in logged, "no failure in the log: this proves nothing"
    return logged


def start_again(workspace: Workspace) -> None:
    """Away with what a failed apply has made, and with the roles that stood in its way."""
    superuser(
        workspace,
        *(f'DROP DATABASE "{name}"' for name in sorted(workspace.databases())),
        *(f"DROP ROLE {role.name}" for role in PLAN.roles),
    )
    workspace.clean_state()


# --- the server's log -------------------------------------------------------------------------------------------------


def test_by_default_a_role_that_cannot_be_created_is_logged_with_its_password(workspace: Workspace) -> None:
    """The trap itself: as long as it is there, the tests below prove something."""
    workspace.passwords = {name: f"logged-{name}-{workspace.servers['primary'].port}" for name in CLEAR}
    logged = fails_to_create(workspace)
    assert all(password in logged for password in workspace.passwords.values())


def test_a_server_that_greenroom_creates_logs_no_password(workspace: Workspace) -> None:
    """Neither of a role that cannot be created, nor of one whose creation takes as long as the slowest of statements."""
    workspace.passwords = CLEAR
    with settings(workspace.servers["primary"], **server_logs.POSTGRESQL):
        logged = fails_to_create(workspace)
        start_again(workspace)
        before = len(log_of(workspace))
        workspace.apply()
        logged += log_of(workspace)[before:]
    assert not any(password in logged for password in CLEAR.values())
    workspace.assert_nothing_to_do()


def test_a_slow_statement_would_be_logged_with_its_password(workspace: Workspace) -> None:
    """Why ``log_min_duration_statement`` is off, and not at a second: what takes long is only a question of the load."""
    workspace.passwords = {name: f"slow-{name}-{workspace.servers['primary'].port}" for name in CLEAR}
    with settings(workspace.servers["primary"], log_min_duration_statement="0", log_min_error_statement="panic"):
        workspace.write(render(PLAN))
        workspace.apply()
        logged = log_of(workspace)
    assert all(password in logged for password in workspace.passwords.values())


def test_on_an_existing_server_the_administrators_sessions_log_no_password(workspace: Workspace) -> None:
    """What the generated README tells a superuser to do, on a server that logs as much as it can."""
    readme = next(item.text for item in render(PLAN) if item.path.endswith("databases/README.md"))
    (block,) = [text for text in readme.split("```sql\n")[1:] if "log_statement" in text]
    statements = [line for line in block.partition("```")[0].splitlines() if line]
    assert len(statements) == len(server_logs.POSTGRESQL)
    assert all(statement.startswith(f"ALTER ROLE {ADMIN} SET ") for statement in statements)
    workspace.passwords = CLEAR
    with settings(workspace.servers["primary"], log_statement="all", log_min_duration_statement="0"):
        superuser(workspace, *statements)
        try:
            logged = fails_to_create(workspace)
            start_again(workspace)
            before = len(log_of(workspace))
            workspace.apply()
            logged += log_of(workspace)[before:]
        finally:
            superuser(workspace, f"ALTER ROLE {ADMIN} RESET ALL")
    assert "STATEMENT" not in logged
    assert not any(password in logged for password in CLEAR.values())


# --- verifiers --------------------------------------------------------------------------------------------------------


def test_with_verifiers_nobody_but_backstage_sees_a_password(workspace: Workspace) -> None:
    """Applied, logged in with, nothing left to do; and in no log, though the server logs DDL and everything that fails."""
    workspace.passwords = verifiers(CLEAR)
    with settings(workspace.servers["primary"], log_statement="ddl"):
        logged = fails_to_create(workspace)
        assert all(verifier in logged for verifier in workspace.passwords.values()), "what is sent is in the log"
        start_again(workspace)
        before = len(log_of(workspace))
        workspace.apply()
        logged += log_of(workspace)[before:]
    assert 'CREATE ROLE "backstage_catalog"' in logged
    workspace.assert_nothing_to_do()
    workspace.passwords = verifiers(CLEAR)  # others, of the same passwords: nothing to do either
    workspace.assert_nothing_to_do()
    for name, password in CLEAR.items():
        workspace.connect(f"backstage_{name}", password, f"backstage_plugin_{name}").close()
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            workspace.connect(f"backstage_{name}", workspace.passwords[name], f"backstage_plugin_{name}")
        assert password not in logged
        assert password not in workspace.log.read_text()
    # A rename sets the password again, from the verifier.
    workspace.write(render(RENAMED))
    workspace.apply()
    workspace.connect("svc_catalog", CLEAR["catalog"], "backstage_plugin_catalog").close()


# --- MD5 --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def md5(workspace: Workspace) -> Iterator[Workspace]:
    """A server that still keeps MD5 passwords, and lets people in with them."""
    server = workspace.servers["primary"]
    (hba,) = server.folder.rglob("pg_hba.conf")
    before = hba.read_text()
    hba.write_text(before.replace("scram-sha-256", "md5"))
    superuser(workspace, "ALTER DATABASE postgres SET password_encryption = 'md5'", "SELECT pg_reload_conf()")
    yield workspace
    hba.write_text(before)
    superuser(workspace, "ALTER DATABASE postgres RESET password_encryption", "SELECT pg_reload_conf()")


def stored(workspace: Workspace, role: str) -> str | None:
    ((found,),) = workspace.query(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'")
    return None if found is None else str(found)


def test_a_role_with_an_md5_password_can_be_renamed(md5: Workspace) -> None:
    md5.passwords = CLEAR
    md5.write(render(PLAN))
    md5.apply()
    assert str(stored(md5, "backstage_catalog")).startswith("md5")
    md5.write(render(RENAMED))
    assert "1 changed" in md5.apply()
    assert str(stored(md5, "svc_catalog")).startswith("md5")
    md5.connect("svc_catalog", CLEAR["catalog"], "backstage_plugin_catalog").close()
    md5.assert_nothing_to_do()


def test_postgresql_itself_drops_the_password(md5: Workspace) -> None:
    """The trap itself: what the provider would leave behind if nothing told it to set the password again."""
    superuser(
        md5,
        "CREATE ROLE passing LOGIN PASSWORD 'a-passing-password'",
        "ALTER ROLE passing RENAME TO passed",
    )
    assert stored(md5, "passed") is None


# --- which one is wrong -----------------------------------------------------------------------------------------------


def refused(workspace: Workspace, passwords: Mapping[str, str]) -> str:
    workspace.passwords = dict(passwords)
    return " ".join(workspace.run("plan", "-input=false", status=(1,)).split())


def test_terraform_names_the_one_password_that_is_wrong(workspace: Workspace) -> None:
    names = [f"plugin-{number:02}" for number in range(40)]
    good = {name: f"a-good-password-of-{name}" for name in names}
    workspace.write(render(make_plan(*map(Wanted, names))))
    for bad in ({"plugin-07": "short"}, {"plugin-07": "with a blank in it"}, {"plugin-07": ""}):
        said = refused(workspace, good | bad)
        assert 'in module "plugin-07"' in said
        assert "The password of backstage_plugin-07 has to be 8 or more ASCII characters" in said
        assert "plugin-08" not in said.partition("Error:")[2]
    # A verifier between double quotes of a shell, which takes `$4` away: PostgreSQL would take the rest for a password.
    broken = verifiers({"plugin-07": CLEAR["catalog"]})["plugin-07"].replace("$4", "")
    said = refused(workspace, good | {"plugin-07": broken})
    assert "The password of backstage_plugin-07 begins like a verifier and is none." in said
    missing = {name: password for name, password in good.items() if name != "plugin-23"}
    said = refused(workspace, missing)
    assert 'password = var.plugin_passwords["plugin-23"]' in said
    assert "The given key does not identify an element" in said
    assert "plugin-24" not in said.partition("Error:")[2]


def test_the_one_password_of_all_plugins_is_brought_by_the_name_of_the_role(workspace: Workspace) -> None:
    plan = signed_in(Wanted("auth"), Wanted("catalog"), common="portal")
    workspace.passwords = {"portal": "the-one-password"}
    workspace.write(render(plan))
    workspace.apply()
    workspace.connect("portal", "the-one-password", "backstage_plugin_auth").close()
    # Renamed, its password is asked for by the new name, and set.
    new = signed_in(Wanted("auth"), Wanted("catalog"), common="gate")
    renamed = new._replace(roles=tuple(role._replace(renamed_from="portal") for role in new.roles))
    workspace.passwords = {"gate": "another-password"}
    workspace.write(render(renamed))
    workspace.apply()
    workspace.connect("gate", "another-password", "backstage_plugin_auth").close()
    workspace.assert_nothing_to_do()


def test_the_modules_check_what_they_are_given(workspace: Workspace) -> None:
    """A module that is called by hand, with what greenroom would never pass in."""
    workspace.passwords = CLEAR
    workspace.write(render(PLAN))
    plugins = workspace.root / "plugins.tf"
    good = plugins.read_text()
    wrong: dict[str, tuple[str, str]] = {
        "a name": ('"backstage_catalog"', '"back/stage"'),
        "no name": ('"backstage_catalog"', "null"),
        "a database": ('"backstage_plugin_catalog"', '"a?b"'),
        "a plugin": ('plugin_id        = "catalog"', 'plugin_id        = ""'),
        "a version": ("password_version = 1", "password_version = 1.5"),
    }
    for name, (old, new) in wrong.items():
        assert old in good
        plugins.write_text(good.replace(old, new))
        said = workspace.run("plan", "-input=false", status=(1,))
        assert "Invalid value for variable" in said or "required variable" in said, name
    plugins.write_text(good)
    workspace.apply()


# --- the provider's ways ----------------------------------------------------------------------------------------------


def drift(workspace: Workspace, *options: str) -> int:
    """The exit code of a job that looks for drift."""
    done: Any = workspace.run("plan", "-input=false", "-detailed-exitcode", *options, status=(0, 2))
    return 0 if "No changes" in done else 2


def test_what_a_drift_job_may_ask(workspace: Workspace) -> None:
    """``-refresh-only`` sees a difference after a role's first apply, until the next one: docs and README say so."""
    workspace.passwords = CLEAR
    workspace.write(render(PLAN))
    workspace.apply()
    assert drift(workspace) == 0
    assert drift(workspace, "-refresh-only") == 2
    workspace.run("apply", "-input=false", "-auto-approve")
    assert drift(workspace, "-refresh-only") == 0
    superuser(workspace, "ALTER ROLE backstage_catalog CONNECTION LIMIT 3")
    assert drift(workspace) == 2
    assert drift(workspace, "-refresh-only") == 2


def test_a_timeout_of_a_role_belongs_to_its_database(workspace: Workspace) -> None:
    workspace.passwords = CLEAR
    workspace.write(render(PLAN))
    workspace.apply()
    superuser(workspace, "ALTER ROLE backstage_catalog IN DATABASE backstage_plugin_catalog SET statement_timeout = '5s'")
    workspace.assert_nothing_to_do()
    with workspace.connect("backstage_catalog", CLEAR["catalog"], "backstage_plugin_catalog") as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("5s",)
    superuser(workspace, "ALTER ROLE backstage_catalog SET statement_timeout = '5s'")
    assert 'parsing "5s": invalid syntax' in workspace.run("plan", "-input=false", status=(1,))


def test_a_server_with_these_settings_starts(tmp_path: Path) -> None:
    """Each value is one PostgreSQL takes."""
    with embedded_server(settings=dict(server_logs.POSTGRESQL)) as server:
        server.create_admin(ADMIN, ADMIN_PASSWORD)
        with psycopg.connect(server.dsn()) as connection:
            for name, value in server_logs.POSTGRESQL.items():
                assert connection.execute(sql.SQL("SHOW {}").format(sql.Identifier(name))).fetchone() == (value,)
