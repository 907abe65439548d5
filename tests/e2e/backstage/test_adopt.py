"""A server that a real Backstage filled by itself is taken over: users for each plugin, and not a row less.

Backstage starts with ``ensureExists`` and one user for everything, as most installations begin. Then ``greenroom adopt``,
its first script, the generated SQL (or Terraform, where the real provider is to be had), its second script, and the same
Backstage with the fragment.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
from psycopg import sql
from real_terraform import find_program, programs
from test_backend import ADMIN, ADMIN_PASSWORD, BASE, PLUGINS, PORTAL, PORTAL_PASSWORD, Installation

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_binaries, find_psql

if TYPE_CHECKING:
    from pathlib import Path

    from generator.demo.embedded import EmbeddedServer

pytestmark = pytest.mark.slow

SCHEMA = BASE + "      database: portal\n    pluginDivisionMode: schema\n"


@pytest.fixture
def installation(server: EmbeddedServer, backstage_dir: Path, tmp_path: Path) -> Installation:
    server.create_admin(ADMIN, ADMIN_PASSWORD)
    return Installation(tmp_path, server, backstage_dir)


def make_portal(installation: Installation, powers: str) -> None:
    with psycopg.connect(installation.server.dsn(), autocommit=True) as connection:
        statement = sql.SQL(f"CREATE ROLE {{}} LOGIN {powers} PASSWORD {{}}")
        connection.execute(statement.format(sql.Identifier(PORTAL), sql.Literal(PORTAL_PASSWORD)))


def greenroom(installation: Installation, command: str, *arguments: str, admin: str | None = None) -> str:
    """Run the command line; with ``admin`` in the environment of that administrator."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "APP_CONFIG_", "POSTGRES"))}
    environ |= {"POSTGRES_HOST": installation.server.host, "POSTGRES_PORT": str(installation.server.port)}
    if admin is not None:
        environ |= {"GREENROOM_ADMIN_PASSWORD": admin}
    plugins = [word for name in PLUGINS for word in ("--plugin", name)]
    done = command_line.run(
        [command, "--root", ".", *plugins, *arguments],
        cwd=installation.root,
        env=environ,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout + done.stderr
    assert installation.server.password not in said
    return said


def run_sql(installation: Installation, name: str, user: str, password: str) -> None:
    binaries = installation.server.bin_dir if (installation.server.bin_dir / "psql").exists() else embedded_binaries()
    result = apply_script(
        installation.root / name,
        host=installation.server.host,
        port=installation.server.port,
        user=user,
        password=password,
        env=installation.passwords,
        psql=find_psql(binaries),
        timeout=120,
    )
    assert result.ok, f"{result.stdout}\n{result.stderr}"


def rows(installation: Installation) -> dict[tuple[str, str, str], int]:
    """The number of rows of every table there is, apart from what a start adds: keys, locks, and the time of a run."""
    found = {}
    for (database,) in installation.query("postgres", "SELECT datname FROM pg_database WHERE datname ~ 'backstage|portal'"):
        tables = installation.query(
            database,
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^pg_|information_schema' "
            "AND tablename !~ 'keys|tasks__'",
        )
        for schema, table in tables:
            ((count,),) = installation.query(database, f'SELECT count(*) FROM "{schema}"."{table}"')
            found[database, schema, table] = count
    return found


def catalog_of(installation: Installation) -> list[Any]:
    """Everything the server says of its roles and databases: adopting must not change a letter of it."""
    return installation.query(
        "postgres",
        "SELECT d::text FROM pg_database AS d UNION ALL SELECT r::text FROM pg_authid AS r "
        "UNION ALL SELECT m::text FROM pg_auth_members AS m "
        "UNION ALL SELECT s::text FROM pg_db_role_setting AS s ORDER BY 1",
    )


def leave_a_mark(installation: Installation) -> None:
    """Some rows in the catalog, made by the user of before: what a real installation is about."""
    place = (
        "portal"
        if "pluginDivisionMode" in (installation.root / "app-config.yaml").read_text()
        else "backstage_plugin_catalog"
    )
    schema = "catalog" if place == "portal" else "public"
    statement = f"""
        CREATE TABLE "{schema}".made_before (id serial PRIMARY KEY, name text);
        INSERT INTO "{schema}".made_before (name) SELECT 'x' FROM generate_series(1, 1000)
    """
    with psycopg.connect(
        host=installation.server.host,
        port=installation.server.port,
        user=PORTAL,
        password=PORTAL_PASSWORD,
        dbname=place,
        autocommit=True,
    ) as connection:
        connection.execute(statement)


@pytest.mark.parametrize(
    ("powers", "app_config"), [("SUPERUSER", BASE), ("CREATEDB CREATEROLE", BASE), ("SUPERUSER", SCHEMA)]
)
def test_an_installation_that_made_its_own_databases(installation: Installation, powers: str, app_config: str) -> None:
    make_portal(installation, powers)
    installation.configure(app_config)
    if app_config == SCHEMA:
        installation.query("postgres", "CREATE DATABASE portal")
    first = installation.start("app-config.yaml")
    assert first.returncode == 0, (first.stdout + first.stderr)[-3000:]
    leave_a_mark(installation)
    before, state = rows(installation), catalog_of(installation)
    assert sum(before.values()) > 1000

    said = greenroom(installation, "adopt", "--user", PORTAL, "--administrator", ADMIN, "--write", admin=PORTAL_PASSWORD)
    assert "there: adopted" in said
    assert catalog_of(installation) == state
    run_sql(installation, "greenroom.adopt.before-apply.sql", installation.server.superuser, installation.server.password)
    greenroom(installation, "generate", "--target", "sql", "--target", "app-config", "--target", "terraform", "--verify")
    installation.apply()
    # Who may hand over: a superuser; or the user of before, when it may grant the new roles.
    run_sql(installation, "greenroom.adopt.after-apply.sql", installation.server.superuser, installation.server.password)
    installation.must_start()

    after = rows(installation)
    assert all(after[place] >= count for place, count in before.items())
    for plugin in installation.lock["plugins"].values():
        owners = installation.owners(plugin["database"], plugin.get("schema") or "public")
        assert set(owners.values()) == {plugin["role"]}
    # Nothing is left to fix, and a second round says so.
    again = greenroom(installation, "adopt", "--user", ADMIN, "--write", admin=ADMIN_PASSWORD)
    assert "missing" not in again
    assert not list(installation.root.glob("greenroom.adopt.*.sql")), again


def test_the_former_user_may_hand_over_itself(installation: Installation) -> None:
    """As on Amazon RDS: nobody is a superuser, and one user is the administrator and owns every table."""
    make_portal(installation, "CREATEDB CREATEROLE")
    installation.configure(BASE)
    assert installation.start("app-config.yaml").returncode == 0
    said = greenroom(installation, "adopt", "--user", PORTAL, "--write", admin=PORTAL_PASSWORD)
    assert "before-apply.sql" not in said
    greenroom(installation, "generate", "--target", "sql", "--target", "app-config")
    for name in PLUGINS:
        installation.passwords[f"BACKSTAGE_DB_{name.upper()}_PASSWORD"] = f"{name}'s own"
    run_sql(installation, "infra/sql/databases.sql", PORTAL, PORTAL_PASSWORD)
    for _ in range(2):  # a script that can be run again
        run_sql(installation, "greenroom.adopt.after-apply.sql", PORTAL, PORTAL_PASSWORD)
    installation.must_start()
    # What it borrowed it has given back; only what PostgreSQL 16 gives the maker of a role for ever is there.
    assert not installation.query(
        "postgres",
        f"SELECT FROM pg_roles WHERE rolname ~ '^backstage_' AND pg_has_role('{PORTAL}', oid, 'USAGE')",
    )


def test_terraform_takes_it_over(mirror: Path, installation: Installation) -> None:
    """The real provider imports what Backstage made; the second plan is empty, and Backstage starts with its own users."""
    program = next(filter(None, map(find_program, programs())))
    make_portal(installation, "SUPERUSER")
    installation.configure(BASE)
    assert installation.start("app-config.yaml").returncode == 0
    leave_a_mark(installation)
    before = rows(installation)
    greenroom(installation, "adopt", "--user", PORTAL, "--administrator", ADMIN, "--write", admin=PORTAL_PASSWORD)
    run_sql(installation, "greenroom.adopt.before-apply.sql", installation.server.superuser, installation.server.password)
    greenroom(installation, "generate", "--target", "terraform", "--target", "app-config")
    installation.passwords = {f"BACKSTAGE_DB_{name.upper()}_PASSWORD": f"{name}-its-own" for name in PLUGINS}
    root = installation.root / "infra" / "terraform" / "databases"
    config = installation.root / "terraformrc"
    config.write_text(f'provider_installation {{\n  filesystem_mirror {{\n    path = "{mirror}"\n  }}\n}}\n')
    variables = {
        "primary_admin_user": ADMIN,
        "primary_admin_password": ADMIN_PASSWORD,
        "primary_sslmode": "disable",
        "primary_host": installation.server.host,
        "primary_port": str(installation.server.port),
        "plugin_passwords": json.dumps({name: f"{name}-its-own" for name in PLUGINS}),
    }

    def terraform(*words: str) -> str:
        environ = {**os.environ, "TF_CLI_CONFIG_FILE": str(config), "CHECKPOINT_DISABLE": "1"}
        environ |= {f"TF_VAR_{name}": value for name, value in variables.items()}
        done = subprocess.run(
            [program, *words, "-no-color"], cwd=root, env=environ, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    terraform("init", "-input=false")
    said = terraform("apply", "-auto-approve", "-input=false")
    assert f"{len(PLUGINS)} imported" in said
    assert "No changes" in terraform("plan", "-input=false", "-detailed-exitcode")
    run_sql(installation, "greenroom.adopt.after-apply.sql", installation.server.superuser, installation.server.password)
    installation.must_start()
    after = rows(installation)
    assert all(after[place] >= count for place, count in before.items())
    assert "No changes" in terraform("plan", "-input=false", "-detailed-exitcode")
