"""Two environments on one server: what one has made, nothing of the other's takes over, resets or calls ready."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING

import command_line
import pytest
import yaml
from postgres_stage import ADMIN, ADMIN_PASSWORD
from sql_plans import Want, make_plan, passwords
from test_preflight import targets
from test_sql_script import scram_verifiers, stopped

from generator.demo.apply import apply_script
from generator.planning.marks import mark, stranger
from generator.planning.model import Retired
from generator.preflight.options import PreflightOptions
from generator.preflight.preflight import run_preflight

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_stage import Stage

    from generator.planning.model import Plan

ODD = 'My "Catalog\'s" $do$'
PRODUCTION = make_plan(Want(plugin="catalog"), Want(plugin="search", role=ODD, database=ODD, env="ODD"))._replace(
    environment="production"
)
STAGING = PRODUCTION._replace(environment="staging")
COMMENTS = """
SELECT rolname, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname ~* 'catalog'
UNION ALL SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database WHERE datname ~* 'catalog'
"""


def comments(stage: Stage) -> dict[str, str | None]:
    with stage.superuser() as connection:
        return dict(connection.execute(COMMENTS).fetchall())


def isolation(stage: Stage, plan: Plan) -> dict[str, tuple[bool, str]]:
    """What preflight says of each plugin's isolation: whether it holds, and the reason with the hint."""
    found = {}
    values = {name: value.strip() for name, value in passwords(plan).items()}
    for result in run_preflight(targets(stage, plan, values), PreflightOptions()).results:
        (check,) = [check for check in result.checks if check.name == "isolated"] or [None]
        assert check is not None, [item for item in result.checks if not item.ok]
        found[result.plugin_id] = (check.ok, f"{check.detail} | {check.hint}")
    return found


