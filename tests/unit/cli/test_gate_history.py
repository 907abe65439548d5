"""The gate knows the past: what Git has of the lock file is kept, and forgetting it is exit code 3, in every CI service."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from generator.cli.app import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow

CONFIG = (
    "backend:\n  database:\n    client: pg\n    prefix: %s\n"
    "    connection: {host: '${POSTGRES_HOST}', user: u, password: '${PASSWORD}'}\n"
)
LOCK = "infra/greenroom.lock.json"
#: What a CI service would set where the tests run.
CI = ("GITHUB_ACTIONS", "GITLAB_CI", "BITBUCKET_BUILD_NUMBER", "TF_BUILD")


class Portal:
    """A repository with a committed infra/ folder, worked on as people do."""

    def __init__(self, root: Path, environ: dict[str, str]) -> None:
        self.root, self.environ = root, environ

    @classmethod
    def made(cls, root: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:
        for name in CI:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        root.mkdir()
        portal = cls(root, {})
        portal.git("init", "--quiet", "--initial-branch", "main", ".")
        portal.commit("auth")
        return portal

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
        done = subprocess.run(["git", *identity, *arguments], cwd=self.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def wants(self, *plugins: str, prefix: str = "backstage_plugin_", more: str = "") -> None:
        (self.root / "app-config.yaml").write_text(CONFIG % prefix)
        (self.root / "greenroom.yaml").write_text(f"plugins: {{include: [{', '.join(plugins)}]{more}}}\n")

    def commit(self, *plugins: str, prefix: str = "backstage_plugin_", more: str = "") -> str:
        self.wants(*plugins, prefix=prefix, more=more)
        assert self.run("generate").returncode == 0
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", " ".join(plugins))
        return self.git("rev-parse", "HEAD")

    def changed_by_hand(self) -> None:
        """Two commits that change the lock file, so that neither HEAD nor the one before knows what went before that."""
        for number in range(2):
            lock = json.loads((self.root / LOCK).read_text())
            lock["generator"] = f"greenroom {number}"
            (self.root / LOCK).write_text(json.dumps(lock))
            self.git("commit", "--quiet", "--all", "--message", "by hand")
        assert self.run("generate").returncode == 0
        self.git("commit", "--quiet", "--all", "--message", "generated")
        assert self.run("generate", "--check").returncode == 0

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(list(arguments))
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    def refused(self, *options: str) -> str:
        """The sentence of a check that fails."""
        result = self.run("generate", "--check", *options)
        assert result.returncode == 3, result.stderr
        (sentence,) = result.stderr.splitlines()
        return sentence

    def repaired(self, sentence: str) -> None:
        """The command of the sentence, followed: the check succeeds, and the plugin is retired."""
        command = shlex.split(sentence.rpartition(": run `")[2].partition("`")[0])
        assert command[0] == "greenroom"
        assert self.run(*command[1:]).returncode == 0
        assert self.run("generate", "--check").returncode == 0, self.run("generate", "--check").stderr

    def lock(self, section: str) -> list[str]:
        return sorted(json.loads((self.root / LOCK).read_text())[section])


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Portal:
    return Portal.made(tmp_path / "portal", monkeypatch)


# --- what is forgotten ------------------------------------------------------------------------------------------------


def test_a_revert_of_the_commit_that_added_a_plugin(portal: Portal) -> None:
    """The lock entry goes with it, and the files are exactly what this app-config needs: everything else is green."""
    added = portal.commit("auth", "search")
    portal.git("revert", "--no-edit", "HEAD")
    for options in (), ("--base", added), ("--base", "HEAD^"):
        sentence = portal.refused(*options)
        assert "has the plugin 'search' (database 'backstage_plugin_search' and role 'backstage_search')" in sentence
    portal.repaired(sentence)
    assert portal.lock("retired") == ["search"]
    assert "module.search" in (portal.root / "infra/terraform/databases/retired.tf").read_text()


def test_a_revert_that_is_older_than_the_last_change(portal: Portal) -> None:
    """Only the base knows it then."""
    added = portal.commit("auth", "search")
    portal.git("revert", "--no-edit", "HEAD")
    portal.changed_by_hand()
    portal.repaired(portal.refused("--base", added))
    assert portal.lock("retired") == ["search"]


def test_a_branch_that_was_cut_before(portal: Portal) -> None:
    portal.git("branch", "older")
    portal.commit("auth", "search")
    portal.git("switch", "--quiet", "older")
    sentence = portal.refused("--base", "main")
    assert sentence.startswith("the lock file of main has the plugin 'search'")
    assert sentence.endswith("run `greenroom generate --base main` and commit the result")
    portal.repaired(sentence)


@pytest.mark.parametrize("committed", [False, True])
def test_infra_anew(portal: Portal, committed: bool) -> None:
    portal.commit("auth", "search")
    portal.commit("auth")
    assert portal.lock("retired") == ["search"]
    portal.git("rm", "--quiet", "-r", "infra")
    if committed:
        portal.git("commit", "--quiet", "--message", "away with it")
    result = portal.run("generate")
    assert result.returncode == 0
    assert portal.lock("retired") == ["search"]
    assert portal.lock("plugins") == ["auth"]
    assert not (portal.root / "infra/terraform/databases/imports.tf").exists()


def test_a_plugin_that_goes_while_infra_is_anew(portal: Portal) -> None:
    portal.commit("auth", "search")
    portal.git("rm", "--quiet", "-r", "infra")
    portal.wants("auth")
    result = portal.run("generate")
    assert "- search: retired, its data stays (the lock file of HEAD has its database" in result.stdout
    assert portal.lock("retired") == ["search"]


def test_a_reverted_prefix_is_a_rename_back(portal: Portal) -> None:
    portal.commit("auth", prefix="portal_")
    portal.git("revert", "--no-edit", "HEAD")
    sentence = portal.refused()
    assert "has database 'portal_auth' of the plugin 'auth'" in sentence
    portal.repaired(sentence)
    locked = json.loads((portal.root / LOCK).read_text())["plugins"]["auth"]
    assert (locked["database"], locked["renamedFrom"]) == ("backstage_plugin_auth", {"database": "portal_auth"})


def test_an_entry_of_retired_that_somebody_removed(portal: Portal) -> None:
    portal.commit("auth", "search")
    portal.commit("auth")
    lock = json.loads((portal.root / LOCK).read_text())
    del lock["retired"]["search"]
    (portal.root / LOCK).write_text(json.dumps(lock))
    portal.repaired(portal.refused())
    assert portal.lock("retired") == ["search"]


def test_what_is_dropped_or_renamed_is_not_forgotten(portal: Portal) -> None:
    before = portal.commit("auth", "search", "explore")
    portal.commit("auth", "tech-radar", more=", renamed: {explore: tech-radar}, dropped: [search]")
    assert portal.run("generate", "--check", "--base", before).returncode == 0
    # Once it is in the lock file, the settings need not say it any more.
    portal.wants("auth", "tech-radar")
    assert portal.run("generate", "--check", "--base", before).returncode == 0
    plugins = (portal.root / "infra/terraform/databases/plugins.tf").read_text()
    assert "from = module.explore\n  to   = module.tech-radar" in plugins


def test_a_healthy_repository_says_nothing_more(portal: Portal) -> None:
    portal.commit("auth", "search")
    result = portal.run("generate", "--check")
    assert (result.returncode, result.stderr) == (0, "up to date\n")


# --- the base of a CI service -----------------------------------------------------------------------------------------


def pull_request(portal: Portal, environ: dict[str, str], tmp_path: Path) -> None:
    """A branch that reverts what main has."""
    base = portal.commit("auth", "search")
    portal.git("update-ref", "refs/remotes/origin/main", base)
    portal.git("switch", "--quiet", "--create", "revert")
    portal.git("revert", "--no-edit", "HEAD")
    portal.changed_by_hand()
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"base": {"sha": base}}, "before": base}))
    for name, value in environ.items():
        environ[name] = value.replace("BASE", base).replace("EVENT", str(event))


SERVICES = {
    "github pull request": {"GITHUB_ACTIONS": "true", "GITHUB_EVENT_PATH": "EVENT", "GITHUB_BASE_REF": "main"},
    "github without an event": {"GITHUB_ACTIONS": "true", "GITHUB_BASE_REF": "main"},
    "gitlab merge request": {"GITLAB_CI": "true", "CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_DIFF_BASE_SHA": "BASE"},
    "gitlab merge request, by branch": {
        "GITLAB_CI": "true",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
    },
    "gitlab push": {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "BASE"},
    "bitbucket pull request": {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_COMMIT": "BASE"},
    "bitbucket pull request, by branch": {"BITBUCKET_BUILD_NUMBER": "1", "BITBUCKET_PR_DESTINATION_BRANCH": "main"},
    "azure pull request": {"TF_BUILD": "True", "SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
}


@pytest.mark.parametrize("service", SERVICES)
def test_a_change_is_compared_with_where_it_goes(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    environ = dict(SERVICES[service])
    pull_request(portal, environ, tmp_path)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    sentence = portal.refused()
    assert "has the plugin 'search'" in sentence
    document = json.loads(portal.run("generate", "--check", "--format", "json").stdout)
    assert document["check"]["base"]["commit"] == portal.git("rev-parse", "main")
    assert [(item["plugin"], item["change"]) for item in document["check"]["plugins"]] == [("search", "forgotten")]
    # What is written depends on files only: without the option nobody's environment changes it.
    before = (portal.root / LOCK).read_bytes()
    assert portal.run("generate").returncode == 0
    assert (portal.root / LOCK).read_bytes() == before
    portal.repaired(sentence)


@pytest.mark.parametrize(
    "environ",
    [
        {"BITBUCKET_BUILD_NUMBER": "1"},
        {"TF_BUILD": "True"},
        {"GITLAB_CI": "true", "CI_COMMIT_BEFORE_SHA": "0" * 40},
        {"GITHUB_ACTIONS": "true"},
    ],
)
def test_a_push_is_compared_with_its_parent(
    portal: Portal, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    (root,) = portal.git("rev-list", "HEAD").split()
    result = portal.run("generate", "--check")  # the first commit of all has no parent, and nothing before it
    assert (result.returncode, result.stderr) == (0, "up to date\n")
    portal.commit("auth", "search")
    result = portal.run("generate", "--check")
    assert result.returncode == 0
    assert f"up to date, and nothing of {root[:12]} (" in result.stderr
    portal.git("revert", "--no-edit", "HEAD")
    assert "has the plugin 'search'" in portal.refused()


def test_the_merge_base_counts_not_what_came_later(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that main got after the branch was cut is none that the branch takes away."""
    portal.git("switch", "--quiet", "--create", "branch")
    portal.commit("auth", "events")
    portal.git("switch", "--quiet", "main")
    portal.git("update-ref", "refs/remotes/origin/main", portal.commit("auth", "search"))
    portal.git("switch", "--quiet", "branch")
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")
    assert portal.run("generate", "--check").returncode == 0


