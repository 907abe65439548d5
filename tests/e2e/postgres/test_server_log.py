"""What the PostgreSQL server's log holds after a run of the SQL script, however the run ends: never a password.

Every password is a canary; the log is searched for it, for each of its words, and for its hexadecimal form. Each test first
shows that the log holds what would have told it.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD, Stage
from psycopg import sql
from sql_plans import Want, make_plan, passwords, write_scripts

from generator.demo.apply import apply_script
from generator.demo.embedded import embedded_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLAN = make_plan(Want(plugin="catalog"), Want(plugin="left", database="both"), Want(plugin="right", database="both"))
CANARIES = {name: f"Canary{number} hunter{number}'ünïcödé-{number}" for number, name in enumerate(passwords(PLAN))}

#: What many servers have, and what makes a wait tell.
USUAL = {"log_statement": "ddl", "log_lock_waits": "on", "deadlock_timeout": "10ms", "log_min_error_statement": "error"}
EVERYTHING = {**USUAL, "log_statement": "all", "log_min_duration_statement": "0", "log_min_messages": "debug1"}


@contextlib.contextmanager
def logging(stage: Stage, settings: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Have the server log by ``settings``; what is yielded reads the log from here on."""
    path = stage.server.folder / "log"
    begin = path.stat().st_size
    try:
        with stage.superuser() as connection:
            for name, value in settings.items():
                connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("SELECT pg_reload_conf()")
            while connection.execute("SELECT current_setting('log_lock_waits')").fetchone() != ("on",):
                time.sleep(0.01)
        yield lambda: path.read_bytes()[begin:].decode(errors="replace")
    finally:
        with contextlib.suppress(psycopg.OperationalError), stage.superuser() as connection:
            connection.execute("ALTER SYSTEM RESET ALL")
            connection.execute("SELECT pg_reload_conf()")


def assert_silent(*texts: str) -> None:
    """No canary, and no part of one, is in any of the texts."""
    for text in texts:
        for canary in CANARIES.values():
            assert canary.encode().hex() not in text.lower()
            for word in re.findall(r"\w{4,}", canary):
                assert word not in text


