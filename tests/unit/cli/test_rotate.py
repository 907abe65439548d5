"""``greenroom rotate``: each step of a rotation, what it refuses and why, and that it can be repeated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from git_repository import GitRepository
from test_contract import CONFIG, files, greenroom

from generator.output.write.unfinished import note

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

OUTPUTS = ("--target", "sql", "--target", "app-config")
PAIR = "plugins: {include: [catalog, auth]}\ncredentials: {rotation: pair}\n"


@pytest.fixture
def portal(tmp_path: Path) -> Path:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    (tmp_path / "greenroom.yaml").write_text(PAIR)
    assert greenroom("generate", *OUTPUTS, cwd=tmp_path).returncode == 0
    return tmp_path


def rotate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return greenroom("rotate", *arguments, *OUTPUTS, cwd=folder)


def lock(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "infra" / "greenroom.lock.json").read_text())
    return {name: (plugin["passwordVersion"], plugin.get("pair")) for name, plugin in found["plugins"].items()}


def login(folder: Path, plugin: str) -> tuple[str, str]:
    document = yaml.safe_load((folder / "infra" / "app-config.databases.yaml").read_text())
    connection = document["backend"]["database"]["plugin"][plugin]["connection"]
    return connection["user"], connection["password"]


def test_a_rotation_of_all(portal: Path) -> None:
    assert login(portal, "catalog") == ("backstage_catalog_a", "${BACKSTAGE_DB_CATALOG_PASSWORD_A}")
    done = rotate(portal)
    assert done.returncode == 0, done.stderr
    assert "~ catalog: password version 1 → 2" in done.stdout
    assert f"`greenroom rotate {' '.join(OUTPUTS)} --retire`" in done.stderr
    assert lock(portal) == {name: (2, {"retired": 0}) for name in ("auth", "catalog")}
    assert login(portal, "catalog") == ("backstage_catalog_b", "${BACKSTAGE_DB_CATALOG_PASSWORD_B}")
    done = rotate(portal, "--retire", "--offline")
    assert (done.returncode, "warning[GR654]" in done.stderr) == (0, True)
    assert lock(portal) == {name: (2, {"retired": 1}) for name in ("auth", "catalog")}
    assert rotate(portal).returncode == 0
    assert login(portal, "catalog") == ("backstage_catalog_a", "${BACKSTAGE_DB_CATALOG_PASSWORD_A}")
    assert greenroom("generate", "--check", *OUTPUTS, cwd=portal).returncode == 0


def test_of_one_plugin_only(portal: Path) -> None:
    before = login(portal, "auth")
    assert rotate(portal, "catalog").returncode == 0
    assert lock(portal) == {"auth": (1, {"retired": 0}), "catalog": (2, {"retired": 0})}
    assert login(portal, "auth") == before


def test_each_step_can_be_repeated(portal: Path) -> None:
    assert rotate(portal).returncode == 0
    before = files(portal)
    again = rotate(portal)
    assert (again.returncode, "error[GR646]" in again.stderr) == (1, True)
    assert files(portal) == before
    assert rotate(portal, "--retire", "--offline").returncode == 0
    before = files(portal)
    again = rotate(portal, "--retire", "--offline")
    assert (again.returncode, "info[GR653]" in again.stderr) == (0, True)
    assert files(portal) == before


def test_a_leaked_password_is_locked_at_once(portal: Path) -> None:
    assert rotate(portal, "auth").returncode == 0
    done = rotate(portal, "--now", "auth")
    assert done.returncode == 0
    assert (
        "warning[GR655] once this is applied the present passwords of backstage_auth_b, backstage_auth_a are of no use"
        in done.stderr
    )
    assert lock(portal)["auth"] == (3, {"retired": 2})
    assert lock(portal)["catalog"] == (1, {"retired": 0})


def test_where_it_stands(portal: Path) -> None:
    assert rotate(portal, "--check").returncode == 0
    rotate(portal, "catalog")
    before = files(portal)
    for option in ("--check", "--status"):
        done = rotate(portal, option, "--format", "json")
        assert done.returncode == 3
        found = {item["plugins"][0]: item for item in json.loads(done.stdout)["rotations"]}
        assert found["catalog"]["leaving"] == ["backstage_catalog_a"]
        assert found["catalog"]["live"] == "backstage_catalog_b"
        assert found["auth"]["unfinished"] is False
    assert rotate(portal, "--check", "auth").returncode == 0
    done = greenroom("generate", "--check", *OUTPUTS, cwd=portal)
    assert (done.returncode, "info[GR657]" in done.stderr) == (0, True)
    assert files(portal) == before


def test_without_a_connection_nothing_is_retired_unless_it_is_asked_for(portal: Path) -> None:
    rotate(portal)
    before = files(portal)
    done = rotate(portal, "--retire")
    assert (done.returncode, "error[GR770]" in done.stderr) == (1, True)
    assert files(portal) == before


@pytest.mark.parametrize(
    ("settings", "arguments", "code", "what"),
    [
        (PAIR, ("catlog",), "GR648", "did you mean catalog?"),
        ("plugins: {include: [catalog]}\n", (), "GR647", "rotation: pair"),
        ("plugins: {include: [catalog]}\n", ("--now",), "GR647", "at their next new connection"),
        ("plugins: {include: [catalog]}\n", ("--retire", "catalog"), "GR647", "has one login only"),
        (
            "plugins: {include: [catalog]}\ncredentials: {mode: iam, iam: rds}\n",
            ("catalog",),
            "GR648",
            "there is no password of 'catalog': rds logs it in",
        ),
    ],
)
def test_what_has_no_pair_is_refused_with_what_helps(
    tmp_path: Path, settings: str, arguments: tuple[str, ...], code: str, what: str
) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    (tmp_path / "greenroom.yaml").write_text(settings)
    assert greenroom("generate", *OUTPUTS, cwd=tmp_path).returncode == 0
    before = files(tmp_path)
    done = rotate(tmp_path, *arguments)
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert what in done.stderr
    assert files(tmp_path) == before


def test_what_is_generated_has_to_be_what_would_be(portal: Path) -> None:
    fragment = portal / "infra" / "app-config.databases.yaml"
    fragment.write_text(fragment.read_text() + "# by hand\n")
    done = rotate(portal)
    assert done.returncode == 1
    assert "error[GR649] infra/app-config.databases.yaml: not as greenroom wrote it" in done.stderr
    assert greenroom("generate", *OUTPUTS, cwd=portal).returncode == 0
    (portal / "greenroom.yaml").write_text(PAIR.replace("auth", "auth, search"))
    done = rotate(portal)
    assert "error[GR649] besides the rotation" in done.stderr
    assert greenroom("generate", *OUTPUTS, cwd=portal).returncode == 0
    assert rotate(portal).returncode == 0


def test_nothing_was_generated(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    (tmp_path / "greenroom.yaml").write_text(PAIR)
    done = rotate(tmp_path)
    assert (done.returncode, "error[GR649] nothing has been generated yet" in done.stderr) == (1, True)
    assert sorted(files(tmp_path)) == ["app-config.yaml", "greenroom.yaml"]


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ("credentials: {rotation: pair, mode: iam, iam: rds}\n", "GR644"),
        ("credentials: {rotation: pair, roleName: 'x_{plugin}_%s'}\n" % ("y" * 56), "GR305"),
        ("credentials: {rotation: pair}\n", "GR308"),
    ],
)
def test_what_stands_in_the_way_of_a_pair(tmp_path: Path, settings: str, code: str) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    (tmp_path / "greenroom.yaml").write_text(f"plugins: {{include: [kb, kb_a]}}\n{settings}")
    done = greenroom("generate", *OUTPUTS, cwd=tmp_path)
    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert not (tmp_path / "infra").exists()


def test_a_target_without_pairs_refuses_instead_of_generating_in_place(portal: Path) -> None:
    done = greenroom("generate", "--target", "cloudformation", "--target", "sql", cwd=portal)
    assert done.returncode == 1
    assert done.stderr.count("error[GR557]") == 1
    assert "the target cloudformation cannot create a pair of logins" in done.stderr


def test_mysql_is_told_that_its_passwords_change_in_place(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG.replace("client: pg", "client: mysql2"))
    (tmp_path / "greenroom.yaml").write_text("plugins: {include: [catalog]}\ncredentials: {rotation: pair}\n")
    done = greenroom("generate", *OUTPUTS, cwd=tmp_path)
    assert (done.returncode, "warning[GR558]" in done.stderr) == (0, True)
    done = rotate(tmp_path, "catalog")
    assert (done.returncode, "error[GR647]" in done.stderr) == (1, True)
    assert "rotation: pair" not in done.stderr.partition("GR647")[2].partition("help")[2]


def test_to_the_pair_and_back(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text(CONFIG)
    alone, pair = "plugins: {include: [catalog]}\n", "plugins: {include: [catalog]}\ncredentials: {rotation: pair}\n"
    seen = []
    for settings, step in (
        (alone, ()),
        (pair, ("--retire", "--offline")),
        (alone, ("--retire", "--offline")),
        (pair, ()),
    ):
        (tmp_path / "greenroom.yaml").write_text(settings)
        done = greenroom("generate", *OUTPUTS, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        seen.append((login(tmp_path, "catalog")[0], lock(tmp_path)["catalog"]))
        if step:
            done = rotate(tmp_path, *step)
            assert done.returncode == 0, done.stderr
            seen.append((login(tmp_path, "catalog")[0], lock(tmp_path)["catalog"]))
    assert seen == [
        ("backstage_catalog", (1, None)),
        ("backstage_catalog_a", (1, {"retired": 0, "ownerLogsIn": True})),
        ("backstage_catalog_a", (1, {"retired": 0})),
        ("backstage_catalog", (2, {"retired": 0, "until": 1})),
        ("backstage_catalog", (2, {"retired": 1, "until": 1})),
        ("backstage_catalog_b", (2, {"retired": 1, "ownerLogsIn": True})),
    ]


def test_one_step_at_a_time(portal: Path) -> None:
    done = rotate(portal, "--retire", "--now")
    assert (done.returncode, "different steps" in done.stderr) == (2, True)


def test_a_lock_file_that_is_rotations_behind_is_refused(portal: Path) -> None:
    git = GitRepository(portal)
    first = (portal / "infra" / "greenroom.lock.json").read_text()
    for _ in range(2):
        assert rotate(portal).returncode == 0
        assert rotate(portal, "--retire", "--offline").returncode == 0
    git.commit("two rotations")
    path = portal / "infra" / "greenroom.lock.json"
    path.write_text(first)
    done = rotate(portal, "--check")
    assert (done.returncode, done.stderr.count("error[GR658]")) == (1, 2)
    # What was retired is not taken back: a branch from before would lock the login that is in use.
    document = json.loads(first)
    for plugin in document["plugins"].values():
        plugin["passwordVersion"] = 2
        plugin["pair"]["retired"] = 1
    path.write_text(json.dumps(document))
    done = greenroom("generate", *OUTPUTS, cwd=portal)
    assert (done.returncode, done.stderr.count("error[GR658]")) == (1, 2)
    # A rotation that was not retired yet is taken back by a revert.
    git.git("checkout", "--", ".")
    assert rotate(portal).returncode == 0
    before = git.git("show", "HEAD:infra/greenroom.lock.json")
    git.commit("a third rotation")
    path.write_text(before)
    assert greenroom("generate", *OUTPUTS, cwd=portal).returncode == 0
    assert login(portal, "catalog")[0] == "backstage_catalog_a"


def test_explain_and_report_know_the_logins(portal: Path) -> None:
    done = greenroom("explain", "catalog", cwd=portal)
    assert "backstage_catalog_a or backstage_catalog_b" in done.stdout
    assert rotate(portal).returncode == 0
    done = greenroom("report", "--format", "json", *OUTPUTS, "--out", "infra", cwd=portal)
    assert "BACKSTAGE_DB_CATALOG_PASSWORD_B" in done.stdout


@pytest.mark.parametrize("written", [(), ("app-config.databases.yaml",), ("app-config.databases.yaml", "sql/databases.sql")])
def test_killed_while_it_writes_it_is_repeated(portal: Path, written: tuple[str, ...]) -> None:
    folder = portal / "infra"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert rotate(portal, "catalog").returncode == 0
    after = {path: path.read_bytes() for path in before}
    changed = {path: data for path, data in after.items() if data != before[path]}
    for path, data in before.items():  # the lock file is written last
        if path.relative_to(folder).as_posix() not in written:
            path.write_bytes(data)
    note(folder, {path: data for path, data in changed.items() if path.name != "greenroom.lock.json"}, {})
    done = rotate(portal, "catalog")
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in before} == after
    assert greenroom("generate", "--check", *OUTPUTS, cwd=portal).returncode == 0
