"""``greenroom adopt`` from the command line on a real server that is in use: what it says, writes, and leaves alone."""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
import yaml
from postgres_stage import ADMIN_PASSWORD
from psycopg import sql

from generator.demo.apply import apply_script
from generator.planning.history import digest_of

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from postgres_stage import Stage

PLUGINS = ("catalog", "search")
HOSTILE = "we\"ird '$do$ :name \\ \n€"


def make(stage: Stage, name: str, owner: str, *statements: str) -> None:
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(owner)))
    with stage.superuser(name) as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(owner)))
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


def role(stage: Stage, name: str, options: str = "LOGIN", password: str = "x") -> None:
    with stage.superuser() as connection:
        statement = sql.SQL(f"CREATE ROLE {{}} {options} PASSWORD {{}}")
        connection.execute(statement.format(sql.Identifier(name), sql.Literal(password)))


@pytest.fixture
def folder(stage: Stage, tmp_path: Path) -> Path:
    connection = {"host": stage.server.host, "port": stage.server.port, "user": "${PGUSER_}", "password": "${PGPASS_}"}
    config = {"backend": {"database": {"client": "pg", "connection": connection}}}
    (tmp_path / "app-config.yaml").write_text(yaml.safe_dump(config))
    return tmp_path


def adopt(
    folder: Path, *arguments: str, status: int = 0, password: str | None = None, plugins: tuple[str, ...] = PLUGINS
) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GREENROOM_ADMIN"))}
    if password is not None:
        environ["GREENROOM_ADMIN_PASSWORD"] = password
    named = [word for name in plugins for word in ("--plugin", name)]
    done = command_line.run(
        ["adopt", "--root", str(folder), *named, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if password:
        assert password not in done.stdout + done.stderr
    return done


def as_json(stage: Stage, folder: Path, *arguments: str) -> dict[str, Any]:
    done = adopt(folder, "--user", "postgres", "--format", "json", *arguments, password=stage.server.password)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def codes(document: dict[str, Any]) -> list[str]:
    return sorted({item["code"] for item in document["diagnostics"]})


def run_script(stage: Stage, folder: Path, name: str, user: str, password: str) -> bool:
    return apply_script(
        folder / f"greenroom.adopt.{name}-apply.sql",
        host=stage.server.host,
        port=stage.server.port,
        user=user,
        password=password,
        env={},
        psql=stage.psql,
    ).ok


def test_it_says_who_can_run_the_scripts(stage: Stage, folder: Path) -> None:
    """Databases that `portal` made, and an administrator that is no superuser: each sentence is tried."""
    role(stage, "portal", "LOGIN CREATEDB")
    for name in PLUGINS:
        make(stage, f"backstage_plugin_{name}", "portal", "CREATE TABLE knex_migrations (id int)")
    document = as_json(stage, folder, "--administrator", stage.admin, "--write")
    said = {item["code"]: item["hint"] for item in document["diagnostics"]}
    with stage.superuser() as connection:
        is_new = connection.info.server_version >= 160000
    granted = f'GRANT portal TO "{stage.admin}" WITH ADMIN OPTION;'
    able = f"{stage.admin!r} or a superuser can run it"
    if is_new:
        able = f"a superuser can run it, or {stage.admin!r} after a superuser has said `{granted}`; the owner cannot"
    assert said["GR761"] == f"before-apply.sql makes it the owner: {able}"
    assert said["GR768"] == f"after-apply.sql hands them over, and touches no row: {able}"
    assert f"-- Who: {able}.\n" in (folder / "greenroom.adopt.before-apply.sql").read_text()
    assert not run_script(stage, folder, "before", "portal", "x")
    if is_new:
        assert not run_script(stage, folder, "before", stage.admin, ADMIN_PASSWORD)
        with stage.superuser() as connection:
            connection.execute(granted)  # type: ignore[arg-type]
    assert run_script(stage, folder, "before", stage.admin, ADMIN_PASSWORD)
    with stage.superuser() as connection:
        owners = connection.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname LIKE 'backstage_%'")
        assert {row[0] for row in owners} == {stage.admin}


def test_what_a_superuser_owns_only_a_superuser_can_hand_over(stage: Stage, folder: Path) -> None:
    make(stage, "backstage_plugin_catalog", "postgres")
    document = as_json(stage, folder, "--administrator", stage.admin, "--write")
    said = {item["code"]: item["hint"] for item in document["diagnostics"]}
    assert said["GR761"].endswith("only a superuser can run it, because the owner of today is one")
    assert "GRANT postgres" not in json.dumps(document)
    assert not run_script(stage, folder, "before", stage.admin, ADMIN_PASSWORD)
    assert run_script(stage, folder, "before", "postgres", stage.server.password)


def test_an_empty_server_has_nothing_to_adopt(stage: Stage, folder: Path) -> None:
    document = as_json(stage, folder, "--administrator", stage.admin)
    server = document["servers"]["primary"]
    assert server["adopt"] == {}
    assert server["missing"]["databases"] == ["backstage_plugin_catalog", "backstage_plugin_search"]
    assert server["scripts"] == {}
    assert codes(document) == []


def test_everything_that_stands_in_the_way_is_said_and_fixed(stage: Stage, folder: Path) -> None:
    role(stage, "portal", "LOGIN CREATEDB")
    role(stage, "backstage_catalog", "LOGIN CREATEDB")
    role(stage, "others", "NOLOGIN")
    with stage.superuser() as connection:
        connection.execute("GRANT others TO backstage_catalog")
        for setting in ("statement_timeout = '5s'", "idle_in_transaction_session_timeout = '2 min'", "work_mem = '8MB'"):
            connection.execute(f"ALTER ROLE backstage_catalog SET {setting}")  # type: ignore[arg-type]
    make(
        stage,
        "backstage_plugin_catalog",
        "portal",
        "CREATE TABLE knex_migrations (id serial PRIMARY KEY)",
        "CREATE VIEW seen AS SELECT 1 AS one",
        "CREATE TYPE mood AS ENUM ('good')",
        "CREATE DOMAIN positive AS int CHECK (VALUE > 0)",
        "CREATE FUNCTION f(a int, b text DEFAULT 'x') RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE PROCEDURE p(a int) LANGUAGE sql AS 'SELECT 1'",
        "CREATE SEQUENCE alone",
        "CREATE MATERIALIZED VIEW kept AS SELECT 1 AS one",
        'CREATE TABLE "Odd ""name""; --" (id int)',
        "CREATE SCHEMA jobs",
        "CREATE TABLE jobs.job (id int)",
        "CREATE TABLE parted (id int) PARTITION BY RANGE (id)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10)",
        "INSERT INTO knex_migrations DEFAULT VALUES",
    )
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("ALTER SCHEMA public OWNER TO postgres")
    make(stage, "bs_search", "portal", "CREATE TABLE knex_migrations (id int)", "CREATE TABLE documents (id int)")
    make(stage, HOSTILE, "portal")
    document = as_json(stage, folder, "--administrator", stage.admin, "--write")
    server = document["servers"]["primary"]
    assert server["adopt"] == {"databases": ["backstage_plugin_catalog"], "roles": ["backstage_catalog"]}
    assert [(item["name"], item["plugin"]) for item in server["unplanned"]] == [("bs_search", "search"), (HOSTILE, None)]
    assert server["keepNames"]["appConfig"] == {
        "backend": {"database": {"plugin": {"search": {"connection": {"database": "bs_search"}}}}}
    }
    wanted = ["GR761", "GR763", "GR765", "GR766", "GR767", "GR768", "GR775"]
    with stage.superuser() as connection:
        if connection.info.server_version >= 160000:
            wanted.insert(1, "GR762")
    assert codes(document) == wanted

    names = sorted(path.name for path in folder.glob("greenroom.adopt.*"))
    assert names == ["greenroom.adopt.after-apply.sql", "greenroom.adopt.before-apply.sql", "greenroom.adopt.yaml"]
    assert yaml.safe_load((folder / "greenroom.adopt.yaml").read_text()) == {"primary": server["adopt"]}
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO backstage_catalog")  # what the apply gives
    for _ in range(2):
        for name in ("before", "after"):
            result = apply_script(
                folder / f"greenroom.adopt.{name}-apply.sql",
                host=stage.server.host,
                port=stage.server.port,
                user="postgres",
                password=stage.server.password,
                env={},
                psql=stage.psql,
            )
            assert result.ok, result.stderr
            assert result.stdout == ""
    with stage.superuser("backstage_plugin_catalog") as connection:
        owners = connection.execute(
            "SELECT relname::text, pg_get_userbyid(relowner) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace "
            "WHERE nspname IN ('public', 'jobs') "
            "UNION SELECT proname, pg_get_userbyid(proowner) FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace "
            "WHERE nspname IN ('public', 'jobs') "
            "UNION SELECT typname, pg_get_userbyid(typowner) FROM pg_type JOIN pg_namespace AS n ON n.oid = typnamespace "
            "WHERE nspname IN ('public', 'jobs')"
        ).fetchall()
        assert {owner for _, owner in owners} == {"backstage_catalog"}, [row for row in owners if row[1] == "portal"]
        assert connection.execute("SELECT count(*) FROM knex_migrations").fetchone() == (1,)
        # A table in a schema that no plan knows is of no use to who may not go in there.
        connection.execute("SET ROLE backstage_catalog")
        connection.execute("INSERT INTO jobs.job VALUES (1)")
        connection.execute("CREATE TABLE jobs.next (id int)")
    with stage.superuser() as connection:
        # What Terraform's provider cannot read is where it does not look, and still holds.
        settings = connection.execute(
            "SELECT setdatabase <> 0, setconfig FROM pg_db_role_setting "
            "WHERE setrole = 'backstage_catalog'::regrole ORDER BY setdatabase"
        ).fetchall()
        timeouts = ["idle_in_transaction_session_timeout=2 min", "statement_timeout=5s"]
        assert [(within, sorted(found)) for within, found in settings] == [(False, ["work_mem=8MB"]), (True, timeouts)]
    # Looked at again: only what no script can fix is left, and the scripts are gone.
    again = as_json(stage, folder, "--administrator", stage.admin, "--write")
    assert codes(again) == ["GR766", "GR767"]
    assert sorted(path.name for path in folder.glob("greenroom.adopt.*")) == ["greenroom.adopt.yaml"]


def test_it_changes_nothing_on_the_server(stage: Stage, folder: Path) -> None:
    role(stage, "portal", "LOGIN CREATEDB")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE TABLE knex_migrations (id int)")

    def state() -> list[Any]:
        with stage.superuser("backstage_plugin_catalog") as connection:
            return connection.execute(
                "SELECT d::text FROM pg_database AS d UNION ALL SELECT r::text FROM pg_authid AS r "
                "UNION ALL SELECT c::text FROM (SELECT oid, relname, relowner, relacl FROM pg_class) AS c "
                "UNION ALL SELECT pg_current_wal_insert_lsn()::text ORDER BY 1"
            ).fetchall()

    before = state()
    as_json(stage, folder, "--administrator", stage.admin)
    assert len(set(before) ^ set(state())) <= 2  # the position in the log may move by itself


def test_what_it_needs_to_connect_is_asked_for_at_once(folder: Path) -> None:
    said = adopt(folder, status=1).stderr
    assert said == (
        "app-config.yaml:6:17 error[GR770] backend.database.connection.password: the administrator's password on server "
        "'primary' is not known: ${PGPASS_} has no value here\n"
        "    help: set GREENROOM_ADMIN_PASSWORD, or give the variables of Backstage with --env-file PATH\n"
        "app-config.yaml:8:13 error[GR770] backend.database.connection.user: the administrator's user on server 'primary' "
        "is not known: ${PGUSER_} has no value here\n"
        "    help: give it with --user, or the variables of Backstage with --env-file PATH\n"
        "2 errors\n"
    )


def test_a_server_that_refuses(stage: Stage, folder: Path) -> None:
    said = adopt(folder, "--user", "postgres", status=1, password="wrong-password").stderr
    assert "GR771" in said
    assert "password authentication failed" in said
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        said = adopt(folder, "--user", "x", "--port", str(free.getsockname()[1]), status=1, password="some-password").stderr
    assert "GR771" in said


def test_a_server_that_says_nothing_is_given_up(folder: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = str(silent.getsockname()[1])
        started = time.monotonic()
        said = adopt(folder, "--user", "x", "--port", port, "--timeout", "2", status=1, password="some-password").stderr
    assert "GR771" in said
    assert time.monotonic() - started < 20


def test_somebody_elses_file_is_kept(stage: Stage, folder: Path) -> None:
    path = folder / "greenroom.adopt.yaml"
    path.write_text("# mine\nprimary: {}\n")
    said = adopt(folder, "--user", "postgres", "--write", status=1, password=stage.server.password).stderr
    assert "greenroom.adopt.yaml" in said
    assert path.read_text() == "# mine\nprimary: {}\n"


def test_other_servers_keep_their_entries(stage: Stage, folder: Path) -> None:
    adopt(folder, "--user", "postgres", "--write", password=stage.server.password)
    path = folder / "greenroom.adopt.yaml"
    path.write_text(path.read_text().replace("{}", "reporting: {databases: [backstage_plugin_reports]}"))
    make(stage, "backstage_plugin_catalog", stage.admin)
    adopt(folder, "--user", "postgres", "--write", password=stage.server.password)
    assert yaml.safe_load(path.read_text()) == {
        "primary": {"databases": ["backstage_plugin_catalog"]},
        "reporting": {"databases": ["backstage_plugin_reports"]},
    }


def test_each_settings_file_has_its_own_list_and_scripts(stage: Stage, folder: Path) -> None:
    """Production's names do not get into staging's output."""
    role(stage, "portal")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE TABLE t ()")
    for name in ("greenroom.production.yaml", "greenroom.staging.yaml"):
        (folder / name).write_text(f"environment: {name.split('.')[1]}\n")
    production = ("--settings", str(folder / "greenroom.production.yaml"))
    said = adopt(folder, "--user", "postgres", "--write", *production, password=stage.server.password).stderr
    assert "greenroom.production.adopt.yaml" in said
    assert sorted(path.name for path in folder.glob("*adopt*")) == [
        "greenroom.production.adopt.after-apply.sql",
        "greenroom.production.adopt.yaml",
    ]
    for name, imported in (("production", True), ("staging", False)):
        settings = ("--settings", str(folder / f"greenroom.{name}.yaml"), "--out", str(folder / name))
        done = command_line.run(
            ["generate", "--plugin", "catalog", *settings],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert (folder / name / "terraform" / "databases" / "imports.tf").exists() == imported


def test_passwords_that_the_store_has(stage: Stage, folder: Path) -> None:
    """They are listed when it is said, stay listed, and nobody is warned of a new password."""
    make(stage, "backstage_plugin_catalog", stage.admin)
    role(stage, "backstage_catalog")
    settings = folder / "greenroom.yaml"
    settings.write_text("credentials: {store: vault, passwordVersions: {catalog: 3}}\n")
    path = folder / "greenroom.adopt.yaml"

    def secrets(*arguments: str) -> tuple[dict[str, int] | None, bool]:
        done = adopt(folder, "--user", "postgres", "--write", *arguments, password=stage.server.password)
        return yaml.safe_load(path.read_text())["primary"].get("secrets"), "GR766" in done.stderr

    assert secrets() == (None, True)
    assert secrets("--secrets") == ({"backstage_catalog": 3}, False)
    settings.write_text("credentials: {store: vault, passwordVersions: {catalog: 4}}\n")
    assert secrets() == ({"backstage_catalog": 3}, False)
    assert secrets("--no-secrets") == (None, True)
    settings.write_text("")
    assert (
        "there is no store" in adopt(folder, "--user", "postgres", "--secrets", status=2, password="unused-password").stderr
    )


def test_a_list_says_which_lock_file_it_was_made_beside(stage: Stage, folder: Path) -> None:
    """Where a plugin was away: what it left and what is listed may differ, and the newer of the two counts."""
    role(stage, "portal")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE TABLE t ()")
    lock = folder / "infra" / "greenroom.lock.json"

    def list_of(*plugins: str) -> dict[str, Any]:
        command = ["generate"]
        command += [word for plugin in plugins for word in ("--plugin", plugin)]
        done = command_line.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        adopt(folder, "--user", "postgres", "--write", plugins=plugins, password=stage.server.password)
        found: dict[str, Any] = yaml.safe_load((folder / "greenroom.adopt.yaml").read_text())["primary"]
        return found

    assert "asOf" not in list_of("catalog", "search")
    before = list_of("catalog")
    assert before["asOf"] == digest_of(lock.read_bytes())
    # Nothing was generated since, so nothing changes.
    adopt(folder, "--user", "postgres", "--write", plugins=("catalog",), password=stage.server.password)
    assert yaml.safe_load((folder / "greenroom.adopt.yaml").read_text())["primary"] == before


def test_names_that_a_rename_has_not_reached(stage: Stage, folder: Path) -> None:
    """They are adopted by the name the server has; after the apply it is the new one that is handed over to."""
    role(stage, "portal")
    role(stage, "backstage_catalog")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE TABLE t ()")
    config = (folder / "app-config.yaml").read_text()

    def generate() -> None:
        command = ["generate", "--plugin", "catalog"]
        done = command_line.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    generate()
    value = yaml.safe_load(config)
    value["backend"]["database"]["prefix"] = "portal_"
    (folder / "app-config.yaml").write_text(yaml.safe_dump(value))
    (folder / "greenroom.yaml").write_text("credentials: {roleName: 'svc_{plugin}'}\n")
    generate()
    adopt(folder, "--user", "postgres", "--write", plugins=("catalog",), password=stage.server.password)
    found = yaml.safe_load((folder / "greenroom.adopt.yaml").read_text())["primary"]
    assert found == {"databases": ["backstage_plugin_catalog"], "roles": ["backstage_catalog"]}
    script = (folder / "greenroom.adopt.after-apply.sql").read_text()
    assert "portal_catalog" in script
    assert "svc_catalog" in script
    assert "backstage_plugin_catalog" not in script
    generate()
    imports = (folder / "infra" / "terraform" / "databases" / "imports.tf").read_text()
    assert 'id       = "backstage_plugin_catalog"' in imports
    assert 'id       = "backstage_catalog"' in imports


def test_an_administrator_who_may_not_look_inside(stage: Stage, folder: Path) -> None:
    role(stage, "portal")
    make(stage, "backstage_plugin_catalog", "portal")
    with stage.superuser() as connection:
        connection.execute("REVOKE CONNECT ON DATABASE backstage_plugin_catalog FROM PUBLIC")
    role(stage, "limited", "LOGIN", "limited-password")
    done = adopt(folder, "--user", "limited", "--format", "json", password="limited-password")
    assert codes(json.loads(done.stdout)) == ["GR760", "GR761", "GR764"]


def test_schema_mode(stage: Stage, folder: Path) -> None:
    config = yaml.safe_load((folder / "app-config.yaml").read_text())
    config["backend"]["database"] |= {"pluginDivisionMode": "schema"}
    config["backend"]["database"]["connection"]["database"] = "portal"
    (folder / "app-config.yaml").write_text(yaml.safe_dump(config))
    make(
        stage,
        "portal",
        stage.admin,
        "CREATE SCHEMA catalog",
        "CREATE TABLE catalog.knex_migrations (id int)",
        "CREATE TABLE mine (id int)",
    )
    document = as_json(stage, folder, "--administrator", stage.admin)
    server = document["servers"]["primary"]
    assert server["adopt"] == {"databases": ["portal"], "schemas": ["portal.catalog"]}
    assert server["missing"] == {"schemas": ["portal.search"], "roles": ["backstage_catalog", "backstage_search"]}
    assert codes(document) == ["GR768"]
    assert "1 object in the schema 'catalog'" in document["diagnostics"][0]["summary"]


def test_one_role_for_all_plugins_that_acts_as_another(stage: Stage, folder: Path) -> None:
    """With a base `role`, everything belongs to that role, whoever signs in."""
    config = yaml.safe_load((folder / "app-config.yaml").read_text())
    config["backend"]["database"]["role"] = "owner_of_all"
    (folder / "app-config.yaml").write_text(yaml.safe_dump(config))
    (folder / "greenroom.yaml").write_text("version: 1\ncredentials: {mode: shared, roleName: portal}\n")
    role(stage, "portal")
    role(stage, "owner_of_all", "NOLOGIN")
    with stage.superuser() as connection:
        connection.execute("GRANT owner_of_all TO portal")
    make(stage, "backstage_plugin_catalog", stage.admin)
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE mine (id int); ALTER TABLE mine OWNER TO portal")
        connection.execute("CREATE TABLE theirs (id int); ALTER TABLE theirs OWNER TO owner_of_all")
    document = as_json(stage, folder, "--administrator", stage.admin)
    assert document["servers"]["primary"]["adopt"]["roles"] == ["owner_of_all", "portal"]
    handed = [item["summary"] for item in document["diagnostics"] if item["code"] == "GR768"]
    assert len(handed) == 1
    assert "1 object in the database 'backstage_plugin_catalog'" in handed[0]
    assert "'owner_of_all'" in handed[0]
    assert "GR767" not in codes(document)


TRAPS = """
CREATE FUNCTION public.format(text, name, name, text) RETURNS text LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'somebody else''s function was called'; END $$;
CREATE FUNCTION public.pg_get_userbyid(integer) RETURNS name LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'somebody else''s function was called'; END $$;
CREATE FUNCTION public.same(name, text) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'somebody else''s function was called'; END $$;
CREATE OPERATOR public.<> (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);
CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.same);
"""


def test_no_function_of_somebody_else_is_called_as_an_administrator(stage: Stage, folder: Path) -> None:
    role(stage, "portal", "LOGIN CREATEDB")
    role(stage, "backstage_catalog")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE TABLE knex_migrations (id int)", TRAPS)
    document = as_json(stage, folder, "--administrator", stage.admin, "--write")
    assert "GR764" not in codes(document), document["diagnostics"]
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("SET search_path = ''")
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO backstage_catalog")
    for name in ("before", "after"):
        result = apply_script(
            folder / f"greenroom.adopt.{name}-apply.sql",
            host=stage.server.host,
            port=stage.server.port,
            user="postgres",
            password=stage.server.password,
            env={},
            psql=stage.psql,
        )
        assert result.ok, result.stderr
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("SET search_path = ''")
        assert connection.execute(
            "SELECT DISTINCT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 'knex_migrations'"
        ).fetchall() == [("backstage_catalog",)]


def test_an_administrator_that_made_the_old_user_has_not_its_rights(stage: Stage, folder: Path) -> None:
    """From PostgreSQL 16 on the maker of a role is its member without INHERIT; a REVOKE on its database does nothing."""
    with stage.connect(stage.admin, ADMIN_PASSWORD, "postgres") as connection:
        connection.execute("CREATE ROLE portal LOGIN CREATEDB")
    make(stage, "backstage_plugin_catalog", "portal", "CREATE SCHEMA jobs", "CREATE TABLE jobs.job (id int)")
    done = adopt(folder, "--user", stage.admin, "--format", "json", "--write", password=ADMIN_PASSWORD)
    document = json.loads(done.stdout)
    assert "GR761" in codes(document)
    for _ in range(2):  # no superuser is needed: who made the old user may take its place
        result = apply_script(
            folder / "greenroom.adopt.before-apply.sql",
            host=stage.server.host,
            port=stage.server.port,
            user=stage.admin,
            password=ADMIN_PASSWORD,
            env={},
            psql=stage.psql,
        )
        assert result.ok, result.stderr
    with stage.superuser() as connection:
        assert connection.execute(
            "SELECT pg_get_userbyid(datdba)::text, pg_has_role(%s, 'portal', 'USAGE') FROM pg_database "
            "WHERE datname = 'backstage_plugin_catalog'",
            (stage.admin,),
        ).fetchone() == (stage.admin, False)
    done = adopt(folder, "--user", stage.admin, "--format", "json", password=ADMIN_PASSWORD)
    assert "GR761" not in codes(json.loads(done.stdout))


def test_the_administrator_is_the_shared_user(stage: Stage, folder: Path) -> None:
    """One user for everything: it is not told to grant itself to itself, nor to give up what it administers with."""
    (folder / "greenroom.yaml").write_text("version: 1\ncredentials: {mode: shared, roleName: portal}\n")
    role(stage, "portal", "LOGIN CREATEDB CREATEROLE", "portal-password")
    make(stage, "backstage_plugin_catalog", "portal")
    done = adopt(folder, "--user", "portal", "--format", "json", password="portal-password")
    document = json.loads(done.stdout)
    assert codes(document) == ["GR765", "GR766"]
    assert document["servers"]["primary"]["scripts"] == {}


def test_a_server_that_stops_answering_is_given_up(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from generator.adopt import postgresql

    parameters = {"host": stage.server.host, "port": str(stage.server.port), "user": "postgres"}
    parameters["password"] = stage.server.password
    monkeypatch.setattr(postgresql, "PATIENCE", 1)
    started = time.monotonic()
    with pytest.raises(psycopg.Error), postgresql.open_session(parameters, "postgres", 5) as session:
        session.execute("SELECT pg_sleep(30)")
    assert time.monotonic() - started < 20


def test_without_a_server_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text("backend: {database: {client: better-sqlite3, connection: ':memory:'}}\n")
    said = adopt(tmp_path, "--write", status=1)
    assert said.stdout == ""
    assert (
        "error[GR774] backend.database: no plugin is on a PostgreSQL or MySQL server: there is nothing to adopt"
        in said.stderr
    )
    assert not (tmp_path / "greenroom.adopt.yaml").exists()


def test_a_database_with_a_dot(stage: Stage, folder: Path) -> None:
    config = yaml.safe_load((folder / "app-config.yaml").read_text())
    config["backend"]["database"] |= {"pluginDivisionMode": "schema"}
    config["backend"]["database"]["connection"]["database"] = "my.portal"
    (folder / "app-config.yaml").write_text(yaml.safe_dump(config))
    make(stage, "my.portal", stage.admin, "CREATE SCHEMA catalog")
    first = as_json(stage, folder, "--administrator", stage.admin, "--write")
    assert first["servers"]["primary"]["adopt"] == {"databases": ["my.portal"], "schemas": ["my.portal.catalog"]}
    # What was written is read again by every other run.
    assert as_json(stage, folder, "--administrator", stage.admin) == first | {"written": []}