class Run:
    """psql with the script, as a person starts it: in a process group of its own, with the passwords in its environment."""

    def __init__(self, stage: Stage, *, user: str = ADMIN, options: str = "") -> None:
        stage.scripts += 1
        folder = stage.folder / f"script-{stage.scripts}"
        folder.mkdir()
        (path,) = write_scripts(PLAN, folder).values()
        self._process = subprocess.Popen(
            [stage.psql, "-X", "-w", "-f", path],
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
                **CANARIES,
                "PGHOST": stage.server.host,
                "PGPORT": str(stage.server.port),
                "PGUSER": user,
                "PGPASSWORD": ADMIN_PASSWORD,
                "PGDATABASE": "postgres",
                "PGAPPNAME": "greenroom script",
                "PGOPTIONS": options,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def interrupt(self) -> None:
        os.killpg(self._process.pid, signal.SIGINT)

    def end(self) -> tuple[int, str]:
        """Its exit code, and everything it said."""
        stdout, stderr = self._process.communicate(timeout=120)
        return self._process.returncode, stdout + stderr


@contextlib.contextmanager
def waiting(stage: Stage, read: Callable[[], str]) -> Iterator[tuple[Run, psycopg.Connection[Any]]]:
    """A run that waits for a session which changed a role and has not committed."""
    stage.must_apply(PLAN, dict.fromkeys(CANARIES, "the one before"))
    with psycopg.connect(stage.server.dsn()) as blocking:
        blocking.execute("ALTER ROLE backstage_catalog CONNECTION LIMIT 50")
        run = Run(stage)
        while "still waiting for" not in read():
            assert run.is_running, run.end()
            time.sleep(0.02)
        yield run, blocking


def on_sessions(stage: Stage, function: str) -> int:
    """Call ``function`` on each session of the script; how many there were."""
    query = f"SELECT {function}(pid) FROM pg_stat_activity WHERE application_name = 'greenroom script'"
    with stage.superuser() as connection:
        return len(connection.execute(query).fetchall())


def test_a_run_that_waits(stage: Stage) -> None:
    with logging(stage, USUAL) as read:
        with waiting(stage, read) as (run, blocking):
            blocking.commit()
            code, said = run.end()
        assert code == 0, said
        assert_silent(read(), said)
    for plugin in PLAN.plugins:
        stage.connect(plugin.role.name, CANARIES[plugin.role.delivery.env], plugin.database.name).close()


def test_a_run_that_is_interrupted_while_it_waits(stage: Stage) -> None:
    with logging(stage, USUAL) as read, waiting(stage, read) as (run, _):
        run.interrupt()
        code, said = run.end()
        assert code == 3, said
        assert 'role "backstage_catalog": canceling statement due to user request' in read()
        assert_silent(read(), said)


def test_a_run_whose_session_is_ended_while_it_waits(stage: Stage) -> None:
    with logging(stage, USUAL) as read, waiting(stage, read) as (run, _):
        assert on_sessions(stage, "pg_terminate_backend") == 1
        code, said = run.end()
        assert code != 0
        assert "terminating connection due to administrator command" in read()
        assert_silent(read(), said)


def test_a_server_that_stops_while_a_run_waits(stage: Stage, tmp_path: Path) -> None:
    with embedded_server(stage.server.bin_dir) as server:
        server.create_admin(ADMIN, ADMIN_PASSWORD)
        other = Stage(server=server, folder=tmp_path, psql=stage.psql)
        with logging(other, USUAL) as read:
            # The session that blocks ends with the server.
            with contextlib.suppress(psycopg.OperationalError), waiting(other, read) as (run, _):
                os.kill(server.pid, signal.SIGINT)  # what "fast shutdown" is
                code, said = run.end()
            assert code != 0
            assert "terminating connection due to administrator command" in read()
            assert_silent(read(), said)


@pytest.mark.parametrize("milliseconds", [1, 2, 5, 10, 50])
def test_a_run_with_a_timeout(stage: Stage, milliseconds: int) -> None:
    """A statement of the checks that was cut off once had all passwords in it."""
    with logging(stage, USUAL) as read:
        options = f"-c statement_timeout={milliseconds}ms -c lock_timeout={milliseconds}ms"
        code, said = Run(stage, options=options).end()
        assert "canceling statement due to" in said if code else "ready on server primary" in said
        assert_silent(read(), said)


def test_a_server_that_logs_everything(stage: Stage) -> None:
    with logging(stage, EVERYTHING) as read:
        run = Run(stage, options="-c log_parameter_max_length_on_error=-1")
        code, said = run.end()
        assert code == 0, said
        assert "COPY  pg_temp.greenroom_value" in read()
        assert "ALTER ROLE" in read()
        assert_silent(read(), said)


@pytest.mark.parametrize("function", ["pg_cancel_backend", "pg_terminate_backend"])
def test_a_run_that_is_cut_off_anywhere(stage: Stage, function: str) -> None:
    """From the first statement to the last, wherever the moment falls; the next run ends what the others began."""
    with logging(stage, EVERYTHING) as read:
        cut = 0
        for number in range(25):
            run = Run(stage)
            time.sleep(0.012 * number)
            while run.is_running and not (ended := on_sessions(stage, function)):
                time.sleep(0.001)
            cut += ended
            _, said = run.end()
            assert_silent(said)
        assert cut > 5, "hardly any run was cut off"
        assert_silent(read())
        code, said = Run(stage).end()
        assert code == 0, said
        assert_silent(read())
    for plugin in PLAN.plugins:
        stage.connect(plugin.role.name, CANARIES[plugin.role.delivery.env], plugin.database.name).close()


def test_a_role_that_cannot_be_changed(stage: Stage) -> None:
    """Without the checks the script runs into the server's refusal."""
    with stage.superuser() as connection:
        connection.execute(sql.SQL("CREATE ROLE weak LOGIN PASSWORD {}").format(sql.Literal(ADMIN_PASSWORD)))
    stage.must_apply(PLAN, CANARIES)
    with logging(stage, USUAL) as read:
        (script,) = stage.folder.glob("script-1/databases.sql")
        text = script.read_text()
        script.write_text(text[: text.index("-- 2. Checks")] + text[text.index("-- 4. Roles") :])
        result = apply_script(
            script,
            host=stage.server.host,
            port=stage.server.port,
            user="weak",
            password=ADMIN_PASSWORD,
            env=CANARIES,
            psql=stage.psql,
        )
        assert result.returncode == 3
        assert 'ERROR:  role "backstage_catalog": ' in result.stderr
        assert 'ERROR:  role "backstage_catalog": ' in read()
        assert_silent(read(), result.stdout, result.stderr)


def test_a_server_that_judges_passwords(stage: Stage) -> None:
    """An extension that refuses verifiers gets the password; here the script refuses in its place, once, then the server."""
    folder = stage.folder / "judged"
    folder.mkdir()
    (script,) = write_scripts(PLAN, folder).values()
    verifier = "    EXECUTE format('ALTER ROLE %I PASSWORD %L', role, verifier);\n"
    clear = "    EXECUTE format('ALTER ROLE %I PASSWORD %L', role, convert_from(password, 'UTF8'));\n"
    refusal = "    RAISE EXCEPTION 'no verifiers here' USING ERRCODE = 'invalid_parameter_value';\n"
    text = script.read_text()
    assert verifier in text
    assert clear in text
    server = {"host": stage.server.host, "port": stage.server.port, "user": ADMIN, "password": ADMIN_PASSWORD}
    with logging(stage, USUAL) as read:
        script.write_text(text.replace(verifier, refusal))
        result = apply_script(script, **server, env=CANARIES, psql=stage.psql)  # type: ignore[arg-type]
        assert result.ok, result.stderr
        script.write_text(text.replace(verifier, refusal).replace(clear, clear + clear.replace("PASSWORD", "NOSUCHOPTION")))
        result = apply_script(script, **server, env=CANARIES, psql=stage.psql)  # type: ignore[arg-type]
        assert result.returncode == 3
        assert 'role "backstage_catalog": unrecognized role option "nosuchoption"' in read()
        assert_silent(read(), result.stdout, result.stderr)
    for plugin in PLAN.plugins:
        stage.connect(plugin.role.name, CANARIES[plugin.role.delivery.env], plugin.database.name).close()


def test_where_there_is_no_shell(stage: Stage) -> None:
    """On Windows psql itself reads the environment; the usual log still has nothing."""
    with logging(stage, USUAL) as read:
        result = stage.must_apply(PLAN, {**CANARIES, "OS": "Windows_NT"})
        assert "CREATE ROLE" in read()
        assert_silent(read(), result.stdout, result.stderr)
    for plugin in PLAN.plugins:
        stage.connect(plugin.role.name, CANARIES[plugin.role.delivery.env], plugin.database.name).close()


def test_nobody_sees_a_password_in_the_list_of_sessions(stage: Stage) -> None:
    seen: set[str] = set()
    done = threading.Event()

    def look() -> None:
        with stage.superuser() as connection:
            while not done.is_set():
                seen.update(str(row) for row in connection.execute("SELECT query FROM pg_stat_activity"))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        code, said = Run(stage).end()
    finally:
        done.set()
        thread.join()
    assert code == 0, said
    assert len(seen) > 1
    assert_silent("\n".join(seen))


def test_preflight_and_adopt(stage: Stage, tmp_path: Path) -> None:
    """They log in with passwords, and say nothing of them to a server that logs everything."""
    first, second, _ = CANARIES.values()
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PG")},
        "BACKSTAGE_DB_AUTH_PASSWORD": first,
        "BACKSTAGE_DB_CATALOG_PASSWORD": second,
        "BASE_PASSWORD": first,
        "GREENROOM_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    connection = f"{{host: {stage.server.host}, port: {stage.server.port}, user: nobody, password: '${{BASE_PASSWORD}}'}}"
    config = f"backend: {{database: {{client: pg, connection: {connection}}}}}"
    (tmp_path / "app-config.yaml").write_text(config, encoding="utf-8")

    def greenroom(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", "from generator.cli import main; main()", *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    plugins = ("--plugin", "auth", "--plugin", "catalog")
    greenroom("generate", *plugins)
    with logging(stage, EVERYTHING) as read:
        result = apply_script(
            tmp_path / "infra" / "sql" / "databases.sql",
            host=stage.server.host,
            port=stage.server.port,
            user=ADMIN,
            password=ADMIN_PASSWORD,
            env=env,
            psql=stage.psql,
        )
        assert result.ok, result.stderr
        said = greenroom("preflight") + greenroom("adopt", *plugins, "--user", ADMIN)
        log = read()
        assert "greenroom_preflight" in log
        assert ADMIN_PASSWORD not in log
        assert_silent(log, said)
