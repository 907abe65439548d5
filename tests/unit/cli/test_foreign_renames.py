"""A rename that only the lock file speaks of (a pull request may have written it there) is not carried out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from git_repository import GitRepository

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "backend: {database: {client: pg, connection: {host: h, user: u, password: '${PW}'}, plugin: {catalog: {%s}}}}\n"
RENAMED = "connection: {database: newname}"


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """One plugin, generated and committed."""
    made = GitRepository(tmp_path / "portal")
    configure(made, "")
    return made


def configure(repository: GitRepository, settings: str) -> None:
    """Change app-config, generate and commit."""
    (repository.folder / "app-config.yaml").write_text(CONFIG % settings)
    repository.generate()
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--allow-empty", "-m", "change")


def forge(repository: GitRepository, **names: str) -> None:
    """Write the names into the lock file, generate and commit: everything agrees."""
    path = repository.folder / "infra" / "greenroom.lock.json"
    lock = json.loads(path.read_text())
    lock["plugins"]["catalog"]["renamedFrom"] = names
    path.write_text(json.dumps(lock))
    repository.generate()
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "-m", "forged")


def script(repository: GitRepository) -> str:
    return (repository.folder / "infra" / "sql" / "databases.sql").read_text()


def test_a_rename_that_the_base_does_not_know_is_drift(repository: GitRepository) -> None:
    forge(repository, database="other_app", role="postgres")
    assert "other_app" in script(repository)
    done = repository.greenroom("generate", "--check", "--base", "HEAD^")
    assert done.returncode == 3
    assert done.stderr.count("warning[GR426]") == 2
    assert "run `greenroom generate --base 'HEAD^'` and commit the result" in done.stderr
    repository.generate("--base", "HEAD^")
    assert "other_app" not in script(repository)
    assert "GR426" not in repository.greenroom("generate", "--check", "--base", "HEAD^").stderr


def test_ci_names_the_base(repository: GitRepository) -> None:
    before = repository.git("rev-parse", "HEAD")
    forge(repository, database="other_app")
    done = repository.greenroom("generate", "--check", BITBUCKET_BUILD_NUMBER="1", BITBUCKET_PR_DESTINATION_COMMIT=before)
    assert (done.returncode, "GR426" in done.stderr) == (3, True)
    assert f"run `greenroom generate --base {before[:12]}`" in done.stderr


def test_a_rename_of_this_change_and_one_of_an_earlier_one_are_carried_out(repository: GitRepository) -> None:
    configure(repository, RENAMED)
    assert "backstage_plugin_catalog" in script(repository)
    for _ in range(2):
        done = repository.greenroom("generate", "--check", "--base", "HEAD^")
        assert (done.returncode, "GR426" in done.stderr) == (0, False), done.stderr
        configure(repository, RENAMED)