def test_a_script_leaves_another_environments_alone(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    assert set(comments(stage).values()) == {mark("production")}
    assert stranger(mark("production"), "staging") == "was made for environment production"
    theirs = {name: f"of staging {name}" for name in passwords(STAGING)}
    said = stopped(stage, STAGING, env=theirs)
    for kind, name in (("role", "backstage_catalog"), ("database", "backstage_plugin_catalog")):
        assert f"{kind} {name} was made for environment production, and this script is for environment staging" in said
        assert f"COMMENT ON {kind.upper()} {name} IS 'greenroom: environment staging'" in said
    assert "backend.database.prefix in app-config" in said
    assert "credentials.roleName in greenroom.yaml: backstage_{environment}_{plugin}" in said
    stage.must_apply(PRODUCTION)
    with stage.as_plugin(PRODUCTION, "catalog") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_what_the_message_says_ends_it(stage: Stage) -> None:
    """The environment has another name now: the statements of the message, run as the administrator."""
    stage.must_apply(PRODUCTION)
    said = stopped(stage, STAGING)
    statements = [line.partition("if it is to be this one's, ")[2] for line in said.splitlines()]
    with stage.connect(ADMIN, ADMIN_PASSWORD, "postgres") as connection:
        for statement in filter(None, statements):
            connection.execute(statement)  # type: ignore[call-overload]
    stage.must_apply(STAGING)
    assert set(comments(stage).values()) == {mark("staging")}


def test_other_names_are_two_environments_that_do_not_meet(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    other = make_plan(Want(plugin="catalog", role="backstage_staging_catalog", database="staging_catalog", env="STAGING"))
    other = other._replace(environment="staging")
    stage.must_apply(other)
    assert isolation(stage, other)["catalog"][0]
    assert isolation(stage, PRODUCTION)["catalog"][0]


def test_comments_of_others_stay_and_what_was_unmarked_is_marked(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    with stage.superuser() as connection:
        connection.execute("COMMENT ON ROLE backstage_catalog IS 'ask Jane'")
        connection.execute("COMMENT ON DATABASE backstage_plugin_catalog IS NULL")
    stage.must_apply(PRODUCTION)
    found = comments(stage)
    assert (found["backstage_catalog"], found["backstage_plugin_catalog"]) == ("ask Jane", mark("production"))


def test_a_stacks_are_not_the_scripts(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    before = scram_verifiers(stage, PRODUCTION)
    with stage.superuser() as connection:
        connection.execute("""COMMENT ON DATABASE backstage_plugin_catalog IS '{"greenroom": 1, "id": "x@y:5432"}'""")
    said = stopped(stage, PRODUCTION)
    assert "database backstage_plugin_catalog belongs to a CloudFormation stack" in said
    assert before
    with stage.superuser() as connection:
        connection.execute("COMMENT ON DATABASE backstage_plugin_catalog IS NULL")
    stage.must_apply(PRODUCTION)


def test_preflight_is_not_ready_on_another_environments(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    assert isolation(stage, PRODUCTION)["catalog"][0]
    holds, said = isolation(stage, STAGING)["catalog"]
    assert not holds
    assert "user backstage_catalog was made for environment production" in said
    assert "give environment staging names of its own (credentials.roleName and backend.database.prefix)" in said
    with stage.superuser() as connection:
        for statement in said.partition("if they are to be this one's: ")[2].split("; "):
            connection.execute(statement)  # type: ignore[call-overload]
    assert isolation(stage, STAGING)["catalog"][0]


def test_preflight_looks_at_every_database_its_user_can_enter(stage: Stage) -> None:
    stage.must_apply(PRODUCTION)
    with stage.superuser() as connection:
        for name in ("reports", "staging_catalog", "anybodys", "retired", "archive"):
            connection.execute(f"CREATE DATABASE {name}")  # type: ignore[call-overload]
        connection.execute("CREATE ROLE readers")
        connection.execute("REVOKE ALL ON DATABASE archive FROM PUBLIC")
        connection.execute("GRANT CONNECT ON DATABASE archive TO readers")
        connection.execute("GRANT readers TO backstage_catalog")
        connection.execute("REVOKE ALL ON DATABASE reports FROM PUBLIC")
        connection.execute("GRANT CONNECT ON DATABASE reports TO backstage_catalog")
        connection.execute("GRANT CONNECT ON DATABASE retired TO backstage_catalog")
        connection.execute("COMMENT ON DATABASE staging_catalog IS 'greenroom: environment staging'")
    gone = Retired("todo", "todo", "primary", "postgresql", "retired", None, "backstage_todo")
    holds, said = isolation(stage, PRODUCTION._replace(retired=(gone,)))["catalog"]
    assert not holds
    assert "may connect to database reports, which is not in the plan" in said
    assert "may connect to database archive, which is not in the plan" in said
    assert "may connect to database staging_catalog, which was made for environment staging" in said
    assert "anybodys" not in said
    assert "retired" not in said
    with stage.superuser() as connection:
        for statement in said.partition("as the owner: ")[2].split("; "):
            connection.execute(statement)  # type: ignore[call-overload]
    assert isolation(stage, PRODUCTION._replace(retired=(gone,)))["catalog"][0]


def without_libpq() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


class Portal:
    """An environment's repository, whose script is run as its README says."""

    def __init__(self, stage: Stage, folder: Path, environment: str) -> None:
        self.stage, self.folder, self.plugins = stage, folder, {"discover": False, "include": ["catalog"]}
        self.settings = {"version": 1, "environment": environment, "targets": {"sql": {}, "appConfig": {}}}
        self.database = {"client": "pg", "connection": {"host": stage.server.host, "port": stage.server.port}}
        folder.mkdir()

    def greenroom(self, *arguments: str, status: int = 0) -> str:
        (self.folder / "app-config.yaml").write_text(yaml.safe_dump({"backend": {"database": self.database}}))
        (self.folder / "greenroom.yaml").write_text(yaml.safe_dump({**self.settings, "plugins": self.plugins}))
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        done = command_line.run(
            [*arguments],
            cwd=self.folder,
            env={**environ, "GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD, "PGSSLMODE": "disable"},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def apply(self, *, ok: bool = True) -> str:
        self.greenroom("generate")
        done = apply_script(
            self.folder / "sql" / "databases.sql",
            host=self.stage.server.host,
            port=self.stage.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env={"BACKSTAGE_DB_CATALOG_PASSWORD": f"of {self.settings['environment']}"},
            psql=self.stage.psql,
        )
        assert done.ok == ok, done.stderr
        return done.stderr


def test_every_message_ends_when_it_is_followed(stage: Stage, tmp_path: Path) -> None:
    """Staging was generated with production's names before anybody applied it: names of its own, and nothing to rename."""
    Portal(stage, tmp_path / "production", "production").apply()
    staging = Portal(stage, tmp_path / "staging", "staging")
    said = staging.apply(ok=False)
    assert "name another one (backend.database.prefix in app-config)" in said
    (name,) = re.findall(r"name another one \(credentials\.roleName in greenroom\.yaml: (\S+)\)", said)
    staging.settings["credentials"] = {"roleName": name}
    staging.database["prefix"] = "staging_"
    said = staging.apply(ok=False)
    asked = dict(re.findall(r"add (\S+): (\S+) to plugins\.renamesApplied in greenroom\.yaml", said))
    adopted = staging.greenroom("adopt", "--user", ADMIN, status=1)
    assert asked == dict(re.findall(r"add (\S+): (\S+) to plugins\.renamesApplied and generate again", adopted))
    assert asked == {"backstage_catalog": "backstage_staging_catalog", "backstage_plugin_catalog": "staging_catalog"}
    staging.plugins["renamesApplied"] = asked
    staging.greenroom("generate")
    assert "missing: will be made" in staging.greenroom("adopt", "--user", ADMIN)
    staging.apply()
    for role, database, password in (
        ("backstage_catalog", "backstage_plugin_catalog", "of production"),
        ("backstage_staging_catalog", "staging_catalog", "of staging"),
    ):
        with stage.connect(role, password, database) as connection:
            assert connection.execute("SELECT current_database()").fetchone() == (database,)


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_adopt_takes_over_nothing_of_another_environments(stage: Stage, tmp_path: Path, environment: str) -> None:
    stage.must_apply(make_plan(Want(plugin="catalog"))._replace(environment="production"))
    connection = {"host": stage.server.host, "port": stage.server.port}
    (tmp_path / "app-config.yaml").write_text(
        yaml.safe_dump({"backend": {"database": {"client": "pg", "connection": connection}}})
    )
    plugins = {"discover": False, "include": ["catalog"]}
    (tmp_path / "greenroom.yaml").write_text(yaml.safe_dump({"version": 1, "environment": environment, "plugins": plugins}))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    done = command_line.run(
        ["adopt", "--user", ADMIN, "--write", "--format", "json"],
        cwd=tmp_path,
        env={**environ, "GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD, "PGSSLMODE": "disable"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    codes = [item["code"] for item in json.loads(done.stdout)["diagnostics"]]
    written = sorted(path.name for path in tmp_path.iterdir() if path.is_file())
    if environment == "production":
        assert done.returncode == 0, done.stdout + done.stderr
        assert "greenroom.adopt.yaml" in written
    else:
        assert done.returncode == 1
        assert codes.count("GR776") == 2
        assert written == ["app-config.yaml", "greenroom.yaml"]


class Both(Portal):
    """One repository with both environments, each applied and proved with its own files."""

    def greenroom(self, *arguments: str, status: int = 0, **environ: str) -> str:
        done = command_line.run(
            [*arguments],
            cwd=self.folder,
            env={**without_libpq(), "PGSSLMODE": "disable", **environ},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr

    def apply_environment(self, name: str) -> None:
        done = apply_script(
            self.folder / "infra" / name / "sql" / "databases.sql",
            host=self.stage.server.host,
            port=self.stage.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env={"BACKSTAGE_DB_CATALOG_PASSWORD": f"of {name}"},
            psql=self.stage.psql,
        )
        assert done.ok, done.stderr


def test_one_file_for_both_on_one_server(stage: Stage, tmp_path: Path) -> None:
    """What GR453 warns of; its hint; then both are applied, and each is ready and keeps out of the other's."""
    both = Both(stage, tmp_path / "portal", "production")
    settings = {
        "version": 1,
        "plugins": both.plugins,
        "targets": {"sql": {}, "appConfig": {}},
        "environments": {"production": {}, "staging": {"appConfig": ["app-config.yaml", "app-config.staging.yaml"]}},
    }
    (both.folder / "app-config.yaml").write_text(yaml.safe_dump({"backend": {"database": both.database}}))
    overlay = both.folder / "app-config.staging.yaml"
    overlay.write_text("app: {title: Staging}\n")
    (both.folder / "greenroom.yaml").write_text(yaml.safe_dump(settings))
    assert "warning[GR453] environments.staging" in both.greenroom("generate", "--check", status=3)
    overlay.write_text("backend: {database: {prefix: staging_}}\n")
    settings["environments"]["staging"]["credentials"] = {"roleName": "backstage_{environment}_{plugin}"}  # type: ignore[index]
    (both.folder / "greenroom.yaml").write_text(yaml.safe_dump(settings))
    assert "GR453" not in both.greenroom("generate")
    for name in ("production", "staging"):
        both.apply_environment(name)
    for name in ("production", "staging"):
        said = both.greenroom("preflight", "--environment", name, BACKSTAGE_DB_CATALOG_PASSWORD=f"of {name}")
        assert "ready" in said
        assert "NOT READY" not in said
        wrong = both.greenroom("preflight", "--environment", name, status=4, BACKSTAGE_DB_CATALOG_PASSWORD="of nobody")
        assert "NOT READY" in wrong
    assert set(comments(stage).values()) == {mark("production"), mark("staging")}
    adopted = both.greenroom(
        "adopt", "--environment", "staging", "--user", ADMIN, "--write", GREENROOM_ADMIN_PASSWORD=ADMIN_PASSWORD
    )
    assert "staging_catalog" in adopted
    assert (both.folder / "greenroom.staging.adopt.yaml").exists()
    assert "production: up to date" in both.greenroom("generate", "--check")
