"""What cfn-lint and checkov say about the templates of every shape and every example: nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from cloudformation_plans import files, in_stacks, shapes
from regenerate_goldens import EXAMPLES
from terraform_plans import Wanted, make_plan

from generator.targets.cloudformation.readback import load_template

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("linters")]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates of every shape, of a plan with two full stacks, and of the examples."""
    folder = tmp_path_factory.mktemp("templates")
    full = in_stacks(make_plan(*[Wanted(f"plugin-{number:04}") for number in range(320)]), 160)
    for name, (plan, options) in (shapes() | {"two full stacks": (full, {})}).items():
        place = folder / re.sub(r"[^A-Za-z0-9]+", "-", name)
        place.mkdir()
        for path, text in files(plan, **options).items():
            if path.endswith(".yaml"):
                (place / path).write_text(text)
    for example in EXAMPLES.glob("*/expected/cloudformation"):
        shutil.copytree(example, folder / f"example-{example.parent.parent.name}")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """No home folder, and so no configuration of the developer's."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}


def test_cfn_lint_finds_nothing(linters: Path, tree: Path) -> None:
    templates = sorted(str(path.relative_to(tree)) for path in tree.rglob("*.yaml"))
    assert len(templates) > 40
    done = subprocess.run(
        [linters / "cfn-lint", "--include-checks", "I", "--format", "parseable", "--template", *templates],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_checkov_finds_nothing(linters: Path, tree: Path) -> None:
    arguments = ["--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]
    done = subprocess.run(
        [linters / "checkov", *arguments, "--directory", tree],
        cwd=tree,
        env=environment(tree),
        capture_output=True,
        text=True,
        timeout=600,
    )
    report = json.loads(done.stdout)
    failed = [f"{item['check_id']} {item['file_path']} {item['resource']}" for item in report["results"]["failed_checks"]]
    assert failed == []
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 1000
    skipped = {(item["check_id"], item["resource"].split(".")[-1]) for item in report["results"]["skipped_checks"]}
    assert skipped == {
        ("CKV_AWS_115", "ProviderFunction"),
        ("CKV_AWS_115", "SqlFunction"),
        ("CKV_AWS_116", "ProviderFunction"),
        ("CKV_AWS_116", "SqlFunction"),
        ("CKV_AWS_117", "ProviderFunction"),
    }
    assert all(item["check_result"]["suppress_comment"] for item in report["results"]["skipped_checks"])


def test_every_exception_has_its_reason(tree: Path) -> None:
    for path in tree.rglob("*.yaml"):
        text = path.read_text()
        for line in re.findall(r"- (W\d+.*)", text):
            assert re.fullmatch(r"W3002 # \S.*", line), path
        for resource in load_template(text)["Resources"].values():
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                assert len(skip["comment"]) > 20
