"""checkov has nothing against what is generated, and every check that is left out says why."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from regenerate_goldens import EXAMPLES, PROJECT, cases

sys.path.insert(0, str(PROJECT / "tests" / "unit" / "targets"))
from terraform_plans import every_server

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def scan(linters: Path, folder: Path) -> list[str]:
    """What checkov finds in the Terraform below ``folder``."""
    done = subprocess.run(
        [
            linters / "checkov",
            "--directory",
            folder,
            "--framework",
            "terraform",
            "--output",
            "json",
            "--skip-download",
            "--quiet",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "LOG_LEVEL": "ERROR"},
    )
    found = json.loads(done.stdout)
    assert found["summary"]["passed"] > 0, found["summary"]
    return [
        f"{check['check_id']} {check['file_path']}:{check['file_line_range'][0]} {check['check_name']}"
        for check in found["results"]["failed_checks"]
    ]


def test_every_example_and_every_kind_of_server(linters: Path, tmp_path: Path) -> None:
    """In one go: it takes checkov longer to start than to look."""
    for case in cases():
        for number, folder in enumerate(sorted((EXAMPLES / case / "expected").glob("**/terraform"))):
            shutil.copytree(folder, tmp_path / f"{case}-{number}")
    for path, text in every_server().items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    assert scan(linters, tmp_path) == []


def test_what_is_left_out_says_why() -> None:
    templates = PROJECT / "templates" / "terraform"
    skips = [line for path in templates.rglob("*.j2") for line in re.findall(r"#checkov:skip=(.*)", path.read_text())]
    assert len(skips) >= 8
    for skip in skips:
        assert re.fullmatch(r"CKV2?_[A-Z0-9]+_\d+:[A-Za-z][^\n]{20,}\.|\{\{ skip \| comment \}\}", skip), skip
