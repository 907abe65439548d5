"""The MySQL script on a real server, run as its README says: by a DBA without SUPER, twice, with names of all kinds."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from mariadb import MariaDB, mariadb_server
from mysql_stage import Stage, plan_for, want
from sql_plans import passwords

from generator.engines.names import database_problem, role_problem

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CATALOG, AUTH = want("catalog"), want("tech-insights")
#: Everything a plugin does to its database, as its migrations do.
MIGRATE = """
CREATE TEMPORARY TABLE t (a INT); DROP TEMPORARY TABLE t;
CREATE TABLE parent (id INT PRIMARY KEY); CREATE TABLE child (id INT, FOREIGN KEY (id) REFERENCES parent (id));
CREATE INDEX by_id ON child (id); ALTER TABLE child ADD COLUMN name VARCHAR(255);
CREATE VIEW seen AS SELECT * FROM parent; INSERT INTO parent VALUES (1); UPDATE parent SET id = 2; SELECT * FROM seen;
DELETE FROM parent; DROP VIEW seen; DROP TABLE child; DROP TABLE parent;
"""


def test_from_nothing_and_again(stage: Stage) -> None:
    plan = plan_for(CATALOG, AUTH)
    assert stage.must_apply(plan) == [
        "created user backstage_catalog",
        "created user backstage_tech-insights",
        "created database backstage_plugin_catalog",
        "created database backstage_plugin_tech-insights",
        "2 databases and 2 users ready on server primary",
    ]
    assert stage.server.databases == {"backstage_plugin_catalog", "backstage_plugin_tech-insights"}
    assert stage.server.users == {("backstage_catalog", "%"), ("backstage_tech-insights", "%")}
    before = stage.everything()
    assert stage.must_apply(plan) == ["2 databases and 2 users ready on server primary"]
    assert stage.everything() == before
    charset = "SELECT DISTINCT default_character_set_name, default_collation_name FROM information_schema.schemata"
    where = "WHERE schema_name LIKE 'backstage%'"
    assert stage.server.root(f"{charset} {where}") == [["utf8mb4", "utf8mb4_unicode_ci"]]
    for plugin in plan.plugins:
        done = stage.as_plugin(plan, plugin.plugin_id, MIGRATE)
        assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr


def test_a_plugin_sees_its_own_database_only(stage: Stage) -> None:
    """``_`` and ``%`` are wildcards of a grant: unescaped, `a_b` opens `a-b` and `axb` too."""
    plan = plan_for(want("ab", database="backstage_plugin_a_b"), want("a-b"), want("axb"), want("pc", database="p%c"))
    stage.must_apply(plan)
    stage.server.root("CREATE DATABASE `pxc`")
    for plugin in plan.plugins:
        own = plugin.database.name
        assert stage.as_plugin(plan, plugin.plugin_id, "SHOW DATABASES").stdout.split() == sorted(
            [own, "information_schema"], key=str.lower
        )
        for other in stage.server.databases - {own}:
            refused = stage.as_plugin(plan, plugin.plugin_id, "SELECT 1", other)
            assert "Access denied for user" in refused.stderr, (own, other)
        denied = stage.as_plugin(plan, plugin.plugin_id, "CREATE DATABASE mine")
        assert "Access denied" in denied.stderr
        assert "Access denied" in stage.as_plugin(plan, plugin.plugin_id, "SELECT 1", tls=False).stderr


HOSTILE = (
    "it's",
    'a"b',
    "back`tick",
    "back\\slash",
    "a\\_b",
    "a%b_c",
    "new\nline",
    "semi;colon -- no # comment /* not",
    "ünïcödé",
    "数据库",
    "\\! touch gone",
    "delimiter //",
    "system date",
    "x\ty",
    "'; DROP DATABASE mysql; --",
    "$(id) ${HOME} {{ x }}",
)


def test_hostile_names_are_only_names(stage: Stage) -> None:
    names = [
        name for name in HOSTILE if not database_problem(name, engine="mysql") and not role_problem(name, engine="mysql")
    ]
    assert len(names) > 12
    plan = plan_for(
        *(want(f"p{number}", database=name, role=name[:32], env=f"PASSWORD_{number}") for number, name in enumerate(names))
    )
    stage.must_apply(plan)
    found = stage.server.root("SELECT HEX(schema_name) FROM information_schema.schemata")
    assert {bytes.fromhex(row[0]).decode() for row in found} >= set(names)
    for plugin in plan.plugins:
        done = stage.as_plugin(plan, plugin.plugin_id, f"SELECT HEX(DATABASE());{MIGRATE}")
        assert done.returncode == 0, done.stderr
        assert bytes.fromhex(done.stdout.split()[0]).decode() == plugin.database.name
        seen = stage.as_plugin(plan, plugin.plugin_id, "SELECT HEX(schema_name) FROM information_schema.schemata").stdout
        assert {bytes.fromhex(name).decode() for name in seen.split()} == {plugin.database.name, "information_schema"}
    before = stage.everything()
    stage.must_apply(plan)
    assert stage.everything() == before


def test_the_planner_and_the_server_agree_on_lengths(stage: Stage) -> None:
    plan = plan_for(want("long", database="é" * 64, role="ü" * 32, env="LONG"))
    stage.must_apply(plan)
    assert stage.as_plugin(plan, "long", "SELECT 1").returncode == 0
    for name in ("x" * 65, "x ", "🦆"):
        assert database_problem(name, engine="mysql")
        assert stage.server.query(stage.server.admin, stage.server.admin_password, f"CREATE DATABASE `{name}`").returncode


# --- passwords --------------------------------------------------------------------------------------------------------


PASSWORDS = ('it\'s \\ "quoted" `$x` %', "ünïcödé 密码", "-e DROP", "\\n;--", "x" * 200, " \t padded \n")


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_any_password_arrives(stage: Stage, shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    plan = plan_for(*(want(f"p{number}") for number in range(len(PASSWORDS))))
    env = {plugin.role.delivery.env: PASSWORDS[int(plugin.plugin_id[1:])] for plugin in plan.plugins}
    stage.shell = shell
    stage.must_apply(plan, env)
    for plugin in plan.plugins:
        password = env[plugin.role.delivery.env].strip()
        done = stage.server.query(plugin.role.name, password, "SELECT 1", plugin.database.name)
        assert done.returncode == 0, (password, done.stderr)


def test_rotation_touches_one_user(stage: Stage) -> None:
    plan = plan_for(CATALOG, AUTH)
    stage.must_apply(plan)
    before = {row[1]: row for row in stage.server.root("SELECT * FROM mysql.global_priv")}
    said = stage.must_apply(plan, {**passwords(plan), CATALOG.variable: "another one"})
    assert said[0] == "set the password of user backstage_catalog"
    assert "Access denied" in stage.as_plugin(plan, "catalog", "SELECT 1").stderr
    assert stage.server.query("backstage_catalog", "another one", "SELECT 1", "backstage_plugin_catalog").returncode == 0
    after = {row[1]: row for row in stage.server.root("SELECT * FROM mysql.global_priv")}
    assert [name for name in after if after[name] != before[name]] == ["backstage_catalog"]


def test_no_password_is_left_anywhere(stage: Stage) -> None:
    plan = plan_for(CATALOG)
    secret = "a-secret-of-this-very-test"
    stage.must_apply(plan, {CATALOG.variable: secret})
    stage.server.root("FLUSH BINARY LOGS")
    for path in stage.folder.iterdir():
        assert secret not in path.read_text()
    logs = [path.read_bytes() for path in (stage.server.folder / "data").glob("binlog.0*")]
    assert b"CREATE USER `backstage_catalog`@`%` IDENTIFIED BY PASSWORD '*" in b"".join(logs)
    for text in (secret.encode(), secret.encode().hex().encode(), secret.encode().hex().upper().encode()):
        assert not any(text in log for log in logs)
    # What a client sends, a general log keeps: said in the README, and why it has to be off.
    assert secret not in (stage.server.folder / "general.log").read_text(errors="replace")


def test_a_general_log_gets_no_password(stage: Stage) -> None:
    """The script stops before it sends one, or turns the log off for itself where it may."""
    plan, secret = plan_for(CATALOG), "a-secret-for-a-general-log"
    log = stage.server.folder / "general.log"
    done = stage.apply(plan, {CATALOG.variable: secret}, general_log="")
    refused(stage, done, "nothing was changed: the general log is on and would hold the passwords (GENERAL_LOG=accept)")
    assert "set session long_query_time" in log.read_text(errors="replace").lower(), "this log shows nothing"
    stage.server.root("GRANT SUPER ON *.* TO greenroom_admin@'%'")
    assert stage.apply(plan, {CATALOG.variable: secret}, general_log="").returncode == 0
    assert stage.server.query("backstage_catalog", secret, "SELECT 1", "backstage_plugin_catalog").returncode == 0
    text = log.read_text(errors="replace").lower()
    assert "set session sql_log_off = on" in text
    assert secret not in text
    assert secret.encode().hex() not in text


def test_a_slow_log_gets_no_password(tmp_path: Path) -> None:
    settings = {"slow-query-log": "1", "long-query-time": "0", "log-output": "TABLE"}
    with mariadb_server(settings) as server:
        stage, secret = Stage(server, tmp_path), "a-secret-for-a-slow-log"
        stage.must_apply(plan_for(CATALOG), {CATALOG.variable: secret})
        text = str(server.root("SELECT sql_text FROM mysql.slow_log")).lower()
        assert "select" in text, "this log shows nothing"
        assert secret not in text
        assert secret.encode().hex() not in text


def test_a_server_that_judges_passwords_sees_them(tmp_path: Path) -> None:
    with mariadb_server({"plugin-load-add": "simple_password_check"}) as server:
        stage = Stage(server, tmp_path)
        plan = plan_for(CATALOG)
        weak = stage.apply(plan, {CATALOG.variable: "weak"})
        assert weak.returncode
        assert "policy requirements" in weak.stderr
        assert "weak" not in weak.stderr
        stage.must_apply(plan, {CATALOG.variable: "Str0ng enough!"})
        assert server.query("backstage_catalog", "Str0ng enough!", "SELECT 1", "backstage_plugin_catalog").returncode == 0


# --- what it refuses --------------------------------------------------------------------------------------------------


def refused(stage: Stage, done: object, *texts: str) -> None:
    assert getattr(done, "returncode", 0) == 1
    output = f"{getattr(done, 'stdout', '')}{getattr(done, 'stderr', '')}"
    for text in texts:
        assert text in output
    assert not stage.server.databases


def test_a_missing_password_stops_it_before_anything(stage: Stage) -> None:
    plan = plan_for(CATALOG, AUTH)
    done = stage.apply(plan, {AUTH.variable: " \n", CATALOG.variable: "x"})
    refused(stage, done, f"environment variable {AUTH.variable} is not set or empty", "nothing was changed")
    assert CATALOG.variable not in done.stdout


def test_a_connection_in_the_clear_gets_no_password(stage: Stage) -> None:
    stage.server.root("CREATE USER clear@'%' IDENTIFIED BY 'x'; GRANT ALL ON *.* TO clear@'%' WITH GRANT OPTION")
    options = stage.server.login("clear", tls=False)
    secret = "never-sent-in-the-clear"
    refused(
        stage,
        stage.apply(plan_for(CATALOG), {CATALOG.variable: secret}, options=options, password="x"),
        "this connection is not encrypted",
    )
    assert secret.encode().hex() not in (stage.server.folder / "general.log").read_text(errors="replace")
    # By the socket of the machine itself nobody listens.
    options = ["--protocol=socket", f"--socket={stage.server.socket}", "--user=root"]
    assert stage.apply(plan_for(CATALOG), options=options, password="").returncode == 0


def test_a_user_with_more_than_a_plugin_may_have(stage: Stage) -> None:
    stage.server.root("CREATE USER backstage_catalog@'%'; GRANT SELECT, PROCESS ON *.* TO backstage_catalog@'%'")
    text = "user backstage_catalog has privileges on the whole server, which is more than a plugin may have: SELECT, PROCESS"
    refused(stage, stage.apply(plan_for(CATALOG)), text)


def test_a_replica_is_left_alone(stage: Stage) -> None:
    stage.server.root("SET GLOBAL read_only = 1")
    try:
        refused(stage, stage.apply(plan_for(CATALOG)), "this server is read-only")
    finally:
        stage.server.root("SET GLOBAL read_only = 0")


def test_what_is_not_as_planned_is_said(stage: Stage) -> None:
    plan = plan_for(CATALOG, AUTH)
    stage.must_apply(plan)
    stage.server.root(
        "CREATE USER ''@'localhost'; CREATE USER ''@'%'; CREATE USER backstage_catalog@'10.%'; CREATE DATABASE other;"
        "GRANT SELECT ON `backstage\\_plugin\\_c%`.* TO ''@'%'; GRANT SELECT ON other.* TO `backstage_tech-insights`@'%';"
        "CREATE TABLE other.t (a INT); GRANT SELECT ON other.t TO backstage_catalog@'%';"
    )
    done = stage.apply(plan)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "warning: user backstage_catalog is there for host 10.% as well, and from there that one is meant",
        "warning: there is an anonymous user for host localhost: from there nobody gets in as a user for any host",
        "not as planned:",
        "  - everybody may use database backstage_plugin_catalog: grants of the anonymous user open it",
        "  - user backstage_catalog may also use table other.t, which is not its own",
        "  - user backstage_tech-insights may also use database other, which is not its own",
    ]


def test_taking_over_what_is_there(stage: Stage) -> None:
    """A user without TLS and a database with tables: both kept, the user as it has to be."""
    stage.server.root(
        "CREATE DATABASE backstage_plugin_catalog CHARACTER SET latin1;"
        "CREATE TABLE backstage_plugin_catalog.t AS SELECT 42 AS a;"
        "CREATE USER backstage_catalog@'%' IDENTIFIED BY 'old';"
        "GRANT ALL ON `backstage\\_plugin\\_catalog`.* TO backstage_catalog@'%'"
    )
    plan = plan_for(CATALOG)
    assert stage.must_apply(plan)[0] == "set the password of user backstage_catalog"
    assert stage.as_plugin(plan, "catalog", "SELECT a FROM t").stdout == "42\n"
    assert "Access denied" in stage.as_plugin(plan, "catalog", "SELECT 1", tls=False).stderr


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_users_of_one_database_and_databases_of_one_user(stage: Stage) -> None:
    plan = plan_for(
        want("catalog", database="portal"), want("auth", database="portal", role="both"), want("search", role="both")
    )
    stage.must_apply(plan)
    assert stage.as_plugin(plan, "catalog", "CREATE TABLE t (a INT); INSERT INTO t VALUES (7)").returncode == 0
    assert stage.as_plugin(plan, "auth", "SELECT a FROM t; ALTER TABLE t ADD b INT").stdout == "7\n"
    assert stage.as_plugin(plan, "search", "SELECT 1").returncode == 0
    assert "Access denied" in stage.as_plugin(plan, "catalog", "SELECT 1", "backstage_plugin_search").stderr


def test_a_new_name_of_a_user_would_break_its_views(stage: Stage) -> None:
    """Why GR527 refuses it: a view runs as the user who made it, under the name of then."""
    plan = plan_for(CATALOG)
    stage.must_apply(plan)
    assert stage.as_plugin(plan, "catalog", "CREATE TABLE t (a INT); CREATE VIEW v AS SELECT * FROM t").returncode == 0
    stage.server.root("RENAME USER backstage_catalog@'%' TO renamed@'%'")
    login = ("renamed", passwords(plan)[CATALOG.variable])
    assert stage.server.query(*login, "SELECT * FROM t", "backstage_plugin_catalog").returncode == 0
    assert "Access denied" in stage.server.query(*login, "SELECT * FROM v", "backstage_plugin_catalog").stderr


def test_a_server_that_does_not_tell_cases_apart(tmp_path: Path) -> None:
    with mariadb_server({"lower-case-table-names": "1"}) as server:
        stage = Stage(server, tmp_path)
        plan = plan_for(want("catalog", database="Portal_Catalog"))
        stage.must_apply(plan)
        stage.must_apply(plan)
        assert server.databases == {"portal_catalog"}
        assert stage.as_plugin(plan, "catalog", MIGRATE).returncode == 0


def test_the_throw_away_server_is_no_toy(running: MariaDB) -> None:
    """TLS verified, an admin without SUPER, passwords wanted."""
    as_admin = running.query(running.admin, running.admin_password, "SHOW STATUS LIKE 'Ssl_version'; SHOW GRANTS")
    assert "TLSv1" in as_admin.stdout
    assert "SUPER" not in as_admin.stdout
    assert "GRANT OPTION" in as_admin.stdout
    assert running.query(running.admin, "wrong", "SELECT 1").returncode == 1


def test_another_environments_database_is_left_alone(stage: Stage) -> None:
    """MariaDB's comment on a database says for whom it was made; a comment of anybody's stays."""
    production = plan_for(CATALOG, want("odd", database="o'd`d", role="odd"))._replace(environment="production")
    stage.must_apply(production)
    query = "SELECT schema_name, schema_comment FROM information_schema.schemata WHERE schema_comment <> ''"
    marked = dict.fromkeys(("backstage_plugin_catalog", "o'd`d"), "greenroom: environment production")
    assert {row[0]: row[1] for row in stage.server.root(query)} == marked
    before = stage.everything()
    done = stage.apply(production._replace(environment="staging"))
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "database backstage_plugin_catalog was made for environment production" in said
    assert stage.everything() == before
    stage.must_apply(production)
    stage.server.root("ALTER DATABASE backstage_plugin_catalog COMMENT 'ask Jane'; ALTER DATABASE `o'd``d` COMMENT ''")
    stage.must_apply(production)
    assert {row[0]: row[1] for row in stage.server.root(query)} == {**marked, "backstage_plugin_catalog": "ask Jane"}
    stage.server.root("ALTER DATABASE backstage_plugin_catalog COMMENT ''")
    stage.must_apply(production)
    # The statement of the message, run as the administrator, ends it.
    said = stage.apply(production._replace(environment="staging")).stdout
    statements = [line.partition("if it is to be this one's, ")[2] for line in said.splitlines()]
    for statement in filter(None, statements):
        stage.server.root(statement.strip())
    stage.must_apply(production._replace(environment="staging"))
