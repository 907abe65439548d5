"""What a release has, and who may publish it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import generator

PROJECT = Path(__file__).resolve().parents[3]
WORKFLOW = PROJECT / ".github/workflows/release.yml"


def jobs() -> dict[str, Any]:
    workflow: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {}
    found: dict[str, Any] = workflow["jobs"]
    return found


def test_only_the_job_that_publishes_can_say_who_it_is() -> None:
    """It runs nothing of the repository, in an environment of its own."""
    rights = {name: job["permissions"] for name, job in jobs().items()}
    assert [name for name, given in rights.items() if "id-token" in given] == ["publish"]
    assert [name for name, given in rights.items() if given.get("contents") == "write"] == ["release"]
    publish = jobs()["publish"]
    assert publish["environment"] == "pypi"
    assert not [step for step in publish["steps"] if "run" in step or "checkout" in step["uses"]]
    assert "password" not in WORKFLOW.read_text(encoding="utf-8").replace("no password", "")
    assert all("${{" not in step.get("run", "") for job in jobs().values() for step in job["steps"])


def test_what_was_built_is_what_is_attested_and_published() -> None:
    steps = jobs()["publish"]["steps"]
    where = [step["with"].get("subject-path", step["with"].get("packages-dir", "")).removesuffix("/*") for step in steps]
    assert where[1:] == ["dist/packages"] * 3
    assert steps[-1]["uses"].startswith("pypa/gh-action-pypi-publish@")
    assert [jobs()[name]["needs"] for name in ("publish", "release")] == ["build", "publish"]


@pytest.mark.parametrize(
    ("tag", "heading", "code"),
    [
        ("v{}", "## {} - 2026-12-01", 0),
        ("v{}", "## [{}] - 2026-12-01", 0),
        ("v{}0", "## {}", 1),
        ("v{}", "## Unreleased", 1),
    ],
)
def test_a_tag_has_to_be_the_version_and_in_the_changelog(tmp_path: Path, tag: str, heading: str, code: int) -> None:
    (step,) = [step for step in jobs()["build"]["steps"] if step.get("name") == "The tag is the version"]
    (tmp_path / "generator").mkdir()
    shutil.copy(PROJECT / "generator/__init__.py", tmp_path / "generator")
    version = generator.__version__
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{heading.format(version)}\n")
    environment = {"PATH": os.environ["PATH"], "TAG": tag.format(version)}
    done = subprocess.run(["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert bool(done.stderr) == bool(code)


def test_the_project_says_where_it_lives_and_who_made_it() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    from generator.problems.pages import SITE

    assert project["authors"]
    assert {name: url.startswith(SITE) for name, url in project["urls"].items()} == dict.fromkeys(project["urls"], True)
    assert f"site_url: {SITE}" in (PROJECT / "mkdocs.yml").read_text(encoding="utf-8")
    for file in (PROJECT / "schemas").glob("*.json"):
        if identifier := json.loads(file.read_text(encoding="utf-8")).get("$id"):
            assert identifier == f"{SITE}schemas/{file.name}"


@pytest.mark.slow
def test_what_a_release_has(tmp_path: Path) -> None:
    """The script of the workflow, whole: built from the commit, with a bill of materials of what a user gets."""
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True).returncode:
        pytest.skip("this is no checkout: the script builds a commit")
    script = [PROJECT / "pipelines/release.sh", tmp_path / "dist"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=1200)
    if done.returncode and re.search(r"No matching distribution|Connection|timed out|Temporary failure", done.stderr):
        pytest.skip(f"the packages that build it cannot be had: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    sums = dict(reversed(line.split()) for line in (tmp_path / "dist/SHA256SUMS").read_text().splitlines())
    version = generator.__version__
    packages = {f"packages/greenroom-{version}-py3-none-any.whl", f"packages/greenroom-{version}.tar.gz"}
    assert sums.keys() == packages | {"greenroom.cdx.json"}
    for name, digest in sums.items():
        assert hashlib.sha256((tmp_path / "dist" / name).read_bytes()).hexdigest() == digest
    bill = json.loads((tmp_path / "dist/greenroom.cdx.json").read_text())
    root = bill["metadata"]["component"]
    assert (bill["bomFormat"], root["name"], root["version"]) == ("CycloneDX", "greenroom", version)
    names = {item["name"].lower() for item in bill["components"]}
    needed = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert {re.split(r"[^\w.-]", requirement)[0] for requirement in needed} <= names
    assert names.isdisjoint({"greenroom", "pip", "hatchling", "build"}), "what builds it is not in it"
    assert str(tmp_path) not in json.dumps(bill)