def test_a_lock_file_in_another_repository(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is a commit of the Backstage repository; the infrastructure has a repository of its own."""
    infra = Portal(tmp_path / "infra", {})
    infra.root.mkdir()
    infra.git("init", "--quiet", "--initial-branch", "main", ".")
    command = ["generate", "--root", "../portal", "--out", "databases"]
    portal.wants("auth", "search")
    assert infra.run(*command).returncode == 0
    infra.git("add", "--all")
    infra.git("commit", "--quiet", "--message", "first")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_COMMIT_BEFORE_SHA", portal.git("rev-parse", "HEAD"))
    assert infra.run(*command, "--check").stderr == "up to date\n"
    infra.git("rm", "--quiet", "-r", "databases")
    portal.wants("auth")
    assert "has the plugin 'search'" in infra.run(*command, "--check").stderr


# --- bad input --------------------------------------------------------------------------------------------------------


def failed(portal: Portal, *options: str) -> str:
    before = (portal.root / LOCK).read_bytes()
    for command in ("generate", "--check"), ("generate",):
        result = portal.run(*command, *options)
        assert result.returncode == 1, result.stdout + result.stderr
    assert (portal.root / LOCK).read_bytes() == before
    return result.stderr


@pytest.mark.parametrize("base", ["nosuch", "", "--upload-pack=x", "v1\n2", "HEAD^^^^^^^", "deadbeef" * 5])
def test_a_base_that_does_not_exist(portal: Portal, base: str) -> None:
    error = failed(portal, f"--base={base}")
    assert "error[GR541]" in error
    assert "is no commit of this checkout" in error


def test_a_base_without_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(tmp_path, {})
    portal.wants("auth")
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    assert portal.run("generate").returncode == 0
    assert "is in no Git work tree" in failed(portal, "--base", "main")


def shallow(portal: Portal, to: Path) -> Portal:
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", f"file://{portal.root}", to], check=True)
    return Portal(to, {})


def test_a_shallow_clone(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = portal.git("rev-parse", "HEAD")
    portal.commit("auth", "search")
    clone = shallow(portal, tmp_path / "clone")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("CI_COMMIT_BEFORE_SHA", base)
    result = clone.run("generate", "--check")
    assert result.returncode == 1
    assert "error[GR541]" in result.stderr
    assert "fetch the whole history" in result.stderr
    # The hint's other way.
    assert clone.run("generate", "--check", "--base", "HEAD").returncode == 0
    clone.git("fetch", "--quiet", "--unshallow")
    assert clone.run("generate", "--check").returncode == 0


def test_a_shallow_clone_of_a_push(portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.commit("auth", "search")
    clone = shallow(portal, tmp_path / "clone")
    monkeypatch.setenv("TF_BUILD", "True")
    result = clone.run("generate", "--check")
    assert result.returncode == 1
    assert "the base HEAD^ (Azure Pipelines) is no commit of this checkout" in result.stderr


def test_nothing_in_common(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.git("switch", "--quiet", "--orphan", "other")
    portal.commit("auth", "search")  # made in the same second, the same commit would be the same one
    portal.git("update-ref", "refs/remotes/origin/main", "main")
    monkeypatch.setenv("TF_BUILD", "True")
    monkeypatch.setenv("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main")
    result = portal.run("generate", "--check")
    assert result.returncode == 1
    assert "error[GR542]" in result.stderr


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ('{"version": 99}', "GR511"),
        ("<<<<<<< HEAD\n{}", "GR510"),
        ('{"version": 2, "plugins": {"auth": {}}}', "GR512"),
        ("\xff", "GR510"),
    ],
)
def test_a_base_whose_lock_file_cannot_be_read(portal: Portal, content: str, code: str) -> None:
    good = (portal.root / LOCK).read_bytes()
    (portal.root / LOCK).write_bytes(content.encode("latin-1"))
    portal.git("commit", "--quiet", "--all", "--message", "bad")
    (portal.root / LOCK).write_bytes(good)
    portal.git("commit", "--quiet", "--all", "--message", "good")
    error = failed(portal, "--base", "HEAD^")
    assert "HEAD^:greenroom.lock.json" in error
    assert f"error[{code}]" in error
    # Nobody named that commit: what it had is said to be unknown, and is no reason to stop.
    result = portal.run("generate", "--check")
    assert result.returncode == 0
    assert "warning[GR543]" in result.stderr


def test_a_folder_of_another_name(portal: Portal) -> None:
    """The base has the lock file elsewhere, and it is gone from there: it is the same one."""
    portal.commit("auth", "search")
    portal.git("rm", "--quiet", "-r", "infra")
    portal.wants("auth")
    result = portal.run("generate", "--out", "databases", "--check", "--base", "HEAD")
    assert result.returncode == 3
    assert "has the plugin 'search'" in result.stderr


def test_several_folders_of_other_names(portal: Portal) -> None:
    for folder in "one", "two":
        portal.run("generate", "--out", folder)
    portal.git("rm", "--quiet", "-r", "infra")
    portal.git("add", "--all")
    portal.git("commit", "--quiet", "--message", "three")
    portal.git("rm", "--quiet", "-r", "one", "two")
    result = portal.run("generate", "--out", "databases", "--base", "HEAD")
    assert result.returncode == 1
    assert "error[GR544]" in result.stderr


def test_a_repository_without_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    portal = Portal(tmp_path, {})
    portal.git("init", "--quiet", ".")
    portal.wants("auth")
    assert portal.run("generate").returncode == 0
    assert portal.run("generate", "--check").stderr == "up to date\n"


def test_git_that_refuses(portal: Portal) -> None:
    (portal.root / ".git/HEAD").write_text("nonsense")
    assert "error[GR540]" in failed(portal, "--base", "main")
    result = portal.run("generate", "--check")
    assert result.returncode == 0
    assert "warning[GR543] cannot read the history of infra/greenroom.lock.json" in result.stderr
