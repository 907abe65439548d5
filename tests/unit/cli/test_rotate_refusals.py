"""What would lock a login in use, or change its password, and what is no step at all: refused, and the hint ends it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from git_repository import GitRepository
from test_contract import greenroom
from test_rotate import OUTPUTS, PAIR, lock, portal, rotate  # noqa: F401 - the fixture

if TYPE_CHECKING:
    from pathlib import Path

CATALOG = "plugins: {include: [catalog]}\n"


def generate(folder: Path, *arguments: str) -> tuple[int, str]:
    done = greenroom("generate", *arguments, *OUTPUTS, cwd=folder)
    return done.returncode, done.stderr


def test_the_older_side_of_a_merge(portal: Path) -> None:  # noqa: F811
    git = GitRepository(portal)
    assert rotate(portal, "catalog").returncode == 0
    assert rotate(portal, "--retire", "--offline").returncode == 0
    git.commit("catalog b")
    older = (portal / "infra" / "greenroom.lock.json").read_text()
    assert rotate(portal, "catalog").returncode == 0
    assert rotate(portal, "--retire", "--offline").returncode == 0
    git.commit("catalog a")
    (portal / "infra" / "greenroom.lock.json").write_text(older)
    for arguments in ((), ("--check",), ("--check", "--base", "HEAD")):
        code, said = generate(portal, *arguments)
        assert (code, "error[GR658]" in said) == (1, True), arguments
        assert "an apply would lock the login that is in use" in said
    git.git("checkout", "--", "infra/greenroom.lock.json")
    assert generate(portal)[0] == 0


def test_a_pair_that_is_begun_anew_waits_for_its_retirement(portal: Path) -> None:  # noqa: F811
    assert rotate(portal, "catalog").returncode == 0
    settings = portal / "greenroom.yaml"
    settings.write_text(PAIR.replace("pair", "in-place"))
    assert generate(portal)[0] == 0
    done = rotate(portal, "catalog")
    assert "run `greenroom rotate --retire catalog` first" in done.stderr
    settings.write_text(PAIR)
    code, said = generate(portal)
    assert (code, said.count("error[GR646]")) == (1, 2)
    settings.write_text(PAIR.replace("pair", "in-place"))
    assert rotate(portal, "--retire", "--offline").returncode == 0
    settings.write_text(PAIR)
    assert generate(portal)[0] == 0


@pytest.mark.parametrize("retired", [False, True])
def test_the_name_of_a_former_login_stays_taken(portal: Path, retired: bool) -> None:  # noqa: F811
    settings, config = portal / "greenroom.yaml", portal / "app-config.yaml"
    settings.write_text(PAIR.replace("pair", "in-place"))
    assert generate(portal)[0] == 0
    if retired:
        assert rotate(portal, "--retire", "--offline").returncode == 0
    document = config.read_text()
    settings.write_text(PAIR.replace("pair", "in-place").replace("catalog, auth", "catalog, auth, events"))
    before = json.dumps(lock(portal))
    events = "    plugin:\n      events: {connection: {user: backstage_catalog_a}}\n"
    config.write_text(document + events)
    code, said = generate(portal)
    assert (code, "error[GR308]" in said) == (1, True), said
    assert json.dumps(lock(portal)) == before
    config.write_text(document + events.replace("backstage_catalog_a", "somebody"))
    assert generate(portal)[0] == 0


def test_the_logins_of_a_retired_plugin_stay_taken(portal: Path) -> None:  # noqa: F811
    (portal / "greenroom.yaml").write_text(PAIR.replace("catalog, auth", "auth, events"))
    config = portal / "app-config.yaml"
    config.write_text(config.read_text() + "    plugin:\n      events: {connection: {user: backstage_catalog_b}}\n")
    code, said = generate(portal)
    assert (code, "error[GR524]" in said) == (1, True), said


def test_a_misspelt_plugin_is_not_finished(portal: Path) -> None:  # noqa: F811
    done = rotate(portal, "--check", "catalgo")
    assert (done.returncode, "did you mean catalog?" in done.stderr) == (1, True)
    assert rotate(portal, "--check", "catalog").returncode == 0


def test_nothing_generated_is_not_finished(tmp_path: Path) -> None:
    (tmp_path / "app-config.yaml").write_text("backend: {database: {client: pg, connection: {host: h, user: u}}}\n")
    (tmp_path / "greenroom.yaml").write_text(PAIR)
    done = rotate(tmp_path, "--check")
    assert (done.returncode, "error[GR649]" in done.stderr) == (1, True)


def test_retiring_where_passwords_change_in_place_is_nothing(portal: Path) -> None:  # noqa: F811
    (portal / "greenroom.yaml").write_text(PAIR.replace("pair", "in-place"))
    assert generate(portal)[0] == 0
    assert rotate(portal, "--retire", "--offline").returncode == 0
    done = rotate(portal, "--retire", "--offline")
    assert (done.returncode, "GR653" in done.stderr) == (0, True), done.stderr


def test_an_option_that_would_do_nothing(portal: Path) -> None:  # noqa: F811
    done = rotate(portal, "--now", "--offline", "--host", "db", "catalog")
    assert (done.returncode, "--offline and --host: only --retire asks a server" in done.stderr) == (2, True)


def test_what_comes_next_is_about_the_same_plugins(portal: Path) -> None:  # noqa: F811
    done = rotate(portal, "catalog")
    assert f"`greenroom rotate catalog {' '.join(OUTPUTS)} --retire`" in done.stderr
