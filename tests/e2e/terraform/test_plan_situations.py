"""Plan-check on plans that the real Terraform makes with the real provider, of every situation in which data was lost."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import plan_situations
import pytest
from mariadb import mariadb_server
from mysql_workspace import MysqlWorkspace
from plan_situations import VERDICTS
from portal import Portal
from record_plans import PLANS, stripped, text
from terraform_workspace import ADMIN_PASSWORD

from generator.plan_check.verdict import judge_plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from generator.demo.embedded import EmbeddedServer

_EXIT_CODES = {"fine": 0, "unknown": 1, "refused": 3}


@pytest.fixture
def portal(mirror: Path, server: EmbeddedServer, program: str, tmp_path: Path) -> Iterator[Portal]:
    made = Portal(tmp_path, mirror, server, program, Path())
    yield made
    made.terraform.clean()


def check(situations: Iterable[tuple[str, dict[str, Any]]], *, version: str = "15") -> None:
    """Each plan has the verdict it ought to have, whole and as it is recorded; and no password is in any."""
    for name, document in situations:
        whole = json.dumps(document)
        assert ADMIN_PASSWORD not in whole, name
        assert "first-of-" not in whole, name
        code, lost = VERDICTS[name]
        for report in (judge_plan(document, name), judge_plan(stripped(document), name)):
            assert (_EXIT_CODES[report.verdict], {finding.address for finding in report.findings}) == (code, lost), (
                name,
                report.to_json(),
            )
        if os.environ.get("GREENROOM_RECORD_PLANS") and version == "15":
            PLANS.mkdir(parents=True, exist_ok=True)
            (PLANS / f"{name}.json").write_text(text(stripped(document)), encoding="utf-8")


@pytest.mark.parametrize("situations", ["life", "own_resources", "schemas", "one_role"])
def test_situations(portal: Portal, situations: str, request: pytest.FixtureRequest) -> None:
    version = str(request.node.callspec.params["server"])
    check(getattr(plan_situations, situations)(portal), version=version)


def test_secrets(portal: Portal, mirror: Path, request: pytest.FixtureRequest) -> None:
    if not (mirror / "registry.terraform.io" / "hashicorp" / "kubernetes").is_dir():
        pytest.skip(f"the provider hashicorp/kubernetes is not in {mirror.name}")
    check(plan_situations.secrets(portal), version=str(request.node.callspec.params["server"]))


def test_mysql(mirror: Path, program: str, tmp_path: Path) -> None:
    if not (mirror / "registry.terraform.io" / "petoju" / "mysql").is_dir():
        pytest.skip(f"the provider petoju/mysql is not in {mirror.name}: see the fixture `mirror`")
    with mariadb_server({}) as server:
        work = MysqlWorkspace(tmp_path, mirror, {"primary": server}, program=program)
        check(plan_situations.mysql(work))
