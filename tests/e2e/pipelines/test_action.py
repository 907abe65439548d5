"""The Action on miniature repositories with bare remotes: check, commit, and a pull request to a second repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from action import PROJECT, Ran, run_action

CONFIG = """\
backend:
  database:
    client: pg
    connection: {host: db.example, user: u, password: '${PW}'}
    plugin:
"""
SETTINGS = "version: 1\nappConfig: [app-config.yaml]\nplugins: {discover: false}\n"
GH = """#!/bin/sh
echo "$*" >> "$HOME/gh.log"
[ -n "$GH_TOKEN" ] || exit 4
case "$1 $2" in "pr list") cat "$HOME/gh.open" 2> /dev/null || true ;; "pr create") echo https://forge.example/pull/1 ;; esac
"""

pytestmark = pytest.mark.slow


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Forge:
    """A portal and an infrastructure repository, each a clone of a bare one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.workspace = root / "workspace"
        self.portal = self.clone("portal", self.workspace)
        self.runs = 0
        programs = root / "programs"
        programs.mkdir()
        (programs / "greenroom").write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(PROJECT)!r})\nfrom generator.cli import main\nmain()\n"
        )
        (programs / "gh").write_text(GH)
        for program in programs.iterdir():
            program.chmod(0o755)
        self.path = f"{programs}:{os.environ['PATH']}"
        (self.portal / "greenroom.yaml").write_text(SETTINGS)
        self.plugins("auth")
        self.greenroom("generate")
        self.commit("first")

    def clone(self, name: str, target: Path) -> Path:
        bare = self.root / f"{name}.git"
        bare.mkdir()
        git(bare, "init", "--quiet", "--bare")
        git(self.root, "clone", "--quiet", str(bare), str(target))
        git(target, "commit", "--quiet", "--allow-empty", "--message", "start")
        git(target, "push", "--quiet", "origin", "HEAD:main")
        git(target, "checkout", "--quiet", "-B", "main", "--track", "origin/main")
        return target

    def plugins(self, *names: str) -> None:
        (self.portal / "app-config.yaml").write_text(CONFIG + "".join(f"      {name}: {{}}\n" for name in names))

    def commit(self, message: str) -> None:
        git(self.portal, "add", "--all")
        git(self.portal, "commit", "--quiet", "--message", message)
        git(self.portal, "push", "--quiet", "origin", "HEAD")

    def greenroom(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": self.path, "HOME": str(self.root)}
        where = folder or self.portal
        return subprocess.run(["greenroom", *arguments], cwd=where, env=environment, capture_output=True, text=True)

    def run(self, **inputs: str) -> Ran:
        self.runs += 1
        self.home = self.root / f"runner-{self.runs}"
        self.home.mkdir()
        if self.runs > 1 and (self.root / "open").exists():
            shutil.copy(self.root / "open", self.home / "gh.open")
        return run_action(self.portal, self.home, self.path, {name.replace("_", "-"): text for name, text in inputs.items()})


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    return Forge(tmp_path)


def test_check(forge: Forge) -> None:
    ran = forge.run()
    assert (ran.code, ran.outputs["changed"], ran.outputs["plugins"]) == (0, "false", "[]"), ran.log
    assert "Databases are up to date" in ran.summary
    forge.plugins("auth", "catalog")
    ran = forge.run()
    assert (ran.code, ran.outputs["changed"], json.loads(ran.outputs["plugins"])) == (3, "true", ["catalog"])
    assert "::error file=app-config.yaml,line=7," in ran.log
    assert ran.summary == Path(ran.outputs["summary"]).read_text()
    assert "1 plugin has no database yet" in ran.summary
    assert git(forge.portal, "status", "--porcelain") == "M app-config.yaml", "a check writes nothing"


def test_several_environments(forge: Forge) -> None:
    """The outputs are about all of them, or about the one that is asked for."""
    one = "appConfig: [app-config.yaml]"
    settings = forge.portal / "greenroom.yaml"
    settings.write_text(
        f"plugins: {{discover: false}}\nenvironments: {{production: {{{one}, out: infra}}, staging: {{{one}}}}}\n"
        'ignore: [{code: GR453, reason: "two networks"}]\n'
    )
    ran = forge.run()
    assert (ran.code, ran.outputs["changed"], json.loads(ran.outputs["plugins"])) == (3, "true", ["auth"]), ran.log
    assert "staging: 1 plugin has no database yet" in ran.summary
    ran = forge.run(environment="production")
    assert (ran.code, ran.outputs["changed"], ran.outputs["plugins"]) == (0, "false", "[]"), ran.log
    forge.commit("environments")
    git(forge.portal, "checkout", "--quiet", "-b", "renovate/catalog")
    ran = forge.run(mode="commit")
    assert ran.code == 0, ran.log
    files = git(forge.root / "portal.git", "show", "--name-only", "--format=", "renovate/catalog").splitlines()
    assert files
    assert all(name.startswith("infra/staging/") for name in files)


def test_problems_of_the_input_are_annotations(forge: Forge) -> None:
    (forge.portal / "app-config.yaml").write_text(CONFIG.replace("pg", "oracle") + "      auth: {}\n")
    for mode in ("check", "commit"):
        ran = forge.run(mode=mode)
        assert ran.code == 1
        assert "::error file=app-config.yaml,line=3," in ran.log
        assert "no verdict" in ran.summary
        assert ran.outputs["commit"] == ""


def test_a_mode_that_does_not_exist(forge: Forge) -> None:
    ran = forge.run(mode="apply")
    assert (ran.code, ran.summary) == (2, "")


def test_commit_to_the_branch(forge: Forge) -> None:
    """A bot's pull request is repaired by a commit that has only what was generated."""
    git(forge.portal, "checkout", "--quiet", "-b", "renovate/catalog")
    forge.plugins("auth", "catalog")
    forge.commit("catalog")
    (forge.portal / "stray.txt").write_text("not greenroom's")
    ran = forge.run(mode="commit")
    assert ran.code == 0, ran.log
    bare = forge.root / "portal.git"
    assert git(bare, "rev-parse", "renovate/catalog") == ran.outputs["commit"]
    assert git(bare, "log", "-1", "--format=%an <%ae>", "renovate/catalog") == (
        "greenroom[bot] <greenroom[bot]@users.noreply.github.com>"
    )
    files = git(bare, "show", "--name-only", "--format=", "renovate/catalog").splitlines()
    assert files
    assert all(name.startswith("infra/") for name in files)
    assert forge.greenroom("generate", "--check").returncode == 0
    ran = forge.run(mode="commit")
    assert (ran.code, ran.outputs["changed"], ran.outputs["commit"]) == (0, "false", "")


def test_a_detached_head_is_not_committed_to(forge: Forge) -> None:
    forge.plugins("auth", "catalog")
    forge.commit("catalog")
    git(forge.portal, "checkout", "--quiet", "--detach")
    ran = forge.run(mode="commit")
    assert ran.code == 1
    assert "::error title=greenroom::HEAD is detached" in ran.log
    assert git(forge.portal, "status", "--porcelain") == "", "nothing was written"


def test_without_a_remote(forge: Forge) -> None:
    forge.plugins("auth", "catalog")
    git(forge.portal, "remote", "remove", "origin")
    ran = forge.run(mode="commit")
    assert ran.code == 1
    assert "has no remote called origin" in ran.log


def test_a_token_that_may_not_push(forge: Forge) -> None:
    hook = forge.root / "portal.git/hooks/pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    forge.plugins("auth", "catalog")
    for mode in ("commit", "pull-request"):
        ran = forge.run(mode=mode, token="x")
        assert ran.code == 1
        assert "the token may not write there" in ran.log
        git(forge.portal, "reset", "--quiet", "--hard", "HEAD~1")
        forge.plugins("auth", "catalog")


def test_a_pull_request_to_the_infrastructure_repository(forge: Forge) -> None:
    infra = forge.clone("infra", forge.portal / "infra-repository")
    inputs = {
        "mode": "pull-request",
        "target_path": "infra-repository",
        "out": "infra-repository/backstage",
        "token": "secret",
    }
    ran = forge.run(**inputs)
    assert ran.code == 0, ran.log
    assert ran.outputs["pull-request"] == "https://forge.example/pull/1"
    bare = forge.root / "infra.git"
    assert git(bare, "rev-parse", "greenroom/databases") == ran.outputs["commit"]
    files = git(bare, "ls-tree", "-r", "--name-only", "greenroom/databases").splitlines()
    assert "backstage/greenroom.lock.json" in files
    assert all(name.startswith("backstage/") for name in files)
    assert git(bare, "ls-tree", "-r", "--name-only", "main") == ""
    calls = (forge.home / "gh.log").read_text()
    assert "pr create --head greenroom/databases" in calls
    assert "secret" not in calls + ran.log

    # The next run, before the pull request is merged: the branch is made anew, the pull request stays.
    (forge.root / "open").write_text("https://forge.example/pull/1")
    git(infra, "checkout", "--quiet", "-B", "main", "origin/main")
    forge.plugins("auth", "catalog")
    ran = forge.run(**inputs)
    assert ran.code == 0, ran.log
    assert git(bare, "rev-list", "--count", "main..greenroom/databases") == "1"
    assert "pr create" not in (forge.home / "gh.log").read_text()
    assert "pr edit https://forge.example/pull/1" in (forge.home / "gh.log").read_text()

    # Somebody has committed to the branch: that is not overwritten.
    other = forge.root / "other"
    git(forge.root, "clone", "--quiet", "--branch", "greenroom/databases", str(bare), str(other))
    (other / "mine.txt").write_text("mine")
    git(other, "add", "mine.txt")
    git(other, "commit", "--quiet", "--message", "mine")
    git(other, "push", "--quiet", "origin", "HEAD")
    git(infra, "checkout", "--quiet", "-B", "main", "origin/main")
    forge.plugins("auth", "catalog", "search")
    before = git(bare, "rev-parse", "greenroom/databases")
    ran = forge.run(**inputs)
    assert ran.code == 1
    assert "the last commit of greenroom/databases is not by" in ran.log
    assert git(bare, "rev-parse", "greenroom/databases") == before


def test_a_pull_request_without_a_token(forge: Forge) -> None:
    forge.plugins("auth", "catalog")
    ran = forge.run(mode="pull-request")
    assert ran.code == 1
    assert "there is no token to open the pull request with" in ran.log


def test_what_lies_outside_of_the_target_is_not_committed(forge: Forge) -> None:
    forge.clone("infra", forge.portal / "infra-repository")
    forge.plugins("auth", "catalog")
    ran = forge.run(mode="pull-request", target_path="infra-repository", token="x")
    assert ran.code == 1
    assert "outside of the repository of target-path" in ran.log


@pytest.mark.parametrize("branch", ["-f", "a b", "x..y", "$(touch pwned)", ""])
def test_a_branch_that_is_no_branch(forge: Forge, branch: str) -> None:
    forge.plugins("auth", "catalog")
    ran = forge.run(mode="pull-request", branch=branch, token="x")
    assert ran.code == 1
    assert not (forge.portal / "pwned").exists()


def test_inputs_are_words_and_no_commands(forge: Forge) -> None:
    ran = forge.run(config="app-config.yaml\n  app-config.yaml  \n", plugins="$(touch pwned)\n`touch pwned`", targets="sql")
    assert ran.code in (1, 3)
    assert not (forge.portal / "pwned").exists()


def test_the_step_that_installs(tmp_path: Path) -> None:
    """For real: everything comes with its hash, and greenroom from the action's own checkout."""
    folder = tmp_path / "venv"
    script = PROJECT / "pipelines/install.sh"
    environment = {**os.environ, "PYTHON": sys.executable}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(["bash", str(script), str(folder)], env=environment, capture_output=True, text=True, timeout=500)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip(f"the pinned packages cannot be had here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("greenroom, version ")
    (tmp_path / "app-config.yaml").write_text(CONFIG + "      auth: {}\n")
    made = subprocess.run(
        [folder / "bin/greenroom", "generate"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
    assert not (PROJECT / "build").exists()
