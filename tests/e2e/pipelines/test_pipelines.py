"""The files of pipelines, with real tools where they can be had; and no instruction installs somebody else's package."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from linters import linters
from setup_venv import SetupError

PROJECT = Path(__file__).resolve().parents[3]
WORKFLOW = PROJECT / ".github/workflows/databases.yml"
RELEASE = PROJECT / ".github/workflows/release.yml"
GITLAB = PROJECT / "pipelines/gitlab/greenroom.yml"
SHELL = [*sorted((PROJECT / "pipelines").rglob("*.sh")), PROJECT / "tools/pin_pipelines.sh"]
COMMIT = re.compile(r"[0-9a-f]{40}")


def texts() -> list[tuple[Path, str]]:
    """Everything that tells a reader, or a program, what to install."""
    folders = ("docs", "examples", "generator", "pipelines", "templates", "tools", ".github")
    files = [path for name in folders for path in sorted((PROJECT / name).rglob("*")) if path.is_file()]
    files += [path for path in PROJECT.iterdir() if path.is_file()]
    kept = [path for path in files if not {"__pycache__", "compiled-templates", "node_modules"} & set(path.parts)]
    return [(path, path.read_bytes().decode(errors="replace")) for path in kept]


def test_no_instruction_installs_a_package_called_greenroom() -> None:
    """The name is registered nowhere: who registers it would run code in every pipeline. docs/install.md has the one way."""
    wanted = re.compile(r"(?:pipx?|uv|uvx) +(?:[a-z]+ +)*(?:-\S+ +)*['\"]?greenroom(?![-./\w])|(?:pipx|uvx) +run +greenroom")
    found = [f"{path.relative_to(PROJECT)}: {match[0]}" for path, text in texts() for match in wanted.finditer(text)]
    assert found == []


def test_one_page_says_how_to_install() -> None:
    """A release changes one snippet. Programs call `pipelines/install.sh`; what people read links to docs/install.md."""
    page = PROJECT / "docs/install.md"
    ways = re.compile(
        r"pipelines/install\.sh +[~$/\w]|git clone +\S+ +greenroom|make wheel|install\b[^\n]*greenroom-[\d*][^ ]*\.whl"
    )
    read = [(path, text) for path, text in texts() if path.suffix in (".md", ".j2", ".toml")]
    found = {path.relative_to(PROJECT).as_posix() for path, text in read if ways.search(text)}
    assert found == {"docs/install.md"}, "link to docs/install.md instead"
    snippet = re.findall(r"<!-- install:.*? -->\n```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(snippet) == 1


def test_every_action_is_pinned_by_hash() -> None:
    for path, text in texts():
        if path.suffix not in (".md", ".yml", ".yaml"):
            continue
        for name, reference in re.findall(r"uses: ([\w.-]+/[\w./-]+)@([\w./-]+)", text):
            ours = name.startswith("OWNER/greenroom") and reference == "COMMIT"
            assert ours or COMMIT.fullmatch(reference), f"{path.relative_to(PROJECT)}: {name}@{reference}"


def test_what_pipelines_install_is_pinned_with_hashes_and_enough() -> None:
    import tomllib

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {*project["project"]["dependencies"], "hatchling", "jinja2"}
    release = {"build", "cyclonedx-bom", *project["build-system"]["requires"]}
    for file, extras in (
        ("requirements.txt", ()),
        ("requirements-live.txt", ("live", "aws")),
        ("requirements-release.txt", ()),
    ):
        text = (PROJECT / "pipelines" / file).read_text(encoding="utf-8")
        blocks = re.findall(r"^([a-z0-9.-]+)==.* \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
        assert sum(line[:1] not in ("", "#", " ") for line in text.splitlines()) == len(blocks)
        listed = (release if "release" in file else needed).union(
            *(project["project"]["optional-dependencies"][name] for name in extras)
        )
        names = {re.split(r"[^A-Za-z0-9_.-]", requirement)[0].lower() for requirement in listed}
        assert names <= {name for name, _ in blocks}
        assert "http" not in text, "no index is named"


# --- linters that are not ours ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def programs() -> str:
    """The folders of programs, with those of the linters that an index of Python packages has; installed on first use."""
    try:
        return f"{linters('pipelines')}{os.pathsep}{os.environ['PATH']}"
    except SetupError:
        return os.environ["PATH"]  # what is not here skips, and says so


@pytest.mark.parametrize(
    "command",
    [
        ["shellcheck", "-x", *SHELL],
        ["actionlint", WORKFLOW, RELEASE],
        ["zizmor", "--offline", "--quiet", "action.yml", ".github/workflows"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW, RELEASE],
        ["hadolint", "Containerfile"],
        ["pre-commit", "validate-manifest", ".pre-commit-hooks.yaml"],
    ],
    ids=lambda command: command[0],
)
def test_a_linter_finds_nothing(programs: str, command: list[str | Path]) -> None:
    name, *arguments = command
    program = shutil.which(name, path=programs)
    if program is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [program, *arguments], cwd=PROJECT, env={**os.environ, "PATH": programs}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_hooks_start_commands_that_exist() -> None:
    from generator.cli.app import COMMANDS, greenroom

    for hook in yaml.safe_load((PROJECT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")):
        program, name, *options = hook["entry"].split()
        assert (program, name in COMMANDS, hook["pass_filenames"]) == ("greenroom", True, False)
        command = greenroom.get_command(greenroom.make_context("greenroom", ["--help"], resilient_parsing=True), name)
        assert command is not None
        assert set(options) <= {option for parameter in command.params for option in parameter.opts}
        assert re.search(hook["files"], "app-config.production.yaml")


# --- the workflow -----------------------------------------------------------------------------------------------------


def test_the_plan_is_read_before_that_very_plan_is_applied() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    assert jobs["plan"]["needs"] == "check"
    lines = [line.strip() for step in jobs["plan"]["steps"] for line in step.get("run", "").splitlines()]
    order = [
        next(i for i, line in enumerate(lines) if what in line)
        for what in ("run plan ", "plan-check", " apply ", "preflight")
    ]
    assert order == sorted(order)
    assert lines[order[2]].endswith('"$RUNNER_TEMP/tfplan"')
    assert all("${{" not in line for line in lines), "a script gets its inputs as variables"


@pytest.mark.parametrize(
    ("variables", "printed", "code"),
    [
        ('{"A": "x y", "B": {"auth": "p"}}', {"TF_VAR_A": "x y", "TF_VAR_B": '{"auth": "p"}'}, 0),
        ("", {}, 0),
        ('["hunter2"]', {}, 1),
        ('{"A": "hunter2"', {}, 1),
    ],
)
def test_variables_reach_the_program_only(variables: str, printed: dict[str, str], code: int) -> None:
    show = (
        "import json, os; print(json.dumps({k: v for k, v in os.environ.items() if k.startswith(('TF_VAR', 'VARIABLES'))}))"
    )
    done = subprocess.run(
        [sys.executable, PROJECT / "pipelines/with_variables.py", "--prefix", "TF_VAR_", sys.executable, "-c", show],
        env={"PATH": os.environ["PATH"], "VARIABLES": variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == code
    assert (json.loads(done.stdout) if code == 0 else {}) == printed
    assert "hunter2" not in done.stderr


# --- GitLab -----------------------------------------------------------------------------------------------------------


def gitlab(**inputs: str) -> dict[str, Any]:
    """The job with its inputs filled in, as GitLab does it: text for text, in the second document."""
    head, body = GITLAB.read_text(encoding="utf-8").split("\n---\n")
    declared = yaml.safe_load(head)["spec"]["inputs"]
    assert inputs.keys() <= declared.keys()
    given = {name: inputs[name] if name in inputs else entry["default"] for name, entry in declared.items()}
    pattern = declared["commit"]["regex"].strip("/")
    assert re.fullmatch(pattern, given["commit"])
    job: dict[str, Any] = yaml.safe_load(re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: given[match[1]], body))[
        "greenroom"
    ]
    return job


def test_the_job_for_gitlab_is_the_gate(tmp_path: Path) -> None:
    source, portal = tmp_path / "source", tmp_path / "portal"
    (source / "pipelines").mkdir(parents=True)
    # Installing for real is the test of the Action; here is what it leaves.
    (source / "greenroom").write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(PROJECT)!r})\nfrom generator.cli import main\nmain()\n"
    )
    (source / "greenroom").chmod(0o755)
    (source / "pipelines/install.sh").write_text('mkdir -p "$1/bin"\ncp "${0%/*}/../greenroom" "$1/bin/"\n')
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=source, check=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=source, check=True, capture_output=True, text=True
    ).stdout.strip()
    portal.mkdir()
    config = (
        "backend:\n  database:\n    client: pg\n    connection: {host: h, user: u, password: x}\n    plugin: {auth: {}}\n"
    )
    (portal / "app-config.yaml").write_text(config)
    job = gitlab(repository=f"file://{source}", commit=commit, options="--target sql")
    script = "\n".join([*job["before_script"], *job["script"]])
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **job["variables"]}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-eo", "pipefail", "-c", script], cwd=portal, env=environment, capture_output=True, text=True
        )

    refused = run()
    assert refused.returncode == 3, refused.stderr
    assert "configures the plugin 'auth'" in refused.stderr
    assert "1 plugin has no database yet" in (portal / job["artifacts"]["paths"][0]).read_text()
    (portal / "app-config.yaml").write_text(config.replace("pg", "oracle"))
    assert run().returncode == 1


# --- the image --------------------------------------------------------------------------------------------------------


def test_the_image_runs_as_nobody_and_copies_what_it_installs() -> None:
    text = (PROJECT / "Containerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 65532:65532$", last, re.MULTILINE)
    assert "pip install" not in text
    assert "-m compileall" in text, "install.sh leaves the bytecode to the first run, and this user may write none"
    install = (PROJECT / "pipelines/install.sh").read_text(encoding="utf-8")
    (needed,) = re.findall(r"for name in (.*); do", install)
    ignored = (PROJECT / ".containerignore").read_text(encoding="utf-8").splitlines()
    for name in [*needed.split(), "pipelines"]:
        assert f"!{name}" in ignored
    for name in needed.split():
        assert re.search(rf"^COPY .*\b{re.escape(name)}\b", text, re.MULTILINE), name
