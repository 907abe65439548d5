"""The generated policies, and the programs that run them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from terraform_plans import Wanted, make_plan, render

PROJECT = Path(__file__).resolve().parents[3]


def find_opa() -> str:
    """The path of ``opa``; the test is skipped where it is not installed."""
    found = shutil.which("opa") or shutil.which("opa", path=str(PROJECT / ".cache" / "opa" / "bin"))
    if not found:
        pytest.skip("opa is not installed (tools/opa builds it, with go)")
    return found


def find_jq() -> str:
    """The path of ``jq``; the test is skipped where it is not installed."""
    found = shutil.which("jq")
    if not found:
        pytest.skip("jq is not installed")
    return found


class Policies:
    """The two policies, as they are generated, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        texts = {artifact.path: artifact.text for artifact in render(make_plan(Wanted("catalog")))}
        self.rego, self.jq = folder / "plan.rego", folder / "plan.jq"
        self.rego.write_text(texts["databases/policy/plan.rego"])
        self.jq.write_text(texts["databases/policy/plan.jq"])
        self.folder = folder

    def opa(self, opa: str, documents: list[dict[str, Any]]) -> list[set[str]]:
        """What is denied of each of ``documents``; all in one run."""
        data = self.folder / "plans.json"
        data.write_text(json.dumps({"plans": documents}))
        query = "[denied | some plan in data.plans; denied := data.greenroom.deny with input as plan]"
        done = subprocess.run(
            [opa, "eval", "--format", "json", "--data", self.rego, "--data", data, query],
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        (result,) = json.loads(done.stdout)["result"]
        return [set(found) for found in result["expressions"][0]["value"]]

    def run_jq(self, jq: str, document: dict[str, Any]) -> tuple[int, set[str]]:
        """The exit code, and the addresses that would be deleted or replaced."""
        done = subprocess.run([jq, "-rf", self.jq], input=json.dumps(document), capture_output=True, text=True, timeout=60)
        suffix = " would be deleted or replaced"
        lines = done.stderr.splitlines()
        return done.returncode, {line.removesuffix(suffix) for line in lines if line.endswith(suffix)}
