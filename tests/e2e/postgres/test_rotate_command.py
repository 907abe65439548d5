"""``greenroom rotate`` from the command line with a real server: generate, apply, rotate, apply, retire, apply."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import command_line
import psycopg
import pytest
import yaml
from postgres_stage import ADMIN_PASSWORD

from generator.demo.apply import apply_script

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from postgres_stage import Stage

OUTPUTS = ("--target", "sql", "--target", "app-config")


@pytest.fixture
def folder(stage: Stage, tmp_path: Path) -> Path:
    connection = {"host": stage.server.host, "port": stage.server.port, "user": stage.admin, "password": "${PGPASS_}"}
    config = {"backend": {"database": {"client": "pg", "connection": connection}}}
    (tmp_path / "app-config.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "greenroom.yaml").write_text("plugins: {include: [auth, catalog]}\ncredentials: {rotation: pair}\n")
    return tmp_path


def run(folder: Path, *arguments: str, status: int = 0, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "GREENROOM_ADMIN"))}
    kept["GREENROOM_ADMIN_PASSWORD"] = ADMIN_PASSWORD
    done = command_line.run([*arguments], cwd=folder, env={**kept, **env}, capture_output=True, text=True, timeout=100)
    assert done.returncode == status, done.stdout + done.stderr
    assert ADMIN_PASSWORD not in done.stdout + done.stderr
    return done


def passwords(folder: Path) -> dict[str, str]:
    """A password for each variable that the fragment names."""
    document = yaml.safe_load((folder / "infra" / "app-config.databases.yaml").read_text())
    plugins = document["backend"]["database"]["plugin"].values()
    return {(name := plugin["connection"]["password"][2:-1]): f"the value of {name}" for plugin in plugins}


def apply(stage: Stage, folder: Path) -> str:
    done = apply_script(
        folder / "infra" / "sql" / "databases.sql",
        host=stage.server.host,
        port=stage.server.port,
        user=stage.admin,
        password=ADMIN_PASSWORD,
        env=passwords(folder),
        psql=stage.psql,
        timeout=120,
    )
    assert done.ok, done.stderr
    return done.stdout


def as_backstage(stage: Stage, folder: Path, plugin: str) -> psycopg.Connection[Any]:
    document = yaml.safe_load((folder / "infra" / "app-config.databases.yaml").read_text())
    connection = document["backend"]["database"]["plugin"][plugin]["connection"]
    word = passwords(folder)[connection["password"][2:-1]]
    return stage.connect(connection["user"], word, connection["database"])


def test_a_rotation_from_beginning_to_end(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    with as_backstage(stage, folder, "catalog") as running:
        running.execute("CREATE TABLE entities (id int)")
        run(folder, "rotate", "catalog", *OUTPUTS)
        # Nobody has applied it: the server is not where the lock file is.
        done = run(folder, "rotate", "--retire", *OUTPUTS, status=1)
        assert (
            "error[GR656] the login 'backstage_catalog_b', which is to be the only one of catalog, cannot log in"
            in done.stderr
        )
        apply(stage, folder)
        with as_backstage(stage, folder, "catalog") as rolled_out:
            rolled_out.execute("ALTER TABLE entities ADD COLUMN name text")
            # The instance from before is still there.
            done = run(folder, "rotate", "--retire", *OUTPUTS, status=1)
            pid = running.info.backend_pid
            assert (
                f"error[GR652] 1 session of what is to be locked is open on server 'primary': backstage_catalog_a (pid {pid}"
                in (done.stderr)
            )
            assert running.execute("SELECT count(*) FROM entities").fetchone() == (0,)
    done = run(folder, "rotate", "--retire", "--format", "json", *OUTPUTS)
    document = json.loads(done.stdout)
    assert [item["code"] for item in document["diagnostics"]] == ["GR654"]
    assert document["rotations"][0]["leaving"] == []
    assert "locked role backstage_catalog_a" in apply(stage, folder)
    as_backstage(stage, folder, "catalog").close()
    with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
        stage.connect("backstage_catalog_a", "the value of BACKSTAGE_DB_CATALOG_PASSWORD_A", "backstage_plugin_catalog")
    run(folder, "rotate", "--check", *OUTPUTS)


def test_one_who_may_not_ask_is_told(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    run(folder, "rotate", *OUTPUTS)
    apply(stage, folder)
    before = (folder / "infra" / "greenroom.lock.json").read_bytes()
    done = run(folder, "rotate", "--retire", "--user", "nobody", *OUTPUTS, status=1)
    assert "error[GR771]" in done.stderr
    assert (folder / "infra" / "greenroom.lock.json").read_bytes() == before
    done = run(folder, "rotate", "--retire", "--offline", "--user", "nobody", *OUTPUTS)
    assert "warning[GR654] no server was asked" in done.stderr


def test_a_leaked_password_is_locked(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    as_backstage(stage, folder, "auth").close()
    run(folder, "rotate", "--now", "auth", *OUTPUTS)
    assert "locked role backstage_auth_a" in apply(stage, folder)
    as_backstage(stage, folder, "auth").close()
    as_backstage(stage, folder, "catalog").close()
    with pytest.raises(psycopg.OperationalError, match="is not permitted to log in"):
        stage.connect("backstage_auth_a", "the value of BACKSTAGE_DB_AUTH_PASSWORD_A", "backstage_plugin_auth")


def test_preflight_proves_the_pair(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    run(folder, "rotate", "catalog", *OUTPUTS)
    apply(stage, folder)
    env = {**passwords(folder), "PGPASS_": "x"}
    done = run(folder, "preflight", "--format", "json", **env)
    found = json.loads(done.stdout)["plugins"]
    assert found["catalog"]["ready"]
    details = {check["name"]: check["detail"] for check in found["catalog"]["checks"]}
    assert details["login"] == "as backstage_catalog_b"
    assert details["as planned"] == "database backstage_plugin_catalog, user backstage_catalog_b"
    assert details["owner"] == "backstage_catalog_b acts as backstage_catalog, which owns what is created"
    assert details["pair"].endswith("are members of backstage_catalog that inherit nothing, and may connect")
    # What it creates would belong to the login, and the next one could not use it.
    with stage.superuser() as connection:
        connection.execute("ALTER ROLE backstage_catalog_b RESET role")
    done = run(folder, "preflight", "--format", "json", status=4, **env)
    found = json.loads(done.stdout)["plugins"]
    assert found["auth"]["ready"]
    failed = {check["name"]: check for check in found["catalog"]["checks"] if check["status"] == "failed"}
    assert "a session of backstage_catalog_b is backstage_catalog_b, not backstage_catalog" in failed["owner"]["detail"]
    assert "ALTER ROLE \"backstage_catalog_b\" SET role = 'backstage_catalog'" in failed["owner"]["hint"]
    # In an init container there is no lock file: the setting and the name of the login say what is known.
    (folder / "infra" / "greenroom.lock.json").unlink()
    with stage.superuser() as connection:
        connection.execute("ALTER ROLE backstage_catalog_b SET role = 'backstage_catalog'")
    found = json.loads(run(folder, "preflight", "--format", "json", **env).stdout)["plugins"]
    assert {check["name"]: check["detail"] for check in found["catalog"]["checks"]}["pair"].endswith(
        "and may connect; no lock file here says who may log in"
    )


def test_adopt_knows_the_logins(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    done = run(folder, "adopt", "--format", "json")
    document = json.loads(done.stdout)
    assert "GR767" not in {item["code"] for item in document["diagnostics"]}
    assert "backstage_catalog_a" in done.stdout


SHARED = {
    "databases": {},
    "schemas": {"pluginDivisionMode": "schema", "connection": {"database": "portal"}},
    "group": {"role": "everything"},
    "group and schemas": {"role": "everything", "pluginDivisionMode": "schema", "connection": {"database": "portal"}},
}


@pytest.mark.parametrize("name", SHARED)
def test_one_role_for_all_plugins_has_a_pair_as_well(stage: Stage, folder: Path, name: str) -> None:
    config = yaml.safe_load((folder / "app-config.yaml").read_text())
    database = config["backend"]["database"]
    extra = dict(SHARED[name])
    database["connection"] |= extra.pop("connection", {})
    database |= extra
    (folder / "app-config.yaml").write_text(yaml.safe_dump(config))
    settings = "plugins: {include: [auth, catalog]}\ncredentials: {rotation: pair, mode: shared, roleName: backstage}\n"
    (folder / "greenroom.yaml").write_text(settings)
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    for number, step in enumerate(([], ["--retire", "--offline"], [])):
        for plugin in ("auth", "catalog"):
            env = {**passwords(folder), "PGPASS_": "x"}
            done = run(folder, "preflight", "--format", "json", **env)
            assert json.loads(done.stdout)["plugins"][plugin]["ready"], done.stdout
        assert {item.partition("_")[2] for item in passwords(folder)} == {f"DB_PASSWORD_{'ABBA'[number]}"}
        run(folder, "rotate", *step, *OUTPUTS)
        apply(stage, folder)
