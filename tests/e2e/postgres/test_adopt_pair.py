"""``greenroom adopt`` and pairs of logins: where a rotation stands on the server, what is missing, and what helps."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from postgres_stage import ADMIN, ADMIN_PASSWORD
from test_rotate_command import OUTPUTS, apply, folder, run

if TYPE_CHECKING:
    from pathlib import Path

    from postgres_stage import Stage

__all__ = ["folder"]  # the fixture


def look(folder: Path) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """The state of each role's rotation, and what was said of pairs, by code."""
    document = json.loads(run(folder, "adopt", "--format", "json").stdout)
    found = {item["code"]: item for item in document["diagnostics"] if item["code"] in ("GR754", "GR755", "GR756")}
    return {item["role"]: item["state"] for item in document["servers"]["primary"]["rotations"]}, found


def back_to(folder: Path, lock: bytes) -> None:
    """The lock file of another moment, and what is generated with it."""
    (folder / "infra" / "greenroom.lock.json").write_bytes(lock)
    run(folder, "generate", *OUTPUTS)


def both(state: str) -> dict[str, str]:
    return {"backstage_auth": state, "backstage_catalog": state}


def test_where_a_rotation_stands(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    assert look(folder) == (both("not there"), {})
    apply(stage, folder)
    assert look(folder) == (both("in step"), {})
    lock = folder / "infra" / "greenroom.lock.json"
    first = lock.read_bytes()
    run(folder, "rotate", *OUTPUTS)
    second = lock.read_bytes()
    states, said = look(folder)
    assert states == both("not applied")
    assert said["GR754"]["summary"] == (
        "the rotation of catalog on server 'primary' is behind what was generated: there backstage_catalog_a may log in, "
        "and by the lock file backstage_catalog_a and backstage_catalog_b"
    )
    apply(stage, folder)  # what the hint says
    assert look(folder) == (both("in step"), {})
    run(folder, "rotate", "--retire", *OUTPUTS)
    assert look(folder)[0] == both("not applied")
    apply(stage, folder)
    assert look(folder) == (both("in step"), {})
    # The lock file is an older one than the server.
    third = lock.read_bytes()
    back_to(folder, second)
    states, said = look(folder)
    assert states == both("ahead")
    assert "`greenroom rotate --retire catalog` writes that down" in said["GR754"]["hint"]
    run(folder, "rotate", "--retire", *OUTPUTS)
    assert look(folder) == (both("in step"), {})
    back_to(folder, first)
    states, said = look(folder)
    assert states == both("would be cut off")
    assert said["GR755"]["summary"] == (
        "an apply would lock backstage_catalog_b on server 'primary', which catalog may be using: backstage_catalog_a, "
        "which is live by this plan, cannot log in there yet"
    )
    back_to(folder, third)  # what the hint says
    assert look(folder) == (both("in step"), {})
    assert "in step: backstage_catalog_b may log in, backstage_catalog_b is live" in run(folder, "adopt").stdout


def test_a_lost_lock_file(stage: Stage, folder: Path) -> None:
    run(folder, "generate", *OUTPUTS)
    run(folder, "rotate", *OUTPUTS)
    apply(stage, folder)
    run(folder, "rotate", "--retire", *OUTPUTS)
    apply(stage, folder)
    for path in (folder / "infra").rglob("*.*"):
        path.unlink()
    states, said = look(folder)
    assert states == both("would be cut off")
    hint = said["GR755"]["hint"]
    assert "credentials: {passwordVersions: {catalog: 2}}" in hint
    settings = folder / "greenroom.yaml"
    settings.write_text(
        "plugins: {include: [auth, catalog]}\ncredentials: {rotation: pair, passwordVersions: {auth: 2, catalog: 2}}\n"
    )
    assert look(folder) == (both("in step"), {})
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    assert look(folder) == (both("in step"), {})


def test_an_installation_with_one_role_gets_a_pair(stage: Stage, folder: Path) -> None:
    """Its lock file is lost, or there never was one: adopt says what would happen, and its list prevents it."""
    settings = folder / "greenroom.yaml"
    text = settings.read_text()
    settings.write_text(text.replace("pair", "in-place"))
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    for path in (folder / "infra").rglob("*.*"):
        path.unlink()
    settings.write_text(text)
    states, said = look(folder)
    assert states == both("would be cut off")
    assert said["GR755"]["hint"].startswith("`greenroom adopt --write` lists the role")
    run(folder, "adopt", "--write")
    run(folder, "generate", *OUTPUTS)
    states, said = look(folder)
    assert states == both("not applied")
    assert "GR755" not in said
    apply(stage, folder)
    assert look(folder) == (both("in step"), {})


FAULTS = {
    "default": ("ALTER ROLE backstage_catalog_b RESET role", "'backstage_catalog_b' does not act as 'backstage_catalog'"),
    "membership": (
        "REVOKE backstage_catalog FROM backstage_catalog_a",
        "'backstage_catalog_a' is no member of 'backstage_catalog'",
    ),
    "inherit": ("", "'backstage_catalog_a' inherits what 'backstage_catalog' may do"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_a_login_lacks(stage: Stage, folder: Path, version: int, name: str) -> None:
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    statement, fault = FAULTS[name]
    inherit = "ALTER ROLE backstage_catalog_a INHERIT"
    if version >= 16:
        inherit = "GRANT backstage_catalog TO backstage_catalog_a WITH INHERIT TRUE"
    with stage.connect(ADMIN, ADMIN_PASSWORD, "postgres") as connection:
        connection.execute((statement or inherit).encode())
        said = look(folder)[1]["GR756"]
        assert fault in said["summary"]
        repair = re.fullmatch(r"as the administrator: (.+)", said["hint"])
        assert repair
        connection.execute(repair[1].encode())
    assert look(folder) == (both("in step"), {})


def test_what_a_login_made_by_itself(stage: Stage, folder: Path) -> None:
    """An apply refuses it, and so after-apply.sql would come too late."""
    run(folder, "generate", *OUTPUTS)
    apply(stage, folder)
    with stage.superuser("backstage_plugin_catalog") as connection:
        connection.execute("CREATE TABLE mine (id serial)")
        connection.execute("ALTER TABLE mine OWNER TO backstage_catalog_a")
        document = json.loads(run(folder, "adopt", "--format", "json").stdout)
        (said,) = [item for item in document["diagnostics"] if item["code"] == "GR768"]
        assert "after-apply" not in str(document["servers"]["primary"]["scripts"])
        statement = said["hint"].partition("before an apply: ")[2]
        assert statement == "REASSIGN OWNED BY backstage_catalog_a TO backstage_catalog"
        connection.execute(statement.encode())
    document = json.loads(run(folder, "adopt", "--format", "json").stdout)
    assert "GR768" not in {item["code"] for item in document["diagnostics"]}
    apply(stage, folder)
