"""Plans that the real Terraform made of each situation in which data was lost: what plan-check says, word for word; and that
the policies, run by the real OPA and jq, say the same. `tools/record_plans.py` records the plans anew."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from record_plans import PLANS

from generator.cli.app import run
from generator.plan_check.verdict import judge_plan

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT / "tests" / "unit" / "plan_check"), str(PROJECT / "tests" / "unit" / "targets")]

from policies import Policies, find_jq, find_opa  # noqa: E402

EXPECTED = PLANS.with_name("expected")
UPDATE = "When the new output is right, write it down: `GREENROOM_UPDATE=1 pytest tests/golden/test_plan_check.py`"
#: Those whose annotations for GitHub are kept too.
ANNOTATED = ("retired", "revert-with-guard", "targeted")
NAMES = sorted(path.stem for path in PLANS.glob("*.json"))


def said(*arguments: str) -> str:
    """The exit code and what is printed, from the folder with the plans."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(PLANS), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(["plan-check", *arguments])
    return f"exit {code}\n--- stdout\n{out.getvalue()}--- stderr\n{err.getvalue()}"


@pytest.mark.parametrize("name", NAMES)
def test_what_is_said(name: str) -> None:
    forms = ("text", "json", "github") if name in ANNOTATED else ("text", "json")
    found = "\n".join(said(f"{name}.json", "--format", form) for form in forms)
    expected = EXPECTED / f"{name}.txt"
    if os.environ.get("GREENROOM_UPDATE"):
        expected.write_text(found, encoding="utf-8")
    assert found == (expected.read_text(encoding="utf-8") if expected.is_file() else "(nothing yet)"), UPDATE


def test_every_expected_text_has_its_plan() -> None:
    assert {path.stem for path in EXPECTED.glob("*.txt")} == set(NAMES)


def test_what_is_printed_as_json_has_a_schema() -> None:
    from jsonschema import Draft202012Validator

    schema = json.loads((PROJECT / "schemas" / "plan-check.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    for name in NAMES:
        _, _, text = said(f"{name}.json", "--format", "json").partition("--- stdout\n")
        Draft202012Validator(schema).validate(json.loads(text.partition("--- stderr\n")[0]))


def test_every_loss_can_be_accepted() -> None:
    for name in NAMES:
        document = json.loads((PLANS / f"{name}.json").read_text(encoding="utf-8"))
        report = judge_plan(document, name)
        lost = [finding.address for finding in report.findings]
        accepted = judge_plan(document, name, lost)
        assert accepted.verdict == ("unknown" if report.diagnostics.has_errors else "fine"), name


# --- the policies -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Policies:
    return Policies(tmp_path_factory.mktemp("policy"))


def test_opa_agrees(policies: Policies) -> None:
    opa = find_opa()
    documents = {name: json.loads((PLANS / f"{name}.json").read_text(encoding="utf-8")) for name in NAMES}
    denied = policies.opa(opa, list(documents.values()))
    for (name, document), found in zip(documents.items(), denied, strict=True):
        report = judge_plan(document, name)
        assert (report.verdict == "fine") == (not found), name
        lost = {text.removesuffix(" would be deleted or replaced") for text in found if "would be" in text}
        assert lost == {finding.address for finding in report.findings}, name


def test_opa_finds_nothing_to_format_or_to_warn_of(policies: Policies) -> None:
    opa = find_opa()
    for arguments in (["fmt", "--list", "--fail"], ["check", "--strict"]):
        done = subprocess.run([opa, *arguments, policies.rego], capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_the_readme(policies: Policies, name: str) -> None:
    """As a pipeline runs them: their exit codes."""
    plan = PLANS / f"{name}.json"
    verdict = judge_plan(json.loads(plan.read_text(encoding="utf-8")), name).verdict
    done = subprocess.run([find_jq(), "-rf", policies.jq, plan], capture_output=True, text=True)
    assert done.returncode == {"fine": 0, "unknown": 1, "refused": 3}[verdict], done.stderr
    opa = find_opa()
    command = [
        "eval",
        "--fail-defined",
        "--format",
        "pretty",
        "--data",
        policies.rego,
        "--input",
        plan,
        "data.greenroom.deny[_]",
    ]
    done = subprocess.run([opa, *command], capture_output=True, text=True)
    assert done.returncode == (0 if verdict == "fine" else 1), done.stderr


def test_the_policies_are_generated(policies: Policies) -> None:
    assert shutil.which("sh")
    generated = PROJECT / "examples" / "quickstart" / "expected" / "terraform" / "databases" / "policy"
    if not generated.is_dir():
        pytest.skip("the expected files of the examples have no policy yet: make goldens")
    assert (generated / "plan.rego").read_text() == policies.rego.read_text()
